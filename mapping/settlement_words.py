"""What a person is asked about the money on an invoice (books, section 6)."""

from collections.abc import Iterable
from decimal import Decimal

from mapping.settlement_steps import NeedsAttention, Theirs
from schemas.events.crm import PaymentRecord

#: A transaction that was told of with another document; it is not booked a second time.
BOOKED_ELSEWHERE = "booked_elsewhere"


def paid_elsewhere(amount: Decimal, theirs: Iterable[Theirs], transaction_id: str | None) -> NeedsAttention:
    others = ", ".join(str(one.applied) for one in theirs)
    said = (
        f"The CRM says that {amount} was paid, and QuickBooks shows payments of {others} by other hands. "
        "If it is the same money, nothing has to be done; if not, book it in QuickBooks."
    )
    return NeedsAttention(cause="paid_in_quickbooks", message=said, transaction_id=transaction_id)


def paid_already(amount: Decimal, left: Decimal, transaction_id: str | None) -> NeedsAttention:
    """More than is left to pay, by hand or as a sum only, after the CRM was told that the invoice is paid."""
    said = (
        f"The CRM says that {amount} was paid, and the invoice was paid in full before, as the CRM was told; {left} is "
        "left to pay. If the CRM recorded the payment that it was told of, nothing has to be done; remove its own. If "
        "it is other money, book it in QuickBooks."
    )
    return NeedsAttention(cause="paid_in_quickbooks", message=said, transaction_id=transaction_id)


def booked_elsewhere(record: PaymentRecord, document: str) -> NeedsAttention:
    said = (
        f"{record.amount} is booked already, as {document}. If it pays this "
        "invoice, void that and record the payment on the invoice in QuickBooks, then retry."
    )
    return NeedsAttention(cause=BOOKED_ELSEWHERE, message=said, transaction_id=record.transaction_id)


def paid_again_after_refund(record: PaymentRecord) -> NeedsAttention:
    said = f"{record.amount} was paid again after a refund. Book it in QuickBooks on a document of its own."
    return NeedsAttention(cause="paid_again_after_refund", message=said, transaction_id=record.transaction_id)


def payments_exceed_sum(paid: Decimal, known: Decimal) -> NeedsAttention:
    said = f"The CRM says that {paid} is paid, and its payments come to {known}. Correct them in the CRM."
    return NeedsAttention(cause="payments_exceed_sum", message=said)
