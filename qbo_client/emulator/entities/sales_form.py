"""What invoices, sales receipts, credit memos and refund receipts have in common."""

from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.entities.currency import set_currency, set_home_amounts
from qbo_client.emulator.entities.dates import set_day
from qbo_client.emulator.entities.deposits import set_deposit_account
from qbo_client.emulator.entities.kind import Draft, Reference
from qbo_client.emulator.entities.names import check_email
from qbo_client.emulator.entities.numbers import set_number
from qbo_client.emulator.entities.sales_lines import shape_lines
from qbo_client.emulator.fields import TIMES, FieldType
from qbo_client.emulator.totals import add_totals

FILTERABLE: Mapping[str, FieldType] = {
    **TIMES,
    "CustomerRef": FieldType.REF,
    "DocNumber": FieldType.TEXT,
    "TxnDate": FieldType.DATE,
    "Balance": FieldType.NUMBER,
}
LENGTHS: Mapping[str, int] = {
    "DocNumber": 21,
    "PaymentRefNum": 21,
    "PrivateNote": 4000,
    "CustomerMemo.value": 1000,
}
REFERENCES: Mapping[str, Reference] = {
    "CustomerRef": Reference(kind="Customer", list_name="Names"),
    "PaymentMethodRef": Reference(kind="PaymentMethod", list_name="PaymentMethods"),
    "DepositToAccountRef": Reference(kind="Account", list_name="Accounts"),
    "ARAccountRef": Reference(kind="Account", list_name="Accounts"),
    "SalesTermRef": Reference(kind="Term", list_name="Terms"),
    "ClassRef": Reference(kind="Class", list_name="Klasses"),
    "DepartmentRef": Reference(kind="Department", list_name="Depts"),
}
READ_ONLY = frozenset(
    {
        *("TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance", "RemainingCredit"),
        *("LinkedTxn", "DeliveryInfo", "RecurDataRef", "TaxExemptionRef"),
    }
)
_USUAL = (("PrintStatus", "NeedToPrint"), ("EmailStatus", "NotSet"), ("ApplyTaxAfterDiscount", False))


def shape_form(draft: Draft) -> None:
    """Day, currency, states, lines, tax and total. What is left to the kind: balance, links and number."""
    body = draft.body
    set_day(draft)
    set_currency(draft)
    if draft.company.country != "US":
        body.setdefault("GlobalTaxCalculation", "TaxExcluded")
    for name, usual in _USUAL:
        body.setdefault(name, usual)
    body.setdefault("CustomField", [])
    _check_mail(draft)
    add_totals(draft, shape_lines(draft))


def shape_receipt(draft: Draft) -> dict[str, Any]:
    """A sales or refund receipt: its money moves at once, so it names an account and nothing stays open."""
    set_deposit_account(draft)
    shape_form(draft)
    draft.body["Balance"] = ZERO
    set_home_amounts(draft.company, draft.body)
    set_number(draft)
    return draft.body


def _check_mail(draft: Draft) -> None:
    address = draft.body.get("BillEmail", {}).get("Address")
    check_email(address, "BillEmail.Address")
    if draft.body["EmailStatus"] == "NeedToSend" and not address:
        raise errors.business("An e-mail address is needed to send this form.", code="6420", element="BillEmail")
