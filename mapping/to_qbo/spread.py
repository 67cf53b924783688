"""Discounts and folded taxes spread over a document's lines: what is known for a line first, the rest pro rata."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from mapping.money import ZERO, allocate, round_half_up
from mapping.to_qbo.sale import Sale, is_inclusive
from schemas.events.crm import Discount, DiscountKind, Line


def rounded_lines(sale: Sale) -> list[Decimal]:
    """Return each line's amount in whole minor units."""
    return [round_half_up(line.line_amount, sale.unit) for line in sale.lines]


def spread(
    amounts: Sequence[Decimal], target: Decimal, known: Sequence[Decimal], unit: Decimal
) -> list[Decimal] | None:
    """Return the amounts moved by `known` and then so that they sum to `target`.

    The rest goes to the positive lines in proportion to their amounts, ties by order. None when there is no
    positive line to take it: it then needs a line of its own.
    """
    moved = [amount + own for amount, own in zip(amounts, known, strict=True)]
    rest = target - sum(moved, ZERO)
    if not rest:
        return moved
    weights = [max(amount, ZERO) for amount in amounts]
    if not any(weights):
        return None
    return [amount + share for amount, share in zip(moved, allocate(rest, weights, unit), strict=True)]


def known_discounts(sale: Sale) -> list[Decimal]:
    """Return, for each line, what its own discounts and coupons on its product take off (as negative amounts)."""
    known = [_own(line, sale.unit) for line in sale.lines]
    for coupon in (d for d in sale.discounts if d.valid_on_product_ids):
        named = [line.product_id in coupon.valid_on_product_ids for line in sale.lines]
        weights = [max(line.line_amount, ZERO) if on else ZERO for line, on in zip(sale.lines, named, strict=True)]
        if any(weights):
            off = allocate(-_amount(coupon, sum(weights, ZERO), sale.unit), weights, sale.unit)
            known = [one + share for one, share in zip(known, off, strict=True)]
    # Known discounts never take more than there is: the total is authoritative, not its parts.
    return known if -sum(known, ZERO) <= max(sale.discount, ZERO) else [ZERO for _ in known]


def known_taxes(sale: Sale) -> list[Decimal]:
    """Return, for each line, the amounts of its own taxes that come on top."""
    return [
        ZERO if is_inclusive(line) else round_half_up(sum((tax.amount or ZERO for tax in line.taxes), ZERO), sale.unit)
        for line in sale.lines
    ]


def _own(line: Line, unit: Decimal) -> Decimal:
    return -sum((_amount(discount, line.line_amount, unit) for discount in line.discounts), ZERO)


def _amount(discount: Discount, base: Decimal, unit: Decimal) -> Decimal:
    """Return what the CRM computed; where it only says how the discount is meant, what that comes to."""
    if discount.amount is not None:
        return round_half_up(discount.amount, unit)
    if discount.kind is DiscountKind.PERCENTAGE:
        return round_half_up(Fraction(base) * Fraction(discount.value) / 100, unit)
    return round_half_up(discount.value, unit) if discount.kind is DiscountKind.FIXED else ZERO
