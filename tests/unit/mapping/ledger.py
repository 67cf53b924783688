"""QuickBooks' arithmetic on a receipt's body, written from its documentation and apart from the code under test."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from mapping.company import Company
from mapping.to_qbo.sales_receipt import Receipt, items_wanted, sales_receipt
from schemas.events.crm import PaymentCompleted


def booked(event: PaymentCompleted, company: Company) -> Receipt:
    """The receipt as the handler would send it, with an id for every item wanted."""
    items = {item.key: str(100 + n) for n, item in enumerate(items_wanted(event, company))}
    return sales_receipt(event, company=company, customer_id="58", items=items, payment_method_id="3")


def answered(body: Mapping[str, Any], company: Company) -> tuple[Decimal, Decimal]:
    """TotalAmt and TotalTax as QuickBooks would answer; fails where it would refuse the body."""
    for line in body["Line"]:
        check_line(line)
    if company.country == "US":
        assert all(code_of(line) == "NON" for line in body["Line"])
        return sum((line["Amount"] for line in body["Line"]), Decimal(0)), Decimal(0)
    inclusive = body["GlobalTaxCalculation"] == "TaxInclusive"
    bases = [base_of(line, inclusive=inclusive) for line in body["Line"]]
    if body["GlobalTaxCalculation"] == "NotApplicable":
        return sum(bases, Decimal(0)), Decimal(0)
    tax = taxes(body, company, bases, inclusive=inclusive)
    return sum(bases, Decimal(0)) + (0 if inclusive else tax), tax


def check_line(line: Mapping[str, Any]) -> None:
    detail = line["SalesItemLineDetail"]
    assert line["Amount"] == cents(Fraction(detail["Qty"]) * Fraction(detail["UnitPrice"]))
    assert int(detail["UnitPrice"].as_tuple().exponent) >= -5
    assert detail["ItemRef"]["value"]
    assert 0 < len(line["Description"]) <= 4000


def taxes(body: Mapping[str, Any], company: Company, bases: list[Decimal], *, inclusive: bool) -> Decimal:
    """Per rate on the summed base, rounded half up once; a tax line that was sent replaces its rate's amount."""
    codes = {code.id: code for code in company.tax_codes}
    exact: dict[str, Fraction] = {}
    for line, base in zip(body["Line"], bases, strict=True):
        code = codes[code_of(line)]
        whole = sum(code.rates, Decimal(0))
        net = Fraction(base) * 100 / (100 + Fraction(whole)) if inclusive else Fraction(base)
        for rate_id, rate in zip(code.rate_ids, code.rates, strict=True):
            exact[rate_id] = exact.get(rate_id, Fraction(0)) + net * Fraction(rate) / 100
    charged = {rate_id: cents(tax) for rate_id, tax in exact.items()}
    for sent in body.get("TxnTaxDetail", {}).get("TaxLine", ()):
        rate_id = sent["TaxLineDetail"]["TaxRateRef"]["value"]
        assert rate_id in charged
        charged[rate_id] = sent["Amount"]
    return sum(charged.values(), Decimal(0))


def base_of(line: Mapping[str, Any], *, inclusive: bool) -> Decimal:
    if not inclusive:
        return Decimal(line["Amount"])
    return Decimal(line["SalesItemLineDetail"]["TaxInclusiveAmt"])


def code_of(line: Mapping[str, Any]) -> str:
    """The line's tax code, empty where it has none."""
    return str((line["SalesItemLineDetail"].get("TaxCodeRef") or {}).get("value", ""))


def cents(amount: Fraction) -> Decimal:
    """Half up, away from zero."""
    doubled = abs(amount) * 200 + 1
    rounded = Decimal(doubled.numerator // (doubled.denominator * 2)).scaleb(-2)
    return (-rounded if amount < 0 else rounded).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def amounts(receipt: Receipt) -> list[str]:
    return [str(line["Amount"]) for line in receipt.body["Line"]]
