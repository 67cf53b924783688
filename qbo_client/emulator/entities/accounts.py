from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.entities.hierarchy import INDEXED, place
from qbo_client.emulator.entities.kind import Draft, Kind, Reference
from qbo_client.emulator.entities.lists import NAMED, settling_names_below, shape_listed
from qbo_client.emulator.fields import FieldType

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


def shape_account(draft: Draft) -> dict[str, Any]:
    body = draft.body
    if any(character in body["Name"] for character in ':"'):
        raise errors.invalid_text("an account's name holds no colon and no quotation mark", "Name")
    shape_listed(draft)
    if not body.get("AccountType"):
        body["AccountType"] = (draft.old or {}).get("AccountType")
    if not body["AccountType"]:
        raise errors.missing("AccountType")
    body["Classification"] = _CLASSIFICATION.get(body["AccountType"], "Liability")
    body["SubAccount"] = place(draft, "Name") > 0
    body["CurrentBalance"] = body["CurrentBalanceWithSubAccounts"] = (draft.old or {}).get("CurrentBalance", ZERO)
    body["CurrencyRef"] = draft.company.currency_ref()
    return body


ACCOUNT = Kind(
    name="Account",
    id_space="accounts",
    filterable={
        **NAMED,
        "AccountType": FieldType.TEXT,
        "AccountSubType": FieldType.TEXT,
        "Classification": FieldType.TEXT,
        "FullyQualifiedName": FieldType.TEXT,
    },
    indexed=INDEXED,
    shape=shape_account,
    settle=settling_names_below("Account"),
    references={"ParentRef": Reference(kind="Account", list_name="Accounts")},
    required=("Name",),
    lengths={"Name": 100},
    read_only=frozenset({"FullyQualifiedName", "Classification", "CurrentBalance", "CurrentBalanceWithSubAccounts"}),
    suffixed=("Name", "FullyQualifiedName"),
    hides_inactive=True,
    sparse=True,
)
