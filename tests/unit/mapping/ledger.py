"""QuickBooks' arithmetic on a receipt's body, written from its documentation and apart from the code under test."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from mapping.company import Company
from mapping.to_qbo.invoice import Invoice, invoice_body, invoice_items_wanted
from mapping.to_qbo.sales_receipt import Receipt, items_wanted, sales_receipt
from schemas.events.crm import InvoiceState, PaymentCompleted

KNOWN: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("qbo-entity-properties.json").read_text("utf-8"))
READ_ONLY = frozenset(
    {"MetaData", "TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance", "FullyQualifiedName", "domain"}
)


def booked(event: PaymentCompleted, company: Company) -> Receipt:
    """The receipt as the handler would send it, with an id for every item wanted."""
    items = {item.key: str(100 + n) for n, item in enumerate(items_wanted(event, company))}
    return sales_receipt(event, company=company, customer_id="58", items=items, payment_method_id="3")


def invoiced(state: InvoiceState, company: Company) -> Invoice:
    """The invoice as the handler would create it, with an id for every item wanted."""
    return invoice_body(state, company=company, customer_id="58", items=item_ids(state, company))


def item_ids(state: InvoiceState, company: Company) -> dict[str, str]:
    wanted = invoice_items_wanted(state, company, new=False)
    return {item.key: str(100 + n) for n, item in enumerate(wanted)}


def stored(body: Mapping[str, Any], company: Company, identifier: str = "130") -> dict[str, Any]:
    """The object as QuickBooks would answer it: lines with Ids, a subtotal without one, totals."""
    total, tax = answered(body, company)
    lines = [{**line, "Id": str(n), "LineNum": n} for n, line in enumerate(body["Line"], start=1)]
    subtotal = {"DetailType": "SubTotalLineDetail", "Amount": total - tax, "SubTotalLineDetail": {}}
    read_only = {"Id": identifier, "SyncToken": "0", "domain": "QBO", "TotalAmt": total, "Balance": total}
    detail = {**body.get("TxnTaxDetail", {}), "TotalTax": tax}
    return {**body, **read_only, "Line": [*lines, subtotal], "TxnTaxDetail": detail}


def answered(body: Mapping[str, Any], company: Company) -> tuple[Decimal, Decimal]:
    """TotalAmt and TotalTax as QuickBooks would answer; fails where it would refuse the body."""
    sold = [line for line in body["Line"] if line["DetailType"] == "SalesItemLineDetail"]
    for line in sold:
        check_line(line)
    discount = discount_of(body, company)
    if company.country == "US":
        return us_totals(body, sold, discount)
    inclusive = body["GlobalTaxCalculation"] == "TaxInclusive"
    bases = [base_of(line, inclusive=inclusive) for line in sold]
    charged = sum(bases, Decimal(0)) - discount
    if body["GlobalTaxCalculation"] == "NotApplicable":
        return charged, Decimal(0)
    tax = taxes(body, company, bases, discount, inclusive=inclusive)
    return charged + (0 if inclusive else tax), tax


def discount_of(body: Mapping[str, Any], company: Company) -> Decimal:
    """What the one discount line takes off; QuickBooks knows none where discounts are switched off."""
    lines = [line for line in body["Line"] if line["DetailType"] == "DiscountLineDetail"]
    assert len(lines) <= 1
    assert company.allow_discount or not lines
    assert not lines or lines == body["Line"][-1:]
    assert all(line["Amount"] > 0 for line in lines)
    return sum((line["Amount"] for line in lines), Decimal(0))


def us_totals(body: Mapping[str, Any], sold: Sequence[Mapping[str, Any]], discount: Decimal) -> tuple[Decimal, Decimal]:
    """Every line says TAX or NON; the tax is the one that was sent, where one was and a line is taxed."""
    codes = {code_of(line) for line in sold}
    assert codes <= {"TAX", "NON"}
    tax = Decimal(body.get("TxnTaxDetail", {}).get("TotalTax", 0))
    assert "TAX" not in codes or "TxnTaxDetail" in body
    assert not discount or body["ApplyTaxAfterDiscount"]
    return sum((line["Amount"] for line in sold), Decimal(0)) - discount + tax, tax


def check_line(line: Mapping[str, Any]) -> None:
    detail = line["SalesItemLineDetail"]
    assert line["Amount"] == cents(Fraction(detail["Qty"]) * Fraction(detail["UnitPrice"]))
    assert int(detail["UnitPrice"].as_tuple().exponent) >= -5
    assert detail["ItemRef"]["value"]
    assert 0 < len(line["Description"]) <= 4000


def taxes(
    body: Mapping[str, Any], company: Company, bases: list[Decimal], discount: Decimal, *, inclusive: bool
) -> Decimal:
    """Per rate on the summed base, rounded half up once; a tax line that was sent replaces its rate's amount.

    A discount line takes the same part off every base.
    """
    codes = {code.id: code for code in company.tax_codes}
    whole = sum(bases, Decimal(0))
    left = Fraction(whole - discount) / Fraction(whole) if whole else Fraction(1)
    sold = [line for line in body["Line"] if line["DetailType"] == "SalesItemLineDetail"]
    exact: dict[str, Fraction] = {}
    for line, base in zip(sold, bases, strict=True):
        code = codes[code_of(line)]
        rates = sum(code.rates, Decimal(0))
        net = left * (Fraction(base) * 100 / (100 + Fraction(rates)) if inclusive else Fraction(base))
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


def misused(kind: str, body: Mapping[str, Any], *, new: bool = True) -> list[str]:
    """Names in the body that QuickBooks does not know for this kind, or does not let anyone write."""
    read_only = READ_ONLY | ({"Id", "SyncToken"} if new else set())
    if kind == "Payment":
        read_only = (read_only | {"UnappliedAmt"}) - {"TotalAmt"}
    return [*_unknown(kind, body), *sorted(read_only & body.keys())]


def _unknown(kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    for name, value in body.items():
        inner = KNOWN[kind].get(name)
        if inner is None:
            yield f"{kind}.{name}"
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                yield from _unknown(inner, one)


def leaves(value: Any) -> Iterator[Any]:
    """Every value in a body that holds no other."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield value
