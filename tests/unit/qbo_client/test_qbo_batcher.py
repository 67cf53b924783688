"""Writes that wait together leave together, and each caller hears of its own."""

import asyncio
from collections.abc import Sequence

import pytest

from qbo_client.batcher import Batcher
from qbo_client.batches import BatchWrite
from qbo_client.budget import Limits
from qbo_client.errors import RequestBug, Throttled, Uncertain
from qbo_client.writes import Write
from tests.unit.qbo_client.virtual_house import House, docs, receipt
from tests.unit.qbo_client.virtual_time import run
from tests.unit.qbo_client.virtual_vendor import Fate, Journey


def numbers(count: int) -> list[str]:
    return [f"{number:03}" for number in range(count)]


def test_batcher_write_goes_alone_while_the_budget_is_free() -> None:
    async def scene() -> None:
        house = House()
        assert docs(await house.all(*numbers(10))) == numbers(10)
        assert (house.vendor.batches, house.stored) == ([], [])
        assert set(house.vendor.bodies) == {f"r-{number}" for number in numbers(10)}

    run(scene())


def test_batcher_writes_that_wait_leave_as_one_batch_that_was_stored_before() -> None:
    async def scene() -> None:
        house = House()
        assert docs(await house.all(*numbers(25))) == numbers(25)
        assert (len(house.vendor.arrivals), house.vendor.sizes) == (11, [15])
        [(batch, request_ids)] = house.stored
        assert batch is not None
        assert house.vendor.bodies[batch.request_id] == {batch.body.encode()}
        assert request_ids == [f"r-{number}" for number in numbers(25)[10:]]
        assert set(house.vendor.written.values()) == {1}

    run(scene())


def test_batcher_more_than_thirty_leave_as_several_batches() -> None:
    async def scene() -> None:
        house = House()
        house.budget.throttled(60)
        assert docs(await house.all(*numbers(70))) == numbers(70)
        assert house.vendor.sizes == [30, 30, 10]
        assert asyncio.get_running_loop().time() == pytest.approx(60.21)

    run(scene())


def test_batcher_write_that_waited_alone_leaves_alone() -> None:
    async def scene() -> None:
        house = House()
        house.budget.throttled(60)
        assert docs(await house.all("a")) == ["a"]
        assert (house.vendor.batches, house.stored) == ([], [])

    run(scene())


def test_batcher_late_comers_join_those_who_wait() -> None:
    async def scene() -> None:
        house = House()
        house.budget.throttled(60)
        early = asyncio.create_task(house.all("a", "b"))
        await asyncio.sleep(59)
        assert docs([*await house.all("c"), *await early]) == ["c", "a", "b"]
        assert house.vendor.sizes == [3]

    run(scene())


def test_batcher_without_batches_left_sends_one_by_one() -> None:
    async def scene() -> None:
        house = House(Limits(batches_per_minute=1))
        async with house.budget.slot(batch=True):
            house.budget.throttled(5)
            assert docs(await house.all(*numbers(12))) == numbers(12)
        assert house.vendor.batches == []
        assert asyncio.get_running_loop().time() < 10

    run(scene())


def test_batcher_what_cannot_be_in_a_batch_goes_by_itself() -> None:
    async def scene() -> None:
        house = House()
        house.budget.throttled(60)
        tax = Write.create("TaxService", {"TaxCode": "x", "DocNumber": "t"}, request_id="t-1")
        sending = asyncio.create_task(house.batcher.send(tax))
        assert docs(await house.all("a", "b")) == ["a", "b"]
        with pytest.raises(Uncertain):  # The vendor of these tests has no tax service.
            await sending
        assert house.vendor.sizes == [2]

    run(scene())


def test_batcher_lost_answer_brings_the_whole_batch_again_and_every_answer() -> None:
    async def scene() -> None:
        house = House(None, Journey(fate=Fate.LOST_AFTER), Journey(fate=Fate.LOST_BEFORE))
        house.budget.throttled(60)
        assert docs(await house.all(*numbers(5))) == numbers(5)
        assert (house.vendor.sizes, len(house.stored)) == ([5, 5, 5], 1)
        assert [len(bodies) for bodies in house.vendor.bodies.values()] == [1]
        assert set(house.vendor.written.values()) == {1}

    run(scene())


@pytest.mark.parametrize(
    ("fate", "first", "written"), [(Fate.THROTTLED, "Throttled", 0), (Fate.FORGOTTEN, "Uncertain", 1)]
)
def test_batcher_each_caller_hears_of_its_own(fate: Fate, first: str, written: int) -> None:
    async def scene() -> None:
        house = House(None, Journey(fate=fate))
        house.budget.throttled(60)
        assert docs(await house.all(*numbers(3))) == [first, "001", "002"]
        assert house.vendor.written["000"] == written

    run(scene())


def test_batcher_batch_refused_as_a_whole_is_sent_one_by_one() -> None:
    async def scene() -> None:
        house = House(None, Journey(fate=Fate.REFUSED), Journey(fate=Fate.REFUSED))
        house.budget.throttled(60)
        results = await house.all(*numbers(3))
        assert docs(results) == ["RequestBug", "001", "002"]
        assert [(batch is None, request_ids) for batch, request_ids in house.stored] == [
            (False, ["r-000", "r-001", "r-002"]),
            (True, ["r-000", "r-001", "r-002"]),
        ]
        assert isinstance(results[0], RequestBug)

    run(scene())


