"""Answers that were lost for longer than QuickBooks remembers: what was made is found, and nothing is made twice."""

from dataclasses import replace
from typing import Any

import pytest

from consumers.outcomes import Done, Result
from mapping.settings import DeletedInvoices, Settings
from schemas.events.crm import InvoiceStatus, PaymentStatus
from tests.unit.consumers.build import invoice_event, paid, paid_event
from tests.unit.consumers.emulated import Emulated, lose_answers_of

PAYMENT = paid("tx_1", "40.00", 1)
REFUNDED = replace(PAYMENT, amount_refunded=PAYMENT.amount, status=PaymentStatus.REFUNDED)


@pytest.mark.parametrize(
    ("lost", "event", "kinds"),
    [
        (("create", "Invoice"), invoice_event(1, paid="40.00", payments=(PAYMENT,)), {"Invoice": 1, "Payment": 1}),
        (("create", "Payment"), invoice_event(1, paid="40.00", payments=(PAYMENT,)), {"Invoice": 1, "Payment": 1}),
        (("update", "Invoice"), invoice_event(1, total="120.00"), {"Invoice": 1}),
        (("void", "Invoice"), invoice_event(1, status=InvoiceStatus.VOID), {"Invoice": 1}),
        (("create", "SalesReceipt"), paid_event(REFUNDED, 1, invoice_id=None), {"SalesReceipt": 1}),
        (("create", "RefundReceipt"), paid_event(REFUNDED, 1, invoice_id=None), {"RefundReceipt": 1}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("remembered", [True, False], ids=["remembered", "forgotten"])
def test_write_whose_answer_was_lost_is_there_once(
    lost: tuple[str, str], event: Any, kinds: dict[str, int], remembered: bool
) -> None:
    books = Emulated()
    if lost != ("create", "Invoice"):
        books.hear(invoice_event())
    lose_answers_of(books.client, [lost])
    if not remembered:
        books.forget_lost_answers()
    (outcome,) = books.hear_for_long(event)
    assert isinstance(outcome, Done), outcome
    assert not books.lane.opened
    assert {kind: len(books.objects(kind)) for kind in kinds} == kinds


def test_deletion_whose_answer_was_lost_is_done() -> None:
    books = Emulated(settings=Settings(deleted_invoices=DeletedInvoices.DELETE))
    books.hear(invoice_event())
    lose_answers_of(books.client, [("delete", "Invoice")])
    books.forget_lost_answers()
    assert books.hear_for_long(invoice_event(1, status=InvoiceStatus.DELETED)) == [Done(Result.UNCHANGED)]
    assert books.objects("Invoice") == []
