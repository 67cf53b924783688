from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft, Kind, Reference
from qbo_client.emulator.entities.names import check_email
from qbo_client.emulator.entities.references import find, named
from qbo_client.emulator.entities.sales_lines import shape_lines
from qbo_client.emulator.fields import TIMES, FieldType
from qbo_client.emulator.totals import add_totals

AUTO_NUMBER = "AUTO_GENERATE"
FIRST_NUMBER = 1001
ALLOW_DUPLICATE_NUMBER = "allowduplicatedocnum"
_DEPOSIT_TYPES = frozenset({"Bank", "Other Current Asset"})


def shape_sales_receipt(draft: Draft) -> dict[str, Any]:
    body, company = draft.body, draft.company
    if not body.get("TxnDate"):
        body["TxnDate"] = company.clock.today()
    check_books_open(draft)
    check_email(body.get("BillEmail", {}).get("Address"), "BillEmail.Address")
    _set_deposit_account(draft)
    _set_currency(draft)
    if company.country != "US":
        body.setdefault("GlobalTaxCalculation", "TaxExcluded")
    for name, usual in (("PrintStatus", "NeedToPrint"), ("EmailStatus", "NotSet"), ("CustomField", [])):
        body.setdefault(name, usual)
    body.setdefault("ApplyTaxAfterDiscount", False)
    add_totals(draft, shape_lines(draft))
    body["Balance"] = ZERO
    # Last, so that a refused receipt uses up no number.
    set_number(draft)
    return body


def check_books_open(draft: Draft) -> None:
    """Neither into nor out of a closed period."""
    closed = draft.company.closing_date
    for day in (draft.body.get("TxnDate"), (draft.old or {}).get("TxnDate")):
        if closed and day and day <= closed:
            raise errors.books_closed(closed)


def set_number(draft: Draft) -> None:
    body, company = draft.body, draft.company
    custom = company.preference("SalesFormsPrefs", "CustomTxnNumbers")
    absent = body.get("DocNumber") is None and draft.old is None and draft.sent.get("DocNumber") != ""
    if body.get("DocNumber") == AUTO_NUMBER or (absent and not custom):
        body["DocNumber"] = _next_number(company)
    number = body.get("DocNumber")
    if not number:
        body.pop("DocNumber", None)
    elif draft.changed("DocNumber") and ALLOW_DUPLICATE_NUMBER not in draft.options:
        _check_number(draft, number)


def _next_number(company: Company) -> str:
    return str(FIRST_NUMBER - 1 + int(company.next_id("document numbers")))


def _check_number(draft: Draft, number: str) -> None:
    if not draft.company.switches.duplicate_number_warning:
        return
    own_id = (draft.old or {}).get("Id")
    for row in draft.company.table(draft.kind.name).find("DocNumber", [number.casefold()]):
        if row.identifier != own_id:
            raise errors.duplicate_number(number, "Sales Receipt", row.identifier)


def _set_deposit_account(draft: Draft) -> None:
    body, company = draft.body, draft.company
    if "DepositToAccountRef" in body:
        account = find(company, "Account", "Accounts", body["DepositToAccountRef"])
        if account["AccountType"] not in _DEPOSIT_TYPES:
            raise errors.business("The account type is wrong for a deposit.", code="6430")
        return
    usual = company.table("Account").find("AccountSubType", ["undepositedfunds"])
    if usual:
        body["DepositToAccountRef"] = named("Account", usual[0].body)


def _set_currency(draft: Draft) -> None:
    body, company = draft.body, draft.company
    multiple = company.preference("CurrencyPrefs", "MultiCurrencyEnabled")
    sent = body.get("CurrencyRef", {}).get("value")
    if multiple and sent is None:
        raise errors.business("CurrencyRef is required when multi-currency is on.")
    if not multiple and sent not in {None, company.currency}:
        raise errors.business("Multi Currency should be enabled to perform this operation.")
    body["CurrencyRef"] = company.currency_ref(sent)
    if multiple:
        body.setdefault("ExchangeRate", 1)
    if "CustomerRef" in body:
        customer = find(company, "Customer", "Names", body["CustomerRef"])
        if customer["CurrencyRef"]["value"] != body["CurrencyRef"]["value"]:
            raise errors.business("The currency of the transaction is not the customer's.")


def voided(body: dict[str, Any]) -> dict[str, Any]:
    """All amounts and quantities zero, the number, day and customer kept, and the note saying so."""
    note = f"Voided - {body['PrivateNote']}" if body.get("PrivateNote") else "Voided"
    lines = [_voided_line(line) for line in body["Line"]]
    return {**body, "Line": lines, "TotalAmt": ZERO, "TxnTaxDetail": {"TotalTax": ZERO}, "PrivateNote": note}


def _voided_line(line: dict[str, Any]) -> dict[str, Any]:
    nulled = {**line, "Amount": ZERO} if "Amount" in line else dict(line)
    detail = nulled.get("SalesItemLineDetail")
    if detail is not None:
        kept = {name: value for name, value in detail.items() if name != "TaxInclusiveAmt"}
        nulled["SalesItemLineDetail"] = {**kept, "Qty": ZERO} if "Qty" in kept else kept
    return nulled


SALES_RECEIPT = Kind(
    name="SalesReceipt",
    id_space="transactions",
    filterable={
        **TIMES,
        "CustomerRef": FieldType.REF,
        "DocNumber": FieldType.TEXT,
        "TxnDate": FieldType.DATE,
        "TotalAmt": FieldType.NUMBER,
        "Balance": FieldType.NUMBER,
    },
    shape=shape_sales_receipt,
    lengths={"DocNumber": 21, "PaymentRefNum": 21, "PrivateNote": 4000, "CustomerMemo.value": 1000},
    references={
        "CustomerRef": Reference(kind="Customer", list_name="Names"),
        "PaymentMethodRef": Reference(kind="PaymentMethod", list_name="PaymentMethods"),
        "DepositToAccountRef": Reference(kind="Account", list_name="Accounts"),
        "ClassRef": Reference(kind="Class", list_name="Klasses"),
        "DepartmentRef": Reference(kind="Department", list_name="Depts"),
    },
    addresses=("BillAddr", "ShipAddr"),
    read_only=frozenset({"TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance", "LinkedTxn", "DeliveryInfo"}),
    kept=frozenset({"DocNumber", "DepositToAccountRef"}),
    transaction=True,
    sparse=True,
)
