"""Which outbox shards this process relays: one PostgreSQL advisory lock each, held by a session of its own."""

from collections.abc import Sequence

from psycopg import AsyncConnection, OperationalError

from bridge.store.database import Away
from bridge.store.outbox import SHARDS

#: First key of the two-key advisory locks; the second is the shard.
_LOCK_CLASS = 730_251
#: PostgreSQL ends a session that was silent for so long: its process is paused or cut off, and others relay.
_SILENT = "20s"


class ShardLocks:
    """Satisfies `producers.ports.Shards`. If the session ends, PostgreSQL frees the locks for others.

    Whoever means to keep its shards must call `mine` every few seconds.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: AsyncConnection | None = None
        self._mine: set[int] = set()

    async def mine(self) -> Sequence[int]:
        try:
            return await self._lock_what_is_free()
        except OperationalError as error:
            raise Away(str(error)) from error

    async def _lock_what_is_free(self) -> Sequence[int]:
        if self._session is None or self._session.closed:
            self._mine = set()
            self._session = await AsyncConnection.connect(
                self._url, autocommit=True, application_name="qbo-bridge relay"
            )
            await self._session.execute(f"SET idle_session_timeout = '{_SILENT}'")
        for shard in range(SHARDS):
            if shard not in self._mine and await self._try(self._session, shard):
                self._mine.add(shard)
        if len(self._mine) == SHARDS:
            await self._session.execute("SELECT 1")  # the locks are only ours while the session lives, and speaks
        return sorted(self._mine)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _try(self, session: AsyncConnection, shard: int) -> bool:
        cursor = await session.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, shard])
        row = await cursor.fetchone()
        return bool(row and row[0])
