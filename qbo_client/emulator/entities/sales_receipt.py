from qbo_client.emulator.entities import sales_form
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.entities.voiding import voided
from qbo_client.emulator.fields import FieldType

SALES_RECEIPT = Kind(
    name="SalesReceipt",
    id_space="transactions",
    filterable={**sales_form.FILTERABLE, "TotalAmt": FieldType.NUMBER},
    shape=sales_form.shape_receipt,
    void=voided,
    lengths=sales_form.LENGTHS,
    references=sales_form.REFERENCES,
    addresses=("BillAddr", "ShipAddr"),
    read_only=sales_form.READ_ONLY,
    kept=frozenset({"DocNumber", "DepositToAccountRef"}),
    transaction=True,
    sparse=True,
)
