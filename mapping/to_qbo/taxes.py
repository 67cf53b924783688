"""Tax codes outside the US: one code for the set of taxes on a line, and what QuickBooks will compute from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from mapping.company import Company, TaxCode
from mapping.errors import CannotBook
from mapping.money import HUNDRED, ZERO, round_half_up, without_tax
from mapping.to_qbo.lines import trimmed
from schemas.events.crm import TaxComponent

#: Names by which companies know the code for what has no tax at all (0 % is another thing).
_NO_TAX_NAMES = ("no vat", "no tax", "out of scope", "bas excluded", "exempt", "gst free")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """An amount under a code: gross where prices are inclusive, else net."""

    code: TaxCode
    amount: Decimal


def code_for(taxes: Sequence[TaxComponent], company: Company) -> TaxCode:
    """Return the company's code for this set of taxes; raises CannotBook `tax_code_missing`."""
    if not taxes:
        return no_tax_code(company)
    rates = tuple(sorted(tax.rate_percent.normalize() for tax in taxes))
    key = "+".join(format(rate, "f") for rate in rates)
    if wanted := company.settings.tax_codes.get(key):
        return _by_id(wanted, company)
    fitting = [c for c in company.tax_codes if c.active and c.rates and _sorted(c) == rates]
    if not fitting:
        names = ", ".join(tax.name for tax in taxes)
        raise CannotBook(
            "tax_code_missing",
            f"{company.name} has no tax code for {key} % ({names}). Add one in QuickBooks, run preflight, retry.",
        )
    return min(fitting, key=lambda code: (_is_untaxed(code), not _like(code, taxes), _age(code)))


def implied_code(net: Decimal, tax: Decimal, company: Company, *, tolerance: Decimal) -> TaxCode:
    """Return the code whose rates make this tax of this net; raises CannotBook where not exactly one set does."""
    fitting = [
        code
        for code in company.tax_codes
        if code.active and any(code.rates) and abs(net * sum(code.rates, ZERO) - tax * HUNDRED) <= tolerance * HUNDRED
    ]
    if len({_sorted(code) for code in fitting}) != 1:
        raise CannotBook(
            "tax_code_missing",
            f"The CRM names no rate for its tax of {tax} on {net}, and {len(fitting)} tax codes of {company.name} "
            "could have made it. Name the taxes on the lines in the CRM.",
        )
    return min(fitting, key=_age)


def no_tax_code(company: Company) -> TaxCode:
    """Return the code for what is not taxed; raises CannotBook when the company has none."""
    if company.no_tax_code_id is not None:
        return _by_id(company.no_tax_code_id, company)
    raise CannotBook(
        "tax_code_missing",
        f"{company.name} has no tax code for untaxed lines. Add one in QuickBooks, run preflight, retry.",
    )


def tax_detail(
    taxed: Sequence[Taxed], wanted: Decimal, *, inclusive: bool, unit: Decimal, partial: bool = False
) -> dict[str, Any] | None:
    """Return the override that makes QuickBooks' tax the CRM's; None where QuickBooks comes to it by itself.

    QuickBooks rounds per rate on the summed net, half up; a CRM that rounds each line differs by cents. A part of
    a document (`partial`) has a part of its tax, which is rounded by itself. Raises CannotBook `tax_differs` for a
    difference that no rounding explains.
    """
    exact = _exact(taxed, inclusive=inclusive)
    # To the cent, whatever the currency: that is what QuickBooks is known to round to.
    if wanted == sum((round_half_up(tax) for _, tax in exact.values()), ZERO):
        return None
    computed = {rate_id: round_half_up(tax, unit) for rate_id, (_, tax) in exact.items()}
    difference = wanted - sum(computed.values(), ZERO)
    roundings = max(len(taxed), 1) + (2 + len(computed) if partial else 0)
    if not computed or abs(difference) > unit * roundings:
        raise CannotBook(
            "tax_differs",
            f"The CRM's tax is {wanted} and the rates come to {sum(computed.values(), ZERO)}. "
            "Correct the document's taxes in the CRM, then retry.",
        )
    largest = max(computed, key=lambda rate_id: computed[rate_id])
    computed[largest] += difference
    return {"TotalTax": wanted, "TaxLine": [_tax_line(r, computed[r], exact[r][0], taxed, unit) for r in computed]}


def _exact(taxed: Sequence[Taxed], *, inclusive: bool) -> dict[str, tuple[Fraction, Fraction]]:
    """Return each rate's net and tax, unrounded: thirds of a cent that decimals cut can lose a half."""
    amounts: dict[str, Decimal] = {}
    for one in taxed:
        amounts[one.code.id] = amounts.get(one.code.id, ZERO) + one.amount
    codes = {one.code.id: one.code for one in taxed}
    sums: dict[str, tuple[Fraction, Fraction]] = {}
    for code_id, amount in amounts.items():
        code = codes[code_id]
        net = without_tax(amount, code.rates) if inclusive else Fraction(amount)
        for rate_id, rate in zip(code.rate_ids, code.rates, strict=True):
            before = sums.get(rate_id, (Fraction(0), Fraction(0)))
            sums[rate_id] = (before[0] + net, before[1] + net * Fraction(rate) / 100)
    return sums


def _tax_line(rate_id: str, amount: Decimal, net: Fraction, taxed: Sequence[Taxed], unit: Decimal) -> dict[str, Any]:
    percents = {r: p for one in taxed for r, p in zip(one.code.rate_ids, one.code.rates, strict=True)}
    return {
        "Amount": amount,
        "DetailType": "TaxLineDetail",
        "TaxLineDetail": {
            "TaxRateRef": {"value": rate_id},
            "PercentBased": True,
            "TaxPercent": trimmed(percents[rate_id]),
            "NetAmountTaxable": round_half_up(net, unit),
        },
    }


def _by_id(code_id: str, company: Company) -> TaxCode:
    found = next((code for code in company.tax_codes if code.id == code_id), None)
    if found is None:
        raise CannotBook(
            "tax_code_missing", f"{company.name} has no tax code {code_id} any more. Run preflight, retry."
        )
    return found


def _is_untaxed(code: TaxCode) -> bool:
    return any(name in code.name.casefold() for name in _NO_TAX_NAMES)


def _age(code: TaxCode) -> int:
    return int(code.id) if code.id.isdigit() else 0


def _sorted(code: TaxCode) -> tuple[Decimal, ...]:
    return tuple(sorted(rate.normalize() for rate in code.rates))


def _like(code: TaxCode, taxes: Sequence[TaxComponent]) -> bool:
    name = code.name.casefold()
    return any(name in tax.name.casefold() or tax.name.casefold() in name for tax in taxes)
