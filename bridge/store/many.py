from collections.abc import Sequence
from typing import Any

from bridge.store.database import Connection


async def many(connection: Connection, query: str, values: Sequence[Any]) -> None:
    """Run one statement for each of the values in one round trip; nothing where there are none."""
    if values:
        async with connection.cursor() as cursor:
            await cursor.executemany(query.encode(), values)
