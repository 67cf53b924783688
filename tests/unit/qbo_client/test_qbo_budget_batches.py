"""Batches have a limit of their own, which holds nobody else up."""

import asyncio
import json

import pytest

from qbo_client.budget import Budget, Limits, Share
from tests.unit.qbo_client.virtual_time import VirtualClock, run


async def start(budget: Budget, started: list[tuple[str, float]], who: str, *, batch: bool = False) -> None:
    async with budget.slot(batch=batch):
        started.append((who, asyncio.get_running_loop().time()))


@pytest.mark.parametrize("name", ["batches_per_minute", "all_per_minute"])
def test_limits_without_any_batch_or_call_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Limits(**{name: 0})


def test_budget_batches_beyond_their_limit_wait_for_a_minute() -> None:
    async def scene() -> float:
        budget = Budget(Limits(), VirtualClock())
        await asyncio.gather(*(start(budget, [], "batch", batch=True) for _ in range(41)))
        return asyncio.get_running_loop().time()

    assert 60 < run(scene()) < 61


def test_budget_calls_to_all_endpoints_have_a_limit_of_their_own() -> None:
    async def scene() -> float:
        budget = Budget(Limits(per_second=100, in_flight=100, all_per_minute=30), VirtualClock())
        calls = [start(budget, [], "call", batch=number % 2 == 0) for number in range(31)]
        await asyncio.gather(*calls)
        return asyncio.get_running_loop().time()

    assert 60 < run(scene()) < 61


def test_budget_batch_that_must_wait_lets_calls_pass() -> None:
    async def scene() -> None:
        budget, started = Budget(Limits(batches_per_minute=1), VirtualClock()), list[tuple[str, float]]()
        await start(budget, started, "first batch", batch=True)
        batch = asyncio.create_task(start(budget, started, "second batch", batch=True))
        await asyncio.sleep(5)  # The pump sleeps until the minute is over.
        assert budget.free is False  # Somebody waits.
        assert budget.free_for_batch is False
        await start(budget, started, "call")
        await batch
        assert [who for who, _ in started] == ["first batch", "call", "second batch"]
        assert [at for _, at in started] == pytest.approx([0, 5, 60.1])

    run(scene())


def test_budget_batch_that_may_start_keeps_its_place_among_calls() -> None:
    async def scene() -> None:
        budget, started = Budget(Limits(in_flight=1), VirtualClock()), list[tuple[str, float]]()
        async with budget.slot():
            waiting = [
                asyncio.create_task(start(budget, started, who, batch=who == "batch"))
                for who in ("before", "batch", "after")
            ]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        assert [who for who, _ in started] == ["before", "batch", "after"]

    run(scene())


def test_budget_running_batch_counts_until_it_has_ended() -> None:
    async def scene() -> None:
        budget, started = Budget(Limits(batches_per_minute=1), VirtualClock()), list[tuple[str, float]]()
        async with budget.slot(batch=True):
            other = asyncio.create_task(start(budget, started, "other", batch=True))
            await asyncio.sleep(30)
            assert not budget.free_for_batch
        await other
        assert [at for _, at in started] == pytest.approx([90.1])

    run(scene())


def test_budget_batches_used_are_handed_on() -> None:
    async def scene() -> None:
        limits = Limits(batches_per_minute=2)
        budget = Budget(limits, VirtualClock())
        await start(budget, [], "ended", batch=True)
        async with budget.slot(batch=True):
            snapshot = json.loads(json.dumps(budget.snapshot()))
        await asyncio.sleep(1)
        other = Budget.restore(snapshot, limits, VirtualClock(ahead=500))
        assert other.free
        assert not other.free_for_batch
        started = list[tuple[str, float]]()
        await start(other, started, "batch", batch=True)
        assert [at for _, at in started] == pytest.approx([60.1], abs=0.01)

    run(scene())


def test_budget_snapshot_of_a_release_without_batches_is_understood() -> None:
    async def scene() -> None:
        snapshot = Budget(Limits(), VirtualClock()).snapshot()
        del snapshot["batches"]
        assert Budget.restore(snapshot, Limits(), VirtualClock()).free_for_batch

    run(scene())


def test_budget_empty_lets_no_batch_start_for_most_of_a_minute() -> None:
    async def scene() -> None:
        budget, started = Budget.empty(Limits(), VirtualClock()), list[tuple[str, float]]()
        await asyncio.gather(start(budget, started, "batch", batch=True), start(budget, started, "call"))
        assert [who for who, _ in started] == ["call", "batch"]
        assert 50 < started[1][1] < 61

    run(scene())


def test_budget_slot_that_was_reserved_and_given_back_has_used_nothing() -> None:
    async def scene() -> None:
        budget = Budget(Limits(per_second=1), VirtualClock())
        slot = await budget.reserve()
        free = [budget.free]
        slot.give_back()
        slot.give_back()
        assert [*free, budget.free] == [False, True]
        async with await budget.reserve(Share.BACKFILL):
            pass
        async with budget.slot():
            assert asyncio.get_running_loop().time() == pytest.approx(1.01)

    run(scene())


def test_budget_slot_that_was_used_cannot_be_given_back() -> None:
    async def scene() -> None:
        budget = Budget(Limits(per_second=1), VirtualClock())
        slot = await budget.reserve()
        async with slot:
            pass
        slot.give_back()
        assert not budget.free

    run(scene())


@pytest.mark.parametrize("used", [True, False])
def test_budget_reserved_slot_that_becomes_a_batch_counts_as_one(used: bool) -> None:
    async def scene() -> None:
        budget = Budget(Limits(batches_per_minute=1), VirtualClock())
        slot = await budget.reserve()
        free = [budget.free_for_batch]
        slot.become_batch()
        assert [*free, budget.free_for_batch] == [True, False]
        if used:
            async with slot:
                pass
        else:
            slot.give_back()
        assert budget.free
        assert budget.free_for_batch is not used

    run(scene())


def test_budget_reservation_that_is_cancelled_takes_nothing() -> None:
    async def scene() -> None:
        budget = Budget(Limits(), VirtualClock())
        budget.throttled(60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(budget.reserve(), 1)
        assert budget.waiting == 0

    run(scene())
