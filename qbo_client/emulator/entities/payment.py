from typing import Any

from qbo_client.emulator import applying, credits_at_once, errors
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities import sales_form
from qbo_client.emulator.entities.currency import set_currency
from qbo_client.emulator.entities.dates import set_day
from qbo_client.emulator.entities.deposits import set_deposit_account
from qbo_client.emulator.entities.kind import Body, Draft, Kind
from qbo_client.emulator.entities.payment_lines import shape_payment_lines
from qbo_client.emulator.entities.voiding import voided_payment
from qbo_client.emulator.fields import TIMES, FieldType


def shape_payment(draft: Draft) -> dict[str, Any]:
    body = draft.body
    if body["TotalAmt"] < 0:
        raise errors.negative()
    set_day(draft)
    set_deposit_account(draft)
    set_currency(draft)
    body["Line"] = shape_payment_lines(draft)
    body["UnappliedAmt"] = applying.unapplied(body["TotalAmt"], body["Line"])
    body.setdefault("ProcessPayment", False)
    return body


def settle_payment(company: Company, old: Body | None, new: Body | None) -> None:
    applying.settle_payment(company, old, new)
    if old is None and new is not None:
        credits_at_once.apply(company, new)


PAYMENT = Kind(
    name="Payment",
    id_space="transactions",
    filterable={
        **TIMES,
        "CustomerRef": FieldType.REF,
        "TotalAmt": FieldType.NUMBER,
        "TxnDate": FieldType.DATE,
        "PaymentMethodRef": FieldType.REF,
        "PaymentRefNum": FieldType.TEXT,
    },
    shape=shape_payment,
    settle=settle_payment,
    void=voided_payment,
    required=("TotalAmt", "CustomerRef"),
    lengths={"PaymentRefNum": 21, "PrivateNote": 4000},
    references={
        name: sales_form.REFERENCES[name]
        for name in ("CustomerRef", "PaymentMethodRef", "DepositToAccountRef", "ARAccountRef", "DepartmentRef")
    },
    read_only=frozenset({"UnappliedAmt", "LinkedTxn", "TxnTaxDetail"}),
    kept=frozenset({"DepositToAccountRef"}),
    transaction=True,
)
