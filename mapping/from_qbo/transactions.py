"""What QuickBooks shows of a transaction that no field says outright."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# Before whatever stood in the note (facts on invoices).
_VOIDED = "Voided"


def is_void(transaction: Mapping[str, Any]) -> bool:
    """Whether somebody voided it: QuickBooks empties its amounts and says so in the note alone."""
    amounts = [transaction.get("TotalAmt", 0), *(line.get("Amount", 0) for line in transaction.get("Line", ()))]
    note = str(transaction.get("PrivateNote", ""))
    return note.startswith(_VOIDED) and not any(Decimal(str(amount)) for amount in amounts)
