"""Which Payments an invoice needs; amounts in whole dollars, times in minutes after noon."""

from decimal import Decimal
from typing import Any

import pytest

from mapping.settings import Settings, Withdrawn
from mapping.settlement import is_manual, settle
from mapping.settlement_steps import InBooks, Told
from schemas.events.crm import PaymentMethod, PaymentStatus
from tests.unit.mapping.build import record
from tests.unit.mapping.settlements import at, books, manual, ours, paid, steps, theirs, told

ONE, TWO = paid("t1", 40), paid("t2", 60, minute=2)
HOLD = ours(None, 100)

CASES: dict[str, tuple[Told, InBooks, list[Any]]] = {
    "nothing was paid": (told(), books(100, 100), []),
    "two payments, earlier first": (told(TWO, ONE), books(100, 100), [("book", "t1", 40), ("book", "t2", 60)]),
    "told twice": (told(ONE, ONE), books(100, 100), [("book", "t1", 40)]),
    "booked already": (told(ONE), books(100, 60, ours("t1", 40)), []),
    "one is new": (told(ONE, TWO), books(100, 60, ours("t1", 40)), [("book", "t2", 60)]),
    "pending and failed are no money": (
        told(paid("t1", 40, status=PaymentStatus.PENDING), paid("t2", 9, status=PaymentStatus.FAILED)),
        books(100, 100),
        [],
    ),
    "refunded money was taken": (
        told(paid("t1", 40, status=PaymentStatus.REFUNDED, amount_refunded=Decimal(40))),
        books(100, 100),
        [("book", "t1", 40)],
    ),
    "overpaid": (told(paid("t1", 120)), books(100, 100), [("book", "t1", 100)]),
    "only a sum": (told(paid_in_all=30), books(100, 100), [("provisional", 30, 30)]),
    "the sum grew": (told(paid_in_all=70), books(100, 70, ours(None, 30)), [("change", "p-None", 70, 70)]),
    "the sum fell": (told(paid_in_all=10), books(100, 70, ours(None, 30)), [("change", "p-None", 10, 10)]),
    "the sum is nothing again": (told(paid_in_all=0), books(100, 70, ours(None, 30)), [("remove", "p-None")]),
    "the sum is known already": (told(paid_in_all=40), books(100, 60, ours("t1", 40)), []),
    "a payment takes the provisional over": (
        told(ONE, paid_in_all=100),
        books(100, 0, HOLD),
        [("take over", "p-None", "t1", 40), ("provisional", 60, 60)],
    ),
    "the list takes it over, and books the other": (
        told(ONE, TWO),
        books(100, 0, HOLD),
        [("take over", "p-None", "t1", 40), ("book", "t2", 60)],
    ),
    "the list is empty after all": (told(), books(100, 0, HOLD), [("remove", "p-None")]),
    "the sum counts refunds off": (
        told(paid_in_all=70),
        books(100, 0, ours("t1", 100, refunded=Decimal(30))),
        [],
    ),
    "the sum is less than its payments": (
        told(paid_in_all=10),
        books(100, 60, ours("t1", 40)),
        ["payments_exceed_sum"],
    ),
    "a payment newer than the sum exceeds nothing": (
        told(paid("t9", 60, minute=20), paid_in_all=40),
        books(100, 60, ours("t1", 40)),
        [("book", "t9", 60)],
    ),
    "the bookkeeper was first": (told(manual("t1", 40)), books(100, 60, theirs("b1", 40)), [("adopt", "b1", "t1")]),
    "the bookkeeper was first with one of two": (
        told(manual("t1", 40), TWO),
        books(100, 60, theirs("b1", 40)),
        [("adopt", "b1", "t1"), ("book", "t2", 60)],
    ),
    "two cheques alike are two": (
        told(manual("t1", 40), manual("t2", 40)),
        books(100, 20, theirs("b1", 40), theirs("b2", 40)),
        [("adopt", "b1", "t1"), ("adopt", "b2", "t2")],
    ),
    "an adopted one is not adopted again": (
        told(manual("t1", 40), manual("t2", 40)),
        books(100, 60, theirs("b1", 40), ours("t1", 40, payment_id="b1", adopted=True)),
        [("book", "t2", 40)],
    ),
    "a card payment is nobody else's while there is room": (
        told(ONE),
        books(100, 60, theirs("b1", 40)),
        [("book", "t1", 40)],
    ),
    "a card payment without room": (told(paid("t1", 100)), books(100, 0, theirs("b1", 100)), ["paid_in_quickbooks"]),
    "another amount without room": (told(manual("t1", 80)), books(100, 60, theirs("b1", 40)), ["paid_in_quickbooks"]),
    "two payments that come to it and leave no room stand for it": (
        told(manual("t1", 100)),
        books(100, 0, theirs("b1", 60), theirs("b2", 40)),
        [("adopt", "b1+b2", "t1")],
    ),
    "two payments that come to it while there is room stand for nothing": (
        told(manual("t1", 100)),
        books(300, 200, theirs("b1", 60), theirs("b2", 40)),
        [("book", "t1", 100)],
    ),
    "two payments that come to more": (
        told(manual("t1", 90)),
        books(100, 0, theirs("b1", 60), theirs("b2", 40)),
        ["paid_in_quickbooks"],
    ),
    "two payments that come to a card payment": (
        told(paid("t1", 100)),
        books(100, 0, theirs("b1", 60), theirs("b2", 40)),
        ["paid_in_quickbooks"],
    ),
    "what is adopted together is one payment": (
        told(manual("t1", 100)),
        books(100, 0, ours("t1", 100, payment_id="b1", adopted=True)),
        [],
    ),
    "the sum is what the bookkeeper booked": (told(paid_in_all=100), books(100, 0, theirs("b1", 100)), []),
    "the sum holds what the bookkeeper booked": (
        told(paid_in_all=100),
        books(100, 60, theirs("b1", 40)),
        [("provisional", 60, 60)],
    ),
    "the sum is less than what the bookkeeper booked": (
        told(paid_in_all=50),
        books(100, 0, theirs("b1", 100)),
        ["paid_in_quickbooks"],
    ),
    "paid again after a refund": (
        told(paid("t1", 100, amount_refunded=Decimal(100)), paid("t2", 100)),
        books(100, 0, ours("t1", 100, refunded=Decimal(100))),
        ["paid_again_after_refund"],
    ),
    "the total rose": (
        told(paid("t1", 120)),
        books(110, 10, ours("t1", 120, applied=Decimal(100), unapplied=Decimal(20))),
        [("reapply", "p-t1", 110)],
    ),
    "the total fell below what is applied": (
        told(ONE, TWO),
        books(80, -20, ours("t1", 40), ours("t2", 60)),
        [("reapply", "p-t2", 40)],
    ),
    "what is unapplied comes before what is new": (
        told(paid("t1", 120), paid("t3", 10, minute=3)),
        books(125, 25, ours("t1", 120, applied=Decimal(100), unapplied=Decimal(20))),
        [("reapply", "p-t1", 120), ("book", "t3", 5)],
    ),
    "a booked payment failed": (
        told(paid("t1", 40, status=PaymentStatus.FAILED)),
        books(100, 60, ours("t1", 40)),
        ["payment_withdrawn"],
    ),
    "a booked payment is gone from the list": (told(), books(100, 60, ours("t1", 40)), ["payment_withdrawn"]),
    "a payment told since the list is not gone": (told(), books(100, 60, ours("t1", 40, told_at=at(11))), []),
    "a refund fell": (
        told(paid("t1", 40, amount_refunded=Decimal(10))),
        books(100, 60, ours("t1", 40, refunded=Decimal(20))),
        ["payment_withdrawn"],
    ),
    "another amount than was booked": (
        told(paid("t1", 50)),
        books(100, 60, ours("t1", 40)),
        ["amount_changed_after_booking"],
    ),
    "two provisional ones are one too many": (
        told(paid_in_all=100),
        books(100, 0, HOLD, ours(None, 7, payment_id="p-2")),
        [("remove", "p-2")],
    ),
}


