"""Sending a batch: whole, to the byte, until every item is known or in doubt."""

from typing import Any

import pytest

from qbo_client.answers import Answer
from qbo_client.batches import batch_of
from qbo_client.batches import compose as composed
from qbo_client.budget import Budget
from qbo_client.client import QBOClient
from qbo_client.errors import (
    CompanyUnavailable,
    DuplicateNumber,
    QBOError,
    RequestBug,
    Throttled,
    Uncertain,
    Unreachable,
)
from qbo_client.writes import Write
from tests.unit.qbo_client.conftest import MakeClient
from tests.unit.qbo_client.vendor import (
    REALM,
    Record,
    Reply,
    Reset,
    SkippingClock,
    Tokens,
    Vendor,
    fault,
    ok,
    unauthorized,
    write,
)

BATCH, _ = batch_of([write(request_id="r-1"), write(request_id="r-2")])


def item(b_id: str, code: str = "") -> dict[str, Any]:
    if code:
        return {"bId": b_id, "Fault": {"Error": [{"Message": "No", "code": code}], "type": "ValidationFault"}}
    return {"bId": b_id, "SalesReceipt": {"Id": f"17-{b_id}", "SyncToken": "0"}}


def answered(*items: dict[str, Any]) -> Reply:
    return ok({"BatchItemResponse": list(items), "time": "t"})


async def test_send_batch_leaves_as_stored(client: QBOClient, vendor: Vendor, record: Record) -> None:
    vendor.answers(answered(item("2"), item("1")))
    outcomes = await client.send_batch(BATCH)
    assert {b_id: one.entity["Id"] for b_id, one in outcomes.items() if isinstance(one, Answer)} == {
        "1": "17-1",
        "2": "17-2",
    }
    [seen] = vendor.seen
    assert (seen.method, seen.path) == ("POST", f"/v3/company/{REALM}/batch")
    assert seen.query == {"requestid": BATCH.request_id, "minorversion": "75"}
    assert (seen.body, seen.headers["Content-Type"]) == (BATCH.body.encode(), "application/json")
    [exchange] = record.exchanges
    assert (exchange.operation, exchange.outcome, exchange.metered) == ("batch", "ok", 0)


async def test_send_batch_counts_its_queries_as_metered_reads(
    client: QBOClient, vendor: Vendor, record: Record
) -> None:
    queries: dict[str, Write | str] = {"1": "SELECT * FROM Item", "2": "SELECT * FROM Class", "3": write()}
    vendor.answers(answered())
    await client.send_batch(composed(queries, "r"))
    assert [exchange.metered for exchange in record.exchanges] == [2]


@pytest.mark.parametrize("lost", [Reset(), Reply(status=504), Reply(body=b""), fault("10000", 500), ok({"time": "t"})])
async def test_send_batch_without_answer_is_repeated_whole_and_to_the_byte(
    client: QBOClient, vendor: Vendor, lost: Reply | Reset
) -> None:
    vendor.answers(lost, answered(item("1"), item("2")))
    outcomes = await client.send_batch(BATCH)
    assert all(isinstance(outcome, Answer) for outcome in outcomes.values())
    assert {(seen.body, seen.query["requestid"]) for seen in vendor.seen} == {(BATCH.body.encode(), BATCH.request_id)}
    assert len(vendor.seen) == 2


async def test_send_batch_never_answered_is_uncertain(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(*[Reply(status=504)] * 3)
    with pytest.raises(Uncertain):
        await client.send_batch(BATCH)
    assert len(vendor.seen) == 3


async def test_send_batch_that_cannot_connect_is_unreachable(make_client: MakeClient, closed_url: str) -> None:
    with pytest.raises(Unreachable):
        await make_client(closed_url, 30.0).send_batch(BATCH)


async def test_send_batch_item_refused_after_silence_may_have_been_written(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(Reset(), answered(item("1", "6140"), item("2")))
    outcomes = await client.send_batch(BATCH)
    refused = outcomes["1"]
    assert isinstance(refused, DuplicateNumber)
    assert refused.maybe_written
    assert isinstance(outcomes["2"], Answer)


async def test_send_batch_item_throttled_after_silence_is_uncertain(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(Reset(), answered(item("1", "3001"), item("2")))
    assert isinstance((await client.send_batch(BATCH))["1"], Uncertain)


async def test_send_batch_item_throttled_was_refused_and_cools_everyone_down(
    client: QBOClient, vendor: Vendor, budget: Budget, clock: SkippingClock
) -> None:
    vendor.answers(answered(item("1", "3001"), item("2")))
    throttled = (await client.send_batch(BATCH))["1"]
    assert isinstance(throttled, Throttled)
    assert not throttled.maybe_written
    assert budget.cooling_until is not None
    assert (budget.cooling_until - clock.now()).total_seconds() == 60.0


async def test_send_batch_item_not_told_of_is_uncertain_and_the_batch_is_not_repeated(
    client: QBOClient, vendor: Vendor
) -> None:
    vendor.answers(answered(item("1")))
    outcomes = await client.send_batch(BATCH)
    assert isinstance(outcomes["2"], Uncertain)
    assert len(vendor.seen) == 1
    vendor.answers(answered(item("1"), item("2")))
    assert isinstance((await client.send_batch(BATCH))["2"], Answer)
    assert vendor.seen[0].body == vendor.seen[1].body


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (fault("1040"), RequestBug),
        (fault("3001", 429), Throttled),
        (fault("6190"), CompanyUnavailable),
        (fault("2010", 200), RequestBug),
    ],
)
async def test_send_batch_refused_as_a_whole_is_raised(
    client: QBOClient, vendor: Vendor, answer: Reply, kind: type[QBOError]
) -> None:
    vendor.answers(answer)
    with pytest.raises(kind) as caught:
        await client.send_batch(BATCH)
    assert not caught.value.maybe_written
    assert len(vendor.seen) == 1


async def test_send_batch_refused_token_is_renewed(client: QBOClient, vendor: Vendor, tokens: Tokens) -> None:
    vendor.answers(unauthorized(), answered(item("1"), item("2")))
    await client.send_batch(BATCH)
    assert tokens.rejected == ["first"]
    assert vendor.seen[0].body == vendor.seen[1].body
