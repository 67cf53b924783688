"""Exact arithmetic on amounts: nothing here loses or makes a minor unit."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

ZERO = Decimal(0)
CENT = Decimal("0.01")
HUNDRED = Decimal(100)
MOST_PRICE_DECIMALS = 5

_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
# Products of a quantity (18 digits) and a price (19 digits) stay exact in this many.
_EXACT = Context(prec=60)


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount that books in this currency (ISO 4217) hold: 1 yen, else a cent.

    QuickBooks keeps two decimals, also of dinars that have three.
    """
    return Decimal(1) if currency in _NO_DECIMALS else CENT


def round_half_up(amount: Decimal | Fraction, unit: Decimal = CENT) -> Decimal:
    """Round to a multiple of `unit` (a power of ten), halves away from zero, as QuickBooks does."""
    if isinstance(amount, Fraction):
        return _round_fraction(amount, unit)
    return amount.quantize(unit, rounding=ROUND_HALF_UP, context=_EXACT)


def is_multiple(amount: Decimal, unit: Decimal) -> bool:
    """Whether the amount has no more decimals than the unit allows."""
    return amount == amount.quantize(unit, rounding=ROUND_FLOOR, context=_EXACT)


def product(quantity: Decimal, price: Decimal) -> Decimal:
    """Return the exact product."""
    return _EXACT.multiply(quantity, price)


def allocate(total: Decimal, weights: Sequence[Decimal], unit: Decimal = CENT) -> list[Decimal]:
    """Split `total` (a multiple of `unit`) in proportion to the weights by largest remainder.

    The parts are multiples of `unit` and their sum is `total` exactly; of equal remainders the earlier part gains.
    Weights may be negative as long as they do not cancel out. Raises ValueError where no split is defined.
    """
    scaled = _integers(weights)
    whole = sum(scaled)
    if whole == 0:
        if total == 0:
            return [ZERO for _ in weights]
        raise ValueError("weights that sum to zero share nothing out")
    if not is_multiple(total, unit):
        raise ValueError(f"{total} is no multiple of {unit}")
    parts = _largest_remainder(int(abs(total) / unit), scaled, whole)
    sign = unit.copy_negate() if total < 0 else unit
    return [part * sign if part else ZERO for part in parts]


def without_tax(gross: Decimal, rates: Sequence[Decimal]) -> Fraction:
    """Return the exact net of a gross amount that holds taxes of these percentages."""
    return Fraction(gross) * 100 / (100 + Fraction(sum(rates, ZERO)))


def unit_price(amount: Decimal, quantity: Decimal) -> Decimal | None:
    """Return the shortest price of at most 5 decimals with round_half_up(quantity * price) == amount, or None.

    QuickBooks refuses a line (6070) whose amount is not that product rounded to the cent, also in a currency
    whose unit is coarser.
    """
    (cents, of_cents), (units, of_units) = amount.as_integer_ratio(), quantity.as_integer_ratio()
    if not units:
        return None
    for decimals in range(MOST_PRICE_DECIMALS + 1):
        scale = 10**decimals
        price = _half_up(cents * of_units * scale, of_cents * units)
        if _half_up(units * price * 100, of_units * scale) * of_cents == cents * 100:
            return Decimal(price).scaleb(-decimals, context=_EXACT)
    return None


def _round_fraction(amount: Fraction, unit: Decimal) -> Decimal:
    over, under = unit.as_integer_ratio()
    return _EXACT.multiply(_half_up(amount.numerator * under, amount.denominator * over), unit)


def _half_up(over: int, under: int) -> int:
    """Return the quotient rounded to a whole number, halves away from zero."""
    magnitude = (2 * abs(over) + abs(under)) // (2 * abs(under))
    return magnitude if (over < 0) == (under < 0) else -magnitude


def _integers(amounts: Sequence[Decimal]) -> list[int]:
    """Return the amounts as whole numbers of the finest decimal among them."""
    decimals = max((-_exponent(amount) for amount in amounts), default=0)
    return [int(amount.scaleb(max(decimals, 0), context=_EXACT)) for amount in amounts]


def _exponent(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{amount} is no amount")  # noqa: TRY004 (it is a Decimal: NaN or Infinity)
    return exponent


def _largest_remainder(units: int, weights: Sequence[int], whole: int) -> list[int]:
    divided = [divmod(units * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in divided]
    # With a negative whole, remainders are negative: the larger share is the one further from zero.
    by_remainder = sorted(range(len(parts)), key=lambda index: (-abs(divided[index][1]), index))
    for index in by_remainder[: units - sum(parts)]:
        parts[index] += 1
    return parts
