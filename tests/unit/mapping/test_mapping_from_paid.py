"""What brought an invoice to zero, told by the times that QuickBooks shows."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mapping.from_qbo.paid import (
    applied_at,
    changed_together,
    edited_after,
    is_settled,
    paid_by,
    paid_in_history,
    paid_since,
    payment_ids,
)

T0 = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_MINUTE = 60


def stamped(created: int, updated: int | None = None, **fields: Any) -> dict[str, Any]:
    """An object made and changed last so many seconds after nine."""
    times = {"CreateTime": created, "LastUpdatedTime": created if updated is None else updated}
    return {"MetaData": {name: (T0 + timedelta(seconds=at)).isoformat() for name, at in times.items()}, **fields}


def payment(
    number: int, created: int, updated: int | None = None, amount: str = "10.00", applied: str = "100.00"
) -> dict[str, Any]:
    line = {"Amount": Decimal(applied), "LinkedTxn": [{"TxnId": "1", "TxnType": "Invoice"}]}
    return stamped(created, updated, Id=str(number), TotalAmt=Decimal(amount), Line=[line])


def invoice(created: int, updated: int, **fields: Any) -> dict[str, Any]:
    return stamped(created, updated, **{"Id": "1", "TotalAmt": Decimal(100), "Balance": Decimal(0), **fields})


@pytest.mark.parametrize(
    ("fields", "settled"),
    [
        ({}, True),
        ({"Balance": Decimal("0.00")}, True),
        ({"Balance": Decimal("0.01")}, False),
        ({"TotalAmt": Decimal(0)}, False),
        ({"TotalAmt": Decimal(0), "PrivateNote": "Voided"}, False),
        ({"TotalAmt": None, "Balance": None}, False),
    ],
)
def test_invoice_is_settled_where_nothing_is_left_of_something(fields: dict[str, Any], settled: bool) -> None:
    assert is_settled(invoice(0, 0, **fields)) is settled


def test_payments_are_those_linked_each_once() -> None:
    links = [{"TxnId": "7", "TxnType": "Payment"}, {"TxnId": "8", "TxnType": "Estimate"},
             {"TxnId": "7", "TxnType": "Payment"}, {"TxnId": "9"}]  # fmt: skip
    assert payment_ids({"LinkedTxn": links}) == ("7",)
    assert payment_ids({"LinkedTxn": None}) == ()


@pytest.mark.parametrize(
    ("payments", "settled_at", "by"),
    [
        ([], 0, None),
        ([payment(2, 0)], 0, "2"),
        ([payment(2, 0, amount="0")], 0, None),
        # Money for a part, then credit for the rest, and the other way round; of one second the ids tell.
        ([payment(2, 0), payment(3, 60, amount="0")], 60, None),
        ([payment(2, 60), payment(3, 0, amount="0")], 60, "2"),
        ([payment(3, 60), payment(2, 60, amount="0")], 60, "3"),
        ([payment(2, 60), payment(3, 60, amount="0")], 60, None),
        ([payment(9, 60), payment(10, 60, amount="0")], 60, None),
        # A Payment that was edited after the invoice was settled was not applied by that.
        ([payment(2, 0, 500), payment(3, 60, amount="0")], 60, None),
        # What settled the rest is none of them, and came later, or perhaps before.
        ([payment(2, 0, applied="40.00")], 500, None),
        ([payment(2, 0, applied="40.00"), payment(3, 60, applied="59.99")], 500, None),
        ([payment(2, 0, applied="40.00"), payment(3, 60, applied="60.00")], 500, "3"),
        ([payment(2, 500, applied="40.00")], 500, "2"),
        # Nor was the credit, after the money, where the invoice was edited as well.
        ([payment(3, 60), payment(2, 60, 300, amount="0")], 500, "3"),
        # One that was there before and was applied last.
        ([payment(2, 0, 60), payment(3, 30, amount="0")], 60, "2"),
        # Stamped a moment after the invoice.
        ([payment(2, 0, 62), payment(3, 30, amount="0")], 60, "2"),
    ],
)
def test_last_applied_payment_decides(payments: list[dict[str, Any]], settled_at: int, by: str | None) -> None:
    found = paid_by(invoice(0, settled_at), payments)
    assert (found["Id"] if found else None) == by
    found = paid_by(invoice(0, settled_at), payments[::-1])
    assert (found["Id"] if found else None) == by


@pytest.mark.parametrize(
    ("made", "edited", "settled_at", "applied"),
    [
        (0, 0, 0, 0),
        (0, 90, 90, 90),
        (0, 90, 3600, 0),
        (0, 90, 88, 90),
        (0, 90, 87, 0),
        (50, 90, 92, 90),
        (50, 90, 93, 50),
    ],
)
def test_payment_was_applied_when_it_last_changed_with_the_invoice(
    made: int, edited: int, settled_at: int, applied: int
) -> None:
    assert applied_at(payment(2, made, edited), invoice(0, settled_at)) == T0 + timedelta(seconds=applied)


def test_changes_within_two_seconds_are_one() -> None:
    assert [changed_together(payment(2, 0, at), invoice(0, 10)) for at in (7, 8, 12, 13)] == [False, True, True, False]
    assert [edited_after(payment(2, 0, 10), invoice(0, at)) for at in (10, 11, 13)] == [False, True, True]


@pytest.mark.parametrize(
    ("made", "edited", "invoice_made", "invoice_edited", "news"),
    [
        (-60, -60, -90, -60, False),
        (0, 0, -90, 0, True),
        (60, 60, -90, 600, True),
        # A memo on either, or on both one after the other, is no payment.
        (-60, -60, -90, 30, False),
        (-60, 30, -90, -60, False),
        (-60, 30, -90, 90, False),
        # What changed both at once is that money of before was applied.
        (-60, 30, -90, 30, True),
        # Whatever paid what was made since was applied since.
        (-60, -60, 10, 10, True),
        (-60, 30, 0, 90, True),
    ],
)
def test_paid_since_a_moment(made: int, edited: int, invoice_made: int, invoice_edited: int, news: bool) -> None:
    assert paid_since(payment(2, made, edited), invoice(invoice_made, invoice_edited), T0) is news


@pytest.mark.parametrize(
    ("links", "without_money", "counts"),
    [([], [], False), (["2"], [], True), (["2"], ["2"], False), (["9", "10"], ["10"], False),
     (["10", "9"], ["9"], True), (["x", "2"], ["x"], True)],
)  # fmt: skip
def test_history_is_paid_by_the_payment_made_last(links: list[str], without_money: list[str], counts: bool) -> None:
    row = invoice(0, 0, LinkedTxn=[{"TxnId": one, "TxnType": "Payment"} for one in links])
    assert paid_in_history(row, frozenset(without_money)) is counts
