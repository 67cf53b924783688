"""A lane in this process's hands. Satisfies `consumers.ports.Lane` and `consumers.turn.Rows`."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from bridge.store.books import BookStore
from bridge.store.group import GroupCommit
from bridge.store.inbox import InboxStore
from bridge.store.lanes import Lease
from consumers.effects import Effects
from consumers.intents import Intent
from consumers.ports import LaneLost
from consumers.records import Row
from mapping.company import Company
from qbo_client.client import QBOClient
from qbo_client.clock import Clock
from qbo_client.turns import Share


class HeldLane:
    """One company's turn under one lease.

    The lease's end is kept by this process's own monotonic clock, counted from before the claim was sent:
    a process that slept past it finds out without asking anybody.
    """

    def __init__(
        self,
        *,
        lease: Lease,
        ends_at: float,
        sync_from: datetime,
        clock: Clock,
        inbox: InboxStore,
        books: BookStore,
        intents: GroupCommit[tuple[Lease, Intent], None],
        effects: GroupCommit[tuple[Lease, Effects], None],
        may_send: Callable[[], None],
    ) -> None:
        self.lease = lease
        self.ends_at = ends_at
        self.sync_from = sync_from
        self.books = books
        self._clock = clock
        self._inbox = inbox
        self._intents = intents
        self._effects = effects
        self._may_send = may_send
        self._client: QBOClient | None = None
        self._company: Company | None = None
        #: Preflight has run for this company.
        self.prepared = False
        self._wrote_at = -math.inf

    @property
    def realm_id(self) -> str:
        return self.lease.realm_id

    @property
    def tenant_id(self) -> str:
        return self.lease.tenant_id

    @property
    def client(self) -> QBOClient:
        assert self._client is not None, "the lane is equipped before it is worked"
        return self._client

    @property
    def company(self) -> Company:
        assert self._company is not None, "preflight runs before anything is booked"
        return self._company

    @property
    def known(self) -> bool:
        """Whether preflight learned what the company is, now or at some time before."""
        return self._company is not None

    def equip(self, client: QBOClient, company: Company | None) -> None:
        self._client, self._company = client, company or self._company

    @property
    def watching_client(self) -> QBOClient:
        """A client that only reads: in a queue of its own, and also while an operator has stopped all writes."""
        return self.client.sharing(Share.POLL, before_send=self.lasts)

    def outlasts(self, seconds: float) -> None:
        """Raise as `lasts` does, and WritesStopped when an operator stopped all writes: records' reads wait, too."""
        self._may_send()
        self.lasts(seconds)

    def lasts(self, seconds: float) -> None:
        """Raise LaneLost unless the lease goes on for at least so long: called before every send."""
        if self._clock.monotonic() + seconds > self.ends_at:
            raise LaneLost(f"the lease on {self.realm_id} ends before the request could")

    def quiet_for(self, seconds: float) -> bool:
        """Whether the bridge itself has not written to this company for so long."""
        return self._clock.monotonic() - self._wrote_at >= seconds

    async def store_intent(self, intent: Intent) -> None:
        self._wrote_at = self._clock.monotonic()
        await self._intents.submit((self.lease, intent))

    async def commit(self, effects: Effects) -> None:
        if effects.answer is not None:
            self._wrote_at = self._clock.monotonic()
        await self._effects.submit((self.lease, effects))

    async def take(self, *, in_hand: Sequence[int], limit: int) -> list[Row]:
        return await self._inbox.take(self.lease, in_hand=in_hand, limit=limit)

    async def put_back(self, rows: Sequence[Row]) -> None:
        if rows:
            await self._inbox.put_back(rows)

    async def mark_alone(self, row: Row) -> None:
        await self._inbox.mark_alone(row)

    async def next_due(self) -> float | None:
        return await self._inbox.next_due(self.tenant_id)

    async def open_intents(self) -> list[Intent]:
        return await self.books.open_intents()
