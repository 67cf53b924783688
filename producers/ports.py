"""What the producers need of the process around them; `bridge` satisfies it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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


class OutboxAway(Exception):
    """PostgreSQL is away: wait and try again."""


class Outbox(Protocol):
    #: `held`: topic and key, joined by the unit separator, that are left out.
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
