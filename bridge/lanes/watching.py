"""Watching a company beside its turn: both in one lane, under one lease, and the lane is held while either works."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from bridge.lanes.lane import HeldLane
from bridge.store.database import Away
from bridge.store.watch import CompanyWatchStore
from consumers.apply import CompanyParked
from consumers.outcomes import printable
from consumers.ports import LaneLost
from consumers.turn import Turn
from producers.watch import Watch
from producers.watched import Step, Watched, retry_seconds
from qbo_client.errors import QBOError
from qbo_client.oauth import OAuthError

if TYPE_CHECKING:
    from bridge.lanes.working import LaneWorks

log = structlog.get_logger(__name__)

_CANCEL_AGAIN_SECONDS = 0.5
#: Failures of others': they are tried again. What else fails is ours, and is logged with its trace.
_OTHERS = (QBOError, OAuthError)


@dataclass(slots=True, kw_only=True)
class Watching:
    works: "LaneWorks"
    lane: HeldLane
    #: Raises CompanyParked for an error that is about the whole company.
    park: Callable[[Exception], Awaitable[None]]
    in_order: bool = True
    #: What no store remembers: so long the lane is not to be claimed again for the watch's sake.
    rest_seconds: float = 0.0
    _store: CompanyWatchStore = field(init=False)
    _watch: Watch = field(init=False)
    _wake_turn: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        works, lane = self.works, self.lane
        self._store = CompanyWatchStore(works.pool, works.codec, lane.lease)
        self._watch = Watch(
            store=self._store, client=lane.watching_client, clock=works.clock, policy=works.watch_policy,
            rng=works.rng, tenant_id=lane.tenant_id, realm_id=lane.realm_id,
            quiet=lambda: lane.quiet_for(works.watch_policy.gather_seconds), failed=self._failed,
            on_events=self._events, on_idle=self._idle,
        )  # fmt: skip

    def busy(self) -> bool:
        return self._watch.busy

    def nudging(self, turn: Turn) -> Callable[[], None]:
        """Return what tells both that something came: rows, or a webhook's hint."""

        def nudge() -> None:
            turn.nudge()
            self._watch.nudge()

        return nudge

    async def beside(self, turn: Turn) -> None:
        """Watch until the turn ends; it ends early if the company can be watched no longer.

        Raises LaneLost, and Away while PostgreSQL is.
        """
        self._wake_turn = turn.woken.set
        watching = asyncio.create_task(self._watch.run(), name=f"watch {self.lane.realm_id}")
        watching.add_done_callback(lambda task: None if task.cancelled() else turn.stop())
        try:
            await turn.run()
        finally:
            await _cancelled(watching)
        if not watching.cancelled() and (error := watching.exception()) is not None:
            self.in_order = False
            if not isinstance(error, CompanyParked):
                raise error

    def _events(self) -> None:
        self.rest_seconds = 0.0
        self.works.on_outbox()

    def _idle(self) -> None:
        self._wake_turn()

    async def _failed(self, error: Exception, step: Step, state: Watched | None) -> float:
        """Say how long to wait after a step that failed; raises what ends the lane."""
        if isinstance(error, Away | LaneLost):
            raise error
        await self.park(error)
        before = 0 if state is None else state.failures if step is Step.POLL else state.history_failures
        seconds = max(retry_seconds(before, self.works.watch_policy), getattr(error, "retry_after", None) or 0.0)
        if state is None:
            self.rest_seconds = seconds  # There is no watch yet that could remember it.
        said = printable(f"{type(error).__name__}: {error}")
        log.warning("watch_failed", error=said, again_in=seconds, exc_info=not isinstance(error, _OTHERS))
        self.works.metrics.polls_failed.inc()
        await self._store.failed(step, said, again_in_seconds=seconds)
        return seconds


async def _cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel a task until it ends: what it waits for may swallow a cancellation (asyncio.wait_for, before 3.12)."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_AGAIN_SECONDS)
