"""The totals of a sale, computed by the emulator on its own from the shaped lines."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import ZERO, cents
from qbo_client.emulator.entities.kind import Draft
from qbo_client.emulator.tax import base_of, charges, shipped, sold, tax_lines, us_tax


def add_totals(draft: Draft, lines: list[dict[str, Any]]) -> None:
    """Completes the draft: Line with its subtotal, TxnTaxDetail, TotalAmt."""
    body = draft.body
    inclusive = body.get("GlobalTaxCalculation") == "TaxInclusive" and draft.company.country != "US"
    whole = sum((base_of(line, inclusive=inclusive) for line in sold(lines)), ZERO)
    shipping = sum((base_of(line, inclusive=inclusive) for line in shipped(lines)), ZERO)
    discount = _discount(lines, whole)
    detail = _tax_detail(draft, lines, discount, inclusive=inclusive)
    tax = detail["TotalTax"]
    charged = whole - discount + shipping
    total = cents(charged if inclusive else charged + tax)
    if total < 0:
        raise errors.negative()
    subtotal = cents(whole - _tax_within(draft, lines) if inclusive else whole)
    body["Line"] = [
        *lines,
        {"Amount": subtotal, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
    ]
    body["TxnTaxDetail"] = detail
    body["TotalAmt"] = total


def _tax_within(draft: Draft, lines: list[dict[str, Any]]) -> Decimal:
    """What the gross prices of the goods hold in tax, before any discount."""
    if not draft.company.preference("TaxPrefs", "UsingSalesTax"):
        return ZERO
    return sum((cents(charge.tax) for charge in charges(draft.company, sold(lines), ZERO, inclusive=True)), ZERO)


def _discount(lines: list[dict[str, Any]], whole: Decimal) -> Decimal:
    found = [line for line in lines if line["DetailType"] == "DiscountLineDetail"]
    if len(found) > 1:
        raise errors.business("Only one discount line is allowed.", code="6090")
    for line in found:
        if line["DiscountLineDetail"]["PercentBased"]:
            line["Amount"] = cents(Fraction(whole) * Fraction(line["DiscountLineDetail"]["DiscountPercent"]) / 100)
        return Decimal(line["Amount"])
    return ZERO


def _tax_detail(draft: Draft, lines: list[dict[str, Any]], discount: Decimal, *, inclusive: bool) -> dict[str, Any]:
    if not draft.company.preference("TaxPrefs", "UsingSalesTax"):
        return {"TotalTax": ZERO}
    sent = _sent_detail(draft)
    if draft.company.country == "US":
        return _us_detail(draft, lines, discount, sent)
    if draft.body.get("GlobalTaxCalculation") == "NotApplicable":
        return {"TotalTax": ZERO}
    charged = charges(draft.company, lines, discount, inclusive=inclusive)
    listed = tax_lines(charged, sent.get("TaxLine", ()))
    return {"TotalTax": cents(sum((line["Amount"] for line in listed), ZERO)), "TaxLine": listed}


def _sent_detail(draft: Draft) -> Mapping[str, Any]:
    """What the request says of tax; an update of other fields alone leaves an earlier override standing."""
    if draft.sent.get("TxnTaxDetail") is not None:
        detail: Mapping[str, Any] = draft.sent["TxnTaxDetail"]
        return detail
    only_others = draft.old is not None and "Line" not in draft.sent and draft.sent.get("sparse")
    return (draft.old or {}).get("TxnTaxDetail", {}) if only_others else {}


def _us_detail(draft: Draft, lines: list[dict[str, Any]], discount: Decimal, sent: Mapping[str, Any]) -> dict[str, Any]:
    after_discount = bool(draft.body.get("ApplyTaxAfterDiscount"))
    tax = us_tax(draft.company, lines, discount, after_discount=after_discount)
    override = sent.get("TotalTax")
    if override is not None and draft.company.switches.tax_override_honoured:
        tax = cents(override)
    detail: dict[str, Any] = {"TotalTax": tax}
    if "TxnTaxCodeRef" in sent:
        detail["TxnTaxCodeRef"] = sent["TxnTaxCodeRef"]
    return detail
