"""Items, accounts and the short lists."""

from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.entities.kind import Draft, Kind, Reference
from qbo_client.emulator.entities.references import find
from qbo_client.emulator.fields import TIMES, FieldType

_NAMED = {
    **TIMES,
    "Name": FieldType.TEXT,
    "Active": FieldType.BOOL,
}
_CLASSIFICATION = {
    "Bank": "Asset",
    "Other Current Asset": "Asset",
    "Accounts Receivable": "Asset",
    "Fixed Asset": "Asset",
    "Income": "Revenue",
    "Other Income": "Revenue",
    "Expense": "Expense",
    "Other Expense": "Expense",
    "Cost of Goods Sold": "Expense",
    "Equity": "Equity",
}
_ITEM_TYPES = frozenset({"Service", "NonInventory", "Inventory", "Category"})


def shape_listed(draft: Draft) -> dict[str, Any]:
    """A name that is unique in its own list."""
    body = draft.body
    body.setdefault("Active", (draft.old or {}).get("Active", True))
    if not draft.changed("Name"):
        return body
    own_id = (draft.old or {}).get("Id")
    for row in draft.company.table(draft.kind.name).find("Name", [body["Name"].casefold()]):
        free = draft.company.switches.inactive_names_are_free and row.keys["Active"] is False
        if row.identifier != own_id and not free:
            raise errors.duplicate_name()
    return body


def shape_item(draft: Draft) -> dict[str, Any]:
    body = draft.body
    if ":" in body["Name"]:
        raise errors.ApiFault(
            code="2040",
            message="Invalid String",
            detail="Invalid String : an item's name holds no colon",
            element="Name",
        )
    shape_listed(draft)
    body["FullyQualifiedName"] = body["Name"]
    body.setdefault("Type", (draft.old or {}).get("Type", "Service"))
    body.setdefault("Taxable", False)
    for name in ("UnitPrice", "PurchaseCost"):
        body.setdefault(name, ZERO)
    body.setdefault("TrackQtyOnHand", False)
    _check_item(draft)
    return body


def _check_item(draft: Draft) -> None:
    body = draft.body
    if body["Type"] not in _ITEM_TYPES:
        raise errors.business(f"Items of type {body['Type']} cannot be made through the API.")
    if body["Type"] == "Category":
        return
    if "IncomeAccountRef" not in body:
        raise errors.missing("IncomeAccountRef")
    account = find(draft.company, "Account", "Accounts", body["IncomeAccountRef"])
    if account["AccountType"] not in {"Income", "Other Income"}:
        raise errors.business("The account type is wrong for this slot.", code="6430")


def shape_account(draft: Draft) -> dict[str, Any]:
    body = draft.body
    if any(character in body["Name"] for character in ':"'):
        raise errors.ApiFault(code="2040", message="Invalid String", detail="Invalid String : Name", element="Name")
    shape_listed(draft)
    if not body.get("AccountType"):
        body["AccountType"] = (draft.old or {}).get("AccountType")
    if not body["AccountType"]:
        raise errors.missing("AccountType")
    body["Classification"] = _CLASSIFICATION.get(body["AccountType"], "Liability")
    body["FullyQualifiedName"] = body["Name"]
    body.setdefault("SubAccount", False)
    body["CurrentBalance"] = body["CurrentBalanceWithSubAccounts"] = (draft.old or {}).get("CurrentBalance", ZERO)
    body["CurrencyRef"] = draft.company.currency_ref()
    return body


def shape_payment_method(draft: Draft) -> dict[str, Any]:
    shape_listed(draft)
    draft.body.setdefault("Type", "NON_CREDIT_CARD")
    return draft.body


ITEM = Kind(
    name="Item",
    id_space="items",
    filterable={
        **_NAMED,
        "Type": FieldType.TEXT,
        "Taxable": FieldType.BOOL,
        "FullyQualifiedName": FieldType.TEXT,
        "SubItem": FieldType.BOOL,
        # Asked for by integrators and answered, though the reference does not list it.
        "Sku": FieldType.TEXT,
    },
    shape=shape_item,
    required=("Name",),
    lengths={"Name": 100, "Sku": 100, "Description": 4000, "PurchaseDesc": 1000},
    references={
        "IncomeAccountRef": Reference(kind="Account", list_name="Accounts"),
        "ExpenseAccountRef": Reference(kind="Account", list_name="Accounts"),
        "AssetAccountRef": Reference(kind="Account", list_name="Accounts"),
        "SalesTaxCodeRef": Reference(kind="TaxCode", list_name="TaxCodes"),
    },
    read_only=frozenset({"FullyQualifiedName"}),
    suffixed=("Name", "FullyQualifiedName"),
    hides_inactive=True,
)
ACCOUNT = Kind(
    name="Account",
    id_space="accounts",
    filterable={
        **_NAMED,
        "AccountType": FieldType.TEXT,
        "AccountSubType": FieldType.TEXT,
        "Classification": FieldType.TEXT,
        "FullyQualifiedName": FieldType.TEXT,
    },
    shape=shape_account,
    required=("Name",),
    lengths={"Name": 100},
    read_only=frozenset({"FullyQualifiedName", "Classification", "CurrentBalance", "CurrentBalanceWithSubAccounts"}),
    suffixed=("Name", "FullyQualifiedName"),
    hides_inactive=True,
    sparse=True,
)
PAYMENT_METHOD = Kind(
    name="PaymentMethod",
    id_space="payment methods",
    filterable=_NAMED,
    shape=shape_payment_method,
    required=("Name",),
    lengths={"Name": 31},
    suffixed=("Name",),
    hides_inactive=True,
)
TERM = Kind(
    name="Term",
    id_space="terms",
    filterable=_NAMED,
    shape=shape_listed,
    required=("Name",),
    lengths={"Name": 31},
    suffixed=("Name",),
    hides_inactive=True,
)
TAX_CODE = Kind(
    name="TaxCode",
    id_space="tax codes",
    filterable={**_NAMED, "Description": FieldType.TEXT},
    hides_inactive=True,
    writable=False,
)
TAX_RATE = Kind(name="TaxRate", id_space="tax rates", filterable=_NAMED, hides_inactive=True, writable=False)
TAX_AGENCY = Kind(
    name="TaxAgency",
    id_space="tax agencies",
    filterable={**TIMES, "DisplayName": FieldType.TEXT},
    writable=False,
)
COMPANY_INFO = Kind(name="CompanyInfo", id_space="company", writable=False)
PREFERENCES = Kind(name="Preferences", id_space="company", writable=False)
