"""Payments on an invoice: one for each transaction, wherever and in whatever order the CRM tells of it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from consumers.outcomes import Attention, Done, Result, Skipped, Waiting
from schemas.events.crm import InvoiceStatus, PaymentMethod, PaymentStatus
from tests.unit.consumers.build import bill_to, invoice_event, paid, paid_event
from tests.unit.consumers.emulated import Emulated

CREATED, UPDATED, UNCHANGED, SUPERSEDED = (Done(result) for result in Result)
CARD, REST = paid("tx_1", "40.00", 1), paid("tx_2", "60.00", 2)
CHEQUE = paid("tx_3", "40.00", 1, provider="manual", method=PaymentMethod.CHECK, check_number="1001")


def sums(books: Emulated) -> tuple[list[int], int]:
    """Return the Payments' totals and what is left of the invoice."""
    return [int(one["TotalAmt"]) for one in books.objects("Payment")], int(books.one("Invoice")["Balance"])


def with_invoice(**changes: Any) -> Emulated:
    books = Emulated()
    books.hear(invoice_event(**changes))
    books.written()
    return books


def cause(outcome: object) -> str:
    assert isinstance(outcome, Attention | Skipped | Waiting), outcome
    return outcome.cause


def test_payment_on_a_known_invoice_is_one_request() -> None:
    books = with_invoice()
    assert books.hear(paid_event(replace(CARD, card_brand=None, method=PaymentMethod.UNKNOWN), 1)) == [CREATED]
    assert books.client.calls == [("create", "Payment")]
    assert sums(books) == ([40], 60)


def test_payment_before_its_invoice_waits_and_is_released_the_moment_that_lands() -> None:
    books = Emulated()
    (waits,) = books.hear(paid_event(CARD, 1))
    assert isinstance(waits, Waiting)
    assert (waits.cause, waits.waits_for) == ("waits_for_invoice", "invoice:in_19")
    assert books.hear(invoice_event(2, paid="40.00", payments=(CARD,))) == [CREATED]
    assert books.lane.outcomes[1][-1] == UNCHANGED
    assert sums(books) == ([40], 60)


@pytest.mark.parametrize("first", ["payment", "invoice"])
def test_payment_told_twice_is_one(first: str) -> None:
    books = with_invoice()
    events = [paid_event(CARD, 1), invoice_event(2, paid="40.00", payments=(CARD,))]
    for event in events if first == "payment" else events[::-1]:
        books.hear(event)
    assert sums(books) == ([40], 60)


def test_partial_payments_pay_the_invoice_and_telling_again_writes_nothing() -> None:
    books = with_invoice()
    books.hear(invoice_event(1, paid="40.00", payments=(CARD,)))
    books.hear(invoice_event(2, paid="100.00", payments=(CARD, REST), status=InvoiceStatus.PAID))
    assert sums(books) == ([40, 60], 0)
    books.written()
    assert books.hear(invoice_event(3, paid="100.00", payments=(CARD, REST))) == [UNCHANGED]
    assert books.client.calls == []


def test_only_the_sum_is_known_then_the_payments() -> None:
    books = with_invoice()
    books.hear(invoice_event(1, paid="70.00", payments_complete=False))
    assert sums(books) == ([70], 30)
    books.hear(paid_event(CARD, 2))
    assert sums(books) == ([40, 30], 30)
    books.hear(invoice_event(3, paid="100.00", payments=(CARD, REST)))
    assert sums(books) == ([40, 60], 0)
    notes = [one["PrivateNote"].split("\n")[0] for one in books.objects("Payment")]
    assert notes == ["crm:payment/tx_1", "crm:payment/tx_2"]
    assert not [ref for ref in books.lane.books.links if ref.kind == "provisional"]


def test_payments_customer_is_the_invoices_whoever_paid() -> None:
    books = with_invoice()
    event = paid_event(CARD, 1)
    assert books.hear(replace(event, contact=bill_to("ct_mother"))) == [CREATED]
    assert books.one("Payment")["CustomerRef"]["value"] == books.one("Invoice")["CustomerRef"]["value"]
    assert len(books.objects("Customer")) == 1


def test_overpayment_stays_the_customers_credit_and_is_named() -> None:
    books = with_invoice()
    (outcome,) = books.hear(paid_event(paid("tx_9", "130.00", 1), 1))
    assert isinstance(outcome, Done)
    assert "30" in str(outcome.note)
    assert books.one("Payment")["UnappliedAmt"] == 30


def test_total_that_rises_takes_what_was_over() -> None:
    books = with_invoice()
    payment = paid("tx_9", "130.00", 1)
    books.hear(paid_event(payment, 1))
    assert books.hear(invoice_event(2, total="150.00", paid="130.00", payments=(payment,))) == [UPDATED]
    assert (books.one("Payment")["UnappliedAmt"], books.one("Invoice")["Balance"]) == (0, 20)


def test_total_that_falls_below_what_was_paid_leaves_credit() -> None:
    books = with_invoice()
    payment = paid("tx_9", "100.00", 1)
    books.hear(paid_event(payment, 1))
    (outcome,) = books.hear(invoice_event(2, total="80.00", paid="100.00", payments=(payment,)))
    assert isinstance(outcome, Done)
    assert (books.one("Payment")["UnappliedAmt"], books.one("Invoice")["Balance"]) == (20, 0)
    books.written()
    books.hear(invoice_event(3, total="80.00", paid="100.00", payments=(payment,)))
    assert books.written() == []


