"""Decimals as QuickBooks writes them: money with two places and zero as `0`, all else trimmed."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

CENT = Decimal("0.01")
ZERO = Decimal(0)
MONEY = frozenset(
    {
        "Amount",
        "TotalAmt",
        "Balance",
        "BalanceWithJobs",
        "HomeBalance",
        "HomeTotalAmt",
        "TotalTax",
        "NetAmountTaxable",
        "TaxInclusiveAmt",
        "UnappliedAmt",
        "RemainingCredit",
        "Deposit",
        "DiscountAmt",
        "CurrentBalance",
        "CurrentBalanceWithSubAccounts",
    }
)


def cents(value: Decimal | Fraction) -> Decimal:
    """Rounded half up to the cent, away from zero, in the form in which it is stored and written."""
    if isinstance(value, Fraction):
        hundredths = (abs(value) * 200 + 1) // 2
        value = Decimal(hundredths if value > 0 else -hundredths).scaleb(-2)
    rounded = value.quantize(CENT, rounding=ROUND_HALF_UP)
    return rounded or ZERO


def trimmed(value: Decimal) -> Decimal:
    plain = value.normalize()
    return plain.quantize(Decimal(1)) if plain.as_tuple().exponent > 0 else plain  # type: ignore[operator]


def canonical(name: str, value: Decimal) -> Decimal:
    return cents(value) if name in MONEY else trimmed(value)
