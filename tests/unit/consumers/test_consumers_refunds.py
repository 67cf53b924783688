"""Money that was given back: a receipt for the difference, once, of sales and of payments on invoices."""

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from consumers.outcomes import Attention, Done, Result
from mapping.settings import Settings, Withdrawn
from schemas.events.crm import InvoiceStatus, PaymentStatus
from tests.unit.consumers.build import invoice_event, paid, paid_event
from tests.unit.consumers.emulated import Emulated

CREATED, UPDATED, UNCHANGED, SUPERSEDED = (Done(result) for result in Result)
PARTLY, FULLY = PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED


def refunded(amount: str, *, of: str = "100.00", status: PaymentStatus = PARTLY) -> Any:
    return paid("tx_1", of, 1, amount_refunded=Decimal(amount), status=status)


def sold(amount: str, minute: int, **fields: Any) -> Any:
    return paid_event(refunded(amount, **fields), minute, invoice_id=None)


def refunds(books: Emulated) -> list[int]:
    return [int(one["TotalAmt"]) for one in books.objects("RefundReceipt")]


def cause(outcome: object) -> str:
    assert isinstance(outcome, Attention), outcome
    return outcome.cause


def test_sale_without_refund_is_one_receipt_in_one_request() -> None:
    books = Emulated()
    books.hear(sold("0", 1))
    books.written()
    other = replace(refunded("0"), transaction_id="tx_2")
    assert books.hear(paid_event(other, 2, invoice_id=None)) == [CREATED]
    assert books.client.calls == [("create", "SalesReceipt")]


def test_refunds_are_booked_for_the_difference_each() -> None:
    books = Emulated()
    books.hear(sold("0", 1))
    assert books.hear(sold("30.00", 2)) == [UPDATED]
    assert books.hear(sold("100.00", 3, status=FULLY)) == [UPDATED]
    assert refunds(books) == [30, 70]
    assert len(books.objects("SalesReceipt")) == 1
    notes = [one["PrivateNote"].split("\n")[0] for one in books.objects("RefundReceipt")]
    assert notes == ["crm:refund/tx_1/30.00", "crm:refund/tx_1/100.00"]


def test_sale_first_heard_of_when_refunded_is_a_receipt_and_a_refund() -> None:
    books = Emulated()
    assert books.hear(sold("30.00", 2)) == [CREATED]
    assert (int(books.one("SalesReceipt")["TotalAmt"]), refunds(books)) == (100, [30])


def test_refund_told_twice_is_booked_once() -> None:
    books = Emulated()
    books.hear(sold("30.00", 2))
    books.written()
    assert books.hear(replace(sold("30.00", 3), order_id="told again")) == [UNCHANGED]
    assert (books.written(), refunds(books)) == ([], [30])


@pytest.mark.parametrize("on_invoice", [False, True])
def test_refund_whose_totals_differed_is_read_again_until_a_person_corrected_it(on_invoice: bool) -> None:
    books = Emulated()
    if on_invoice:
        books.hear(invoice_event(1))
    given_back = partial(paid_event, invoice_id="in_19" if on_invoice else None)
    books.hear(given_back(refunded("30.00"), 2))
    (ref,) = (one for one in books.lane.books.links if one.kind == "refund")
    differing = replace(books.lane.books.links[ref], discrepancy="TotalAmt should be 30.00 and is 29.00")
    books.lane.books.links[ref] = differing
    line = books.one("RefundReceipt")["Line"][0]
    detail = {**line["SalesItemLineDetail"], "Qty": 1, "UnitPrice": 29}
    wrong = {**line, "Amount": 29, "SalesItemLineDetail": detail}
    books.person_edits("RefundReceipt", differing.qbo_id, Line=[wrong])
    (outcome,) = books.hear(given_back(refunded("30.00"), 3))
    assert cause(outcome) == "totals_differ"
    books.person_edits("RefundReceipt", differing.qbo_id, Line=[line])
    assert books.hear(given_back(refunded("30.00"), 4)) == [UNCHANGED]
    assert books.lane.books.links[ref].discrepancy is None


def test_refund_that_falls_needs_a_person() -> None:
    books = Emulated()
    books.hear(sold("30.00", 2))
    assert cause(books.hear(sold("10.00", 3))[0]) == "payment_withdrawn"
    assert refunds(books) == [30]


@pytest.mark.parametrize("withdrawn", Withdrawn)
def test_sale_that_failed_after_it_was_booked_is_for_a_person_or_the_settings(withdrawn: Withdrawn) -> None:
    books = Emulated(settings=Settings(withdrawn=withdrawn))
    books.hear(sold("0", 1))
    (outcome,) = books.hear(sold("0", 2, status=PaymentStatus.FAILED))
    if withdrawn is Withdrawn.VOID:
        assert (outcome, int(books.one("SalesReceipt")["TotalAmt"])) == (UPDATED, 0)
        assert cause(books.hear(sold("0", 3, status=PaymentStatus.SUCCEEDED))[0]) == "reopened_after_void"
    else:
        assert (cause(outcome), int(books.one("SalesReceipt")["TotalAmt"])) == ("payment_withdrawn", 100)


def test_dispute_is_booked_and_asked_about_each_time() -> None:
    books = Emulated()
    disputed = PaymentStatus.DISPUTED
    assert cause(books.hear(sold("0", 1, status=disputed))[0]) == "disputed"
    assert cause(books.hear(replace(sold("0", 2, status=disputed), order_id="o"))[0]) == "disputed"
    assert len(books.objects("SalesReceipt")) == 1


def invoice(minute: int, payment: Any, **changes: Any) -> Any:
    left = payment.amount - payment.amount_refunded
    return invoice_event(minute, paid=str(left), payments=(payment,), **changes)


@pytest.mark.parametrize("teller", ["payment", "invoice"])
def test_refund_on_an_invoice_leaves_payment_and_invoice(teller: str) -> None:
    books = Emulated()
    books.hear(invoice(1, refunded("0")))
    partly = refunded("30.00")
    books.hear(paid_event(partly, 2) if teller == "payment" else invoice(2, partly))
    assert (refunds(books), int(books.one("Invoice")["Balance"]), int(books.one("Payment")["TotalAmt"])) == (
        [30],
        0,
        100,
    )
    assert books.one("RefundReceipt")["PrivateNote"].split("\n")[:2] == ["crm:refund/tx_1/30.00", "crm:invoice/in_19"]
    books.hear(invoice(3, partly), paid_event(partly, 3))
    assert refunds(books) == [30]


def test_invoice_paid_refunded_and_voided_is_left_as_it_stands() -> None:
    books = Emulated()
    books.hear(invoice(1, refunded("0")))
    gone = refunded("100.00", status=FULLY)
    assert books.hear(invoice(2, gone, status=InvoiceStatus.VOID))[0].result is Result.UNCHANGED  # type: ignore[union-attr]
    assert (refunds(books), int(books.one("Invoice")["TotalAmt"])) == ([100], 100)


def test_older_payment_event_does_not_take_a_refund_back() -> None:
    books = Emulated()
    books.hear(invoice(5, refunded("30.00")))
    assert books.hear(paid_event(refunded("0", status=PaymentStatus.SUCCEEDED), 2)) == [UNCHANGED]
    assert refunds(books) == [30]


def test_invoice_paid_again_after_a_refund_needs_a_person() -> None:
    books = Emulated()
    books.hear(invoice(1, refunded("100.00", status=FULLY)))
    again = paid("tx_2", "100.00", 3)
    assert cause(books.hear(paid_event(again, 3))[0]) == "paid_again_after_refund"
