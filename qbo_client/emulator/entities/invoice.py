import hashlib
from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import applying, credits_at_once, errors
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities import sales_form
from qbo_client.emulator.entities.dates import set_due_day
from qbo_client.emulator.entities.kind import Body, Draft, Kind
from qbo_client.emulator.entities.numbers import set_number
from qbo_client.emulator.entities.voiding import voided
from qbo_client.emulator.fields import FieldType

_DEAD = ("AllowIPNPayment", "AllowOnlinePayment")
_ONLINE = ("AllowOnlineCreditCardPayment", "AllowOnlineACHPayment")


def shape_invoice(draft: Draft) -> dict[str, Any]:
    sales_form.shape_form(draft)
    set_due_day(draft)
    _set_online_payment(draft)
    _check_deposit(draft)
    applying.check_customer_kept(draft)
    applying.set_balance(draft)
    set_number(draft)
    return draft.body


def _set_online_payment(draft: Draft) -> None:
    enabled = bool(draft.company.preference("SalesFormsPrefs", "ETransactionPaymentEnabled"))
    for name in _DEAD:
        draft.body[name] = False
    for name in _ONLINE:
        draft.body[name] = enabled and draft.body.get(name, False)


def _check_deposit(draft: Draft) -> None:
    deposit = draft.body.get("Deposit")
    if not deposit:
        draft.body.pop("Deposit", None)
        return
    if not draft.company.preference("SalesFormsPrefs", "AllowDeposit"):
        raise errors.business("Deposits are not enabled for this company.")
    if not 0 < deposit <= draft.body["TotalAmt"]:
        raise errors.business("The deposit must be between zero and the total.")


def void_invoice(body: Body) -> dict[str, Any]:
    if body["LinkedTxn"]:
        raise errors.business("The invoice has payments applied to it. Unlink them before you void it.")
    return voided(body)


def settle_invoice(company: Company, old: Body | None, new: Body | None) -> None:
    applying.settle_document(company, "Invoice", old, new)
    if old is None and new is not None:
        credits_at_once.apply(company, new)


def with_link(company: Company, body: Body) -> Mapping[str, Any]:
    """With the address where the customer can pay; there is one only where online payment and an e-mail allow it."""
    address = body.get("BillEmail", {}).get("Address")
    if not address or not any(body[name] for name in _ONLINE):
        return body
    secret = hashlib.sha256(f"{company.realm_id}/{body['Id']}".encode()).hexdigest()
    return {**body, "InvoiceLink": f"https://connect.emulator.invalid/portal/app/CommerceNetwork/view/scs-v1-{secret}"}


INVOICE = Kind(
    name="Invoice",
    id_space="transactions",
    filterable={
        **sales_form.FILTERABLE,
        "TotalAmt": FieldType.NUMBER,
        "DueDate": FieldType.DATE,
        "SalesTermRef": FieldType.REF,
        "ProjectRef": FieldType.REF,
    },
    shape=shape_invoice,
    settle=settle_invoice,
    void=void_invoice,
    required=("CustomerRef",),
    lengths=sales_form.LENGTHS,
    references=sales_form.REFERENCES,
    addresses=("BillAddr", "ShipAddr"),
    read_only=sales_form.READ_ONLY | {"InvoiceLink"},
    kept=frozenset({"DocNumber"}),
    transaction=True,
    sparse=True,
)
