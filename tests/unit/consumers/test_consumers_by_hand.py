"""What people do in QuickBooks while the bridge works there, and what the bridge then leaves to them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from consumers.outcomes import Attention, Done, Result
from mapping.settings import Settings, Withdrawn
from schemas.events.crm import InvoiceStatus, PaymentMethod, PaymentStatus
from tests.unit.consumers.build import bill_to, invoice_event, paid, paid_event
from tests.unit.consumers.emulated import Emulated

CREATED, UPDATED, UNCHANGED, SUPERSEDED = (Done(result) for result in Result)
CARD = paid("tx_1", "40.00", 1)
CHEQUE = replace(CARD, provider="manual", method=PaymentMethod.CHECK)


def with_invoice(**settings: Any) -> Emulated:
    books = Emulated(settings=Settings(**settings))
    books.hear(invoice_event())
    books.written()
    return books


def bookkeeper_books(books: Emulated, amount: str) -> None:
    invoice = books.one("Invoice")
    line = {"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    customer = {"value": invoice["CustomerRef"]["value"]}
    books.person_enters("Payment", TotalAmt=Decimal(amount), CustomerRef=customer, Line=[line])


def causes(*outcomes: Any) -> list[str]:
    return [one.cause if isinstance(one, Attention) else one.result.value for one in outcomes]


@pytest.mark.parametrize("how", ["delete", "void"])
@pytest.mark.parametrize("status", [InvoiceStatus.VOID, InvoiceStatus.DELETED])
def test_invoice_ended_on_both_sides_is_done(how: str, status: InvoiceStatus) -> None:
    books = with_invoice()
    (books.person_deletes if how == "delete" else books.person_voids)("Invoice", books.one("Invoice")["Id"])
    assert causes(*books.hear(invoice_event(1, status=status))) == ["unchanged"]
    assert causes(*books.hear(invoice_event(2, status=status, terms_notes="again"))) == ["unchanged"]
    assert books.written() == []


def test_cheque_recorded_while_ours_was_under_way_gives_way_to_it() -> None:
    books = with_invoice()
    books.emulated.switches.excess_payment_becomes_unapplied = True
    once = [True]

    def between(call: Any) -> None:
        if once and call.operation == "create":
            once.clear()
            bookkeeper_books(books, "100.00")

    books.client.before = between
    whole = replace(CHEQUE, amount=Decimal(100))
    books.hear(paid_event(whole, 1))
    payments = books.objects("Payment")
    assert [(one["TotalAmt"], one["UnappliedAmt"]) for one in payments] == [(100, 0)]
    assert "crm:" not in payments[0].get("PrivateNote", "")


def test_invoice_with_a_persons_payment_does_not_move_to_another_customer() -> None:
    books = with_invoice()
    bookkeeper_books(books, "40.00")
    for minute, adopt in ((1, False), (3, True)):
        if adopt:
            books.hear(paid_event(CHEQUE, 2))
        moved = invoice_event(minute, bill_to=bill_to("ct_2"), paid="40.00", payments=(CHEQUE,))
        assert causes(*books.hear(moved)) == ["contact_change_refused"]
    assert books.one("Invoice")["CustomerRef"]["name"] == "ct_1"


def test_payment_that_the_settings_take_back_is_voided() -> None:
    books = with_invoice(withdrawn=Withdrawn.VOID)
    books.hear(paid_event(CARD, 1))
    assert books.hear(paid_event(replace(CARD, status=PaymentStatus.FAILED), 2)) == [UPDATED]
    assert (books.one("Payment")["TotalAmt"], books.one("Invoice")["Balance"]) == (0, 100)
    assert books.hear(invoice_event(3)) == [UNCHANGED]


def test_sum_that_changes_changes_the_provisional_payment_and_nothing_paid_removes_it() -> None:
    books = with_invoice()
    for minute, amount in enumerate(("70.00", "30.00", "90.00", "0"), 1):
        books.hear(invoice_event(minute, paid=amount, payments_complete=False))
        assert sum(one["TotalAmt"] for one in books.objects("Payment")) == Decimal(amount)
        assert len(books.objects("Payment")) == (amount != "0")


def test_payment_on_an_invoice_that_was_voided_needs_a_person_unless_it_was_given_back() -> None:
    books = with_invoice()
    books.hear(invoice_event(1, status=InvoiceStatus.VOID))
    assert causes(*books.hear(paid_event(CARD, 2))) == ["void_with_payments"]
    gone = replace(CARD, transaction_id="tx_2", amount_refunded=CARD.amount, status=PaymentStatus.REFUNDED)
    assert books.hear(paid_event(gone, 3))[0].cause == "paid_and_refunded"  # type: ignore[union-attr]
    assert books.objects("Payment") == []


def test_refund_of_a_payment_finds_its_lines_in_the_invoices_newest_state() -> None:
    books = with_invoice()
    books.lane.books.stored.clear()
    refunded = replace(CARD, amount_refunded=Decimal(10), status=PaymentStatus.PARTIALLY_REFUNDED)
    assert causes(*books.hear(paid_event(refunded, 1))) == ["invoice_lines_unknown"]


def test_inactive_customer_is_made_active_for_an_invoice() -> None:
    books = with_invoice()
    customer = books.one("Customer")
    books.hear(invoice_event(1, status=InvoiceStatus.VOID))
    books.person_edits("Customer", customer["Id"], Active=False)
    other = replace(invoice_event(2).invoice, invoice_id="in_20", invoice_number="1020")
    event = replace(invoice_event(2), invoice=other, envelope=replace(invoice_event(2).envelope, entity_id="in_20"))
    assert books.hear(event) == [CREATED]
    assert books.one("Customer")["Active"]
