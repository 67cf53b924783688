"""An invoice of two lines as QuickBooks has it, and what it takes to bring it to another state."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mapping.company import Company
from mapping.to_qbo.invoice import Invoice
from mapping.to_qbo.invoice_changes import InvoiceChanges, invoice_changes
from schemas.events.crm import InvoiceState
from tests.unit.mapping.build import US, invoice, line, totals
from tests.unit.mapping.ledger import invoiced, item_ids, misused, stored

CROWN = line("Crown", "2", "150", "300", product="pr_7")
LAB = line("Lab hours", "1.5", "80", "120.000", product="pr_8")
POST = line("Postage", "1", "5", "5")
SENT = invoice([CROWN, LAB], totals("420.00", "420.00"))
LONGER = invoice([CROWN, LAB, POST], totals("425.00", "425.00"))
DEARER = invoice([CROWN, replace(LAB, quantity=Decimal(2), line_amount=Decimal(160))], totals("460.00", "460.00"))
IN_BOOKS: Invoice = invoiced(SENT, US)
CURRENT = stored(IN_BOOKS.body, US)


def changes(
    state: InvoiceState,
    *,
    company: Company = US,
    current: Mapping[str, Any] = CURRENT,
    last_sent: Mapping[str, Any] = IN_BOOKS.last_sent,
    customer_id: str = "58",
) -> InvoiceChanges:
    found = invoice_changes(
        state,
        company=company,
        customer_id=customer_id,
        items=item_ids(state, company),
        current=current,
        last_sent=json.loads(json.dumps(last_sent)),
    )
    assert found.body is None or misused("Invoice", found.body, new=False) == []
    return found


def edited(line_number: int, **fields: Any) -> dict[str, Any]:
    """The invoice after a person edited one of its lines."""
    lines = [dict(one) for one in CURRENT["Line"]]
    detail = {**lines[line_number]["SalesItemLineDetail"], **fields.pop("detail", {})}
    lines[line_number] |= {**fields, "SalesItemLineDetail": detail}
    return {**CURRENT, "SyncToken": "1", "Line": lines}
