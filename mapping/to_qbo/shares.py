"""What of a document falls on an amount: all of it, a deposit, or what was refunded since."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from mapping.money import ZERO, allocate, round_half_up, without_tax
from mapping.to_qbo.parts import Layout
from mapping.to_qbo.taxes import Taxed


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Values are gross where prices are inclusive; nets are what the lines' Amount says."""

    total: Decimal
    values: tuple[Decimal, ...]
    nets: tuple[Decimal, ...]
    discount: Decimal
    tax: Decimal


def share(layout: Layout, amount: Decimal, *, total: Decimal, unit: Decimal) -> Shares:
    """Return the shares of `amount` out of the document's `total`."""
    tax = _portion(layout.tax, amount, total, unit)
    discount = _portion(layout.discount, amount, total, unit)
    target = amount + discount - (ZERO if layout.inclusive else tax)
    values = scaled([part.amount for part in layout.parts], target, unit)
    return _with_nets(layout, values, total=amount, discount=discount, tax=tax, unit=unit)


def share_between(layout: Layout, before: Decimal, after: Decimal, *, total: Decimal, unit: Decimal) -> Shares:
    """Return what `after` has more than `before`, so that all such steps together make the document's own cents."""
    earlier, later = (share(layout, amount, total=total, unit=unit) for amount in (before, after))
    values = [more - less for more, less in zip(later.values, earlier.values, strict=True)]
    return _with_nets(
        layout,
        _none_taken_back(layout, values),
        total=later.total - earlier.total,
        discount=later.discount - earlier.discount,
        tax=later.tax - earlier.tax,
        unit=unit,
    )


def scaled(amounts: Sequence[Decimal], target: Decimal, unit: Decimal) -> list[Decimal]:
    """Return the amounts in the same proportions, summing to `target`: a deposit or an instalment."""
    whole = sum(amounts, ZERO)
    if whole == target:
        return list(amounts)
    if whole == 0:
        return [target, *(ZERO for _ in amounts[1:])]
    if min(amounts) >= 0:
        return allocate(target, amounts, unit)
    rough = [round_half_up(Fraction(amount) * Fraction(target) / Fraction(whole), unit) for amount in amounts]
    rough[rough.index(max(rough))] += target - sum(rough, ZERO)
    return rough


def _portion(figure: Decimal, amount: Decimal, total: Decimal, unit: Decimal) -> Decimal:
    if amount == total or not figure:
        return figure
    return round_half_up(Fraction(figure) * Fraction(amount) / Fraction(total), unit)


def _with_nets(
    layout: Layout, values: Sequence[Decimal], *, total: Decimal, discount: Decimal, tax: Decimal, unit: Decimal
) -> Shares:
    nets = _nets(layout, values, total - tax, unit) if layout.inclusive else values
    return Shares(total=total, values=tuple(values), nets=tuple(nets), discount=discount, tax=tax)


def _nets(layout: Layout, values: Sequence[Decimal], target: Decimal, unit: Decimal) -> list[Decimal]:
    """Return each gross amount's net, so that the nets sum to the document's.

    The cents that rounding leaves go to the largest lines that hold tax: what holds none is its own net.
    """
    taxed = [Taxed(code=code, amount=value) for code, value in zip(layout.codes, values, strict=True)]
    nets = [round_half_up(without_tax(one.amount, one.code.rates), unit) for one in taxed]
    holding = [n for n, one in enumerate(taxed) if any(one.code.rates)] or list(range(len(nets)))
    largest = sorted(holding, key=lambda n: -abs(nets[n]))
    left = target - sum(nets, ZERO)
    for turn in range(int(abs(left) / unit)):
        nets[largest[turn % len(largest)]] += unit if left > 0 else -unit
    return nets


def _none_taken_back(layout: Layout, values: Sequence[Decimal]) -> list[Decimal]:
    """Move a cent that a larger sum gives a line less (largest remainder can) to its code's largest line."""
    steady = list(values)
    for index, part in enumerate(layout.parts):
        if steady[index] * part.amount < 0:
            like = [n for n, ref in enumerate(layout.code_refs) if ref == layout.code_refs[index] and n != index]
            if like:
                largest = max(like, key=lambda n: abs(steady[n]))
                steady[largest] += steady[index]
                steady[index] = ZERO
    return steady
