"""What QuickBooks shows of a transaction that no field says outright."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# Before whatever stood in the note (facts on invoices).
_VOIDED = "Voided"


def is_void(transaction: Mapping[str, Any]) -> bool:
    """Whether somebody voided it: QuickBooks empties its amounts and says so in the note alone."""
    amounts = [transaction.get("TotalAmt"), *(line.get("Amount") for line in transaction.get("Line") or ())]
    note = str(transaction.get("PrivateNote") or "")
    return note.startswith(_VOIDED) and not any(Decimal(str(amount or 0)) for amount in amounts)
