from typing import Any

from qbo_client.emulator import applying, credits_at_once, errors
from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities import sales_form
from qbo_client.emulator.entities.kind import Body, Draft, Kind
from qbo_client.emulator.entities.numbers import set_number
from qbo_client.emulator.entities.voiding import voided
from qbo_client.emulator.fields import FieldType


def shape_credit_memo(draft: Draft) -> dict[str, Any]:
    sales_form.shape_form(draft)
    applying.check_customer_kept(draft)
    draft.body["RemainingCredit"] = ZERO
    applying.set_balance(draft)
    set_number(draft)
    return draft.body


def void_credit_memo(body: Body) -> dict[str, Any]:
    if body["LinkedTxn"]:
        raise errors.business("The credit memo is applied. Unlink it before you void it.")
    return voided(body)


def settle_credit_memo(company: Company, old: Body | None, new: Body | None) -> None:
    applying.settle_document(company, "CreditMemo", old, new)
    if old is None and new is not None:
        credits_at_once.apply(company, new)


CREDIT_MEMO = Kind(
    name="CreditMemo",
    id_space="transactions",
    filterable={**sales_form.FILTERABLE, "SalesTermRef": FieldType.REF},
    shape=shape_credit_memo,
    settle=settle_credit_memo,
    void=void_credit_memo,
    void_is_a_switch=True,
    required=("CustomerRef",),
    lengths=sales_form.LENGTHS,
    references=sales_form.REFERENCES,
    addresses=("BillAddr", "ShipAddr"),
    read_only=sales_form.READ_ONLY,
    kept=frozenset({"DocNumber"}),
    transaction=True,
)
