"""Watching one company for as long as its lane is held: the most urgent step, then the next, until nothing is due."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from producers.events import Teller
from producers.history import History, begin, begin_import, read_customers, tell_customers
from producers.poll import poll
from producers.ports import WatchStore
from producers.watched import Step, Watched, WatchPolicy, is_hinted, next_step, seconds_until_due
from qbo_client.client import QBOClient
from qbo_client.clock import Clock

log = structlog.get_logger(__name__)

#: Looking whether something is due costs a query; whoever nudges more often is heard at this pace.
_LOOK_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class Watch:
    store: WatchStore
    #: Its calls wait in the poll's own queue.
    client: QBOClient
    clock: Clock
    policy: WatchPolicy
    rng: random.Random
    tenant_id: str
    realm_id: str
    #: Whether the bridge itself has not written to this company for a while.
    quiet: Callable[[], bool]
    #: Decides on what a step raised: raises what ends the lane, returns seconds to wait before the next step else.
    failed: Callable[[Exception, Step, Watched | None], Awaitable[float]]
    #: Called when events were committed, and when nothing is due any more.
    on_events: Callable[[], None]
    on_idle: Callable[[], None]
    busy: bool = True
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _history: History | None = None

    def nudge(self) -> None:
        """Say that something may be due."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled. Raises what `failed` raises; then nothing more may be done for this company."""
        try:
            while True:
                self._woken.clear()
                state = await self.store.look()
                step = next_step(state, quiet=self.quiet(), policy=self.policy)
                # A hint that is gathered keeps the lane: given back, it would be due again at once.
                gathers = state is not None and is_hinted(state)
                self.busy = step is not None or gathers
                rest = await self._take(step, state) if step is not None else None
                if rest is None and state is not None:
                    rest = seconds_until_due(state, self.policy)
                if rest:
                    self.busy = step is None and gathers
                    self.on_idle()
                    await self._rest(rest)
        finally:
            self.busy = False
            self.on_idle()

    async def _take(self, step: Step, state: Watched | None) -> float:
        """Take one step; return how long to rest after it."""
        try:
            await self._step(step, state)
        except Exception as error:  # noqa: BLE001 - the edge: whoever holds the lane decides on every failure
            return await self.failed(error, step, state)
        self.on_events()
        return 0.0

    async def _step(self, step: Step, state: Watched | None) -> None:
        if state is None:
            await begin(self.store, self.client, self.clock, self.policy)
            return
        teller = Teller(tenant_id=self.tenant_id, realm_id=self.realm_id, home_currency=state.home_currency)
        match step:
            case Step.READ_CUSTOMERS:
                await read_customers(self.store, self.client, self.policy)
            case Step.TELL_CUSTOMERS:
                await tell_customers(self.store, teller, self.policy, began_at=state.began_at)
            case Step.POLL:
                await poll(
                    self.store, self.client, state, policy=self.policy, teller=teller, now=self.clock.now(),
                    rng=self.rng,
                )  # fmt: skip
            case Step.BEGIN_IMPORT:
                await begin_import(self.store, self.client, state)
            case Step.READ_HISTORY:
                if self._history is None:
                    self._history = History(
                        store=self.store, client=self.client, teller=teller, policy=self.policy
                    )  # fmt: skip
                await self._history.read_page(state)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        await self.clock.sleep(_LOOK_SECONDS)
