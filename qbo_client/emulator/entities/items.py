from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.entities.hierarchy import INDEXED, place
from qbo_client.emulator.entities.kind import Draft, Kind, Reference
from qbo_client.emulator.entities.lists import NAMED, settling_names_below, shape_listed
from qbo_client.emulator.entities.references import find
from qbo_client.emulator.fields import FieldType

_TYPES = frozenset({"Service", "NonInventory", "Inventory", "Category"})


def shape_item(draft: Draft) -> dict[str, Any]:
    body = draft.body
    if ":" in body["Name"]:
        raise errors.invalid_text("an item's name holds no colon", "Name")
    shape_listed(draft)
    level = place(draft, "Name")
    if level:
        body |= {"SubItem": True, "Level": level}
    else:
        body.pop("SubItem", None)
    body.setdefault("Type", (draft.old or {}).get("Type", "Service"))
    body.setdefault("Taxable", False)
    for name in ("UnitPrice", "PurchaseCost"):
        body.setdefault(name, ZERO)
    body.setdefault("TrackQtyOnHand", False)
    _check_item(draft)
    return body


def _check_item(draft: Draft) -> None:
    body = draft.body
    if body["Type"] not in _TYPES:
        raise errors.business(f"Items of type {body['Type']} cannot be made through the API.")
    if body["Type"] == "Category":
        return
    if "IncomeAccountRef" not in body:
        raise errors.missing("IncomeAccountRef")
    account = find(draft.company, "Account", "Accounts", body["IncomeAccountRef"])
    if account["AccountType"] not in {"Income", "Other Income"}:
        raise errors.business("The account type is wrong for this slot.", code="6430")


ITEM = Kind(
    name="Item",
    id_space="items",
    filterable={
        **NAMED,
        "Type": FieldType.TEXT,
        "Taxable": FieldType.BOOL,
        "FullyQualifiedName": FieldType.TEXT,
        "SubItem": FieldType.BOOL,
        # Asked for by integrators and answered, though the reference does not list it.
        "Sku": FieldType.TEXT,
    },
    indexed=INDEXED,
    shape=shape_item,
    settle=settling_names_below("Item"),
    required=("Name",),
    lengths={"Name": 100, "Sku": 100, "Description": 4000, "PurchaseDesc": 1000},
    references={
        "ParentRef": Reference(kind="Item", list_name="Items"),
        "IncomeAccountRef": Reference(kind="Account", list_name="Accounts"),
        "ExpenseAccountRef": Reference(kind="Account", list_name="Accounts"),
        "AssetAccountRef": Reference(kind="Account", list_name="Accounts"),
        "SalesTaxCodeRef": Reference(kind="TaxCode", list_name="TaxCodes"),
    },
    read_only=frozenset({"FullyQualifiedName", "Level"}),
    suffixed=("Name", "FullyQualifiedName"),
    hides_inactive=True,
)
