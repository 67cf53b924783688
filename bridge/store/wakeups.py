"""NOTIFY between processes: one that only ingests wakes one that works lanes. A lost wake-up costs a second."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from psycopg import AsyncConnection, OperationalError

from bridge.store.database import Connection, Pool, session

log = structlog.get_logger(__name__)

_CHANNEL = "qbo_bridge_lane"
_AWAY_SECONDS = 2.0


async def notify(pool: Pool, realm_ids: Sequence[str]) -> None:
    """Tell every listening process that these companies have something to do."""
    if not realm_ids:
        return
    async with session(pool) as connection:
        await notify_within(connection, realm_ids)


async def notify_within(connection: Connection, realm_ids: Sequence[str]) -> None:
    """Tell them once the caller's transaction is committed, and only then."""
    await connection.execute(
        "SELECT pg_notify(%s, realm) FROM unnest(%s::text[]) AS realm", [_CHANNEL, list(realm_ids)]
    )


async def listen(url: str, woken: Callable[[tuple[str, ...]], None]) -> None:
    """Call `woken` for each company named by another process, until cancelled; reconnects by itself."""
    while True:
        try:
            async with await AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute(f"LISTEN {_CHANNEL}")
                async for notification in connection.notifies():
                    woken((notification.payload,))
        except OperationalError as error:
            log.warning("wakeups_wait_for_postgresql", error=str(error))
            await asyncio.sleep(_AWAY_SECONDS)
