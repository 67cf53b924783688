"""Tax shown as tax: by code outside the US, as a total in a US company that wants it "as billed"."""

from collections.abc import Sequence
from decimal import Decimal

from mapping.company import Company, TaxCode
from mapping.money import ZERO, round_half_up, without_tax
from mapping.to_qbo.fold import NON
from mapping.to_qbo.parts import Kind, Layout, Part, discount_text, extra_part, named_discount, parts_of
from mapping.to_qbo.sale import Extra, Sale, is_inclusive, rate_of
from mapping.to_qbo.spread import known_discounts, rounded_lines, spread
from mapping.to_qbo.taxes import code_for, implied_code, no_tax_code
from schemas.events.crm import Line

_TAX = "TAX"


def with_codes(sale: Sale, *, company: Company, title: str) -> Layout:
    """Return the document with one tax code for each line's set of taxes. Raises CannotBook."""
    # A line without any tax is the same either way.
    inclusive = any(map(is_inclusive, sale.lines)) and all(is_inclusive(line) or not line.taxes for line in sale.lines)
    parts = _parts(sale, ZERO, company=company, title=title, inclusive=inclusive)
    if not company.tax_codes and not sale.totals.tax_total:
        return Layout(kind=Kind.FOLDED, parts=parts, code_refs=(None,) * len(parts))
    codes = _codes(sale, parts, company)
    discount = _discount(sale) if _may_be_a_line(sale, codes, company) else ZERO
    if discount:
        parts = _parts(sale, discount, company=company, title=title, inclusive=False)
    return Layout(
        kind=Kind.TAXED,
        parts=parts,
        code_refs=tuple(code.id for code in codes),
        codes=codes,
        discount=discount,
        discount_text=discount_text(sale) if discount else "",
        tax=sale.totals.tax_total,
        inclusive=inclusive,
    )


def as_billed(sale: Sale, *, company: Company, title: str) -> Layout:
    """Return a US document with its discount as a line, its tax as a total, and TAX or NON on each line."""
    discount = _discount(sale) if company.allow_discount else ZERO
    parts = _parts(sale, discount, company=company, title=title, inclusive=False)
    automatic = bool(sale.totals.tax_total) and not any(part.taxes for part in parts)
    refs = tuple(_TAX if _is_taxed(part, automatic=automatic) else NON for part in parts)
    return Layout(
        kind=Kind.AS_BILLED,
        parts=parts,
        code_refs=refs,
        discount=discount,
        discount_text=discount_text(sale) if discount else "",
        tax=sale.totals.tax_total,
    )


def _is_taxed(part: Part, *, automatic: bool) -> bool:
    if automatic:
        return part.extra is None
    return any(tax.rate_percent or tax.amount for tax in part.taxes)


def _parts(sale: Sale, discount: Decimal, *, company: Company, title: str, inclusive: bool) -> tuple[Part, ...]:
    """Gross parts where all prices are inclusive, else net ones; they hold what no discount line takes off."""
    shipping = sale.totals.shipping_taxes
    shipping_tax = sum((round_half_up(tax.amount or ZERO, sale.unit) for tax in shipping), ZERO)
    on_top = sum((value for _, value in sale.extras), ZERO)
    whole = rounded_lines(sale)
    moved = _discounted(sale, whole, discount)
    if inclusive:
        amounts, target = whole, sale.totals.total - on_top - shipping_tax
    else:
        amounts, target = _nets(sale, whole), sale.totals.total - sale.totals.tax_total - on_top + discount
        nothing = [ZERO] * len(amounts)
        moved = None if moved is None else spread(_nets(sale, moved), target, nothing, sale.unit)
    parts = parts_of(sale, amounts, moved, company=company, target=target, title=title, notes=named_discount(sale))
    for extra, value in sale.extras:
        taxes, gross = (shipping, shipping_tax if inclusive else ZERO) if extra is Extra.SHIPPING else ((), ZERO)
        parts.append(extra_part(extra, value + gross, taxes))
    return tuple(parts)


def _discounted(sale: Sale, amounts: Sequence[Decimal], discount: Decimal) -> list[Decimal] | None:
    """Return the lines' amounts, as the CRM states them, less what no discount line shows.

    Both readings of a discount on inclusive prices end here: the total decides what it took off.
    """
    known = known_discounts(sale)
    if discount:
        return [amount + less for amount, less in zip(amounts, known, strict=True)]
    on_top = sum((value for _, value in sale.extras), ZERO) + round_half_up(sale.exclusive_tax, sale.unit)
    return spread(amounts, sale.totals.total - on_top, known, sale.unit)


def _nets(sale: Sale, amounts: Sequence[Decimal]) -> list[Decimal]:
    return [_net(line, amount, sale.unit) for line, amount in zip(sale.lines, amounts, strict=True)]


def _net(line: Line, amount: Decimal, unit: Decimal) -> Decimal:
    return round_half_up(without_tax(amount, [rate_of(line)]), unit) if is_inclusive(line) else amount


def _discount(sale: Sale) -> Decimal:
    """Return what a discount line would show: the document's own figure, unless the total says otherwise."""
    on_top = sum((value for _, value in sale.extras), ZERO)
    own = [whole + less for whole, less in zip(rounded_lines(sale), known_discounts(sale), strict=True)]
    net = sum(_nets(sale, own), ZERO)
    left = net + on_top + sale.totals.tax_total - sale.totals.total
    named = sum((one.amount or ZERO for one in sale.document_discounts), ZERO)
    if left <= 0 or not sale.document_discounts:
        return ZERO
    # A gap in the document's arithmetic belongs into the lines, not into the discount.
    rounded = round_half_up(named, sale.unit)
    return rounded if rounded and abs(left - rounded) <= sale.tolerance else left


def _may_be_a_line(sale: Sale, codes: Sequence[TaxCode], company: Company) -> bool:
    """QuickBooks takes a discount off every code's base alike, and off gross amounts it misbehaves."""
    excluded = not any(map(is_inclusive, sale.lines))
    return company.allow_discount and excluded and len({code.id for code in codes}) == 1


def _codes(sale: Sale, parts: Sequence[Part], company: Company) -> tuple[TaxCode, ...]:
    """Return each part's code; tax that the CRM computed without naming its parts lies on the lines alone."""
    if sale.totals.tax_total and not any(part.taxes for part in parts):
        net = sale.totals.total - sale.totals.tax_total - sum((value for _, value in sale.extras), ZERO)
        implied = implied_code(net, sale.totals.tax_total, company, tolerance=sale.tolerance)
        return tuple(implied if part.extra is None else no_tax_code(company) for part in parts)
    return tuple(code_for(part.taxes, company) for part in parts)
