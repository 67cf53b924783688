"""What is booked at all (docs/books.md, sections 1 to 3)."""

from dataclasses import dataclass
from datetime import datetime

from schemas.events.crm import ContactActive, Origin, PaymentCompleted, PaymentStatus

#: Money that was taken, whatever became of it since.
SETTLED = frozenset(
    {
        PaymentStatus.SUCCEEDED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.DISPUTED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Not for these books: a stable code and the reason in words."""

    cause: str
    message: str


def why_not_booked(event: ContactActive | PaymentCompleted, *, sync_from: datetime) -> Skip | None:
    """Return why the event stays out of the books, or None. `sync_from` is the first consent or the set date."""
    if not event.envelope.live_mode:
        return Skip(cause="not_live", message="The CRM was in test mode.")
    if event.envelope.origin is Origin.QUICKBOOKS_IMPORT:
        return Skip(cause="imported_from_quickbooks", message="The CRM has this record from QuickBooks.")
    return _why_not_paid(event, sync_from) if isinstance(event, PaymentCompleted) else None


def _why_not_paid(event: PaymentCompleted, sync_from: datetime) -> Skip | None:
    payment = event.payment
    if event.quickbooks_invoice_id is not None:
        return Skip(cause="imported_from_quickbooks", message="It pays an invoice that came from QuickBooks.")
    if payment.status not in SETTLED:
        return Skip(cause="not_settled", message=f"No money was taken yet: the payment is {payment.status}.")
    if payment.amount == 0:
        return Skip(cause="zero_amount", message="The payment is for nothing.")
    if payment.paid_at < sync_from:
        said = f"It was paid on {payment.paid_at:%Y-%m-%d}, before {sync_from:%Y-%m-%d %H:%M %Z}, when syncing starts."
        return Skip(cause="paid_before_connection", message=said)
    return None
