from typing import Any

from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.entities import sales_form
from qbo_client.emulator.entities.currency import set_home_amounts
from qbo_client.emulator.entities.deposits import set_deposit_account
from qbo_client.emulator.entities.kind import Draft, Kind
from qbo_client.emulator.entities.numbers import set_number
from qbo_client.emulator.entities.voiding import voided
from qbo_client.emulator.fields import FieldType


def shape_refund_receipt(draft: Draft) -> dict[str, Any]:
    set_deposit_account(draft)
    sales_form.shape_form(draft)
    draft.body["Balance"] = ZERO
    set_home_amounts(draft.company, draft.body)
    set_number(draft)
    return draft.body


REFUND_RECEIPT = Kind(
    name="RefundReceipt",
    id_space="transactions",
    filterable={**sales_form.FILTERABLE, "PaymentType": FieldType.TEXT},
    shape=shape_refund_receipt,
    void=voided,
    void_is_a_switch=True,
    required=("DepositToAccountRef",),
    lengths={**sales_form.LENGTHS, "PaymentRefNum": 100},
    references=sales_form.REFERENCES,
    addresses=("BillAddr", "ShipAddr"),
    read_only=sales_form.READ_ONLY,
    kept=frozenset({"DocNumber", "DepositToAccountRef"}),
    transaction=True,
    sparse=True,
)
