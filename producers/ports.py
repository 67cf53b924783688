"""What the producers need of the process around them; `bridge` satisfies it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from producers.memory import Ask, Decide, Row
from producers.watched import Hint, Step, Watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """An outbox row that is still to be sent."""

    id: int
    topic: str
    key: str
    event_id: str
    payload: bytes | None
    headers: Mapping[str, str]
    framed: bool
    created_at: datetime

    @property
    def order_key(self) -> str:
        """Within which rows stay in order: topic and key, joined by the unit separator."""
        return f"{self.topic}\x1f{self.key}"


class OutboxAway(Exception):
    """PostgreSQL is away: wait and try again."""


class Outbox(Protocol):
    #: `held`: every `order_key` that is left out.
    async def unsent(self, shards: Sequence[int], *, held: Sequence[str], limit: int) -> list[Unsent]: ...

    async def mark_sent(self, ids: Sequence[int]) -> None: ...


class Shards(Protocol):
    async def mine(self) -> Sequence[int]:
        """Return the shards this process may relay now; it may differ from call to call.

        Shards of a process that does not ask for a while go to another.
        """
        ...


class Wire(Protocol):
    def wire(self, topic: str, single_object: bytes) -> bytes: ...


class WatchStore(Protocol):
    """What is remembered of one company that is watched. What it commits is fenced by the lane's epoch."""

    async def look(self) -> Watched | None:
        """Return how far watching has come and what is due; None for a company that was never watched."""
        ...

    async def begin(self, began_at: datetime, *, since: datetime) -> None:
        """Begin to watch: what QuickBooks holds at this moment, by its own clock, is history."""
        ...

    async def hints(self) -> list[Hint]:
        """Return what webhooks told of and is to be looked for now; echoes of our own writes are dropped."""
        ...

    async def untold_customers(self, limit: int) -> list[Row]:
        """Return some of the copied customers that the CRM was never told of, by id."""
        ...

    async def known_customer_ids(self) -> frozenset[str]:
        """Return every customer that the CRM knows and that is not gone."""
        ...

    async def still_known(self, customer_ids: Sequence[str]) -> frozenset[str]:
        """Return those of the customers that the CRM knows and was not told are gone."""
        ...

    async def copied_ids(self, kind: str) -> list[str]: ...

    async def missing(self, kind: str, ids: Sequence[str]) -> list[str]:
        """Return those of the ids of which there is no local copy."""
        ...

    async def not_yet_paid(self, invoice_ids: Sequence[str]) -> frozenset[str]: ...

    async def moved_away(self, owners: Mapping[str, str]) -> dict[str, str]:
        """Given the customer of each invoice, return the earlier customers of those that moved, and where to."""
        ...

    async def documents_of(self, customer_id: str) -> list[tuple[str, str]]:
        """Return kind and id of a few documents that were this customer's when they were seen last."""
        ...

    async def take_in(self, ask: Ask, decide: Decide) -> None:
        """In one transaction: recall what `ask` names, have it decided on, and store what follows.

        `decide` is pure and fast. Copies, cursor, what is known and outbox rows are committed together.
        """
        ...

    async def failed(self, step: Step, why: str, *, again_in_seconds: float) -> None:
        """Note that a step failed, and when it is due again."""
        ...
