"""An overpayment that was given back in part, heard of late: it is no payment after a refund."""

from dataclasses import replace
from decimal import Decimal

import pytest

from consumers.outcomes import Attention
from schemas.events.crm import PaymentStatus
from tests.unit.consumers.build import invoice_event, paid, paid_event
from tests.unit.consumers.emulated import Emulated

TAKEN = paid("tx_1", "120.00", 1)
REFUNDED = replace(TAKEN, status=PaymentStatus.PARTIALLY_REFUNDED, amount_refunded=Decimal("20.00"))
NEWEST = invoice_event(5, paid="100.00", payments=(REFUNDED,))


@pytest.mark.parametrize("newest_first", [True, False])
def test_overpayment_given_back_in_part_is_a_payment_and_a_refund(newest_first: bool) -> None:
    books = Emulated()
    events = [invoice_event(), paid_event(TAKEN, 1), NEWEST]
    for event in reversed(events) if newest_first else events:
        books.hear(event)
    payment, refund = books.one("Payment"), books.one("RefundReceipt")
    assert (payment["TotalAmt"], payment["UnappliedAmt"], refund["TotalAmt"]) == (120, 20, 20)
    assert books.one("Invoice")["Balance"] == 0


def test_money_paid_after_an_earlier_refund_still_needs_a_person() -> None:
    books = Emulated()
    books.hear(NEWEST)
    again = paid("tx_2", "20.00", 6)
    (asked,) = books.hear(invoice_event(6, paid="120.00", payments=(REFUNDED, again)))
    assert isinstance(asked, Attention)
    assert asked.cause == "paid_again_after_refund"
