"""Batches of our client at the emulator: each item its own, and nothing twice however answers are lost."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from qbo_client.answers import Answer, Rows
from qbo_client.batcher import Batcher
from qbo_client.batches import BatchWrite, batch_of, compose
from qbo_client.budget import Limits
from qbo_client.errors import ReferenceInvalid, RequestBug, StaleObject, Throttled, Uncertain
from qbo_client.writes import Write
from tests.unit.qbo_client.emulated import Books, known, line, open_books


def receipts(count: int) -> list[Write]:
    return [
        Write.create("SalesReceipt", {"DocNumber": f"R-{number}", "Line": [line("10.00")]}, request_id=f"r-{number}")
        for number in range(count)
    ]


async def test_batch_of_all_sorts_tells_each_item_its_own(us_books: Books) -> None:
    owner = await us_books.customer()
    kept, gone = [await us_books.invoice(owner, "50.00") for _ in range(2)]
    batch = compose(
        {
            "new": Write.create("Customer", {"DisplayName": "Bob"}, request_id="x-1"),
            "stale": Write.sparse_update("Customer", {"Id": owner, "SyncToken": "7", "Notes": "x"}, request_id="x-2"),
            "none": Write.sparse_update("Customer", {"Id": "99", "SyncToken": "0", "Notes": "x"}, request_id="x-3"),
            "void": Write.void("Invoice", kept["Id"], kept["SyncToken"], request_id="x-4"),
            "gone": Write.delete("Invoice", gone["Id"], gone["SyncToken"], request_id="x-5"),
            "ask": "SELECT * FROM Item WHERE Name = 'Services'",
            "wrong": "SELECT * FROM Custmoer",
        },
        "batch-1",
    )
    told = await us_books.client.send_batch(batch)
    assert isinstance(told["new"], Answer)
    assert told["new"].entity["DisplayName"] == "Bob"
    assert [type(told[name]) for name in ("stale", "none", "wrong")] == [StaleObject, ReferenceInvalid, RequestBug]
    assert isinstance(told["void"], Answer)
    assert (told["void"].entity["TotalAmt"], told["void"].entity["PrivateNote"]) == (Decimal(0), "Voided")
    assert isinstance(told["gone"], Answer)
    assert told["gone"].entity["status"] == "Deleted"
    assert isinstance(told["ask"], Rows)
    assert [row["Name"] for row in told["ask"].rows] == ["Services"]


@pytest.mark.parametrize("fault", ["reset_after", "status_503_after", "html_502_after", "empty_200_after"])
async def test_batch_whose_answer_is_lost_is_sent_again_and_written_once(us_books: Books, fault: str) -> None:
    us_books.fault(fault, operation="batch")
    batch, _ = batch_of(receipts(5))
    told = await us_books.client.send_batch(batch)
    ids = {outcome.entity["Id"] for outcome in told.values() if isinstance(outcome, Answer)}
    assert (len(ids), us_books.standing("SalesReceipt"), us_books.traffic.replays) == (5, 5, 5)


async def test_batch_never_answered_is_settled_later_by_the_stored_texts(us_books: Books) -> None:
    us_books.fault("reset_after", operation="batch", count=3)
    batch, ordered = batch_of(receipts(4))
    with pytest.raises(Uncertain):
        await us_books.client.send_batch(batch)
    assert us_books.standing("SalesReceipt") == 4
    told = await us_books.client.send_batch(BatchWrite(request_id=batch.request_id, body=batch.body))
    numbers = [told[item.b_id] for item in batch.items]
    assert [outcome.entity["DocNumber"] for outcome in numbers if isinstance(outcome, Answer)] == [
        f"R-{number}" for number, _ in enumerate(ordered)
    ]
    assert us_books.standing("SalesReceipt") == 4


async def test_batch_lost_before_it_came_is_written_by_the_second(us_books: Books) -> None:
    us_books.fault("reset_before", operation="batch")
    told = await us_books.client.send_batch(batch_of(receipts(3))[0])
    assert all(isinstance(outcome, Answer) for outcome in told.values())
    assert (us_books.standing("SalesReceipt"), us_books.traffic.replays) == (3, 0)


async def test_batch_whose_items_come_back_shuffled_is_told_by_b_id(us_books: Books) -> None:
    us_books.world.behaviour.batches = replace(us_books.world.behaviour.batches, shuffled=random.Random(3))
    us_books.fault("item_failed", skip=1)
    batch, ordered = batch_of(receipts(6))
    told = await us_books.client.send_batch(batch)
    answered = {write.request_id: told[item.b_id] for write, item in zip(ordered, batch.items, strict=True)}
    # One item failed inside QuickBooks: nobody knows whether it was written, the others are told of.
    assert isinstance(answered["r-1"], Uncertain)
    for number in (0, 2, 3, 4, 5):
        outcome = answered[f"r-{number}"]
        assert isinstance(outcome, Answer)
        assert outcome.entity["DocNumber"] == f"R-{number}"
    again = await us_books.client.send_batch(batch)
    assert all(isinstance(outcome, Answer) for outcome in again.values())
    assert (us_books.standing("SalesReceipt"), us_books.traffic.replays) == (6, 5)


async def test_item_throttled_was_refused_and_cools_the_company_down(us_books: Books) -> None:
    us_books.fault("item_throttled", skip=2)
    batch, ordered = batch_of(receipts(4))
    told = await us_books.client.send_batch(batch)
    refused = [b_id for b_id, outcome in told.items() if isinstance(outcome, Throttled)]
    assert (len(refused), us_books.standing("SalesReceipt")) == (1, 3)
    until = us_books.client.budget.cooling_until
    assert until is not None
    assert 55 < (until - datetime.now(UTC)).total_seconds() <= 60
    # As a new request, by whoever has budget.
    write = ordered[int(refused[0]) - 1]
    other = open_books(us_books.world, us_books.client._transport.http, us_books.client._transport.base_url)
    assert (await other.client.send(write)).entity["DocNumber"] == "R-2"


async def test_writes_that_wait_together_leave_as_one_batch(us_books: Books) -> None:
    limits = Limits(per_second=2, in_flight=1)
    transport = us_books.client._transport
    narrow = open_books(us_books.world, transport.http, transport.base_url, limits=limits)
    stored: list[tuple[BatchWrite | None, Sequence[Write]]] = []

    async def store(batch: BatchWrite | None, writes: Sequence[Write]) -> None:
        stored.append((batch, writes))

    batcher = Batcher(client=narrow.client, store=store)
    answers = await asyncio.gather(*(batcher.send(write) for write in receipts(12)))
    assert [answer.entity["DocNumber"] for answer in answers] == [f"R-{number}" for number in range(12)]
    assert narrow.standing("SalesReceipt") == 12
    assert len(stored) == 1
    assert narrow.traffic.batch_items == len(stored[0][1]) == 11


async def test_batch_updates_and_voids_of_every_kind(us_books: Books) -> None:
    owner = await us_books.customer()
    invoice = await us_books.invoice(owner, "20.00")
    receipt = await us_books.make("SalesReceipt", {"Line": [line("30.00")]})
    payment = await us_books.payment(owner, "40.00")
    kinds = {"Invoice": invoice, "SalesReceipt": receipt, "Payment": payment}
    voids = {kind: Write.void(kind, one["Id"], one["SyncToken"], request_id=f"v-{kind}") for kind, one in kinds.items()}
    told = await us_books.client.send_batch(compose({kind[:10]: void for kind, void in voids.items()}, "voids"))
    for outcome in told.values():
        assert isinstance(outcome, Answer)
        assert (outcome.entity["TotalAmt"], outcome.entity["SyncToken"]) == (Decimal(0), "1")
    customer = await us_books.seen("Customer", owner)
    assert customer["Balance"] == 0
    notes = Write.sparse_update("Customer", known(customer, Notes="kept"), request_id="n-1")
    (outcome,) = (await us_books.client.send_batch(compose({"1": notes}, "notes"))).values()
    assert isinstance(outcome, Answer)
    assert outcome.entity["Notes"] == "kept"
