"""What counts as paid anew, by what was seen before."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from producers.events import Teller
from producers.invoices import Read, being_made, in_order_of_payment, paid_anew, review_request, seen, take_invoice
from producers.memory import KnownInvoice, Memory, TakenIn, Writing
from schemas.events.quickbooks import InvoicePaid, ReviewRequest

NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TELLER = Teller(tenant_id="loc_1", realm_id="462", home_currency="USD")


def at(seconds: int) -> datetime:
    return NINE + timedelta(seconds=seconds)


def stamped(created: int, updated: int, **fields: Any) -> dict[str, Any]:
    times = {"CreateTime": created, "LastUpdatedTime": updated}
    return {"MetaData": {name: at(second).isoformat() for name, second in times.items()}, **fields}


def invoice(number: str = "1", updated: int = 0, **fields: Any) -> dict[str, Any]:
    usual = {"CustomerRef": {"value": "9"}, "TxnDate": "2026-11-20", "TotalAmt": Decimal(100), "Balance": Decimal(0)}
    links = [{"TxnId": one, "TxnType": "Payment"} for one in fields.pop("links", ["5"])]
    return stamped(-600, updated, Id=number, LinkedTxn=links, **{**usual, **fields})


def payment(number: str = "5", created: int = 0, updated: int | None = None, amount: int = 100) -> dict[str, Any]:
    lines = [{"Amount": Decimal(100), "LinkedTxn": [{"TxnId": str(one), "TxnType": "Invoice"}]} for one in range(1, 9)]
    changed = created if updated is None else updated
    return stamped(created, changed, Id=number, TotalAmt=Decimal(amount), Line=lines)


def before(**fields: Any) -> KnownInvoice:
    usual = {"total": Decimal(100), "open": True, "payments": (), "changed_at": at(-3600)}
    return KnownInvoice(**{"qbo_id": "1", "customer_id": "9", **usual, **fields})


@pytest.mark.parametrize(
    ("row", "known", "pays", "paid"),
    [
        (invoice(), None, [payment()], True),
        (invoice(), before(), [payment()], True),
        (invoice(), None, [], False),
        (invoice(), None, [payment(amount=0)], False),
        (invoice(Balance=Decimal(1)), before(), [payment()], False),
        (invoice(), before(paid=True), [payment()], False),
        # Made smaller after the Payment, and before it.
        (invoice(updated=60), before(total=Decimal(120)), [payment()], False),
        (invoice(updated=60), before(total=Decimal(120)), [payment(created=60)], True),
        (invoice(updated=60), before(total=Decimal(80)), [payment()], True),
        (invoice(updated=60), before(), [payment()], True),
        # It was seen with this Payment on it: what was left was written off, unless that was raised since.
        (invoice(updated=60), before(total=Decimal(120), payments=["5"], changed_at=at(0)), [payment()], False),
        (invoice(updated=60), before(payments=["5"], changed_at=at(0)), [payment()], False),
        (invoice(updated=60), before(payments=["5"], changed_at=at(0)), [payment(updated=60)], True),
        (invoice(updated=1), before(total=Decimal(120)), [payment()], False),
        (invoice(updated=0), before(total=Decimal(120)), [payment()], True),
        # It was settled by other means when it was seen last.
        (invoice(updated=60), before(open=False), [payment(created=60)], True),
        (invoice(updated=60), before(open=False), [payment(updated=60)], True),
        (invoice(updated=60), before(open=False), [payment()], False),
    ],
)
def test_paid_anew(row: dict[str, Any], known: KnownInvoice | None, pays: list[dict[str, Any]], paid: bool) -> None:
    assert (paid_anew(row, known, pays) is not None) is paid


def take(row: dict[str, Any], memory: Memory, *payments: dict[str, Any], began: int = -3600) -> TakenIn:
    taken = TakenIn()
    read = Read(customers={}, payments={one["Id"]: one for one in payments})
    began_at = NINE + timedelta(seconds=began)
    take_invoice(row, read, memory, taken, TELLER, began_at=began_at, reviews=True)
    return taken


@pytest.mark.parametrize(
    ("known", "made", "edited", "told"),
    [(None, 0, 0, True), (None, -9, -9, False), (None, -9, 60, False), (before(), -9, -9, True)],
)
def test_paid_before_anybody_watched_marks_who_paid_and_tells_nothing(
    known: KnownInvoice | None, made: int, edited: int, told: bool
) -> None:
    memory = Memory(invoices={} if known is None else {"1": known})
    taken = take(invoice(), memory, payment(created=made, updated=edited), began=0)
    assert (taken.invoices["1"].paid, taken.invoices["1"].paid_told) == (True, told)
    assert len(taken.events) == told
    assert taken.paid_by == {("customer", "9")}


def test_customer_that_cannot_be_read_any_more_is_told_by_its_id() -> None:
    ((topic, event),) = take(invoice(), Memory(), payment()).events
    assert isinstance(event, InvoicePaid)
    customer = event.customer
    assert (topic, customer.customer_id, customer.display_name, customer.active) == ("qb.invoice.paid", "9", "", False)


def test_copy_of_a_payment_serves_where_it_was_not_read() -> None:
    memory = Memory(copies={("Payment", "5"): payment()})
    assert len(take(invoice(), memory).events) == 1
    assert take(invoice(), Memory()).events == []


def test_second_of_one_reading_is_not_the_first() -> None:
    taken, read = TakenIn(), Read(customers={}, payments={"5": payment()})
    for row in (invoice("1"), invoice("2")):
        take_invoice(row, read, Memory(), taken, TELLER, began_at=NINE, reviews=True)
    events = [event for _, event in taken.events if isinstance(event, InvoicePaid)]
    assert [event.review_request for event in events] == [ReviewRequest.SEND, ReviewRequest.NOT_FIRST]


def test_invoices_stand_in_the_order_in_which_they_were_paid() -> None:
    payments = {
        "5": payment("5", created=60),
        "6": payment("6", created=0, updated=500),  # Edited since: it was the first all the same.
        "10": payment("10", created=60),
        "11": payment("11", created=60, amount=0),
    }
    rows = [
        invoice("4", links=["10"], updated=60),
        invoice("3", links=["5"], updated=60),
        invoice("2", links=["5"], updated=60),
        invoice("1", links=["6"]),
        invoice("8", links=["11"], updated=60),
        invoice("7", links=[], Balance=Decimal(5)),
    ]
    found = in_order_of_payment(rows, Read(customers={}, payments=payments), Memory())
    assert [row["Id"] for row in found] == ["7", "8", "1", "2", "3", "4"]


@pytest.mark.parametrize(("note", "waits"), [("crm:invoice/7\nmore", True), ("crm:invoice/70", False), (None, False)])
def test_what_an_open_create_brought_waits(note: str | None, waits: bool) -> None:
    memory = Memory(writing=Writing(notes=frozenset({"crm:invoice/7"})))
    assert being_made({"PrivateNote": note}, memory) is waits


def test_seen_keeps_what_was_told() -> None:
    known = before(paid=True, paid_told=True, imported=True, total=Decimal(1), customer_id="8")
    now = seen(invoice(), known)
    assert now == before(paid=True, paid_told=True, imported=True, open=False)


@pytest.mark.parametrize(
    ("first", "reviews", "asked"),
    [(True, True, "SEND"), (False, True, "NOT_FIRST"), (True, False, "OFF"), (False, False, "OFF")],
)
def test_review_requests(first: bool, reviews: bool, asked: str) -> None:
    assert review_request(first=first, reviews=reviews).value == asked
