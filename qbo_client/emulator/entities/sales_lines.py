"""The lines of a sale: each checked, completed and numbered. `Line` is always the whole list."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import ZERO, cents
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft, Reference
from qbo_client.emulator.entities.references import find, named, resolve_all

US_CODES = frozenset({"TAX", "NON"})
MOST_LINES = 10_000
_LONGEST_DESCRIPTION = 4000
_REFERENCES = {
    "ItemRef": Reference(kind="Item", list_name="Items"),
    "ClassRef": Reference(kind="Class", list_name="Klasses"),
    "ItemAccountRef": Reference(kind="Account", list_name="Accounts"),
}


def shape_lines(draft: Draft) -> list[dict[str, Any]]:
    """Raises ApiFault for a line that QuickBooks would refuse. Sent subtotal lines are ignored."""
    sent = draft.body.get("Line") or []
    kept = [line for line in sent if line.get("DetailType") != "SubTotalLineDetail"]
    if not kept:
        raise errors.missing("Line")
    if len(kept) > MOST_LINES:
        raise errors.business(f"A transaction may have {MOST_LINES} lines.")
    before = {line["Id"]: line for line in (draft.old or {}).get("Line", ()) if "Id" in line}
    shaped = [_shape(draft, line, before.get(line.get("Id", ""))) for line in kept]
    _number(shaped, before)
    return shaped


def _number(lines: list[dict[str, Any]], before: Mapping[str, Any]) -> None:
    """A known Id stays; any other line is new and gets the next one, as the recording of 5 to 6 shows."""
    last = max((int(identifier) for identifier in before), default=0)
    taken: set[str] = set()
    for position, line in enumerate(lines, start=1):
        if line.get("Id") not in before or line["Id"] in taken:
            last += 1
            line["Id"] = str(last)
        taken.add(line["Id"])
        line["LineNum"] = position


def _shape(draft: Draft, line: Mapping[str, Any], old: Mapping[str, Any] | None) -> dict[str, Any]:
    detail_type = line.get("DetailType")
    if detail_type is None:
        raise errors.missing("DetailType")
    if len(line.get("Description", "")) > _LONGEST_DESCRIPTION:
        raise errors.invalid_length("Line.Description", _LONGEST_DESCRIPTION, len(line["Description"]))
    shaper = _SHAPERS.get(detail_type)
    if shaper is None:
        raise errors.unsupported(f"of lines with DetailType {detail_type} (the emulator does not cover them)")
    return shaper(draft, dict(line), old)


def _shape_item(draft: Draft, line: dict[str, Any], old: Mapping[str, Any] | None) -> dict[str, Any]:
    if "Amount" not in line:
        raise errors.missing("Amount")
    detail = dict(line.get("SalesItemLineDetail", {}))
    detail.setdefault("ItemRef", {"value": _default_item(draft.company)})
    _check_amount(line["Amount"], detail)
    old_detail = (old or {}).get("SalesItemLineDetail")
    resolve_all(Draft(company=draft.company, kind=draft.kind, body=detail, sent={}, old=old_detail), _REFERENCES)
    code = _tax_code(draft, detail)
    if code is None:
        detail.pop("TaxCodeRef", None)
    else:
        detail["TaxCodeRef"] = {"value": code}
    line["SalesItemLineDetail"] = detail
    return line


def _default_item(company: Company) -> str:
    rows = company.table("Item").find("Name", ["services"])
    if not rows:
        raise errors.missing("ItemRef")
    return rows[0].identifier


def _check_amount(amount: Decimal, detail: Mapping[str, Any]) -> None:
    quantity, price = detail.get("Qty"), detail.get("UnitPrice")
    if quantity is None or price is None:
        return
    expected = cents(quantity * price)
    if expected != amount:
        raise errors.ApiFault(
            code="6070",
            message="Amount calculation incorrect in the request",
            detail="Amount calculation incorrect in the request: Amount is not equal to UnitPrice * Qty. "
            f"Supplied value:{amount}",
            element="",
        )


def _tax_code(draft: Draft, detail: Mapping[str, Any]) -> str | None:
    """US lines carry TAX or NON; elsewhere each line names one of the company's codes."""
    company = draft.company
    sent = detail.get("TaxCodeRef", {}).get("value")
    if company.country == "US":
        if sent is not None and sent not in US_CODES:
            raise errors.business("Line TaxCodeRef must be TAX or NON for a US company.", code="6100")
        return sent or _usual_us_code(company, detail)
    if sent is not None:
        target = find(company, "TaxCode", "TaxCodes", {"value": sent})
        if target.get("Active") is False:
            raise errors.not_found()
        return str(sent)
    taxed = company.preference("TaxPrefs", "UsingSalesTax")
    if taxed and draft.body.get("GlobalTaxCalculation") != "NotApplicable":
        raise errors.business("Make sure all your transactions have a VAT rate before you save.")
    return None


def _usual_us_code(company: Company, detail: Mapping[str, Any]) -> str:
    """Where automated sales tax is set up, the item decides; in older recordings it is NON."""
    if not company.preference("TaxPrefs", "PartnerTaxEnabled"):
        return "NON"
    item = find(company, "Item", "Items", detail["ItemRef"])
    return "TAX" if item.get("Taxable") else "NON"


def _shape_description(_draft: Draft, line: dict[str, Any], _old: Mapping[str, Any] | None) -> dict[str, Any]:
    line.pop("Amount", None)
    line.setdefault("DescriptionLineDetail", {})
    return line


def _shape_discount(draft: Draft, line: dict[str, Any], _old: Mapping[str, Any] | None) -> dict[str, Any]:
    if not draft.company.preference("SalesFormsPrefs", "AllowDiscount"):
        raise errors.business("Discounts are not enabled for this company.", code="6090")
    detail = dict(line.get("DiscountLineDetail", {}))
    percent = detail.get("DiscountPercent") if detail.get("PercentBased") else None
    if percent is None and "Amount" not in line:
        raise errors.missing("Amount")
    accounts = draft.company.table("Account").find("AccountSubType", ["discountsrefundsgiven"])
    if "DiscountAccountRef" in detail:
        account = find(draft.company, "Account", "Accounts", detail["DiscountAccountRef"])
        detail["DiscountAccountRef"] = named("Account", account)
    elif accounts:
        detail["DiscountAccountRef"] = named("Account", accounts[0].body)
    detail["PercentBased"] = percent is not None
    line["DiscountLineDetail"] = detail
    line.setdefault("Amount", ZERO)
    return line


_SHAPERS = {
    "SalesItemLineDetail": _shape_item,
    "DescriptionOnly": _shape_description,
    "DiscountLineDetail": _shape_discount,
}
