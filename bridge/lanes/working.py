"""Working one lane from claim to hand-back: tokens, budget, preflight if it was never run, then its turn."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import aiohttp
import structlog

from bridge.lanes.keeper import LaneWorker
from bridge.lanes.lane import HeldLane
from bridge.lanes.watching import Watching
from bridge.metrics import Metrics
from bridge.store.books import BookStore
from bridge.store.connections import ConnectionStore
from bridge.store.database import Away, Pool
from bridge.store.group import GroupCommit
from bridge.store.inbox import InboxStore
from bridge.store.lanes import LaneStore, Lease
from bridge.store.reads import ReadMeter
from bridge.store.watch import CompanyWatchStore
from bridge.tokens import LaneTokens
from consumers.apply import Applier
from consumers.effects import Effects, Parked
from consumers.failures import RetryPolicy, judge
from consumers.intents import Intent
from consumers.keys import Event, KeyRing
from consumers.outcomes import Outcome, state_of
from consumers.ports import LaneLost
from consumers.preflight import preflight
from consumers.records import Row
from consumers.turn import Turn, TurnPolicy
from consumers.writing import Writer
from producers.history import begin, customers_were_read, read_customers
from producers.watched import CUSTOMER, WatchPolicy
from qbo_client.budget import Budget, Limits
from qbo_client.client import Exchange, QBOClient
from qbo_client.clock import Clock
from qbo_client.oauth import OAuthApp
from schemas.codec import Codec

log = structlog.get_logger(__name__)

#: A lane that could not be worked rests so long, whatever waits in it.
_REST_SECONDS = 5.0
_LONGEST_REST_SECONDS = 1800.0
_COUNT_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class LaneWorks:
    """What every lane of this process shares, and how one is worked."""

    pool: Pool
    http: aiohttp.ClientSession
    base_url: str
    app: OAuthApp
    codec: Codec
    clock: Clock
    rng: random.Random
    lanes: LaneStore
    inbox: InboxStore
    connections: ConnectionStore
    intents: GroupCommit[tuple[Lease, Intent], None]
    effects: GroupCommit[tuple[Lease, Effects], None]
    meter: ReadMeter
    metrics: Metrics
    watch_policy: WatchPolicy
    timeout_seconds: float
    retry: RetryPolicy
    turn: TurnPolicy
    limits: Limits = field(default_factory=Limits)
    may_send: Callable[[], None] = lambda: None
    on_outbox: Callable[[], None] = lambda: None
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    _preflights_failed: dict[str, int] = field(default_factory=dict)
    _reads: Counter[str] = field(default_factory=Counter)

    async def work(self, worker: LaneWorker) -> None:
        """Work a claimed lane until it is idle, stopped, lost or parked; then give it back."""
        budget = self.budget_of(worker.lease)
        rest = _REST_SECONDS
        try:
            lane = await self.open(worker, budget)
            if worker.stopping:
                rest = 0.0
            elif await self._ready(lane):
                rest = await self._turn(worker, lane)
            else:
                rest = self._rest_after_preflight(lane.realm_id)
        except Away as error:
            log.warning("lane_waits_for_postgresql", realm_id=worker.lease.realm_id, error=str(error))
        except LaneLost:
            log.warning("lane_lost", realm_id=worker.lease.realm_id, epoch=worker.lease.epoch)
        finally:
            await self._give_back(worker.lease, budget, rest)

    async def open(self, worker: LaneWorker, budget: Budget) -> HeldLane:
        """Return the lane with a client that speaks for its company."""
        lease = worker.lease
        connection = await self.connections.get(lease.tenant_id, lease.realm_id)
        lane = HeldLane(
            lease=lease,
            ends_at=worker.ends_at,
            sync_from=connection.sync_from,
            clock=self.clock,
            inbox=self.inbox,
            books=BookStore(self.pool, realm_id=lease.realm_id, tenant_id=lease.tenant_id),
            intents=self.intents,
            effects=self.effects,
            may_send=self.may_send,
        )
        lane.equip(self._client(lane, budget), connection.company)
        lane.prepared = connection.company is not None and not lease.preflight_asked

        def extend(ends_at: float) -> None:
            lane.ends_at = ends_at

        worker.extend = extend
        return lane

    async def prepare(self, lane: HeldLane) -> None:
        """Run preflight and keep what it learned, beside what the connection's settings say.

        Watching begins before: what changes while the company is read is news.
        """
        watched = CompanyWatchStore(self.pool, self.codec, lane.lease)
        state = await watched.look()
        fresh = state is None and not await watched.copied_ids(CUSTOMER)
        if state is None:
            await begin(watched, lane.watching_client, self.clock, self.watch_policy)
        await preflight(lane.client, lane.books)
        if fresh:
            await customers_were_read(watched)
        elif state is None or not state.customers_read:
            await read_customers(watched, lane.watching_client, self.watch_policy)
        connection = await self.connections.get(lane.tenant_id, lane.realm_id)
        lane.equip(lane.client, connection.company)
        await self.lanes.preflight_done(lane.lease)
        lane.prepared = True

    def _client(self, lane: HeldLane, budget: Budget) -> QBOClient:
        tokens = LaneTokens(
            store=self.connections,
            app=self.app,
            clock=self.clock,
            tenant_id=lane.tenant_id,
            realm_id=lane.realm_id,
        )
        return QBOClient(
            http=self.http,
            base_url=self.base_url,
            realm_id=lane.realm_id,
            tokens=tokens,
            budget=budget,
            clock=self.clock,
            before_send=lane.outlasts,
            observe=partial(self._observe, lane.realm_id),
            timeout=self.timeout_seconds,
        )

    async def _ready(self, lane: HeldLane) -> bool:
        if lane.prepared:
            return True
        try:
            await self.prepare(lane)
        except (Away, LaneLost):
            raise
        except Exception as error:
            verdict = judge(error, now=self.clock.now(), attempts=0, tries=9, policy=self.retry, rng=self.rng)
            log.exception("preflight_failed", realm_id=lane.realm_id)
            if isinstance(verdict, Parked):
                await lane.commit(Effects(parked=verdict))
                return False
            await self.connections.note(lane.tenant_id, lane.realm_id, "preflight_failed", str(error))
            if not lane.known:
                return False
            # It was asked for and failed: what was known before still serves.
            await self.lanes.preflight_done(lane.lease)
        self._preflights_failed.pop(lane.realm_id, None)
        return True

    def _rest_after_preflight(self, realm_id: str) -> float:
        """Return a rest that doubles: each try costs metered reads."""
        failed = self._preflights_failed[realm_id] = self._preflights_failed.get(realm_id, 0) + 1
        return float(min(_REST_SECONDS * 2**failed, _LONGEST_REST_SECONDS))

    async def _turn(self, worker: LaneWorker, lane: HeldLane) -> float:
        writer = Writer(lane=lane, clock=self.clock, policy=self.retry, rng=self.rng)
        ring = KeyRing()
        applier = Applier(
            lane=lane, writer=writer, ring=ring, clock=self.clock, policy=self.retry, rng=self.rng,
            codec=self.codec,
        )  # fmt: skip
        watching = Watching(works=self, lane=lane, park=applier.park_for)
        turn = Turn(
            rows=lane, applier=applier, writer=writer, ring=ring, clock=self.clock, policy=self.turn,
            read=self._read, alone=self.alone, done=self._count, busy=watching.busy,
        )  # fmt: skip
        worker.nudge, worker.on_stop = watching.nudging(turn), turn.stop
        if worker.stopping:
            turn.stop()
        with structlog.contextvars.bound_contextvars(realm_id=lane.realm_id, tenant_id=lane.tenant_id):
            await watching.beside(turn)
        return watching.rest_seconds if turn.in_order and watching.in_order else _REST_SECONDS

    async def _give_back(self, lease: Lease, budget: Budget, rest_seconds: float) -> None:
        try:
            await self.lanes.release(lease, budget=budget.snapshot(), rest_seconds=rest_seconds)
        except Away as error:
            # The lease lapses by itself; the next owner starts with an empty budget.
            log.warning("lane_not_given_back", realm_id=lease.realm_id, error=str(error))

    async def count_reads(self) -> None:
        """Put into the meter what was read since this was called last; while PostgreSQL is away, it is kept."""
        reads, self._reads = self._reads, Counter()
        try:
            await self.meter.add(reads)
        except Away as error:
            self._reads.update(reads)
            log.warning("meter_waits_for_postgresql", error=str(error))

    async def count_reads_forever(self) -> None:
        """Keep the meter up to date until cancelled. A crash forgets what was read since it was last."""
        while True:
            await self.clock.sleep(_COUNT_SECONDS)
            await self.count_reads()

    def budget_of(self, lease: Lease) -> Budget:
        """Return what is left of the company's budget: all of it for a company nobody worked on of late."""
        if lease.budget is not None:
            return Budget.restore(lease.budget, self.limits, self.clock)
        return Budget.empty(self.limits, self.clock) if lease.lapsed else Budget(self.limits, self.clock)

    def _read(self, row: Row) -> Event:
        if row.payload is None:
            raise ValueError("the payload was removed after its time; replay the topic to bring it back")
        return self.codec.decode(row.topic, row.payload)  # type: ignore[return-value]  # the topic names the type

    def _count(self, row: Row, outcome: Outcome) -> None:
        self.on_outbox()
        state = state_of(outcome)
        self.metrics.decided.labels(row.topic, state).inc()
        if row.appended_at is not None and state == "done":
            self.metrics.delay.labels(row.topic).observe((self.clock.now() - row.appended_at).total_seconds())

    def _observe(self, realm_id: str, exchange: Exchange) -> None:
        if exchange.metered:
            self._reads[realm_id] += exchange.metered
        self.metrics.requests.labels(exchange.operation, exchange.outcome).observe(exchange.seconds)
        self.metrics.metered.inc(exchange.metered)
        if exchange.status == 429:  # noqa: PLR2004 - HTTP's own number
            self.metrics.throttled.inc()
