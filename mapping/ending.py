"""What a void or deletion in the CRM does to an invoice in the books (books, section 5)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mapping.settings import DeletedInvoices, Settings
from schemas.events.crm import InvoiceState, InvoiceStatus

ENDED = frozenset({InvoiceStatus.VOID, InvoiceStatus.DELETED})


class End(StrEnum):
    """What to write."""

    VOID = "void"
    DELETE = "delete"
    #: Nothing: the books are right as they are.
    LEAVE = "leave"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    end: End
    #: For `LEAVE` and `ATTENTION`.
    cause: str = ""
    message: str = ""


def end_of(
    state: InvoiceState, *, total: Decimal, applied: Decimal, paid: Decimal, refunded: Decimal, settings: Settings
) -> Ending | None:
    """Return what becomes of the invoice; None where the CRM did not end it.

    `total` and `applied` are the invoice's in QuickBooks: what is applied to it by whatever hand. `paid` and
    `refunded` are what the CRM says was taken for it and given back.
    """
    if state.status not in ENDED:
        return None
    if state.status is InvoiceStatus.DELETED and settings.deleted_invoices is DeletedInvoices.LEAVE:
        return Ending(end=End.LEAVE, cause="deleted_in_crm", message="The CRM deleted it; the settings leave it here.")
    if not applied:
        deleted = state.status is InvoiceStatus.DELETED and settings.deleted_invoices is DeletedInvoices.DELETE
        return Ending(end=End.DELETE if deleted else End.VOID)
    if applied >= total and paid and refunded >= paid:
        said = "It was paid and refunded in full: payment, refund and invoice stand against each other."
        return Ending(end=End.LEAVE, cause="paid_and_refunded", message=said)
    said = (
        f"The CRM ended this invoice, and payments of {applied} are applied to it. "
        "Decide in QuickBooks what becomes of them, void it there, then retry."
    )
    return Ending(end=End.ATTENTION, cause="void_with_payments", message=said)
