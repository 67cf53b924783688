"""A batch as a value: its bytes, what it refuses to hold, and what an answer says of each item."""

from decimal import Decimal
from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from qbo_client.answers import Answer, Rows, Unreadable
from qbo_client.batches import BatchItem, BatchWrite, batch_of, batching, compose, outcomes_of
from qbo_client.calls import Reply
from qbo_client.decisions import Decision
from qbo_client.errors import InvalidData, ReferenceInvalid, StaleObject, Throttled, Uncertain
from qbo_client.writes import Operation, Write

#: Stored with every batch that was sent and not answered: it must never change.
GOLDEN = "7eeb3482-fe45-542b-a359-9afd2ca3fb06"


def customer(request_id: str) -> Write:
    return Write.create("Customer", {"DisplayName": request_id, "Balance": Decimal("0.10")}, request_id=request_id)


MIXED = compose(
    {
        "a": customer("r-1"),
        "b": Write.sparse_update("Invoice", {"Id": "5", "SyncToken": "0"}, request_id="r-2"),
        "c": Write.void("Payment", "6", "1", request_id="r-3"),
        "d": Write.delete("SalesReceipt", "7", "2", request_id="r-4"),
        "e": "SELECT * FROM SalesReceipt WHERE DocNumber = 'O\\'Neil'",
    },
    "batch-1",
)


def reply(*items: Any, status: int = 200) -> Reply:
    return Reply(payload={"BatchItemResponse": list(items), "time": "t"}, status=status, intuit_tid="1-b")


def refused(b_id: str, code: str, key: str = "Fault") -> dict[str, Any]:
    case = str.lower if key == "fault" else str
    return {
        "bId": b_id,
        key: {
            case("Error"): [{case("Message"): "No", case("Detail"): "No more", "code": code}],
            "type": "ValidationFault",
        },
    }


def test_batch_has_each_write_to_the_byte_and_a_void_by_its_option() -> None:
    assert simplejson.loads(MIXED.body)["BatchItemRequest"] == [
        {"bId": "a", "operation": "create", "Customer": {"DisplayName": "r-1", "Balance": 0.1}},
        {"bId": "b", "operation": "update", "Invoice": {"Id": "5", "SyncToken": "0", "sparse": True}},
        {
            "bId": "c",
            "operation": "update",
            "optionsData": "void",
            "Payment": {"Id": "6", "SyncToken": "1", "sparse": True},
        },
        {"bId": "d", "operation": "delete", "SalesReceipt": {"Id": "7", "SyncToken": "2"}},
        {"bId": "e", "Query": "SELECT * FROM SalesReceipt WHERE DocNumber = 'O\\'Neil'"},
    ]
    assert f'"Customer":{customer("r-1").body}}}' in MIXED.body


def test_batch_tells_its_items_and_its_metered_reads() -> None:
    assert MIXED.items == (
        BatchItem(b_id="a", entity="Customer", operation=Operation.CREATE),
        BatchItem(b_id="b", entity="Invoice", operation=Operation.UPDATE),
        BatchItem(b_id="c", entity="Payment", operation=Operation.VOID),
        BatchItem(b_id="d", entity="SalesReceipt", operation=Operation.DELETE),
        BatchItem(b_id="e", entity="SalesReceipt", operation=None),
    )
    assert (MIXED.queries, batching(MIXED).reads) == (1, 1)


def test_batch_is_made_again_from_what_was_kept() -> None:
    again = BatchWrite(request_id=MIXED.request_id, body=MIXED.body)
    assert again == MIXED
    assert again.items == MIXED.items
    assert batching(again).body == batching(MIXED).body == MIXED.body.encode()


@given(st.permutations([f"r-{number}" for number in range(7)]))
def test_batch_of_the_same_writes_is_the_same_whatever_their_order(order: list[str]) -> None:
    batch, ordered = batch_of([customer(request_id) for request_id in order])
    assert [write.request_id for write in ordered] == sorted(order)
    assert [item.b_id for item in batch.items] == ["1", "2", "3", "4", "5", "6", "7"]
    assert batch.request_id == GOLDEN


def test_batch_of_other_writes_has_another_request_id_within_the_length() -> None:
    batch, _ = batch_of([customer("x" * 50), customer("y" * 50)])
    assert (len(batch.request_id), batch.request_id == GOLDEN) == (36, False)


def test_batch_of_one_write_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="same request id"):
        batch_of([customer("r-1"), customer("r-1")])


@pytest.mark.parametrize("count", [0, 31])
def test_batch_of_a_size_that_quickbooks_refuses_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 30 items"):
        batch_of([customer(f"r-{number}") for number in range(count)])
    assert len(batch_of([customer(f"r-{number}") for number in range(30)])[0].items) == 30


@pytest.mark.parametrize("request_id", ["", "x" * 37, "a b"])
def test_batch_request_id_that_leaves_no_room_for_a_b_id_is_refused(request_id: str) -> None:
    with pytest.raises(ValueError, match="request id"):
        compose({"1": customer("r")}, request_id)