def test_invoice_that_moves_to_another_contact_takes_its_payments_along() -> None:
    books = with_invoice()
    books.hear(paid_event(CARD, 1))
    moved = invoice_event(2, paid="40.00", payments=(CARD,), bill_to=bill_to("ct_2"))
    assert books.hear(moved) == [UPDATED]
    invoice, payment = books.one("Invoice"), books.one("Payment")
    assert invoice["CustomerRef"]["name"] == payment["CustomerRef"]["name"] == "ct_2"
    assert sums(books) == ([40], 60)


def test_void_with_a_payment_needs_a_person_and_is_left() -> None:
    books = with_invoice()
    books.hear(paid_event(CARD, 1))
    (asked,) = books.hear(invoice_event(2, paid="40.00", payments=(CARD,), status=InvoiceStatus.VOID))
    assert cause(asked) == "void_with_payments"
    assert sums(books) == ([40], 60)


def test_payment_on_a_skipped_invoice_is_skipped_for_its_reason() -> None:
    books = Emulated()
    books.hear(invoice_event(status=InvoiceStatus.VOID))
    (outcome,) = books.hear(paid_event(CARD, 1))
    assert cause(outcome) == "void_before_booked"


def test_payment_on_a_draft_waits_for_it_to_be_sent() -> None:
    books = Emulated()
    books.hear(invoice_event(status=InvoiceStatus.DRAFT))
    assert cause(books.hear(paid_event(CARD, 1))[0]) == "waits_for_invoice"
    books.hear(invoice_event(2, paid="40.00", payments=(CARD,)))
    assert (books.lane.outcomes[2][-1], sums(books)) == (UNCHANGED, ([40], 60))


def test_payment_whose_invoice_never_came_needs_a_person() -> None:
    books = Emulated()
    row = replace(books.row(paid_event(CARD, 1)), received_at=CARD.paid_at.replace(month=10))
    books.lane.add(row)
    books.work()
    assert cause(books.lane.outcomes[row.id][-1]) == "invoice_never_came"


def bookkeeper_books(books: Emulated, amount: str) -> None:
    invoice = books.one("Invoice")
    line = {"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    customer = {"value": invoice["CustomerRef"]["value"]}
    books.person_enters("Payment", TotalAmt=Decimal(amount), CustomerRef=customer, Line=[line])


def test_cheque_that_the_bookkeeper_recorded_first_is_adopted() -> None:
    books = with_invoice()
    bookkeeper_books(books, "40.00")
    books.hear(paid_event(CHEQUE, 1))
    assert (sums(books), books.written()) == (([40], 60), [])
    books.hear(invoice_event(2, paid="40.00", payments=(CHEQUE,)))
    assert sums(books) == ([40], 60)


def test_card_payment_on_an_invoice_that_another_hand_paid_needs_a_person() -> None:
    books = with_invoice()
    bookkeeper_books(books, "100.00")
    assert cause(books.hear(paid_event(paid("tx_9", "100.00", 1), 1))[0]) == "paid_in_quickbooks"
    assert sums(books) == ([100], 0)


def test_card_payment_left_unapplied_by_quickbooks_needs_a_person() -> None:
    books = with_invoice()
    books.emulated.switches.excess_payment_becomes_unapplied = True
    bookkeeper_books(books, "100.00")
    assert cause(books.hear(paid_event(paid("tx_9", "100.00", 1), 1))[0]) == "paid_in_quickbooks"
    assert sums(books) == ([100, 100], 0)


def test_sum_that_a_bookkeeper_recorded_makes_no_provisional_payment() -> None:
    books = with_invoice()
    bookkeeper_books(books, "40.00")
    books.hear(invoice_event(1, paid="40.00", payments_complete=False))
    assert sums(books) == ([40], 60)


def test_payment_removed_by_a_person_is_asked_about_and_not_made_again() -> None:
    books = with_invoice()
    books.hear(paid_event(CARD, 1))
    books.person_deletes("Payment", books.one("Payment")["Id"])
    (asked,) = books.hear(invoice_event(2, total="120.00", paid="40.00", payments=(CARD,)))
    assert cause(asked) == "removed_in_quickbooks"
    assert books.objects("Payment") == []


def test_payment_that_failed_after_it_was_booked_needs_a_person() -> None:
    books = with_invoice()
    books.hear(paid_event(CARD, 1))
    failed = replace(CARD, status=PaymentStatus.FAILED)
    assert cause(books.hear(paid_event(failed, 2))[0]) == "payment_withdrawn"
    assert cause(books.hear(invoice_event(3, payments=(failed,)))[0]) == "payment_withdrawn"


def test_payment_under_dispute_is_booked_and_shown_to_a_person() -> None:
    books = with_invoice()
    assert cause(books.hear(paid_event(replace(CARD, status=PaymentStatus.DISPUTED), 1))[0]) == "disputed"
    assert sums(books) == ([40], 60)
