"""A QuickBooks invoice as others are told of it (`qb.invoice.paid`, `qb.invoice.imported`).

Whatever QuickBooks shows becomes an event: a number is taken to the decimals that the contract has, and what it leaves
out is left out. Kafka takes records of a million bytes: of an invoice with more text than that, the lines' is cut.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from mapping.from_qbo.customer import created
from mapping.from_qbo.text import printable
from mapping.from_qbo.transactions import is_void
from schemas.events.quickbooks import Invoice, InvoiceLine

_DISCOUNT, _GROUP, _TOTALS = "DiscountLineDetail", "GroupLineDetail", "SubTotalLineDetail"
#: What the contract's decimals hold behind and before the point.
_AMOUNT, _QUANTITY = 4, 6
_BEFORE_POINT = {_AMOUNT: 15, _QUANTITY: 12}
#: Bytes of text in all the lines of an event.
_MOST_TEXT = 500_000
_DAY = len("2026-11-20")
_ROUNDING = Context(prec=60, rounding=ROUND_HALF_UP)


def invoice_of(invoice: Mapping[str, Any], crm_invoice_id: str | None, *, home_currency: str) -> Invoice:
    """Return the invoice as an event carries it. A company of one currency names none on its documents."""
    return Invoice(
        invoice_id=str(invoice["Id"]),
        crm_invoice_id=crm_invoice_id,
        doc_number=doc_number(invoice),
        txn_date=txn_date(invoice),
        due_date=_day(invoice.get("DueDate")),
        currency=_text((invoice.get("CurrencyRef") or {}).get("value")) or home_currency,
        total=amount(invoice, "TotalAmt"),
        tax_total=amount(invoice.get("TxnTaxDetail") or {}, "TotalTax"),
        balance=amount(invoice, "Balance"),
        billing_email=_text((invoice.get("BillEmail") or {}).get("Address")),
        voided=_is_void(invoice),
        lines=_fitting(tuple(_lines(invoice.get("Line") or ()))),
    )


def doc_number(invoice: Mapping[str, Any]) -> str | None:
    return _text(invoice.get("DocNumber"))


def txn_date(invoice: Mapping[str, Any]) -> date:
    """Return the day of the invoice; that of its creation where QuickBooks gave it none (facts on TxnDate)."""
    return _day(invoice.get("TxnDate")) or created(invoice).date()


def amount(holder: Mapping[str, Any], name: str) -> Decimal:
    """Return an amount of money; nothing where QuickBooks leaves it out."""
    value = holder.get(name)
    return _to(value, _AMOUNT) if value else Decimal(0)


def _is_void(invoice: Mapping[str, Any]) -> bool:
    if amount(invoice, "TotalAmt"):
        return False
    return is_void(_stated({**invoice, "Line": [_stated(line) for line in invoice.get("Line") or ()]}))


def _stated(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in thing.items() if value is not None}


def _lines(lines: Iterable[Mapping[str, Any]]) -> Iterator[InvoiceLine]:
    for line in lines:
        kind = line.get("DetailType")
        if kind == _GROUP:
            yield from _lines((line.get(_GROUP) or {}).get("Line") or ())
        elif kind != _TOTALS:
            yield _line(line, str(kind))


def _line(line: Mapping[str, Any], kind: str) -> InvoiceLine:
    detail: Mapping[str, Any] = line.get(kind) or {}
    shown = amount(line, "Amount")
    return InvoiceLine(
        description=_text(line.get("Description")),
        item_name=_text((detail.get("ItemRef") or {}).get("name")),
        quantity=_within(detail.get("Qty"), _QUANTITY),
        unit_amount=_within(detail.get("UnitPrice"), _AMOUNT),
        amount=-shown if kind == _DISCOUNT else shown,
    )


def _fitting(lines: tuple[InvoiceLine, ...]) -> tuple[InvoiceLine, ...]:
    """Return the lines with their texts cut to equal lengths where all of them are too much for one record."""
    texts = [text for line in lines for text in (line.description, line.item_name) if text]
    if sum(map(len, texts)) * 4 <= _MOST_TEXT or sum(len(text.encode()) for text in texts) <= _MOST_TEXT:
        return lines
    room = _MOST_TEXT // (2 * len(lines))
    return tuple(
        replace(line, description=_cut(line.description, room), item_name=_cut(line.item_name, room)) for line in lines
    )


def _cut(text: str | None, most: int) -> str | None:
    return text and (text.encode()[:most].decode(errors="ignore") or None)


def _within(number: object, decimals: int) -> Decimal | None:
    """Return a number to the decimals an event has for it. A price may be finer; the line's amount is exact.

    One that is too large for the contract is left out.
    """
    if number is None:
        return None
    shown = _to(number, decimals)
    return shown if abs(shown) < 10 ** _BEFORE_POINT[decimals] else None


def _to(number: Any, decimals: int) -> Decimal:
    exact = number if isinstance(number, Decimal) else Decimal(str(number))
    exponent = exact.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -decimals:
        return exact.quantize(Decimal(1).scaleb(-decimals), context=_ROUNDING)
    return exact


def _day(value: object) -> date | None:
    """Return a day; none where it is not one. QuickBooks may write a zone behind it."""
    try:
        return date.fromisoformat(str(value)[:_DAY]) if value else None
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return printable(value) or None
