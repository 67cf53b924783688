"""Invoices at random, as the contract allows them: taxes by line after discounts, every figure rounded by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import strategies as st

from mapping.money import allocate, minor_unit
from schemas.events.crm import Discount, DiscountScope, InvoiceState, Line
from tests.unit.mapping.build import discount, invoice, line, tax, totals

ZERO = Decimal(0)
Rates = tuple[str, ...]


@dataclass(frozen=True)
class World:
    """What documents of one kind of company look like."""

    currency: str
    #: Sets of rates that a line may have; an empty one is no tax at all.
    rates: Sequence[Rates]
    inclusive: Sequence[bool] = (False,)
    automatic: bool = False
    taxed_shipping: bool = True


@st.composite
def invoices(draw: st.DrawFn, world: World) -> InvoiceState:
    unit = minor_unit(world.currency)
    shapes = draw(st.lists(_shape(world, unit), min_size=1, max_size=6))
    gross = [_rounded(quantity * price, unit) for quantity, price, _, _ in shapes]
    discounts, cuts = _discounts(draw, gross, unit)
    lines, charged = [], ZERO
    for n, ((quantity, price, rates, inclusive), amount) in enumerate(zip(shapes, gross, strict=True)):
        after = amount - sum((cut[n] for cut in cuts), ZERO)
        made = _line(n, quantity, price, amount, after, rates, inclusive=inclusive, unit=unit)
        charged += sum((one.amount or ZERO for one in made.taxes), ZERO)
        lines.append(made)
    return _document(draw, world, lines, discounts, charged, unit)


def _shape(world: World, unit: Decimal) -> st.SearchStrategy[tuple[Decimal, Decimal, Rates, bool]]:
    places = -int(unit.as_tuple().exponent)
    quantities = st.one_of(st.integers(1, 9).map(Decimal), st.decimals("0.001", "20", places=3))
    prices = st.decimals("1", "900", places=places)
    return st.tuples(quantities, prices, st.sampled_from(world.rates), st.sampled_from(world.inclusive))


def _discounts(draw: st.DrawFn, gross: Sequence[Decimal], unit: Decimal) -> tuple[list[Discount], list[list[Decimal]]]:
    """None, one for the document, or a coupon on the first product; and what each takes off each line."""
    kind = draw(st.sampled_from(["none", "document", "coupon", "everything"]))
    whole = sum(gross, ZERO)
    if kind == "none" or not whole:
        return [], []
    if kind == "coupon":
        amount = _rounded(gross[0] / 4, unit)
        cut = [amount, *(ZERO for _ in gross[1:])]
        return [discount(str(amount), scope=DiscountScope.COUPON, code="TEN", products=["pr_0"])], [cut]
    amount = whole if kind == "everything" else _rounded(whole * draw(st.sampled_from([1, 10, 33])) / 100, unit)
    return [discount(str(amount))], [allocate(amount, gross, unit)]


def _line(
    n: int,
    quantity: Decimal,
    price: Decimal,
    amount: Decimal,
    after: Decimal,
    rates: Rates,
    *,
    inclusive: bool,
    unit: Decimal,
) -> Line:
    whole = sum(map(Decimal, rates), ZERO)
    base = 100 + whole if inclusive else Decimal(100)
    taxes = [tax(one, str(_rounded(after * Decimal(one) / base, unit)), inclusive=inclusive) for one in rates]
    named = f"pr_{n}" if n % 2 == 0 else None
    return line(
        f"Line {n}", str(quantity), str(price), str(amount), *taxes, product=named, inclusive=inclusive and bool(rates)
    )


def _document(
    draw: st.DrawFn, world: World, lines: list[Line], discounts: list[Discount], charged: Decimal, unit: Decimal
) -> InvoiceState:
    extra = st.decimals("0", "20", places=-int(unit.as_tuple().exponent))
    tip, surcharge, shipping = draw(extra), draw(extra), draw(extra)
    shipped: tuple[str, ...] = draw(st.sampled_from(world.rates)) if world.taxed_shipping and shipping else ()
    shipping_taxes = [tax(one, str(_rounded(shipping * Decimal(one) / 100, unit))) for one in shipped]
    within = sum((t.amount or ZERO for one in lines if one.tax_inclusive for t in one.taxes), ZERO)
    tax_total = charged + sum((one.amount or ZERO for one in shipping_taxes), ZERO)
    cut = sum((one.amount or ZERO for one in discounts), ZERO)
    sub = sum((one.line_amount for one in lines), ZERO) - within
    total = sub - cut + tax_total + tip + surcharge + shipping
    money = {"discount": cut, "tax": tax_total, "tip": tip, "surcharge": surcharge, "shipping": shipping}
    figures = totals(
        str(total),
        str(sub),
        currency=world.currency,
        shipping_taxes=() if world.automatic else shipping_taxes,
        **{name: str(value) for name, value in money.items()},
    )
    if world.automatic:
        lines = [_without_taxes(one) for one in lines]
    return invoice(lines, figures, *discounts)


def _without_taxes(one: Line) -> Line:
    return line(one.name, str(one.quantity), str(one.unit_amount), str(one.line_amount), product=one.product_id)


def _rounded(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit, rounding=ROUND_HALF_UP)
