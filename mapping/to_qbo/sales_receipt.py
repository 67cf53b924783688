"""A payment without invoice as a sales receipt (books, section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.money import is_multiple
from mapping.to_qbo.currency import check_currency, currency_ref
from mapping.to_qbo.dates import Day, booking_day
from mapping.to_qbo.document import document
from mapping.to_qbo.items import ItemWanted, wanted_items
from mapping.to_qbo.methods import NUMBER, payment_references
from mapping.to_qbo.numbers import next_number
from mapping.to_qbo.sale import Sale, sale_of
from mapping.to_qbo.text import clean, clean_lines, short
from schemas.events.crm import PaymentCompleted

#: Longest PrivateNote.
NOTE = 4000
_TITLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The body to send, and the totals that QuickBooks must answer with."""

    body: Mapping[str, Any]
    total: Decimal
    tax: Decimal


def items_wanted(event: PaymentCompleted, company: Company) -> tuple[ItemWanted, ...]:
    """Return the items to be found or made: for lines with a product, and for tip, surcharge and shipping.

    Raises CannotBook, so that nothing is made for a sale that will be refused.
    """
    sale, _ = checked_sale(event, company)
    return wanted_items(sale, company)


def sales_receipt(
    event: PaymentCompleted,
    *,
    company: Company,
    customer_id: str,
    items: Mapping[str, str],
    payment_method_id: str | None,
) -> Receipt:
    """Return the receipt for the money that was taken. Raises CannotBook.

    `items` gives QuickBooks' item id for the key of each of `items_wanted`. `payment_method_id` is None where
    `payment_method_name` is.
    """
    payment = event.payment
    sale, day = checked_sale(event, company)
    amount = payment.amount.quantize(sale.unit)
    booked = document(sale, company=company, amount=amount, items=items, title=title_of(event))
    notes = (f"crm:payment/{payment.transaction_id}", *_origin(event), *booked.notes, *day.notes)
    body: dict[str, Any] = {
        "CustomerRef": {"value": customer_id},
        "TxnDate": day.text,
        "PrivateNote": clean_lines("\n".join(notes), NOTE),
        **booked.fields,
        **payment_references(payment, company, payment_method_id),
        **currency_ref(sale.totals.currency, company),
    }
    if company.custom_txn_numbers and event.receipt_number:
        body["DocNumber"] = short(event.receipt_number, NUMBER)
    return Receipt(body=body, total=booked.total, tax=booked.tax)


def renumbered(body: Mapping[str, Any], attempt: int, *, company: Company, number: str) -> dict[str, Any]:
    """Return the receipt's body under its next number; instalments of one order share theirs in the CRM.

    Raises CannotBook `number_taken` where the settings ask for it.
    """
    note = clean_lines(f"{body['PrivateNote']}\nnumber in the CRM: {number}", NOTE)
    return {**body, "DocNumber": next_number(str(body["DocNumber"]), attempt, company), "PrivateNote": note}


def checked_sale(event: PaymentCompleted, company: Company) -> tuple[Sale, Day]:
    """Return the sale and its day once everything that can be refused beforehand is checked."""
    check_currency(event.totals.currency, company, what="sale")
    day = booking_day(event.payment.txn_date, company, what="sale")
    sale = sale_of(event.lines, event.discounts, event.totals)
    amount = event.payment.amount
    if amount < 0 or not is_multiple(amount, sale.unit):
        raise CannotBook("document_does_not_add_up", f"{amount} is no amount of {sale.totals.currency}.")
    return sale, day


def title_of(event: PaymentCompleted) -> str:
    """Return what a sale without lines is called."""
    return clean(event.source.name, _TITLE) or event.source.type.replace("_", " ").capitalize()


def _origin(event: PaymentCompleted) -> tuple[str, ...]:
    """What leads back to the CRM besides the payment's own id."""
    ids = (("order", event.order_id), ("subscription", event.subscription_id), ("source", event.source.id))
    return tuple(f"crm:{kind}/{value}" for kind, value in ids if value)
