"""The bridge's own turn at a watched company: what the CRM published is worked on until nothing is due."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime

from bridge.lanes.lane import HeldLane
from bridge.store.books import BookStore
from consumers.apply import Applier
from consumers.failures import RetryPolicy
from consumers.keys import KeyRing
from consumers.turn import Turn, TurnPolicy
from consumers.writing import Writer
from qbo_client.clock import SystemClock
from tests.integration.store.effects import Groups
from tests.integration.watch.company import CODEC, WatchedCompany

_OLD = datetime(2020, 1, 1, tzinfo=UTC)


async def held_lane(
    company: WatchedCompany, groups: Groups, *, may_send: Callable[[], None] = lambda: None
) -> HeldLane:
    """Hold the company's lane for an hour."""
    clock, lease, books = SystemClock(), company.lease, company.books
    lane = HeldLane(
        lease=lease, ends_at=clock.monotonic() + 3600, sync_from=_OLD, clock=clock, inbox=books.inbox,
        books=BookStore(company.pool, realm_id=lease.realm_id, tenant_id=lease.tenant_id),
        intents=groups.intents, effects=groups.effects, may_send=may_send,
    )  # fmt: skip
    connection = await books.connections.get(lease.tenant_id, lease.realm_id)
    lane.equip(company.client, connection.company)
    return lane


async def take_turn(company: WatchedCompany, groups: Groups, *, linger_seconds: float = 0.1) -> None:
    """Work on every row that is due."""
    lane = await held_lane(company, groups)
    clock, rng, ring, policy = SystemClock(), random.Random(3), KeyRing(), RetryPolicy(first_seconds=0.2)
    writer = Writer(lane=lane, clock=clock, policy=policy, rng=rng)
    turn = Turn(
        rows=lane, writer=writer, ring=ring, clock=clock, alone=asyncio.Lock(),
        applier=Applier(lane=lane, writer=writer, ring=ring, clock=clock, policy=policy, rng=rng, codec=CODEC),
        policy=TurnPolicy(linger_seconds=linger_seconds), done=lambda *_: None,
        read=lambda row: CODEC.decode(row.topic, row.payload or b""),  # type: ignore[arg-type,return-value]
    )  # fmt: skip
    await turn.run()
