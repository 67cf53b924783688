"""Invoices with their money, for the tests of settlements: amounts in whole dollars, times in minutes after noon."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from mapping.settlement_steps import (
    Adopt,
    Book,
    BookProvisional,
    ChangeProvisional,
    InBooks,
    NeedsAttention,
    Ours,
    Reapply,
    RemoveProvisional,
    Settlement,
    Step,
    TakeOver,
    Theirs,
    Told,
    Withdraw,
)
from schemas.events.crm import PaymentMethod, PaymentRecord
from tests.unit.mapping.build import record

NOON = datetime(2025, 3, 19, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def paid(name: str, amount: int, minute: int = 1, **changes: Any) -> PaymentRecord:
    return record(str(amount), transaction_id=name, paid_at=at(minute), **{"provider": "stripe", **changes})


def manual(name: str, amount: int) -> PaymentRecord:
    return paid(name, amount, provider="manual", method=PaymentMethod.CHECK)


def told(*records: PaymentRecord, paid_in_all: int | None = None, minute: int = 10) -> Told:
    """The state with its complete list, unless only a sum is given."""
    complete = paid_in_all is None
    net = sum((one.amount - one.amount_refunded for one in records), Decimal(0))
    return Told(
        records=records,
        amount_paid=net if paid_in_all is None else Decimal(paid_in_all),
        complete=complete,
        listed=frozenset(one.transaction_id for one in records if complete),
        at=at(minute),
    )


def ours(name: str | None, amount: int, **changes: Any) -> Ours:
    known: dict[str, Any] = {
        "transaction_id": name,
        "payment_id": f"p-{name}",
        "amount": Decimal(amount),
        "applied": Decimal(amount),
        "told_at": at(1),
    }
    return Ours(**{**known, **changes})


def theirs(identifier: str, applied: int) -> Theirs:
    return Theirs(payment_id=identifier, applied=Decimal(applied))


def books(total: int, balance: int, *payments: Ours | Theirs) -> InBooks:
    return InBooks(
        total=Decimal(total),
        balance=Decimal(balance),
        ours=tuple(one for one in payments if isinstance(one, Ours)),
        theirs=tuple(one for one in payments if isinstance(one, Theirs)),
    )


def steps(found: Settlement) -> list[Any]:
    return [short(one) for one in found.steps]


NAMES = {
    Book: "book",
    TakeOver: "take over",
    Adopt: "adopt",
    BookProvisional: "provisional",
    ChangeProvisional: "change",
    RemoveProvisional: "remove",
    Reapply: "reapply",
    Withdraw: "withdraw",
}


def short(step: Step) -> Any:
    """A step as a tuple that reads well in a table."""
    if isinstance(step, NeedsAttention):
        return step.cause
    return (NAMES[type(step)], *(plain(getattr(step, one.name)) for one in fields(step)))


def plain(value: object) -> object:
    if isinstance(value, PaymentRecord):
        return value.transaction_id
    if isinstance(value, tuple):
        return "+".join(value)
    return int(value) if isinstance(value, Decimal) else value
