"""What the CRM told of an invoice's money, kept with its link for the payments that are told of by themselves."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from consumers.intents import Link
from mapping.money import ZERO
from mapping.settlement_steps import Told
from schemas.events.crm import InvoiceState, PaymentRecord

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def told_by_state(state: InvoiceState, *, at: datetime) -> Told:
    return Told(
        records=state.payments,
        amount_paid=state.totals.amount_paid,
        complete=state.payments_complete,
        listed=frozenset(one.transaction_id for one in state.payments),
        at=at,
    )


def told_json(state: InvoiceState, *, at: datetime) -> dict[str, Any]:
    """Return what of a state is remembered with the invoice's link."""
    return {
        "amount_paid": str(state.totals.amount_paid),
        "complete": state.payments_complete,
        "listed": [one.transaction_id for one in state.payments],
        "at": at.isoformat(),
    }


def told_by_payment(record: PaymentRecord, invoice: Link, *, at: datetime, booked: bool) -> Told:
    """Return what is known once a payment is told of by itself: the invoice's newest state, and this record.

    Where that state lists the transaction and is newer, the record of one that is booked says nothing new.
    """
    state: Mapping[str, Any] | None = (invoice.last_sent or {}).get("told")
    if state is None:
        # Nothing can be missing from a list that nobody has.
        return Told(records=(record,), amount_paid=ZERO, complete=True, at=_EVER, heard_at={record.transaction_id: at})
    state_at, listed = datetime.fromisoformat(state["at"]), frozenset(state["listed"])
    is_news = not booked or record.transaction_id not in listed or at >= state_at
    return Told(
        records=(record,) if is_news else (),
        amount_paid=Decimal(state["amount_paid"]),
        complete=bool(state["complete"]),
        listed=listed - {record.transaction_id} if is_news else listed,
        at=state_at,
        heard_at={record.transaction_id: at},
    )
