"""What is booked at all (docs/books.md, sections 1 to 3)."""

from dataclasses import dataclass
from datetime import datetime

from schemas.events.crm import (
    ContactActive,
    InvoiceSent,
    InvoiceState,
    InvoiceStatus,
    InvoiceUpdated,
    Origin,
    PaymentCompleted,
    PaymentStatus,
)

#: Money that was taken, whatever became of it since.
SETTLED = frozenset(
    {
        PaymentStatus.SUCCEEDED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.DISPUTED,
    }
)

CrmEvent = ContactActive | PaymentCompleted | InvoiceSent | InvoiceUpdated

#: Why what came from QuickBooks never goes back.
IMPORTED = "imported_from_quickbooks"

_ABSENT = {
    InvoiceStatus.DRAFT: ("draft", "The invoice is a draft; it is booked once it is sent."),
    InvoiceStatus.VOID: ("void_before_booked", "The invoice was voided before it was booked."),
    InvoiceStatus.DELETED: ("deleted_before_booked", "The invoice was deleted before it was booked."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Not for these books: a stable code and the reason in words."""

    cause: str
    message: str
    #: Whether no later event of this record can change it; an invoice's payments are then skipped too.
    lasting: bool = True


def why_not_booked(
    event: CrmEvent, *, sync_from: datetime, in_books: bool = False, own_invoice_id: str | None = None
) -> Skip | None:
    """Return why the event stays out of the books, or None.

    `sync_from` is the first consent to this company, or the date that the settings name instead. `in_books` says
    that the invoice is in the books already: then its age and its status keep nothing out. `own_invoice_id` is
    QuickBooks' id of the invoice if the bridge made it: a CRM that tells this id back has imported nothing.
    """
    if not event.envelope.live_mode:
        return Skip(cause="not_live", message="The CRM was in test mode.")
    if event.envelope.origin is Origin.QUICKBOOKS_IMPORT:
        return Skip(cause=IMPORTED, message="The CRM has this record from QuickBooks.")
    if isinstance(event, PaymentCompleted):
        return _why_not_paid(event, sync_from, own_invoice_id)
    if isinstance(event, ContactActive):
        return None
    return _why_not_invoiced(event.invoice, sync_from, own_invoice_id, in_books=in_books)


def skipped_with(invoice: Skip) -> Skip | None:
    """Return why a payment stays out with its invoice; None where the invoice may still come (a draft)."""
    if not invoice.lasting:
        return None
    return Skip(cause=invoice.cause, message=f"It pays an invoice that is not in these books. {invoice.message}")


def _why_not_invoiced(
    invoice: InvoiceState, sync_from: datetime, own_invoice_id: str | None, *, in_books: bool
) -> Skip | None:
    if invoice.quickbooks_invoice_id not in {None, own_invoice_id}:
        return Skip(cause=IMPORTED, message="The invoice came from QuickBooks.")
    if in_books:
        return None
    if invoice.created_at < sync_from:
        return Skip(
            cause="created_before_connection",
            message=f"It was created on {_day(invoice.created_at)}, before {_moment(sync_from)}, when syncing starts.",
        )
    if absent := _ABSENT.get(invoice.status):
        cause, message = absent
        return Skip(cause=cause, message=message, lasting=invoice.status is not InvoiceStatus.DRAFT)
    return None


def _why_not_paid(event: PaymentCompleted, sync_from: datetime, own_invoice_id: str | None) -> Skip | None:
    payment = event.payment
    if event.quickbooks_invoice_id not in {None, own_invoice_id}:
        return Skip(cause=IMPORTED, message="It pays an invoice that came from QuickBooks.")
    if payment.status not in SETTLED:
        said = f"No money was taken yet: the payment is {payment.status}."
        return Skip(cause="not_settled", message=said, lasting=False)
    if payment.amount == 0:
        return Skip(cause="zero_amount", message="The payment is for nothing.", lasting=False)
    if payment.paid_at < sync_from:
        said = f"It was paid on {_day(payment.paid_at)}, before {_moment(sync_from)}, when syncing starts."
        return Skip(cause="paid_before_connection", message=said)
    return None


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"
