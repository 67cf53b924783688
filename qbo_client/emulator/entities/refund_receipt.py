from qbo_client.emulator.entities import sales_form
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.entities.voiding import voided
from qbo_client.emulator.fields import FieldType

REFUND_RECEIPT = Kind(
    name="RefundReceipt",
    id_space="transactions",
    filterable={**sales_form.FILTERABLE, "PaymentType": FieldType.TEXT},
    shape=sales_form.shape_receipt,
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
