"""A void leaves the document where it stands, with nothing in it."""

from collections.abc import Mapping
from typing import Any

from qbo_client.emulator.amounts import ZERO

NOTE = "Voided"
_AMOUNTS = ("TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance", "RemainingCredit", "UnappliedAmt", "Deposit")


def is_void(body: Mapping[str, Any]) -> bool:
    """No field says so: it is told from the note and the nought, as clients have to."""
    return str(body.get("PrivateNote", "")).startswith(NOTE) and not body["TotalAmt"]


def voided(body: Mapping[str, Any]) -> dict[str, Any]:
    """All amounts and quantities zero, the number, day and customer kept, and the note saying so."""
    note = f"{NOTE} - {body['PrivateNote']}" if body.get("PrivateNote") else NOTE
    nulled = {name: ZERO for name in _AMOUNTS if name in body}
    lines = [_voided_line(line) for line in body["Line"]]
    return {**body, **nulled, "Line": lines, "TxnTaxDetail": {"TotalTax": ZERO}, "PrivateNote": note}


def voided_payment(body: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing is applied any more."""
    return {name: value for name, value in voided({**body, "Line": []}).items() if name != "TxnTaxDetail"}


def _voided_line(line: Mapping[str, Any]) -> dict[str, Any]:
    nulled = {**line, "Amount": ZERO} if "Amount" in line else dict(line)
    detail = nulled.get("SalesItemLineDetail")
    if detail is not None:
        kept = {name: value for name, value in detail.items() if name not in {"TaxInclusiveAmt", "DiscountAmt"}}
        nulled["SalesItemLineDetail"] = {**kept, "Qty": ZERO} if "Qty" in kept else kept
    return nulled
