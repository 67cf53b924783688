"""Which lanes this process holds: claimed when due, renewed together, given back in order."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from bridge.metrics import Metrics
from bridge.store.database import Away
from bridge.store.lanes import LaneStore, Lease
from qbo_client.clock import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperPolicy:
    """How many lanes are held, and how often the database is asked."""

    lease_seconds: float
    most_lanes: int
    quantum_seconds: float
    sweep_seconds: float = 1.0
    claim_at_once: int = 200
    #: A lane that is not given back in this time lapses by itself.
    give_back_seconds: float = 45.0


class LaneWorker:
    """One lane being worked: the keeper tells it when to stop and that rows came."""

    def __init__(self, lease: Lease, ends_at: float, since: float) -> None:
        self.lease = lease
        self.ends_at = ends_at
        self.since = since
        self.stopping = False
        self.nudge: Callable[[], None] = lambda: None
        self.on_stop: Callable[[], None] = lambda: None
        self.extend: Callable[[float], None] = lambda _: None

    def stop(self) -> None:
        """Stop its work, also if that has not begun yet."""
        self.stopping = True
        self.on_stop()


@dataclass(slots=True, kw_only=True)
class LaneKeeper:
    store: LaneStore
    clock: Clock
    policy: KeeperPolicy
    metrics: Metrics
    #: Works one lane until it is idle or told to stop, and gives it back.
    work: Callable[[LaneWorker], Coroutine[Any, Any, None]]
    _workers: dict[str, LaneWorker] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _wanted: set[str] = field(default_factory=set)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False

    def want(self, realm_ids: tuple[str, ...]) -> None:
        """Say that rows came for these companies: lanes held go on at once, the others are claimed now."""
        for realm_id in realm_ids:
            if worker := self._workers.get(realm_id):
                worker.nudge()
            else:
                self._wanted.add(realm_id)
        if self._wanted:
            self._woken.set()

    async def run(self) -> None:
        """Claim and renew until stopped, then wait until every lane was given back."""
        renewing = asyncio.create_task(self._renew_forever())
        try:
            while not self._stopping:
                self._woken.clear()
                if renewing.done():
                    renewing.result()  # Without renewals every lane would lapse: stop with what ended them.
                await self._or_wait(self._claim)
                await self._pause()
            await self._give_all_back()
        finally:
            renewing.cancel()

    def stop(self) -> None:
        self._stopping = True
        self._woken.set()

    async def _claim(self) -> None:
        room = min(self.policy.claim_at_once, self.policy.most_lanes - len(self._workers))
        if room <= 0:
            await self._make_room()
            return
        wanted, self._wanted = sorted(self._wanted - set(self._workers)), set()
        ends_at = self.clock.monotonic() + self.policy.lease_seconds
        for lease in await self.store.claim(limit=room, wanted=wanted):
            self._start(lease, ends_at)

    def _start(self, lease: Lease, ends_at: float) -> None:
        worker = LaneWorker(lease, ends_at, self.clock.monotonic())
        self._workers[lease.realm_id] = worker
        self.metrics.lanes.set(len(self._workers))
        task = asyncio.create_task(self.work(worker), name=f"lane {lease.realm_id}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, worker))

    def _ended(self, task: asyncio.Task[None], worker: LaneWorker) -> None:
        self._tasks.discard(task)
        if self._workers.get(worker.lease.realm_id) is worker:
            del self._workers[worker.lease.realm_id]
        self.metrics.lanes.set(len(self._workers))
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("lane_failed", realm_id=worker.lease.realm_id, exc_info=error)
        self._woken.set()

    async def _make_room(self) -> None:
        """Others wait and this process is full: lanes that were held long enough go back."""
        if not await self.store.others_wait():
            return
        now = self.clock.monotonic()
        for worker in self._workers.values():
            if now - worker.since > self.policy.quantum_seconds:
                worker.stop()

    async def _renew_forever(self) -> None:
        while True:
            await self.clock.sleep(self.policy.lease_seconds / 5)
            await self._or_wait(self._renew)

    async def _renew(self) -> None:
        workers = list(self._workers.values())
        if not workers:
            return
        ends_at = self.clock.monotonic() + self.policy.lease_seconds
        held = await self.store.renew([worker.lease for worker in workers])
        for worker in workers:
            if worker.lease.realm_id in held:
                worker.extend(ends_at)
                if held[worker.lease.realm_id]:
                    # Handed back, and claimed again at once: preflight is the first thing done under a lease.
                    worker.stop()
            elif self._workers.get(worker.lease.realm_id) is worker:
                log.warning("lane_lost", realm_id=worker.lease.realm_id, epoch=worker.lease.epoch)
                self.metrics.lanes_lost.inc()
                worker.stop()

    async def _or_wait(self, attempt: Callable[[], Awaitable[None]]) -> None:
        try:
            await attempt()
        except Away as error:
            log.warning("lanes_wait_for_postgresql", error=str(error))
            await self.clock.sleep(1.0)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), timeout=self.policy.sweep_seconds)
        except TimeoutError:
            return

    async def _give_all_back(self) -> None:
        for worker in list(self._workers.values()):
            worker.stop()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=self.policy.give_back_seconds)
