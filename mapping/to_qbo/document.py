"""A sale's lines for the books of one company, whole or in part (books, section 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.money import ZERO
from mapping.to_qbo.fold import folded
from mapping.to_qbo.items import DEFAULT_ITEM, fixed_items
from mapping.to_qbo.lines import Booked, discount_line, line_body
from mapping.to_qbo.parts import Kind, Layout
from mapping.to_qbo.sale import Sale
from mapping.to_qbo.shares import Shares, share, share_between
from mapping.to_qbo.taxed import as_billed, with_codes
from mapping.to_qbo.taxes import Taxed, tax_detail

#: What QuickBooks takes in one transaction (facts, section 3).
MOST_LINES, MOST_TAXED_US_LINES = 10_000, 750


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Lines and tax of a sales document, and the totals that QuickBooks must come to."""

    fields: Mapping[str, Any]
    #: What each line stands for in the CRM, in the order of the lines.
    line_ids: tuple[str, ...]
    total: Decimal
    tax: Decimal
    notes: tuple[str, ...]


def document(sale: Sale, *, company: Company, amount: Decimal, items: Mapping[str, str], title: str) -> Document:
    """Return the document for `amount`, which is the sale's total or a part of it.

    `items` gives QuickBooks' item id for each key of `wanted_items`. Raises CannotBook.
    """
    _check_amount(sale, amount)
    layout = _layout(sale, company, title)
    shares = share(layout, amount, total=sale.totals.total, unit=sale.unit)
    return _written(sale, layout, shares, company, items, notes=_notes(sale, amount, layout))


def document_between(
    sale: Sale, *, company: Company, before: Decimal, after: Decimal, items: Mapping[str, str], title: str
) -> Document:
    """Return what the document for `after` has more than the one for `before`: one refund of several.

    The steps together are the document to the cent, in each tax. Lines that get nothing are left out.
    Raises CannotBook.
    """
    _check_amount(sale, after)
    layout = _layout(sale, company, title)
    shares = share_between(layout, before, after, total=sale.totals.total, unit=sale.unit)
    return _written(sale, layout, shares, company, items, notes=(), partial=True)


def _check_amount(sale: Sale, amount: Decimal) -> None:
    if amount > sale.totals.total:
        raise CannotBook(
            "document_does_not_add_up",
            f"{amount} was paid and the document's total is {sale.totals.total}. Correct it in the CRM.",
        )
    if len(sale.lines) > MOST_LINES:
        raise _too_many(len(sale.lines), MOST_LINES, "a transaction")


def _layout(sale: Sale, company: Company, title: str) -> Layout:
    if company.shows_tax:
        layout = with_codes(sale, company=company, title=title)
    elif company.bills_us_tax:
        layout = as_billed(sale, company=company, title=title)
    else:
        layout = folded(sale, company=company, title=title)
    count = len(layout.parts) + bool(layout.discount)
    if count > MOST_LINES:
        raise _too_many(count, MOST_LINES, "a transaction")
    if layout.kind is Kind.AS_BILLED and "TAX" in layout.code_refs and count > MOST_TAXED_US_LINES:
        raise _too_many(count, MOST_TAXED_US_LINES, "a taxable transaction in the US")
    return layout


def _too_many(count: int, limit: int, of: str) -> CannotBook:
    message = f"The document has {count} lines, and QuickBooks takes {limit} in {of}. Split it in the CRM."
    return CannotBook("too_many_lines", message)


def _written(
    sale: Sale,
    layout: Layout,
    shares: Shares,
    company: Company,
    items: Mapping[str, str],
    *,
    notes: tuple[str, ...],
    partial: bool = False,
) -> Document:
    known = {**items, **fixed_items(company)}
    told = [n for n, value in enumerate(shares.values) if value or not partial] or [0]
    lines = [line_body(_booked(layout, shares, known, n, partial=partial)) for n in told]
    ids = [layout.parts[n].line_id for n in told]
    if shares.discount:
        lines.append(discount_line(shares.discount, layout.discount_text))
        ids.append("discount")
    fields = {"Line": lines, **_tax_fields(sale, layout, shares, told, company)}
    return Document(fields=fields, line_ids=tuple(ids), total=shares.total, tax=shares.tax, notes=notes)


def _booked(layout: Layout, shares: Shares, items: Mapping[str, str], n: int, *, partial: bool) -> Booked:
    part = layout.parts[n]
    # Part of a line is no quantity of it.
    whole = not partial or shares.values[n] == part.amount
    return Booked(
        item_id=items.get(part.item_key or DEFAULT_ITEM),
        description=part.text,
        amount=shares.nets[n],
        quantity=part.quantity if whole else Decimal(1),
        tax_code=layout.code_refs[n],
        inclusive_amount=shares.values[n] if layout.inclusive else None,
    )


def _tax_fields(sale: Sale, layout: Layout, shares: Shares, told: Sequence[int], company: Company) -> dict[str, Any]:
    if layout.kind is Kind.AS_BILLED:
        return {"ApplyTaxAfterDiscount": True, "TxnTaxDetail": {"TotalTax": shares.tax}}
    if layout.kind is Kind.FOLDED:
        return {} if company.is_us else {"GlobalTaxCalculation": "NotApplicable"}
    taxed = [Taxed(code=layout.codes[n], amount=shares.values[n]) for n in told]
    if shares.discount:
        taxed.append(Taxed(code=layout.codes[0], amount=-shares.discount))
    fields: dict[str, Any] = {"GlobalTaxCalculation": "TaxInclusive" if layout.inclusive else "TaxExcluded"}
    partial = shares.total != sale.totals.total
    if override := tax_detail(taxed, shares.tax, inclusive=layout.inclusive, unit=sale.unit, partial=partial):
        fields["TxnTaxDetail"] = override
    return fields


def _notes(sale: Sale, amount: Decimal, layout: Layout) -> tuple[str, ...]:
    notes = []
    tax, discount = sale.totals.tax_total, sale.totals.discount_total
    if layout.kind is Kind.FOLDED and (tax or discount):
        figures = (("tax", tax), ("discount", discount))
        notes.append("incl. " + ", ".join(f"{name} {value.quantize(sale.unit)}" for name, value in figures if value))
    if amount != sale.totals.total:
        notes.append(f"{amount.quantize(sale.unit)} of a total of {sale.totals.total.quantize(sale.unit)}")
    if sale.gap != ZERO:
        notes.append(f"rounding {sale.gap.quantize(sale.unit)} absorbed")
    return tuple(notes)
