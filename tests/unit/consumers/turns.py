"""A turn over a company in memory, on an event loop whose time passes only when everybody waits."""

import asyncio
import random

from consumers.apply import Applier
from consumers.failures import RetryPolicy
from consumers.keys import Event, KeyRing
from consumers.records import Row
from consumers.turn import Turn, TurnPolicy
from consumers.writing import Writer
from schemas.codec import Codec
from tests.unit.consumers.build import contact_event, row_of
from tests.unit.consumers.memory import MemoryLane
from tests.unit.qbo_client.virtual_time import START, VirtualClock, run

__all__ = ["START", "contact_row", "lane_with", "run", "turn_of", "worked"]

_CODEC = Codec()


def lane_with(*rows: Row) -> MemoryLane:
    lane = MemoryLane(clock=VirtualClock())
    lane.add(*rows)
    return lane


def contact_row(number: int, contact: str, *, merged_from: str | None = None, **changes: int | bool) -> Row:
    """Row `number`, `number` minutes newer than the first; its phone tells which one it is."""
    event = contact_event(contact, number, phone=f"+1214559{number:04}", merged_from_contact_id=merged_from)
    return row_of(event, number, **changes)


def turn_of(
    lane: MemoryLane,
    *,
    alone: asyncio.Lock | None = None,
    at_once: int = 10,
    drain_seconds: float = 20.0,
    linger_seconds: float = 1.0,
) -> Turn:
    policy, rng, ring = RetryPolicy(first_seconds=2.0), random.Random(1), KeyRing()
    writer = Writer(lane=lane, clock=lane.clock, policy=policy, rng=rng)

    def read(row: Row) -> Event:
        event = _CODEC.decode(row.topic, row.payload)
        assert isinstance(event, Event)
        return event

    return Turn(
        rows=lane,
        applier=Applier(lane=lane, writer=writer, ring=ring, clock=lane.clock, policy=policy, rng=rng, codec=_CODEC),
        writer=writer,
        ring=ring,
        clock=lane.clock,
        policy=TurnPolicy(at_once=at_once, linger_seconds=linger_seconds, drain_seconds=drain_seconds),
        read=read,
        alone=alone or asyncio.Lock(),
        done=lambda row, outcome: lane.story.append(f"done {row.id} {type(outcome).__name__.lower()}"),
    )


def worked(lane: MemoryLane, *, at_once: int = 10, linger_seconds: float = 1.0) -> list[str]:
    """Work the lane until it is idle or its turn ends, and return what happened."""

    async def work() -> None:
        await turn_of(lane, at_once=at_once, linger_seconds=linger_seconds).run()

    run(work())
    return lane.story
