"""Customers, vendors and employees: three lists that share one space of display names."""

import re
from typing import Any

from qbo_client.emulator import balances, errors
from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.hierarchy import INDEXED, place, rename_below
from qbo_client.emulator.entities.kind import Body, Draft, Kind, Reference
from qbo_client.emulator.fields import TIMES, FieldType

LISTS = ("Customer", "Vendor", "Employee")
_PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,.]+\Z")
_FORBIDDEN = re.compile(r"[:\t\n\r]")
_LENGTHS = {
    "DisplayName": 500,
    "Title": 16,
    "Suffix": 16,
    "GivenName": 100,
    "MiddleName": 100,
    "FamilyName": 100,
    "CompanyName": 100,
    "PrintOnCheckName": 110,
    "PrimaryPhone.FreeFormNumber": 30,
    "AlternatePhone.FreeFormNumber": 30,
    "Mobile.FreeFormNumber": 30,
    "Fax.FreeFormNumber": 30,
    "PrimaryEmailAddr.Address": 100,
    "WebAddr.URI": 1000,
    "Notes": 2000,
    "ResaleNum": 16,
}
_FIELDS = {
    **TIMES,
    "DisplayName": FieldType.TEXT,
    "GivenName": FieldType.TEXT,
    "FamilyName": FieldType.TEXT,
    "CompanyName": FieldType.TEXT,
    "PrimaryEmailAddr": FieldType.TEXT,
    "Active": FieldType.BOOL,
    "FullyQualifiedName": FieldType.TEXT,
    "Balance": FieldType.NUMBER,
}


def check_email(address: str | None, element: str) -> None:
    if address is not None and not _EMAIL.match(address):
        raise errors.ApiFault(
            code="2210",
            message="Invalid Email Address format",
            detail=f"Email Address does not conform to the RFC 822 format. Supplied value:{address}",
            element=element,
        )


def shape_customer(draft: Draft) -> dict[str, Any]:
    body = _shape_name(draft)
    for name, usual in (("Taxable", True), ("Job", False), ("BillWithParent", False)):
        body.setdefault(name, usual)
    body.setdefault("PreferredDeliveryMethod", "Print")
    for name in ("Balance", "BalanceWithJobs"):
        body[name] = (draft.old or {}).get(name, ZERO)
    body["CurrencyRef"] = _currency(draft)
    body.pop("Level", None)
    if level := place(draft, "DisplayName"):
        body["Level"] = level
    if body["Active"] is False and (body["Balance"] or body["BalanceWithJobs"]):
        raise errors.business("You cannot make a name inactive that has a balance.", code="6220")
    return body


def shape_other(draft: Draft) -> dict[str, Any]:
    body = _shape_name(draft)
    if draft.sent.get("Balance") is not None or draft.old:
        body["Balance"] = (draft.old or {}).get("Balance", ZERO)
    return body


def _shape_name(draft: Draft) -> dict[str, Any]:
    body = draft.body
    if not body.get("DisplayName"):
        body["DisplayName"] = " ".join(str(body[part]) for part in _PARTS if body.get(part))
    _check_name(draft)
    check_email(body.get("PrimaryEmailAddr", {}).get("Address"), "PrimaryEmailAddr.Address")
    body.setdefault("PrintOnCheckName", body["DisplayName"])
    body.setdefault("Active", (draft.old or {}).get("Active", True))
    return body


def _check_name(draft: Draft) -> None:
    name = draft.body["DisplayName"]
    if not name:
        raise errors.business("At least one of the name parts is required.", code="6080")
    if _FORBIDDEN.search(name):
        raise errors.invalid_text("a name holds no colon, tab or new line", "DisplayName")
    old = draft.old or {}
    returns = old.get("Active") is False and draft.body.get("Active")
    if (draft.changed("DisplayName") or returns) and _taken(draft.company, name, old.get("Id")):
        raise errors.duplicate_name()


def _taken(company: Company, name: str, own_id: str | None) -> bool:
    """Ids are shared by the three lists, so that the object itself is told from its namesakes."""
    return any(
        row.identifier != own_id and (row.keys["Active"] is not False or not company.switches.inactive_names_are_free)
        for list_name in LISTS
        for row in company.table(list_name).find("DisplayName", [name.casefold()])
    )


def _currency(draft: Draft) -> dict[str, str]:
    """Fixed at creation; another than the home currency needs multi-currency."""
    company = draft.company
    before = (draft.old or {}).get("CurrencyRef", {}).get("value")
    wanted = draft.body.get("CurrencyRef", {}).get("value") or before or company.currency
    if before is not None and wanted != before:
        raise errors.business("The currency of a name cannot be changed.")
    multiple = company.preference("CurrencyPrefs", "MultiCurrencyEnabled")
    if wanted != company.currency and not multiple:
        raise errors.business("Multi Currency should be enabled to perform this operation.")
    return company.currency_ref(wanted)


def settle_customer(company: Company, old: Body | None, new: Body | None) -> None:
    """Sub-customers follow a rename; what they owe follows them to another parent."""
    if old is None or new is None:
        return
    rename_below(company, "Customer", old, new)
    before, after = (body.get("ParentRef", {}).get("value") for body in (old, new))
    if before != after:
        balances.move_with_jobs(company, before, -old["BalanceWithJobs"])
        balances.move_with_jobs(company, after, new["BalanceWithJobs"])


CUSTOMER = Kind(
    name="Customer",
    id_space="names",
    filterable=_FIELDS,
    indexed=INDEXED,
    shape=shape_customer,
    settle=settle_customer,
    lengths=_LENGTHS,
    references={
        "ParentRef": Reference(kind="Customer", list_name="Names"),
        "PaymentMethodRef": Reference(kind="PaymentMethod", list_name="PaymentMethods"),
        "SalesTermRef": Reference(kind="Term", list_name="Terms"),
        "DefaultTaxCodeRef": Reference(kind="TaxCode", list_name="TaxCodes"),
    },
    addresses=("BillAddr", "ShipAddr"),
    read_only=frozenset({"Balance", "BalanceWithJobs", "FullyQualifiedName", "Level"}),
    suffixed=("DisplayName", "FullyQualifiedName"),
    hides_inactive=True,
    sparse=True,
)
VENDOR = Kind(
    name="Vendor",
    id_space="names",
    filterable=_FIELDS,
    shape=shape_other,
    lengths=_LENGTHS,
    addresses=("BillAddr",),
    suffixed=("DisplayName",),
    hides_inactive=True,
)
EMPLOYEE = Kind(
    name="Employee",
    id_space="names",
    filterable=_FIELDS,
    shape=shape_other,
    lengths=_LENGTHS,
    addresses=("PrimaryAddr",),
    suffixed=("DisplayName",),
    hides_inactive=True,
    sparse=True,
)
