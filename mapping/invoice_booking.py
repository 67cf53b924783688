"""Which invoices stay out of the books (docs/books.md, sections 1 and 5)."""

from datetime import datetime

from mapping.booking import Skip
from mapping.ending import ENDED
from schemas.events.crm import InvoiceSent, InvoiceStatus, InvoiceUpdated, Origin

#: The cause of a draft that was skipped: unlike all others it may end, and what belongs to it waits.
DRAFT = "draft"


def why_invoice_not_booked(event: InvoiceSent | InvoiceUpdated, *, sync_from: datetime, in_books: bool) -> Skip | None:
    """Return why the invoice stays out of the books, or None; what is in them already goes on."""
    state = event.invoice
    if not event.envelope.live_mode:
        return Skip(cause="not_live", message="The CRM was in test mode.")
    if event.envelope.origin is Origin.QUICKBOOKS_IMPORT or state.quickbooks_invoice_id is not None:
        return Skip(cause="imported_from_quickbooks", message="The CRM has this invoice from QuickBooks.")
    if in_books:
        return None
    if state.created_at < sync_from:
        said = f"It was created on {state.created_at:%Y-%m-%d}, before {sync_from:%Y-%m-%d %H:%M %Z}, "
        return Skip(cause="created_before_connection", message=f"{said}when syncing starts.")
    if state.status is InvoiceStatus.DRAFT:
        return Skip(cause=DRAFT, message="It is a draft. It is booked when the CRM sends it.")
    if state.status in ENDED:
        return Skip(cause="ended_before_booking", message=f"It was {state.status.lower()} before it was booked.")
    return None
