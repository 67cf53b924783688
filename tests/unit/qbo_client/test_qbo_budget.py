import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from qbo_client.budget import Budget, Limits, Share
from tests.unit.qbo_client.virtual_time import VirtualClock, run
from tests.unit.qbo_client.virtual_vendor import most_within

LIMITS = st.builds(
    Limits,
    per_second=st.integers(1, 4),
    per_minute=st.integers(4, 25),
    in_flight=st.integers(1, 5),
    batches_per_minute=st.integers(1, 6),
    all_per_minute=st.integers(4, 30),
)
SECONDS = st.floats(0, 3, allow_subnormal=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One call: when it asks, how long it travels each way, when it loses patience if it does."""

    asks_at: float
    outward: float
    back: float
    share: Share
    gives_up_after: float | None
    batch: bool = False


PLANS = st.lists(
    st.builds(
        Planned,
        asks_at=SECONDS,
        outward=st.floats(0, 0.9, allow_subnormal=False),
        back=st.floats(0, 0.9, allow_subnormal=False),
        share=st.sampled_from(Share),
        gives_up_after=st.none() | SECONDS,
        batch=st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


class Server:
    """What QuickBooks sees."""

    def __init__(self) -> None:
        self.arrivals: list[float] = []
        self.batches: list[float] = []
        self.started: list[int] = []
        self._inside = 0
        self.most_inside = 0

    async def call(self, budget: Budget, plan: Planned, number: int) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(plan.asks_at)
        async with asyncio.timeout(plan.gives_up_after), budget.slot(plan.share, batch=plan.batch):
            self.started.append(number)
            await asyncio.sleep(plan.outward)
            self.arrivals.append(loop.time())
            if plan.batch:
                self.batches.append(loop.time())
            self._inside += 1
            self.most_inside = max(self.most_inside, self._inside)
            try:
                await asyncio.sleep(plan.back)
            finally:
                self._inside -= 1


async def serve(server: Server, budget: Budget, plans: Sequence[Planned]) -> list[BaseException | None]:
    calls = [server.call(budget, plan, number) for number, plan in enumerate(plans)]
    return await asyncio.gather(*calls, return_exceptions=True)


def assert_within(server: Server, limits: Limits) -> None:
    assert most_within(server.arrivals, 1.0) <= limits.per_second
    assert most_within(server.arrivals, 60.0) <= min(limits.per_minute, limits.all_per_minute)
    assert most_within(server.batches, 60.0) <= limits.batches_per_minute
    assert server.most_inside <= limits.in_flight


@given(LIMITS, PLANS)
def test_budget_whatever_is_asked_no_window_of_the_server_is_overrun(limits: Limits, plans: list[Planned]) -> None:
    async def scene() -> None:
        server, budget = Server(), Budget(limits, VirtualClock())
        results = await serve(server, budget, plans)
        # Nobody starves: everybody was served but those who gave up, and nothing is left behind.
        for plan, result in zip(plans, results, strict=True):
            assert result is None or (plan.gives_up_after is not None and isinstance(result, TimeoutError))
        assert budget.waiting == 0
        assert_within(server, limits)
        await asyncio.sleep(120)
        async with asyncio.timeout(0.001), budget.slot():
            pass

    run(scene())


@given(LIMITS, PLANS, PLANS, st.floats(-1000, 1000))
def test_budget_restored_elsewhere_goes_on_within_the_limits(
    limits: Limits, before: list[Planned], after: list[Planned], ahead: float
) -> None:
    async def scene() -> None:
        server, clock = Server(), VirtualClock()
        budget = Budget(limits, clock)
        await serve(server, budget, before)
        snapshot = json.loads(json.dumps(budget.snapshot()))
        await serve(server, Budget.restore(snapshot, limits, VirtualClock(ahead=ahead)), after)
        assert_within(server, limits)

    run(scene())


@given(LIMITS, st.integers(1, 60), st.booleans())
def test_budget_empty_assumes_the_worst_of_whoever_was_before(limits: Limits, calls: int, batch: bool) -> None:
    async def scene() -> None:
        server, clock = Server(), VirtualClock()
        at_once = Planned(asks_at=0, outward=0, back=0, share=Share.LIVE, gives_up_after=None, batch=batch)
        await serve(server, Budget(limits, clock), [at_once] * calls)
        await serve(server, Budget.empty(limits, clock), [at_once] * calls)
        assert_within(server, limits)

    run(scene())


@given(LIMITS, st.lists(st.tuples(SECONDS, SECONDS), min_size=2, max_size=30))
def test_budget_one_share_is_served_first_come_first_served(limits: Limits, plans: list[tuple[float, float]]) -> None:
    async def scene() -> None:
        server, budget = Server(), Budget(limits, VirtualClock())
        asked = sorted(asks_at for asks_at, _ in plans)
        queue = [
            Planned(asks_at=asks_at, outward=outward, back=0, share=Share.LIVE, gives_up_after=None)
            for asks_at, (_, outward) in zip(asked, plans, strict=True)
        ]
        await serve(server, budget, queue)
        started = [asked[number] for number in server.started]
        assert started == sorted(started)

    run(scene())
