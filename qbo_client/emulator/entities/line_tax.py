"""The tax code of a line: US lines carry TAX or NON, elsewhere each line names one of the company's codes."""

from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft
from qbo_client.emulator.entities.references import find

TAXED = "TAX"
UNTAXED = "NON"
# Delivery is an item of no list.
SHIPPING = "SHIPPING_ITEM_ID"


def set_tax_code(draft: Draft, detail: dict[str, Any]) -> None:
    code = _us_code(draft.company, detail) if draft.company.country == "US" else _code(draft, detail)
    if code is None:
        detail.pop("TaxCodeRef", None)
    else:
        detail["TaxCodeRef"] = {"value": code}


def _us_code(company: Company, detail: Mapping[str, Any]) -> str:
    sent = detail.get("TaxCodeRef", {}).get("value")
    if sent is None:
        return _usual_us_code(company, detail)
    if sent not in {TAXED, UNTAXED}:
        raise errors.business("Line TaxCodeRef must be TAX or NON for a US company.", code="6100")
    return str(sent)


def _usual_us_code(company: Company, detail: Mapping[str, Any]) -> str:
    """Where automated sales tax is set up, the item decides; in older recordings it is NON."""
    if detail["ItemRef"]["value"] == SHIPPING or not company.preference("TaxPrefs", "PartnerTaxEnabled"):
        return UNTAXED
    item = find(company, "Item", "Items", detail["ItemRef"])
    return TAXED if item.get("Taxable") else UNTAXED


def _code(draft: Draft, detail: Mapping[str, Any]) -> str | None:
    company = draft.company
    sent = detail.get("TaxCodeRef", {}).get("value")
    if sent is not None:
        target = find(company, "TaxCode", "TaxCodes", {"value": sent})
        if target.get("Active") is False:
            raise errors.not_found()
        return str(sent)
    taxed = company.preference("TaxPrefs", "UsingSalesTax")
    if taxed and draft.body.get("GlobalTaxCalculation") != "NotApplicable":
        raise errors.business("Make sure all your transactions have a VAT rate before you save.")
    return None