def test_batcher_batch_refused_after_silence_is_everybodys_doubt() -> None:
    async def scene() -> None:
        house = House(None, Journey(fate=Fate.LOST_AFTER), Journey(fate=Fate.REFUSED))
        house.budget.throttled(60)
        results = await house.all(*numbers(2))
        assert [type(result) for result in results] == [RequestBug, RequestBug]
        assert all(result.maybe_written for result in results)
        assert results[0] is not results[1]

    run(scene())


def test_batcher_batch_never_answered_is_uncertain_to_everybody_and_settled_by_the_same_batch() -> None:
    async def scene() -> None:
        house = House(None, *[Journey(fate=Fate.LOST_AFTER)] * 3)
        house.budget.throttled(60)
        assert docs(await house.all("a", "b")) == ["Uncertain", "Uncertain"]
        [(batch, _)] = house.stored
        assert batch is not None
        kept = BatchWrite(request_id=batch.request_id, body=batch.body)
        assert docs(list((await house.client.send_batch(kept)).values())) == ["a", "b"]
        assert house.vendor.written == {"a": 1, "b": 1}

    run(scene())


def test_batcher_store_that_fails_keeps_everything_from_leaving() -> None:
    async def scene() -> None:
        house = House(Limits(in_flight=1))

        async def fail(_batch: BatchWrite | None, _writes: Sequence[Write]) -> None:
            await asyncio.sleep(0)
            raise ConnectionError("away")

        house.batcher = Batcher(client=house.client, store=fail)
        house.budget.throttled(60)
        assert docs(await house.all("a", "b")) == ["ConnectionError", "ConnectionError"]
        assert house.vendor.arrivals == []
        assert house.budget.free  # Its slot was given back unused.

    run(scene())


def test_batcher_caller_that_gives_up_before_the_batch_is_formed_never_leaves() -> None:
    async def scene() -> None:
        house = House()
        house.budget.throttled(60)
        first, second = (asyncio.create_task(house.batcher.send(receipt(one))) for one in "ab")
        await asyncio.sleep(1)
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert house.vendor.written == {"b": 1}

    run(scene())


def test_batcher_caller_that_gives_up_as_the_batch_is_formed_never_leaves() -> None:
    async def scene() -> None:
        house = House(Limits(in_flight=1))
        async with house.budget.slot():
            first, second = (asyncio.create_task(house.batcher.send(receipt(one))) for one in "ab")
            await asyncio.sleep(0.1)
        await asyncio.sleep(0)  # The collector's slot is granted now, but its task has not run.
        first.cancel()
        assert docs(await asyncio.gather(first, second, return_exceptions=True)) == ["CancelledError", "b"]
        assert house.vendor.written == {"b": 1}

    run(scene())


def test_batcher_everybody_gone_as_the_batch_is_formed_uses_nothing() -> None:
    async def scene() -> None:
        house = House(Limits(in_flight=1))
        async with house.budget.slot():
            only = asyncio.create_task(house.batcher.send(receipt("a")))
            await asyncio.sleep(0.1)
        await asyncio.sleep(0)  # As above.
        only.cancel()
        await asyncio.gather(only, return_exceptions=True)
        await asyncio.sleep(0.001)
        assert (house.vendor.arrivals, house.budget.free) == ([], True)
        assert docs(await house.all("b")) == ["b"]

    run(scene())


def test_batcher_caller_that_gives_up_on_the_way_leaves_the_others_their_answers() -> None:
    async def scene() -> None:
        house = House()
        house.budget.throttled(60)
        first, second = (asyncio.create_task(house.batcher.send(receipt(one))) for one in "ab")
        await asyncio.sleep(60.05)
        first.cancel()
        assert docs(await asyncio.gather(first, second, return_exceptions=True)) == ["CancelledError", "b"]

    run(scene())


@pytest.mark.parametrize("after", [1.0, 60.05])
def test_batcher_everybody_gone_leaves_no_task_behind(after: float) -> None:
    async def scene() -> None:
        house = House()
        house.budget.throttled(60)
        sending = [asyncio.create_task(house.batcher.send(receipt(one))) for one in "ab"]
        await asyncio.sleep(after)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await asyncio.sleep(0.001)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert house.vendor.written == {}

    run(scene())


def test_batcher_throttled_write_is_a_new_request_in_a_new_batch() -> None:
    async def scene() -> None:
        house = House(None, Journey(fate=Fate.THROTTLED))
        house.budget.throttled(60)
        throttled, _ = await house.all("a", "b")
        assert isinstance(throttled, Throttled)
        started = asyncio.get_running_loop().time()
        again = Write.create("SalesReceipt", {"DocNumber": "a"}, request_id="r-a-2")
        results = await asyncio.gather(house.batcher.send(again), house.batcher.send(receipt("c")))
        assert docs(results) == ["a", "c"]
        assert asyncio.get_running_loop().time() - started >= 59.5
        assert len({batch.request_id for batch, _ in house.stored if batch}) == 2

    run(scene())
