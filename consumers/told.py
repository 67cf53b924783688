"""What the CRM told of an invoice's money, kept with its link for the payments that are told of by themselves."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from consumers.intents import Link
from mapping.money import ZERO
from mapping.settlement import Told
from schemas.events.crm import InvoiceState, PaymentRecord


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


def told_by_payment(record: PaymentRecord, invoice: Link, *, at: datetime) -> Told:
    """Return what is known once a payment is told of by itself: the invoice's newest state, and this record."""
    state: Mapping[str, Any] = (invoice.last_sent or {}).get("told", {})
    return Told(
        records=(record,),
        amount_paid=Decimal(state["amount_paid"]) if state else ZERO,
        complete=bool(state.get("complete", True)),
        listed=frozenset(state.get("listed", ())) - {record.transaction_id},
        # Without a state nothing can be missing from its list.
        at=datetime.fromisoformat(state["at"]) if state else datetime.fromisoformat("1970-01-01T00:00:00+00:00"),
        heard_at={record.transaction_id: at},
    )
