"""A sale's lines for the books of one company: folded in the US, with tax codes elsewhere (books, section 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from mapping.company import Company, TaxCode
from mapping.errors import CannotBook
from mapping.money import ZERO, allocate, round_half_up, without_tax
from mapping.to_qbo.lines import Booked, described, line_body
from mapping.to_qbo.sale import Extra, Sale, is_inclusive, rate_of
from mapping.to_qbo.spread import known_discounts, known_taxes, rounded_lines, spread
from mapping.to_qbo.taxes import Taxed, code_for, implied_code, no_tax_code, tax_detail
from schemas.events.crm import Line, TaxComponent

#: What a US line carries so that QuickBooks adds no tax of its own (facts, section 10).
_NON = "NON"
_ADJUSTMENT = "Discount and tax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Lines and tax of a sales document, and the totals that QuickBooks must come to."""

    fields: Mapping[str, Any]
    total: Decimal
    tax: Decimal
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One line to be: its amount before scaling, its taxes, and where it came from."""

    amount: Decimal
    item_key: str | None
    text: str
    quantity: Decimal = Decimal(1)
    taxes: tuple[TaxComponent, ...] = ()


def document(
    sale: Sale,
    *,
    company: Company,
    amount: Decimal,
    items: Mapping[str, str],
    item_keys: Sequence[str | None],
    title: str,
) -> Document:
    """Return the document for `amount`, which is the sale's total or a part of it.

    `items` gives QuickBooks' item id for each key, `item_keys` the key of each line (None: the default item).
    Raises CannotBook.
    """
    if amount > sale.totals.total:
        raise CannotBook(
            "document_does_not_add_up",
            f"{amount} was paid and the document's total is {sale.totals.total}. Correct it in the CRM.",
        )
    if not company.shows_tax:
        return _folded(sale, amount, items, _folded_parts(sale, item_keys, title), company)
    # A line without any tax is the same either way.
    inclusive = any(map(is_inclusive, sale.lines)) and all(is_inclusive(line) or not line.taxes for line in sale.lines)
    parts = _taxed_parts(sale, item_keys, title, inclusive=inclusive)
    return _with_codes(sale, amount, items, parts, company, inclusive=inclusive)


def _folded_parts(sale: Sale, item_keys: Sequence[str | None], title: str) -> list[_Part]:
    target = sale.totals.total - sum((value for _, value in sale.extras), ZERO)
    amounts = rounded_lines(sale)
    known = [d + t for d, t in zip(known_discounts(sale), known_taxes(sale), strict=True)]
    return _parts(sale, item_keys, title, spread(amounts, target, known, sale.unit), amounts, target) + [
        _Part(amount=value, item_key=extra.value, text=extra.value) for extra, value in sale.extras
    ]


def _taxed_parts(sale: Sale, item_keys: Sequence[str | None], title: str, *, inclusive: bool) -> list[_Part]:
    """Gross parts where all prices are inclusive, else net ones."""
    shipping = sale.totals.shipping_taxes
    shipping_tax = sum((round_half_up(tax.amount or ZERO, sale.unit) for tax in shipping), ZERO)
    on_top = sum((value for _, value in sale.extras), ZERO)
    if inclusive:
        amounts, target = rounded_lines(sale), sale.totals.total - on_top - shipping_tax
    else:
        amounts = [_net(line, sale.unit) for line in sale.lines]
        target = sale.totals.total - sale.totals.tax_total - on_top
    spreaded = spread(amounts, target, known_discounts(sale), sale.unit)
    parts = _parts(sale, item_keys, title, spreaded, amounts, target)
    for extra, value in sale.extras:
        taxes, gross = (shipping, shipping_tax if inclusive else ZERO) if extra is Extra.SHIPPING else ((), ZERO)
        parts.append(_Part(amount=value + gross, item_key=extra.value, text=extra.value, taxes=taxes))
    return parts


def _net(line: Line, unit: Decimal) -> Decimal:
    amount = line.line_amount
    return round_half_up(without_tax(amount, [rate_of(line)]) if is_inclusive(line) else amount, unit)


def _parts(
    sale: Sale,
    item_keys: Sequence[str | None],
    title: str,
    spreaded: list[Decimal] | None,
    amounts: list[Decimal],
    target: Decimal,
) -> list[_Part]:
    notes = _discount_notes(sale)
    moved = amounts if spreaded is None else spreaded
    parts = [
        _Part(
            amount=value,
            item_key=key,
            text=described(line, *(notes if value != before else ())),
            quantity=line.quantity,
            taxes=line.taxes,
        )
        for line, key, value, before in zip(sale.lines, item_keys, moved, amounts, strict=True)
    ]
    if rest := target - sum(moved, ZERO):
        parts.append(_Part(amount=rest, item_key=None, text=title if not sale.lines else _ADJUSTMENT))
    return parts


def _discount_notes(sale: Sale) -> tuple[str, ...]:
    codes = [d.code for d in sale.discounts if d.code]
    return (f"Discount {', '.join(codes)} included",) if codes and sale.discount > 0 else ()


def _folded(
    sale: Sale, amount: Decimal, items: Mapping[str, str], parts: Sequence[_Part], company: Company
) -> Document:
    booked = [
        Booked(
            item_id=items.get(part.item_key or DEFAULT_ITEM),
            description=part.text,
            amount=value,
            quantity=part.quantity,
            tax_code=_NON if company.is_us else None,
        )
        for part, value in zip(parts, scaled([p.amount for p in parts], amount, sale.unit), strict=True)
    ]
    fields: dict[str, Any] = {"Line": [line_body(line, sale.unit) for line in booked]}
    if not company.is_us:
        fields["GlobalTaxCalculation"] = "NotApplicable"
    return Document(fields=fields, total=amount, tax=ZERO, notes=_notes(sale, amount, folded=True))


def _with_codes(
    sale: Sale, amount: Decimal, items: Mapping[str, str], parts: Sequence[_Part], company: Company, *, inclusive: bool
) -> Document:
    tax = _scaled_tax(sale, amount)
    target = amount if inclusive else amount - tax
    values = scaled([part.amount for part in parts], target, sale.unit)
    if not company.tax_codes and not tax:
        return _without_codes(sale, amount, items, parts, values)
    codes = _codes(sale, parts, company)
    taxed = [Taxed(code=code, amount=value) for code, value in zip(codes, values, strict=True)]
    nets = _nets(taxed, amount - tax, sale.unit) if inclusive else values
    booked = [
        Booked(
            item_id=items.get(part.item_key or DEFAULT_ITEM),
            description=part.text,
            amount=net,
            quantity=part.quantity,
            tax_code=code.id,
            inclusive_amount=value if inclusive else None,
        )
        for part, code, value, net in zip(parts, codes, values, nets, strict=True)
    ]
    fields: dict[str, Any] = {
        "Line": [line_body(line, sale.unit) for line in booked],
        "GlobalTaxCalculation": "TaxInclusive" if inclusive else "TaxExcluded",
    }
    if override := tax_detail(taxed, tax, inclusive=inclusive, unit=sale.unit):
        fields["TxnTaxDetail"] = override
    return Document(fields=fields, total=amount, tax=tax, notes=_notes(sale, amount, folded=False))


def _codes(sale: Sale, parts: Sequence[_Part], company: Company) -> list[TaxCode]:
    """Return each part's code; tax that the CRM computed without naming its parts lies on the lines alone."""
    if sale.totals.tax_total and not any(part.taxes for part in parts):
        net = sale.totals.total - sale.totals.tax_total - sum((value for _, value in sale.extras), ZERO)
        implied = implied_code(net, sale.totals.tax_total, company, tolerance=sale.unit * max(1, len(sale.lines)))
        names = {extra.value for extra, _ in sale.extras}
        return [no_tax_code(company) if part.item_key in names else implied for part in parts]
    return [code_for(part.taxes, company) for part in parts]


