import asyncio
import json
from datetime import timedelta

import pytest

from qbo_client.budget import Budget, Limits, Share
from tests.unit.qbo_client.virtual_time import START, VirtualClock, run


def test_limits_that_let_nothing_through_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Limits(per_minute=0)


def test_budget_keeps_up_with_what_a_minute_allows() -> None:
    async def scene() -> float:
        budget = Budget(Limits(), VirtualClock())

        async def call() -> None:
            async with budget.slot():
                await asyncio.sleep(0.15)

        await asyncio.gather(*(call() for _ in range(1500)))
        return asyncio.get_running_loop().time()

    # 500 fill the first minute at 8.6 a second, the next 1000 follow as they leave the window.
    assert 170 < run(scene()) < 182


def test_budget_idle_company_starts_at_once() -> None:
    async def scene() -> None:
        budget = Budget.restore(Budget(Limits(), VirtualClock()).snapshot(), Limits(), VirtualClock())
        async with budget.slot():
            assert asyncio.get_running_loop().time() == 0

    run(scene())


def test_budget_empty_starts_when_a_full_minute_could_have_moved_on() -> None:
    async def scene() -> float:
        async with Budget.empty(Limits(), VirtualClock()).slot():
            return asyncio.get_running_loop().time()

    assert 11 <= run(scene()) < 12


def test_budget_throttled_holds_everybody_back() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        clock = VirtualClock()
        budget = Budget(Limits(), clock)
        assert budget.cooling_until is None
        budget.throttled(60)
        budget.throttled(5)  # The longer one counts.
        assert budget.cooling_until == START + timedelta(seconds=60)
        starts = []

        async def call() -> None:
            async with budget.slot():
                starts.append(loop.time())

        calls = [asyncio.create_task(call()) for _ in range(3)]
        await asyncio.sleep(1)
        assert budget.waiting == 3
        budget.throttled(70)
        await asyncio.gather(*calls)
        assert starts == [pytest.approx(71)] * 3
        assert budget.waiting == 0
        assert budget.cooling_until is None

    run(scene())


def test_budget_cooling_down_is_handed_on() -> None:
    async def scene() -> None:
        budget = Budget(Limits(), VirtualClock())
        budget.throttled(60)
        await asyncio.sleep(20)
        snapshot = json.loads(json.dumps(budget.snapshot()))
        other = Budget.restore(snapshot, Limits(), VirtualClock(ahead=500))
        assert other.cooling_until == START + timedelta(seconds=60)

    run(scene())


def test_budget_snapshot_is_small_and_counts_what_is_in_flight() -> None:
    async def scene() -> None:
        budget = Budget(Limits(), VirtualClock())
        for _ in range(500):
            async with budget.slot():
                await asyncio.sleep(0.001)
        async with budget.slot():
            snapshot = budget.snapshot()
        assert len(json.dumps(snapshot)) < 4000
        assert sum(count for _, count in snapshot["used"]) >= 500
        assert max(moment for moment, _ in snapshot["used"]) == pytest.approx(
            START.timestamp() + asyncio.get_running_loop().time(), abs=0.001
        )

    run(scene())


@pytest.mark.parametrize("other", [Share.LIVE, Share.BACKFILL])
def test_budget_poll_has_a_share_that_nothing_can_take(other: Share) -> None:
    async def scene() -> None:
        budget = Budget(Limits(in_flight=1), VirtualClock())
        order: list[Share] = []

        async def call(share: Share) -> None:
            async with budget.slot(share):
                order.append(share)

        async with budget.slot():
            shares = [other] * 60 + [Share.POLL] * 3
            calls = [asyncio.create_task(call(share)) for share in shares]
            await asyncio.sleep(0)
        await asyncio.gather(*calls)
        assert [order.index(Share.POLL), order[10:20].index(Share.POLL), order[20:30].index(Share.POLL)] == [9] * 3

    run(scene())


def test_budget_live_goes_before_backfill_and_backfill_before_later_polls() -> None:
    async def scene() -> None:
        budget = Budget(Limits(in_flight=1), VirtualClock())
        order: list[Share] = []

        async def call(share: Share) -> None:
            async with budget.slot(share):
                order.append(share)

        async with budget.slot():
            shares = [Share.BACKFILL, Share.POLL, Share.BACKFILL, Share.LIVE]
            calls = [asyncio.create_task(call(share)) for share in shares]
            await asyncio.sleep(0)
        await asyncio.gather(*calls)
        assert order == [Share.LIVE, Share.BACKFILL, Share.POLL, Share.BACKFILL]

    run(scene())


def test_budget_waiter_cancelled_as_it_was_granted_passes_its_turn_on() -> None:
    async def scene() -> None:
        budget = Budget(Limits(per_second=2, in_flight=1), VirtualClock())
        served: list[str] = []

        async def call(who: str) -> None:
            async with budget.slot():
                served.append(who)

        async with budget.slot():
            first, second = asyncio.create_task(call("first")), asyncio.create_task(call("second"))
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # The turn is granted now, but its task has not run.
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert served == ["second"]
        assert asyncio.get_running_loop().time() == 0  # Nothing left, so nothing was used up.

    run(scene())


def test_budget_waiter_cancelled_just_before_it_is_granted_is_passed_over() -> None:
    async def scene() -> None:
        budget = Budget(Limits(in_flight=1), VirtualClock())
        served: list[str] = []

        async def call(who: str) -> None:
            async with budget.slot():
                served.append(who)

        async with budget.slot():
            first, second = asyncio.create_task(call("first")), asyncio.create_task(call("second"))
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert served == ["second"]
        assert budget.waiting == 0

    run(scene())


def test_budget_granted_turn_that_is_cancelled_lets_the_next_start_sooner() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        budget = Budget(Limits(per_second=3, in_flight=2), VirtualClock())
        started: list[float] = []

        async def call() -> None:
            async with budget.slot():
                started.append(loop.time())

        async with budget.slot(), budget.slot():
            first, second = asyncio.create_task(call()), asyncio.create_task(call())
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # The first has the last turn of this second, and the second waits for the next.
        assert budget.waiting == 1
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert started == [0]

    run(scene())


def test_budget_newcomer_does_not_pass_those_who_wait() -> None:
    async def scene() -> None:
        budget = Budget(Limits(in_flight=1), VirtualClock())
        served: list[str] = []

        async def call(who: str) -> None:
            async with budget.slot():
                served.append(who)

        async with budget.slot():
            first = asyncio.create_task(call("first"))
            await asyncio.sleep(0)
        await call("newcomer")  # There is room, but it is the first one's.
        await first
        assert served == ["first", "newcomer"]

    run(scene())


def test_budget_handed_on_by_a_clock_that_is_ahead_holds_nobody_up_for_more_than_a_minute() -> None:
    async def scene() -> None:
        hour = Budget(Limits(per_minute=10), VirtualClock()).snapshot()
        hour["used"] = [[START.timestamp() + 3600, 10]]
        budget = Budget.restore(hour, Limits(per_minute=10), VirtualClock())
        async with budget.slot():
            assert asyncio.get_running_loop().time() < 61

    run(scene())


def test_budget_last_waiter_gone_leaves_no_task_behind() -> None:
    async def scene() -> None:
        budget = Budget(Limits(), VirtualClock())
        budget.throttled(60)
        waiter = asyncio.create_task(asyncio.wait_for(budget.slot().__aenter__(), 1))
        with pytest.raises(TimeoutError):
            await waiter
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert asyncio.get_running_loop().time() == pytest.approx(1)

    run(scene())
