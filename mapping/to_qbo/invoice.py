"""An invoice of the CRM as a QuickBooks invoice (books, section 5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from mapping.company import Company
from mapping.to_qbo.currency import check_currency, currency_ref
from mapping.to_qbo.customer import email_keys
from mapping.to_qbo.dates import Day, booking_day
from mapping.to_qbo.document import Document, document
from mapping.to_qbo.invoice_lines import sent_lines
from mapping.to_qbo.items import ItemWanted, wanted_items
from mapping.to_qbo.methods import NUMBER
from mapping.to_qbo.numbers import next_number
from mapping.to_qbo.plain import plain_value
from mapping.to_qbo.sale import Sale, sale_of
from mapping.to_qbo.text import clean, clean_lines, clean_name, is_email, short
from schemas.events.crm import InvoiceState

#: Fields that hold the lines' money; they are written together or not at all.
MONEY = ("Line", "GlobalTaxCalculation", "ApplyTaxAfterDiscount", "TxnTaxDetail")

_NOTE, _MEMO, _CC, _TITLE = 4000, 1000, 200, 100
# What only creation says: the CRM has sent the invoice and collects it.
_ONCE = {
    "EmailStatus": "NotSet",
    "AllowOnlineCreditCardPayment": False,
    "AllowOnlineACHPayment": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """The body that creates the invoice, and the totals that QuickBooks must answer with."""

    body: Mapping[str, Any]
    total: Decimal
    tax: Decimal
    #: What to remember, field by field, as JSON; `invoice_changes` compares with it.
    last_sent: Mapping[str, Any]


def invoice_items_wanted(state: InvoiceState, company: Company, *, new: bool = True) -> tuple[ItemWanted, ...]:
    """Return the items to be found or made for the invoice's lines.

    Raises CannotBook, so that nothing is made for an invoice that will be refused; `new` also checks its day.
    """
    if new:
        booking_day(state.issue_date, company, what="invoice")
    return wanted_items(invoice_sale(state, company), company)


def invoice_sale(state: InvoiceState, company: Company) -> Sale:
    """Return the invoice's money, checked. Raises CannotBook."""
    check_currency(state.totals.currency, company, what="invoice")
    return sale_of(state.lines, state.discounts, state.totals)


def invoice_body(state: InvoiceState, *, company: Company, customer_id: str, items: Mapping[str, str]) -> Invoice:
    """Return the invoice to create. Raises CannotBook.

    `items` gives QuickBooks' item id for the key of each of `invoice_items_wanted`.
    """
    day = booking_day(state.issue_date, company, what="invoice")
    booked = invoice_document(state, company=company, items=items)
    fields = {
        **invoice_fields(state, customer_id=customer_id),
        "TxnDate": day.text,
        "DocNumber": booked_number(state),
        "PrivateNote": private_note(state, booked, day),
    }
    body = {**fields, **_ONCE, **booked.fields, **currency_ref(state.totals.currency, company)}
    return Invoice(body=body, total=booked.total, tax=booked.tax, last_sent=remembered(state, fields, booked))


def numbered(invoice: Invoice, attempt: int, *, company: Company) -> Invoice:
    """Return the invoice under its next number: the first is another document's (6140).

    Attempt 1 is INV-1019-2, attempt 2 INV-1019-3. Raises CannotBook `number_taken` where the settings ask for it.
    """
    number = next_number(str(invoice.body["DocNumber"]), attempt, company)
    note = with_number(str(invoice.body["PrivateNote"]), str(invoice.last_sent["number"]))
    changed = {"DocNumber": number, "PrivateNote": note}
    return replace(invoice, body={**invoice.body, **changed}, last_sent={**invoice.last_sent, **changed})


def with_number(note: str, number: str) -> str:
    """Return the note with the number that the CRM shows."""
    return _joined((*note.split("\n"), f"number in the CRM: {number}"))


def invoice_document(state: InvoiceState, *, company: Company, items: Mapping[str, str]) -> Document:
    """Return the lines and the tax. Raises CannotBook."""
    sale = invoice_sale(state, company)
    return document(
        sale, company=company, amount=state.totals.total.quantize(sale.unit), items=items, title=title_of(state)
    )


def invoice_fields(state: InvoiceState, *, customer_id: str) -> dict[str, Any]:
    """Return the fields that the state alone decides; what the CRM does not know is absent."""
    addresses = _addresses(state)
    fields: dict[str, Any] = {"CustomerRef": {"value": customer_id}}
    if state.due_date is not None:
        fields["DueDate"] = state.due_date.isoformat()
    if addresses:
        fields["BillEmail"] = {"Address": addresses[0]}
    if copies := _fitting(addresses[1:]):
        fields["BillEmailCc"] = {"Address": copies}
    if memo := clean_lines(state.terms_notes, _MEMO):
        fields["CustomerMemo"] = {"value": memo}
    return fields


def private_note(state: InvoiceState, booked: Document, day: Day) -> str:
    """Return the note that leads back to the CRM and says what the document itself cannot."""
    number = full_number(state)
    cut = (f"number in the CRM: {number}",) if short(number, NUMBER) != number else ()
    schedule = (f"crm:schedule/{state.recurring_schedule_id}",) if state.recurring_schedule_id else ()
    return _joined((f"crm:invoice/{state.invoice_id}", *schedule, *cut, *booked.notes, *day.notes))


def booked_number(state: InvoiceState) -> str:
    """Return the number that the invoice is given in QuickBooks, unless another document has it."""
    return short(full_number(state), NUMBER)


def full_number(state: InvoiceState) -> str:
    number = f"{state.invoice_number_prefix or ''}{state.invoice_number}"
    return clean_name(number, len(number))


def title_of(state: InvoiceState) -> str:
    """Return what an invoice without lines is called."""
    return clean(state.title, _TITLE) or "Invoice"


def remembered(state: InvoiceState, fields: Mapping[str, Any], booked: Document) -> dict[str, Any]:
    """Return what is remembered of a write: the fields, the lines, and the CRM's own values where ours differ."""
    return {
        **{name: plain_value(value) for name, value in fields.items()},
        "issue_date": state.issue_date.isoformat(),
        "number": full_number(state),
        "lines": sent_lines(booked.fields["Line"], booked.line_ids),
        "tax": {name: plain_value(value) for name, value in booked.fields.items() if name != "Line"},
    }


def _addresses(state: InvoiceState) -> list[str]:
    """Return every address that QuickBooks would take, the billing address first, none twice."""
    typed = ",".join((state.billing_email or state.bill_to.email or "", *state.cc_emails))
    found: dict[tuple[str, ...], str] = {}
    for part in typed.split(","):
        if is_email(address := clean(part, len(part))):
            found.setdefault(email_keys(address), address)
    return list(found.values())


def _fitting(addresses: Iterable[str]) -> str:
    kept = ""
    for address in addresses:
        longer = f"{kept},{address}" if kept else address
        if len(longer) <= _CC:
            kept = longer
    return kept


def _joined(notes: Iterable[str]) -> str:
    return clean_lines("\n".join(dict.fromkeys(notes)), _NOTE)
