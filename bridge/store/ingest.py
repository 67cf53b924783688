"""The inbox as ingest sees it: a row that PostgreSQL cannot hold is refused by name."""

from collections.abc import Sequence

from psycopg import Error

from bridge.store.database import Pool
from bridge.store.inbox import InboxStore
from bridge.store.wakeups import notify
from consumers.ports import RowRefused
from consumers.records import Arrived, DeadLetter, Received


class IngestInbox:
    """Satisfies `consumers.ports.Inbox`."""

    def __init__(self, pool: Pool, *, tell_others: bool) -> None:
        self._store = InboxStore(pool)
        self._pool = pool
        self._tell_others = tell_others

    async def receive(self, events: Sequence[Arrived], dead: Sequence[DeadLetter], dead_topic: str) -> Received:
        try:
            received = await self._store.receive(events, dead, dead_topic)
            if self._tell_others:
                await notify(self._pool, received.due_realms)
        except Error as error:
            raise RowRefused(str(error)) from error
        return received

    async def depth(self, *, cap_per_tenant: int) -> int:
        return await self._store.depth(cap_per_tenant=cap_per_tenant)