@pytest.mark.parametrize("b_id", ["", "x" * 11, "a b"])
def test_batch_b_id_that_quickbooks_would_not_keep_is_refused(b_id: str) -> None:
    with pytest.raises(ValueError, match="bId"):
        compose({b_id: customer("r")}, "r")


CREATE = {"bId": "1", "operation": "create", "Customer": {}}


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([CREATE, CREATE], "bId of its own"),
        ([{**CREATE, "bId": 1}], "bId"),
        ([{"bId": "1", "operation": "create"}], "neither"),
        ([{**CREATE, "Item": {}}], "neither"),
        ([{**CREATE, "operation": "merge"}], "neither"),
        ([{**CREATE, "optionsData": "void"}], "neither"),
        ([{"bId": "1", "operation": "create", "TaxService": {}}], "no TaxService in a batch"),
        ([{"bId": "1", "operation": "create", "TaxCode": {}}], "lets nobody write"),
        ([{"bId": "1", "operation": "create", "Customer": {"Id": "1"}}], "no new one"),
        ([{"bId": "1", "operation": "update", "Item": {"Id": "1", "SyncToken": "0", "sparse": True}}], "send it whole"),
        ([{"bId": "1", "operation": "update", "optionsData": "void", "CreditMemo": {}}], "no known way to void"),
        ("x", "1 to 30 items"),
    ],
)
def test_batch_that_quickbooks_would_refuse_or_mistake_is_refused(items: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BatchWrite(request_id="r", body=simplejson.dumps({"BatchItemRequest": items}))


def test_batch_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON object"):
        BatchWrite(request_id="r", body="<batch>")


def test_outcomes_are_matched_by_b_id_in_whatever_order() -> None:
    stub = {"Id": "7", "domain": "QBO", "status": "Deleted"}
    gone = {"bId": "d", "SalesReceipt": stub}
    found = {"bId": "e", "QueryResponse": {"SalesReceipt": [{"Id": "9"}], "maxResults": Decimal(1)}}
    answer = reply(
        found,
        refused("c", "5010"),
        {"bId": "zz"},
        gone,
        refused("b", "610", "fault"),
        {"bId": "a", "Customer": {"Id": "1"}},
    )
    outcomes = outcomes_of(MIXED, answer)
    assert list(outcomes) == ["a", "b", "c", "d", "e"]
    assert outcomes["a"] == Answer(entity={"Id": "1"}, intuit_tid="1-b", time="t")
    assert type(outcomes["b"]) is ReferenceInvalid
    assert type(outcomes["c"]) is StaleObject
    assert (outcomes["c"].code, outcomes["c"].detail, outcomes["c"].intuit_tid) == ("5010", "No more", "1-b")
    assert outcomes["d"] == Answer(entity=stub, intuit_tid="1-b", time="t")
    assert outcomes["e"] == Rows(rows=({"Id": "9"},), intuit_tid="1-b")


@pytest.mark.parametrize(
    "told",
    [
        [],
        [{"bId": "1"}],
        [{"bId": "1", "Invoice": {"Id": "1"}}],
        [{"bId": "1", "Customer": {"SyncToken": "0"}}],
        [{"bId": "2", "Customer": {"Id": "1"}}],
        [{"Customer": {"Id": "1"}}],
        ["x", None],
        [refused("1", "10000")],
        [{"bId": "1", "Fault": {"type": "ValidationFault"}}],
    ],
)
def test_outcome_of_an_item_that_was_not_answered_is_uncertain(told: list[Any]) -> None:
    [outcome] = outcomes_of(compose({"1": customer("r")}, "r"), reply(*told)).values()
    assert isinstance(outcome, Uncertain)
    assert (outcome.decision, outcome.intuit_tid, outcome.retryable) == (Decision.UNCERTAIN, "1-b", True)


def test_outcome_of_a_query_that_found_nothing_has_no_rows() -> None:
    answer = reply({"bId": "1", "QueryResponse": {}})
    assert outcomes_of(compose({"1": "SELECT * FROM Item"}, "r"), answer) == {"1": Rows(rows=(), intuit_tid="1-b")}


@pytest.mark.parametrize("code", ["3001", "003001"])
def test_outcome_of_a_throttled_item_says_how_long_to_wait(code: str) -> None:
    [outcome] = outcomes_of(compose({"1": customer("r")}, "r"), reply(refused("1", code))).values()
    assert isinstance(outcome, Throttled)
    assert (outcome.retry_after, outcome.maybe_written) == (60.0, False)


def test_outcome_of_a_refusal_that_nobody_knows_is_for_a_person() -> None:
    [outcome] = outcomes_of(compose({"1": customer("r")}, "r"), reply(refused("1", "7777"))).values()
    assert type(outcome) is InvalidData


@pytest.mark.parametrize("payload", [{}, {"BatchItemResponse": None}, {"Customer": {"Id": "1"}}])
def test_outcomes_of_another_answer_are_unreadable(payload: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        outcomes_of(MIXED, Reply(payload=payload, status=200, intuit_tid=None))
