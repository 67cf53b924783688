"""The pool every store shares, and how PostgreSQL's values become ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import simplejson
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import ProgramLimitExceeded, ReadOnlySqlTransaction
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from consumers.ports import StoreAway
from producers.ports import OutboxAway

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]


class Away(StoreAway, OutboxAway):
    """PostgreSQL is away, going away or full: wait and try again, nothing is wrong with the work."""


dumps = partial(simplejson.dumps, use_decimal=True, separators=(",", ":"))
loads = partial(simplejson.loads, use_decimal=True)


@asynccontextmanager
async def session(pool: Pool) -> AsyncIterator[Connection]:
    """Yield a connection of the pool. Raises Away where waiting helps, psycopg's errors where it does not."""
    try:
        async with pool.connection() as connection:
            yield connection
    except ProgramLimitExceeded:
        raise  # psycopg files it under OperationalError, but a value too large for an index stays so.
    except (OperationalError, PoolTimeout, ReadOnlySqlTransaction) as error:
        # Read-only: a server that another has just taken over from, or a standby that is not promoted yet.
        raise Away(str(error)) from error


async def _configure(connection: Connection) -> None:
    # jsonb holds money: the standard reader would turn it into binary floats.
    set_json_loads(loads, connection)
    set_json_dumps(dumps, connection)


@asynccontextmanager
async def open_pool(url: str, *, size: int = 8, name: str = "qbo-bridge") -> AsyncIterator[Pool]:
    """Yield an open pool; it reconnects by itself when PostgreSQL was away."""
    kwargs: dict[str, Any] = {"row_factory": dict_row, "autocommit": True, "application_name": name}
    pool: Pool = AsyncConnectionPool(
        url,
        kwargs=kwargs,
        min_size=1,
        max_size=size,
        open=False,
        configure=_configure,
        timeout=10,
        reconnect_timeout=10,
    )
    async with pool:
        yield pool
