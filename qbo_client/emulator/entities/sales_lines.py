"""The lines of a sale: each checked, completed and numbered. `Line` is always the whole list."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import ZERO, cents
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft, Reference
from qbo_client.emulator.entities.line_tax import SHIPPING, TAXED, set_tax_code
from qbo_client.emulator.entities.references import find, named, resolve_all

MOST_LINES = 10_000
MOST_TAXED_US_LINES = 750
_LONGEST_DESCRIPTION = 4000
_REFERENCES = {
    "ItemRef": Reference(kind="Item", list_name="Items"),
    "ClassRef": Reference(kind="Class", list_name="Klasses"),
    "ItemAccountRef": Reference(kind="Account", list_name="Accounts"),
}
_SHIPPING_REFERENCES = {name: reference for name, reference in _REFERENCES.items() if name != "ItemRef"}


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
    if len(shaped) > MOST_TAXED_US_LINES and any(map(_is_taxed_in_us, shaped)):
        raise errors.business(f"A taxable transaction may have {MOST_TAXED_US_LINES} lines.")
    _number(shaped, before)
    return shaped


def _is_taxed_in_us(line: Mapping[str, Any]) -> bool:
    code = line.get("SalesItemLineDetail", {}).get("TaxCodeRef", {}).get("value")
    return bool(code == TAXED)


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
    shipped = detail["ItemRef"].get("value") == SHIPPING
    references = _references(draft, shipped=shipped)
    resolve_all(Draft(company=draft.company, kind=draft.kind, body=detail, sent={}, old=old_detail), references)
    if shipped:
        detail["ItemRef"] = {"value": SHIPPING}
    _set_discount(line, detail)
    set_tax_code(draft, detail)
    line["SalesItemLineDetail"] = detail
    return line


def _references(draft: Draft, *, shipped: bool) -> Mapping[str, Reference]:
    if not shipped:
        return _REFERENCES
    if not draft.company.preference("SalesFormsPrefs", "AllowShipping"):
        raise errors.business("Shipping is not enabled for this company.")
    return _SHIPPING_REFERENCES


def _set_discount(line: Mapping[str, Any], detail: dict[str, Any]) -> None:
    """A line's rate beats its amount. Neither changes the line's Amount, which already stands for the net."""
    if "DiscountRate" in detail:
        rate = Fraction(detail["DiscountRate"]) / 100
        detail["DiscountAmt"] = cents(Fraction(line["Amount"]) * rate)


def _default_item(company: Company) -> str:
    rows = company.table("Item").find("Name", ["services"])
    if not rows:
        raise errors.missing("ItemRef")
    return rows[0].identifier


def _check_amount(amount: Decimal, detail: Mapping[str, Any]) -> None:
    quantity, price = detail.get("Qty"), detail.get("UnitPrice")
    # Nought times nought is what some clients send for neither, and it is taken so.
    if quantity is None or price is None or quantity == price == 0:
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
