"""One transaction is one object in the books, also where the CRM tells of it with more than one document."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from consumers.outcomes import Attention, Done, Result
from schemas.events.crm import InvoiceSent, InvoiceStatus, InvoiceUpdated, PaymentMethod, PaymentStatus
from tests.unit.consumers.build import invoice_event, paid, paid_event
from tests.unit.consumers.emulated import Emulated

UPDATED, UNCHANGED = Done(Result.UPDATED), Done(Result.UNCHANGED)
CARD = paid("tx_1", "100.00", 1)


def settled(minute: int, **changes: Any) -> InvoiceSent | InvoiceUpdated:
    return invoice_event(minute, paid="100.00", status=InvoiceStatus.PAID, payments=(CARD,), **changes)


def cause(outcome: object) -> str:
    assert isinstance(outcome, Attention), outcome
    return outcome.cause


def test_transaction_that_is_a_receipt_is_not_a_payment_too() -> None:
    books = Emulated()
    books.hear(paid_event(CARD, 1, invoice_id=None), invoice_event())
    books.written()
    assert cause(books.hear(settled(2))[0]) == "booked_elsewhere"
    assert cause(books.hear(paid_event(CARD, 3))[0]) == "booked_elsewhere"
    assert (books.objects("Payment"), books.one("Invoice")["Balance"], books.written()) == ([], 100, [])


def test_receipt_goes_on_as_one_after_its_transaction_was_told_with_an_invoice() -> None:
    books = Emulated()
    books.hear(paid_event(CARD, 1, invoice_id=None), invoice_event())
    books.hear(settled(2))
    refunded = replace(CARD, status=PaymentStatus.PARTIALLY_REFUNDED, amount_refunded=Decimal(10))
    assert books.hear(paid_event(refunded, 3, invoice_id=None)) == [UPDATED]
    assert [one["TotalAmt"] for one in books.objects("RefundReceipt")] == [10]


def test_payment_that_a_person_moved_to_the_invoice_settles_it() -> None:
    books = Emulated()
    books.hear(paid_event(CARD, 1, invoice_id=None), invoice_event())
    books.hear(settled(2))
    books.person_voids("SalesReceipt", books.one("SalesReceipt")["Id"])
    invoice = books.one("Invoice")
    linked = {"Amount": Decimal(100), "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    books.person_enters("Payment", CustomerRef={"value": invoice["CustomerRef"]["value"]},
                        TotalAmt=Decimal(100), Line=[linked])  # fmt: skip
    books.written()
    assert books.hear(settled(3)) == [UNCHANGED]
    assert books.written() == []


def test_transaction_on_two_invoices_is_a_payment_on_the_first() -> None:
    books = Emulated()
    books.hear(invoice_event(), invoice_event(invoice_id="in_20", invoice_number="1020"))
    books.hear(settled(2))
    second = settled(3, invoice_id="in_20", invoice_number="1020")
    assert cause(books.hear(second)[0]) == "booked_elsewhere"
    assert [int(one["Balance"]) for one in books.objects("Invoice")] == [0, 100]
    assert len(books.objects("Payment")) == 1


def test_payment_told_later_without_its_invoice_stays_what_it_is() -> None:
    books = Emulated()
    books.hear(invoice_event(), settled(2))
    books.written()
    changed = replace(CARD, method=PaymentMethod.CARD, amount=Decimal("90.00"))
    assert cause(books.hear(paid_event(changed, 3, invoice_id=None))[0]) == "amount_changed_after_booking"
    assert (books.objects("SalesReceipt"), books.written()) == ([], [])
