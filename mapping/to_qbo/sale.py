"""A sale as the books see it: what was sold, what comes on top, and whether it adds up."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from mapping.errors import CannotBook
from mapping.money import CENT, ZERO, minor_unit, product, round_half_up
from schemas.events.crm import Discount, DiscountScope, Line, TaxCalculation, TaxComponent, Totals


class Extra(StrEnum):
    """What a sale may hold besides its lines; each has an item of its own, made on first use."""

    TIP = "Tip"
    SURCHARGE = "Surcharge"
    SHIPPING = "Shipping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """The document's money, with its arithmetic proven to the tolerance of the contract."""

    lines: tuple[Line, ...]
    discounts: tuple[Discount, ...]
    totals: Totals
    unit: Decimal
    extras: tuple[tuple[Extra, Decimal], ...]
    #: Tax that comes on top of the lines' amounts; what is contained in them is not part of it.
    exclusive_tax: Decimal
    #: What the discounts take off the lines' amounts.
    discount: Decimal
    #: The gap that was absorbed: what the document's own figures leave unexplained.
    gap: Decimal

    @property
    def tolerance(self) -> Decimal:
        """What rounding may leave unexplained: a minor unit a line."""
        return self.unit * max(1, len(self.lines))

    @property
    def document_discounts(self) -> tuple[Discount, ...]:
        """The discounts that count for the document as a whole."""
        return tuple(d for d in self.discounts if d.scope is not DiscountScope.LINE and not d.valid_on_product_ids)


def sale_of(lines: Sequence[Line], discounts: Sequence[Discount], totals: Totals) -> Sale:
    """Check a document's arithmetic and return its parts. Raises CannotBook when the gap is too large.

    The discount is what the lines, with all that comes on top, exceed the total by: the total is
    authoritative, and both readings of a discount on inclusive prices (contract) end there.
    """
    unit = minor_unit(totals.currency)
    tolerance = unit * max(1, len(lines))
    named = (
        (Extra.TIP, totals.tip_total),
        (Extra.SURCHARGE, totals.surcharge_total),
        (Extra.SHIPPING, totals.shipping_total),
    )
    extras = tuple((extra, round_half_up(amount, unit)) for extra, amount in named if amount)
    _check_precision(totals, unit)
    _check_lines(lines, unit)
    _check_header(totals, tolerance)
    exclusive = _exclusive_tax(lines, totals, unit)
    gross = sum((line.line_amount for line in lines), ZERO)
    on_top = sum((amount for _, amount in extras), ZERO)
    discount = gross + exclusive + on_top - totals.total
    gap = _unexplained(discount, lines, totals) if lines else ZERO
    if abs(gap) > tolerance:
        raise _does_not_add_up(
            f"lines {gross} + tax {exclusive} + tip, surcharge and shipping {on_top} - discount "
            f"{totals.discount_total} is not the total {totals.total}"
        )
    return Sale(
        lines=tuple(lines),
        discounts=tuple(discounts),
        totals=totals,
        unit=unit,
        extras=extras,
        exclusive_tax=exclusive,
        discount=discount,
        gap=gap,
    )


def _check_precision(totals: Totals, unit: Decimal) -> None:
    for name, amount in (("total", totals.total), ("tax_total", totals.tax_total)):
        if amount != round_half_up(amount, unit):
            raise _does_not_add_up(f"{name} {amount} has more decimals than {totals.currency}")


def _check_lines(lines: Sequence[Line], unit: Decimal) -> None:
    for line in lines:
        computed = product(line.quantity, line.unit_amount)
        if abs(computed - line.line_amount) > unit:
            raise _does_not_add_up(
                f"line {line.name!r}: {line.quantity} x {line.unit_amount} is {computed}, its amount {line.line_amount}"
            )


def _check_header(totals: Totals, tolerance: Decimal) -> None:
    computed = (
        totals.sub_total
        - totals.discount_total
        + totals.tax_total
        + totals.shipping_total
        + totals.surcharge_total
        + totals.tip_total
    )
    if abs(computed - totals.total) > tolerance:
        raise _does_not_add_up(f"sub-total, discount, tax and extras come to {computed}, the total is {totals.total}")


def _exclusive_tax(lines: Sequence[Line], totals: Totals, unit: Decimal) -> Decimal:
    inclusive = [line for line in lines if is_inclusive(line)]
    if not inclusive:
        return totals.tax_total
    on_lines = sum((tax_amount(t, line, unit) for line in lines if not is_inclusive(line) for t in line.taxes), ZERO)
    return on_lines + sum((tax.amount or ZERO for tax in totals.shipping_taxes), ZERO)


def _unexplained(discount: Decimal, lines: Sequence[Line], totals: Totals) -> Decimal:
    """Return how far the discount is from what the document says it is; zero within its two readings."""
    highest = max((rate_of(line) for line in lines if is_inclusive(line)), default=ZERO)
    least = totals.discount_total
    most = round_half_up(Fraction(least) * (100 + Fraction(highest)) / 100, CENT.scaleb(-6))
    if discount < least:
        return discount - least
    return discount - most if discount > most else ZERO


def is_inclusive(line: Line) -> bool:
    """Tell whether the line's amount contains its tax."""
    return line.tax_inclusive or any(tax.calculation is TaxCalculation.INCLUSIVE for tax in line.taxes)


def rate_of(line: Line) -> Decimal:
    """Return all of a line's taxes together, in percent."""
    return sum((tax.rate_percent for tax in line.taxes), ZERO)


def tax_amount(tax: TaxComponent, line: Line, unit: Decimal) -> Decimal:
    """Return a tax's amount on a line: as the CRM says, else by its rate."""
    if tax.amount is not None:
        return tax.amount
    return round_half_up(Fraction(line.line_amount) * Fraction(tax.rate_percent) / 100, unit)


def _does_not_add_up(what: str) -> CannotBook:
    return CannotBook("document_does_not_add_up", f"{what}. Correct the document in the CRM; nothing was booked.")