def _without_codes(
    sale: Sale, amount: Decimal, items: Mapping[str, str], parts: Sequence[_Part], values: Sequence[Decimal]
) -> Document:
    """A company that has no tax set up, and a sale without any."""
    booked = [
        Booked(item_id=items.get(p.item_key or DEFAULT_ITEM), description=p.text, amount=value, quantity=p.quantity)
        for p, value in zip(parts, values, strict=True)
    ]
    fields = {"Line": [line_body(line, sale.unit) for line in booked], "GlobalTaxCalculation": "NotApplicable"}
    return Document(fields=fields, total=amount, tax=ZERO, notes=_notes(sale, amount, folded=False))


#: Key of the item that lines without a product take.
DEFAULT_ITEM = "default"


def scaled(amounts: Sequence[Decimal], target: Decimal, unit: Decimal) -> list[Decimal]:
    """Return the amounts in the same proportions, summing to `target`: a deposit or an instalment."""
    whole = sum(amounts, ZERO)
    if whole == target:
        return list(amounts)
    if min(amounts) >= 0:
        return allocate(target, amounts, unit)
    rough = [round_half_up(Fraction(amount) * Fraction(target) / Fraction(whole), unit) for amount in amounts]
    rough[rough.index(max(rough))] += target - sum(rough, ZERO)
    return rough


def _scaled_tax(sale: Sale, amount: Decimal) -> Decimal:
    totals = sale.totals
    return (
        totals.tax_total
        if amount == totals.total
        else round_half_up(Fraction(totals.tax_total) * Fraction(amount) / Fraction(totals.total), sale.unit)
    )


def _nets(taxed: Sequence[Taxed], target: Decimal, unit: Decimal) -> list[Decimal]:
    """Return each gross amount's net, so that the nets sum to the document's.

    The cents that rounding leaves go to the largest lines that hold tax: what holds none is its own net.
    """
    nets = [round_half_up(without_tax(one.amount, one.code.rates), unit) for one in taxed]
    holding = [n for n, one in enumerate(taxed) if any(one.code.rates)] or list(range(len(nets)))
    largest = sorted(holding, key=lambda n: -abs(nets[n]))
    left = target - sum(nets, ZERO)
    for turn in range(int(abs(left) / unit)):
        nets[largest[turn % len(largest)]] += unit if left > 0 else -unit
    return nets


def _notes(sale: Sale, amount: Decimal, *, folded: bool) -> tuple[str, ...]:
    notes = []
    tax, discount = sale.totals.tax_total, sale.totals.discount_total
    if folded and (tax or discount):
        notes.append(
            "incl. " + ", ".join(f"{n} {v.quantize(sale.unit)}" for n, v in (("tax", tax), ("discount", discount)) if v)
        )
    if amount != sale.totals.total:
        notes.append(f"{amount} of a total of {sale.totals.total.quantize(sale.unit)}")
    if sale.gap:
        notes.append(f"rounding {sale.gap.quantize(sale.unit)} absorbed")
    return tuple(notes)
