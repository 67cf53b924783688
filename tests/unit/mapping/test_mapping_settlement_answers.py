"""A CRM that was told that an invoice is paid, and records a payment of its own for that."""

from dataclasses import replace
from typing import Any

import pytest

from mapping.settings import Settings, Withdrawn
from mapping.settlement import settle
from mapping.settlement_steps import InBooks, Told
from schemas.events.crm import PaymentStatus
from tests.unit.mapping.settlements import books, manual, ours, paid, steps, theirs, told

CARD, PROVISIONAL = ours("t1", 100), ours(None, 100)
GONE = told(manual("t2", 100))
ANSWERS: dict[str, tuple[Told, InBooks, list[Any]]] = {
    "the answer is what was told": (
        told(paid("t1", 100), manual("t2", 100)),
        books(100, 0, CARD),
        ["paid_in_quickbooks"],
    ),
    "the answer is a part of it": (
        told(paid("t1", 100), manual("t2", 30)),
        books(100, 0, CARD),
        ["paid_in_quickbooks"],
    ),
    "the answer is the only payment that is listed": (
        GONE,
        books(100, 0, CARD),
        ["payment_withdrawn", "paid_in_quickbooks"],
    ),
    "the answer is in the sum": (told(paid("t1", 100), paid_in_all=200), books(100, 0, CARD), ["paid_in_quickbooks"]),
    "the sum is what was told": (told(paid_in_all=100), books(100, 0, CARD), []),
    "the total rose by less than the answer": (
        told(paid("t1", 100), manual("t2", 100)),
        books(120, 20, CARD),
        ["paid_in_quickbooks"],
    ),
    "what was left since is paid by hand": (
        told(paid("t1", 100), manual("t2", 20)),
        books(120, 20, CARD),
        [("book", "t2", 20)],
    ),
    "the bookkeeper's payment is the one that was told": (
        told(manual("t2", 100)),
        books(100, 0, theirs("b1", 100)),
        [("adopt", "b1", "t2")],
    ),
    "the transaction of a provisional payment": (
        told(manual("t2", 100)),
        books(100, 0, PROVISIONAL),
        [("take over", "p-None", "t2", 100)],
    ),
    "a card was charged twice": (told(paid("t1", 100), paid("t2", 100)), books(100, 0, CARD), [("book", "t2", 0)]),
}


@pytest.mark.parametrize(("known", "there", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answer_to_the_news_that_an_invoice_is_paid_is_no_second_payment(
    known: Told, there: InBooks, expected: list[Any]
) -> None:
    assert steps(settle(known, replace(there, paid_told=True), settings=Settings())) == expected


def test_payment_by_hand_beyond_what_is_left_is_credit_while_nobody_was_told_that_it_is_paid() -> None:
    known = told(paid("t1", 100), manual("t2", 100))
    assert steps(settle(known, books(100, 0, CARD), settings=Settings())) == [("book", "t2", 0)]


def test_payment_that_the_answer_left_out_of_the_list_is_not_voided() -> None:
    void, there = Settings(withdrawn=Withdrawn.VOID), books(100, 0, CARD)
    assert steps(settle(GONE, there, settings=void)) == [("withdraw", "p-t1", "t1"), ("book", "t2", 100)]
    kept = steps(settle(GONE, replace(there, paid_told=True), settings=void))
    assert kept == ["payment_withdrawn", "paid_in_quickbooks"]
    failed = told(paid("t1", 100, status=PaymentStatus.FAILED))
    assert steps(settle(failed, replace(there, paid_told=True), settings=void)) == [("withdraw", "p-t1", "t1")]
