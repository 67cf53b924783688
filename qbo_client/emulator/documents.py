"""What a person would say of an object: whether it is paid, overdue or void, and what is applied to what."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.entities.voiding import is_void
from qbo_client.emulator.table import Row

# In the order in which they are shown; others come behind.
_ORDER = ("Invoice", "SalesReceipt", "Payment", "CreditMemo", "RefundReceipt")


def documents(company: Company) -> list[Kind]:
    """The kinds that are transactions."""
    kinds = [kind for kind in company.kinds.values() if kind.transaction]
    return sorted(kinds, key=lambda kind: _ORDER.index(kind.name) if kind.name in _ORDER else len(_ORDER))


def state(kind: Kind, body: Mapping[str, Any], today: str) -> tuple[str, str]:
    """A word and its tone (good, warn, bad or soft); no word where there is nothing to say."""
    if body.get("Active") is False:
        return "Inactive", "soft"
    if not kind.transaction:
        return "", ""
    if is_void(body):
        return "Void", "bad"
    if kind.name == "Invoice":
        return _of_invoice(body, today)
    if body.get("UnappliedAmt"):
        return "Unapplied", "warn"
    if kind.name == "CreditMemo" and body.get("Balance"):
        return "Credit left", "warn"
    return "Done", "good"


def _of_invoice(body: Mapping[str, Any], today: str) -> tuple[str, str]:
    if not body.get("Balance"):
        return "Paid", "good"
    if body.get("DueDate", today) < today:
        return "Overdue", "bad"
    return ("Partly paid", "warn") if body["Balance"] != body["TotalAmt"] else ("Open", "warn")


def applied(company: Company, body: Mapping[str, Any]) -> Iterator[tuple[Kind, Row, Decimal]]:
    """The transactions that this one pays, or is paid by, and how much of each."""
    for line in body.get("Line", ()):
        for one in line.get("LinkedTxn", ()):
            yield from _linked(company, one, Decimal(line.get("Amount", ZERO)))
    for one in body.get("LinkedTxn", ()):
        for kind, row, _ in _linked(company, one, ZERO):
            yield kind, row, _amount_for(row.body, str(body["Id"]))


def _linked(company: Company, one: Mapping[str, Any], amount: Decimal) -> Iterator[tuple[Kind, Row, Decimal]]:
    kind = company.kinds.get(str(one.get("TxnType", "")).lower())
    row = company.table(kind.name).get(str(one.get("TxnId", ""))) if kind else None
    if kind is not None and row is not None:
        yield kind, row, amount


def _amount_for(payment: Mapping[str, Any], identifier: str) -> Decimal:
    return sum(
        (
            Decimal(line.get("Amount", ZERO))
            for line in payment.get("Line", ())
            for one in line.get("LinkedTxn", ())
            if one.get("TxnId") == identifier
        ),
        ZERO,
    )
