from collections.abc import Mapping

from qbo_client.emulator.entities import lists, names
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.entities.sales_receipt import SALES_RECEIPT


def all_kinds() -> Mapping[str, Kind]:
    """Every entity the emulator covers so far, by lower-case name."""
    kinds = (
        names.CUSTOMER,
        names.VENDOR,
        names.EMPLOYEE,
        SALES_RECEIPT,
        lists.ITEM,
        lists.ACCOUNT,
        lists.PAYMENT_METHOD,
        lists.TERM,
        lists.TAX_CODE,
        lists.TAX_RATE,
        lists.TAX_AGENCY,
        lists.COMPANY_INFO,
        lists.PREFERENCES,
    )
    return {kind.name.lower(): kind for kind in kinds}
