from collections.abc import Mapping

from qbo_client.emulator.entities import accounts, items, lists, names, settings, tax_lists
from qbo_client.emulator.entities.credit_memo import CREDIT_MEMO
from qbo_client.emulator.entities.invoice import INVOICE
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.entities.payment import PAYMENT
from qbo_client.emulator.entities.refund_receipt import REFUND_RECEIPT
from qbo_client.emulator.entities.sales_receipt import SALES_RECEIPT


def all_kinds() -> Mapping[str, Kind]:
    """Every entity the emulator covers so far, by lower-case name."""
    kinds = (
        names.CUSTOMER,
        names.VENDOR,
        names.EMPLOYEE,
        INVOICE,
        SALES_RECEIPT,
        PAYMENT,
        CREDIT_MEMO,
        REFUND_RECEIPT,
        items.ITEM,
        accounts.ACCOUNT,
        lists.PAYMENT_METHOD,
        lists.TERM,
        lists.CLASS,
        lists.DEPARTMENT,
        tax_lists.TAX_CODE,
        tax_lists.TAX_RATE,
        tax_lists.TAX_AGENCY,
        settings.COMPANY_INFO,
        settings.PREFERENCES,
    )
    return {kind.name.lower(): kind for kind in kinds}
