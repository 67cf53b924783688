"""What the CRM sends although it only has it from QuickBooks, and does not say so (docs/books.md, section 1). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mapping.booking import IMPORTED, Skip
from mapping.to_qbo.invoice import booked_number
from schemas.events.crm import InvoiceState

#: The CRM gives no reason to take it for anything else than what it was told of.
REPEATED = Skip(cause=IMPORTED, message="Number, date and total are those of an invoice that came from QuickBooks.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCustomer:
    """A customer of QuickBooks whose id the CRM knows from this connection."""

    qbo_id: str
    #: It was merged into another since, or deleted.
    gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldInvoice:
    """What this connection once told the CRM of an invoice of QuickBooks; a person may have changed it since."""

    qbo_id: str
    #: Empty where it has none.
    doc_number: str
    txn_date: date
    total: Decimal


def numbers_told(state: InvoiceState) -> tuple[str, ...]:
    """Return the numbers under which the CRM was told of this invoice if it was: as booked, and as typed.

    The empty one stands for an invoice without a number.
    """
    typed = f"{state.invoice_number_prefix or ''}{state.invoice_number}".strip()
    return tuple(dict.fromkeys((booked_number(state), typed)))


def repeated(state: InvoiceState, told: Iterable[ToldInvoice]) -> list[ToldInvoice]:
    """Return those of the invoices with its number that have its date and its total as well."""
    return [one for one in told if (one.txn_date, one.total) == (state.issue_date, state.totals.total)]