@pytest.mark.parametrize(("known", "there", "expected"), CASES.values(), ids=CASES.keys())
def test_invoice_needs_these_steps(known: Told, there: InBooks, expected: list[Any]) -> None:
    assert steps(settle(known, there, settings=Settings())) == expected


def test_what_is_over_is_said() -> None:
    assert settle(told(paid("t1", 120)), books(100, 100), settings=Settings()).unapplied == 20


def test_payments_that_cover_a_sum_are_named() -> None:
    found = settle(told(paid_in_all=100), books(100, 0, theirs("b1", 60), theirs("b2", 40)), settings=Settings())
    assert (found.steps, found.covered_by) == ((), ("b1", "b2"))


def test_withdrawn_money_is_voided_where_the_settings_say_so() -> None:
    void = Settings(withdrawn=Withdrawn.VOID)
    failed = paid("t1", 40, status=PaymentStatus.FAILED)
    assert steps(settle(told(failed, TWO), books(50, 10, ours("t1", 40)), settings=void)) == [
        ("withdraw", "p-t1", "t1"),
        ("book", "t2", 50),
    ]
    assert steps(settle(told(failed), books(100, 60, ours("t1", 40, adopted=True)), settings=void)) == [
        "payment_withdrawn"
    ]


@pytest.mark.parametrize(
    ("provider", "method", "by_hand"),
    [
        ("stripe", PaymentMethod.CARD, False),
        ("stripe", PaymentMethod.BANK_TRANSFER, False),
        ("Manual", PaymentMethod.CARD, True),
        (None, PaymentMethod.CHECK, True),
        (None, PaymentMethod.CARD, False),
    ],
)
def test_payment_is_manual_without_a_provider(provider: str | None, method: PaymentMethod, by_hand: bool) -> None:
    assert is_manual(record("1", provider=provider, method=method)) is by_hand
