"""What QuickBooks charges on a document: pure arithmetic over its shaped lines.

Outside the US the tax is computed per rate on the summed net and rounded half up once (facts, section 10).
Under TaxInclusive the sum is of gross amounts and the tax is taken out of it. The discount of the document
comes off every code's base in proportion; shipping is outside of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import ZERO, cents, trimmed
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.line_tax import SHIPPING, TAXED
from qbo_client.emulator.entities.references import find


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    identifier: str
    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One rate's share of a document, unrounded."""

    rate: Rate
    net: Fraction
    tax: Fraction


def base_of(line: Mapping[str, Any], *, inclusive: bool) -> Decimal:
    """Some clients send 0 for a gross amount that they do not know."""
    gross = line.get("SalesItemLineDetail", {}).get("TaxInclusiveAmt") if inclusive else None
    return Decimal(gross or line.get("Amount", ZERO))


def sold(lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without what is charged for shipping, which no discount reduces and no subtotal holds."""
    return [line for line in lines if line["DetailType"] == "SalesItemLineDetail" and not _is_shipping(line)]


def shipped(lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [line for line in lines if line["DetailType"] == "SalesItemLineDetail" and _is_shipping(line)]


def _is_shipping(line: Mapping[str, Any]) -> bool:
    return bool(line["SalesItemLineDetail"]["ItemRef"]["value"] == SHIPPING)


def _code(line: Mapping[str, Any]) -> str | None:
    code: str | None = line["SalesItemLineDetail"].get("TaxCodeRef", {}).get("value")
    return code


def us_tax(company: Company, lines: Sequence[Mapping[str, Any]], discount: Decimal, *, after_discount: bool) -> Decimal:
    """Automated sales tax: one percentage of what is TAX, which is 0 unless the company sets it."""
    items = sold(lines)
    whole = _sum(items)
    taxed = _sum(line for line in items if _code(line) == TAXED)
    if after_discount and whole:
        taxed -= Fraction(discount) * taxed / whole
    taxed += _sum(line for line in shipped(lines) if _code(line) == TAXED)
    return cents(taxed * Fraction(company.switches.automatic_tax_percent) / 100)


def _sum(lines: Iterable[Mapping[str, Any]]) -> Fraction:
    return sum((Fraction(line["Amount"]) for line in lines), Fraction(0))


def charges(
    company: Company, lines: Sequence[Mapping[str, Any]], discount: Decimal, *, inclusive: bool
) -> list[Charge]:
    """By rate, in the order in which the lines first name them."""
    bases = _bases_by_code(lines, discount, inclusive=inclusive)
    summed: dict[str, Charge] = {}
    for code, base in bases.items():
        rates = rates_of(company, code)
        whole = Fraction(sum((rate.percent for rate in rates), ZERO))
        net = base * 100 / (100 + whole) if inclusive else base
        for rate in rates:
            before = summed.get(rate.identifier)
            summed[rate.identifier] = Charge(
                rate=rate,
                net=net + (before.net if before else 0),
                tax=net * Fraction(rate.percent) / 100 + (before.tax if before else 0),
            )
    return list(summed.values())


def _bases_by_code(lines: Sequence[Mapping[str, Any]], discount: Decimal, *, inclusive: bool) -> dict[str, Fraction]:
    items = sold(lines)
    whole = sum((base_of(line, inclusive=inclusive) for line in items), ZERO)
    left = Fraction(whole - discount) / Fraction(whole) if whole else Fraction(1)
    bases: dict[str, Fraction] = {}
    for share, group in ((left, items), (Fraction(1), shipped(lines))):
        for line in group:
            code = _code(line)
            if code is not None:
                base = share * Fraction(base_of(line, inclusive=inclusive))
                bases[code] = bases.get(code, Fraction(0)) + base
    return bases


def rates_of(company: Company, code: str) -> list[Rate]:
    listed = find(company, "TaxCode", "TaxCodes", {"value": code}).get("SalesTaxRateList", {})
    found = []
    for detail in listed.get("TaxRateDetail", ()):
        rate = find(company, "TaxRate", "TaxRates", detail["TaxRateRef"])
        found.append(Rate(identifier=rate["Id"], percent=Decimal(rate["RateValue"])))
    return found


def tax_lines(charged: Sequence[Charge], sent: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The answer's TaxLine list; an amount that was sent for a rate replaces the computed one.

    Raises ApiFault 6160 for an override of a rate that no line uses.
    """
    wanted = {
        line.get("TaxLineDetail", {}).get("TaxRateRef", {}).get("value"): line["Amount"]
        for line in sent
        if "Amount" in line
    }
    unknown = set(wanted) - {charge.rate.identifier for charge in charged}
    if unknown:
        raise errors.business(f"Tax rate {min(map(str, unknown))} is used by no line.", code="6160")
    return [_tax_line(charge, wanted.get(charge.rate.identifier)) for charge in charged]


def _tax_line(charge: Charge, override: Decimal | None) -> dict[str, Any]:
    return {
        "Amount": cents(charge.tax) if override is None else cents(override),
        "DetailType": "TaxLineDetail",
        "TaxLineDetail": {
            "TaxRateRef": {"value": charge.rate.identifier},
            "PercentBased": True,
            "TaxPercent": trimmed(charge.rate.percent),
            "NetAmountTaxable": cents(charge.net),
        },
    }
