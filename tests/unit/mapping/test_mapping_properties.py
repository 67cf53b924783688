"""Documents at random, as the contract allows them, against QuickBooks' arithmetic."""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.money import allocate, round_half_up, unit_price
from schemas.events.crm import Line, PaymentCompleted
from tests.unit.mapping.build import GB, US, discount, line, record, sale, tax, totals
from tests.unit.mapping.ledger import answered, booked, leaves

CENT = Decimal("0.01")
prices = st.decimals(min_value="0.01", max_value="900", places=2)
quantities = st.one_of(st.integers(1, 9).map(Decimal), st.decimals(min_value="0.001", max_value="20", places=3))
small = st.decimals(min_value="0", max_value="20", places=2)


def half_up(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


@st.composite
def sales(draw: st.DrawFn, *, rates: tuple[str, ...], currency: str, inclusive: bool = False) -> PaymentCompleted:
    """A sale whose taxes are rounded line by line after a discount pro rata, as CRMs do."""
    shape = draw(st.lists(st.tuples(quantities, prices, st.sampled_from(rates)), min_size=1, max_size=6))
    gross = [half_up(quantity * price) for quantity, price, _ in shape]
    percent = draw(st.sampled_from([0, 0, 10, 33, 100]))
    cut = half_up(sum(gross, Decimal(0)) * percent / 100)
    off = allocate(cut, gross) if any(gross) else [Decimal(0)] * len(gross)
    charged = [
        half_up((amount - less) * Decimal(rate) / (100 + Decimal(rate) if inclusive else 100))
        for amount, less, (_, _, rate) in zip(gross, off, shape, strict=True)
    ]
    lines = [
        line(
            f"Line {n}",
            str(quantity),
            str(price),
            str(amount),
            tax(rate, str(charge), inclusive=inclusive),
            product=f"pr_{n}" if n % 2 else None,
            inclusive=inclusive,
        )
        for n, ((quantity, price, rate), amount, charge) in enumerate(zip(shape, gross, charged, strict=True))
    ]
    return _sold(lines, sum(gross, Decimal(0)), cut, sum(charged, Decimal(0)), draw, currency, inclusive=inclusive)


def _sold(
    lines: list[Line],
    gross: Decimal,
    cut: Decimal,
    tax_total: Decimal,
    draw: st.DrawFn,
    currency: str,
    *,
    inclusive: bool,
) -> PaymentCompleted:
    tip, surcharge, shipping = draw(small), draw(small), draw(small)
    sub = gross - tax_total if inclusive else gross
    total = sub - cut + tax_total + tip + surcharge + shipping
    document = totals(
        str(total),
        str(sub),
        discount=str(cut),
        tax=str(tax_total),
        tip=str(tip),
        surcharge=str(surcharge),
        shipping=str(shipping),
        currency=currency,
    )
    paid = draw(st.one_of(st.just(total), st.just(total), st.decimals(min_value="0.01", max_value="2000", places=2)))
    event = sale(lines, document, *((discount(str(cut)),) if cut else ()))
    return replace(event, payment=record(str(min(paid, total))))


thorough = settings(max_examples=300)


@thorough
@given(sales(rates=("0", "8.25", "10.1"), currency="USD"))
def test_us_sale_at_random_comes_back_to_the_cent(event: PaymentCompleted) -> None:
    if event.payment.amount:
        receipt = booked(event, US)
        assert answered(receipt.body, US) == (event.payment.amount, Decimal(0))


@thorough
@given(st.one_of(*(sales(rates=("0", "5", "20"), currency="GBP", inclusive=i) for i in (False, True))))
def test_gb_sale_at_random_comes_back_to_the_cent(event: PaymentCompleted) -> None:
    if event.payment.amount:
        receipt = booked(event, GB)
        assert answered(receipt.body, GB) == (event.payment.amount, receipt.tax)
        share = event.totals.tax_total * event.payment.amount / event.totals.total
        assert abs(receipt.tax - share) <= Decimal("0.005")


@given(sales(rates=("0", "20"), currency="GBP"))
def test_body_is_the_same_every_time_and_holds_no_float(event: PaymentCompleted) -> None:
    if event.payment.amount:
        body = booked(event, GB).body
        assert body == booked(event, GB).body
        assert all(isinstance(value, str | bool | Decimal) for value in leaves(body))


@given(
    st.integers(-10_000, 10_000).map(lambda n: Decimal(n) * CENT),
    st.lists(st.decimals(min_value="0", max_value="1000", places=4), min_size=1, max_size=8).filter(any),
)
def test_allocation_is_exact_and_within_a_cent_of_its_share(total: Decimal, weights: list[Decimal]) -> None:
    parts = allocate(total, weights)
    whole = sum(weights, Decimal(0))
    assert sum(parts, Decimal(0)) == total
    assert all(abs(part * whole - total * weight) < CENT * whole for part, weight in zip(parts, weights, strict=True))
    assert [-part for part in allocate(-total, weights)] == parts


@given(
    st.decimals(min_value="-5000", max_value="5000", places=2),
    st.decimals(min_value="0.000001", max_value="100000", places=6),
)
def test_unit_price_gives_the_amount_back_or_is_none(amount: Decimal, quantity: Decimal) -> None:
    price = unit_price(amount, quantity)
    if price is not None:
        assert int(price.as_tuple().exponent) >= -5
        assert round_half_up(quantity * price) == amount
