"""Money that was given back as a refund receipt for the difference (books, section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.money import is_multiple
from mapping.to_qbo.currency import check_currency, currency_ref
from mapping.to_qbo.dates import booking_day, local_day
from mapping.to_qbo.document import document_between
from mapping.to_qbo.methods import NUMBER, deposit_account, payment_references
from mapping.to_qbo.sale import Sale, sale_of
from mapping.to_qbo.sales_receipt import NOTE, title_of
from mapping.to_qbo.text import clean_lines, short
from schemas.events.crm import InvoiceState, PaymentCompleted, PaymentRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """The body to send, and the totals that QuickBooks must answer with."""

    body: Mapping[str, Any]
    total: Decimal
    tax: Decimal
    #: What is booked as refunded of the transaction once this is written: the refund's identity.
    cumulative: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """What refunds are booked already, cumulative."""

    transaction: Decimal
    #: Of all transactions on the same document; for a sale the same figure.
    document: Decimal


def refund_of_sale(
    event: PaymentCompleted,
    *,
    company: Company,
    customer_id: str,
    items: Mapping[str, str],
    payment_method_id: str | None,
    booked: Decimal,
) -> Refund | None:
    """Return the receipt for what was refunded beyond `booked`; None when that is nothing. Raises CannotBook.

    It spreads over the lines of the sales receipt, in proportion and by tax code. `items` as for the receipt.
    """
    return _refund(
        event.payment,
        sale_of(event.lines, event.discounts, event.totals),
        Refunded(transaction=booked, document=booked),
        company=company,
        customer_id=customer_id,
        items=items,
        payment_method_id=payment_method_id,
        occurred_at=event.envelope.occurred_at,
        title=title_of(event),
    )


def refund_on_invoice(
    record: PaymentRecord,
    state: InvoiceState,
    *,
    company: Company,
    customer_id: str,
    items: Mapping[str, str],
    payment_method_id: str | None,
    booked: Refunded,
    occurred_at: datetime,
    title: str = "Refund",
) -> Refund | None:
    """Return the receipt for what was refunded of a payment on an invoice, on the invoice's lines.

    The Payment and the invoice stay as they are. None when nothing is to book. Raises CannotBook.
    """
    sale = sale_of(state.lines, state.discounts, state.totals)
    return _refund(
        record,
        sale,
        booked,
        company=company,
        customer_id=customer_id,
        items=items,
        payment_method_id=payment_method_id,
        occurred_at=occurred_at,
        title=title,
        notes=(f"crm:invoice/{state.invoice_id}",),
    )


def _refund(
    record: PaymentRecord,
    sale: Sale,
    booked: Refunded,
    *,
    company: Company,
    customer_id: str,
    items: Mapping[str, str],
    payment_method_id: str | None,
    occurred_at: datetime,
    title: str,
    notes: tuple[str, ...] = (),
) -> Refund | None:
    difference = record.amount_refunded - booked.transaction
    if difference <= 0:
        return None
    currency = sale.totals.currency
    check_currency(currency, company, what="refund")
    _check_amounts(record, sale, booked.document + difference)
    day = booking_day(record.refund_date or local_day(occurred_at, company), company, what="refund")
    before = booked.document.quantize(sale.unit)
    after = (before + difference).quantize(sale.unit)
    made = document_between(sale, company=company, before=before, after=after, items=items, title=title)
    identity = f"crm:refund/{record.transaction_id}/{record.amount_refunded.quantize(sale.unit)}"
    body = {
        "CustomerRef": {"value": customer_id},
        "TxnDate": day.text,
        "PrivateNote": clean_lines("\n".join((identity, *notes, *day.notes)), NOTE),
        **made.fields,
        **payment_references(record, company, payment_method_id),
        "PaymentRefNum": short(record.transaction_id, NUMBER),
        "DepositToAccountRef": {"value": _account(record, company)},
        **currency_ref(currency, company),
    }
    return Refund(body=body, total=made.total, tax=made.tax, cumulative=record.amount_refunded)


def _account(record: PaymentRecord, company: Company) -> str:
    """The account the money came back from; QuickBooks makes no refund receipt without one."""
    account = deposit_account(record, company) or company.undeposited_funds_id
    if account is None:
        raise CannotBook(
            "deposit_account_missing",
            f"{company.name} has no account Undeposited Funds to refund from. Set a deposit account, then retry.",
        )
    return account


def _check_amounts(record: PaymentRecord, sale: Sale, in_all: Decimal) -> None:
    if record.amount_refunded > record.amount:
        raise CannotBook(
            "refund_exceeds_payment",
            f"{record.amount_refunded} was refunded of a payment of {record.amount}. Correct it in the CRM.",
        )
    if not is_multiple(record.amount_refunded, sale.unit):
        raise CannotBook(
            "document_does_not_add_up", f"{record.amount_refunded} is no amount of {sale.totals.currency}."
        )
    if in_all > sale.totals.total:
        raise CannotBook(
            "refund_exceeds_document",
            f"{in_all} was refunded in all, and the document's total is {sale.totals.total}. "
            "Book what is over in QuickBooks.",
        )
