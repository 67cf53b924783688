"""A payment that the CRM tells of again, with other content, after its receipt was made."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from consumers.handlers.payment_completed import payment_completed
from consumers.keys import KeyRing
from consumers.outcomes import Attention, Done, Outcome, Result
from consumers.work import LastWrite, Work
from mapping.company import Company
from qbo_client.answers import Answer
from schemas.events.crm import PaymentCompleted
from tests.unit.consumers.build import link, row_of, sale_event
from tests.unit.consumers.memory import MemoryLane, Vendor
from tests.unit.consumers.turns import lane_with, turn_of
from tests.unit.mapping.build import GB, US, line, tax, totals

UNCHANGED = Done(Result.UNCHANGED)
BOOKED = {"amount": "49.00", "tax": "0", "date": "2025-03-19", "expect": {"TotalAmt": "49.00", "TotalTax": "0"}}


class Reading(Vendor):
    """Shows one receipt."""

    receipt: Mapping[str, Any]

    async def read(self, entity: str, identifier: str) -> Answer:
        assert (entity, identifier) == ("SalesReceipt", "17")
        return Answer(entity=dict(self.receipt))


def told_again(event: PaymentCompleted, company: Company, **shown: Any) -> tuple[Outcome | LastWrite, MemoryLane]:
    """Apply a newer state of tx_77, whose receipt over 49.00 without tax is in the books as `shown`."""
    client = Reading()
    client.receipt = {"Id": "17", "TotalAmt": Decimal("49.00"), "TxnDate": "2025-03-19", **shown}
    lane = lane_with()
    lane.client, lane.company = client, company
    before = event.envelope.entity_version - timedelta(days=1)
    known = link(version=before, occurred_at=before, last_sent=BOOKED)
    lane.books.links[known.ref] = known
    work = Work(row=row_of(event), lane=lane, writer=turn_of(lane).writer, ring=KeyRing(), keys=())
    return asyncio.run(payment_completed(event, work)), lane


def with_tax() -> PaymentCompleted:
    taxed = line("Consultation", "1", "40.83", "40.83", tax("20", "8.17"), product="pr_2")
    return sale_event(lines=(taxed,), totals=totals("49.00", "40.83", tax="8.17", currency="GBP"))


def on_another_day() -> PaymentCompleted:
    event = sale_event()
    return replace(event, payment=replace(event.payment, txn_date=date(2025, 4, 1)))


@pytest.mark.parametrize(
    ("event", "company", "said"),
    [
        (with_tax(), GB, "TotalTax should be 8.17 and is 0"),
        (on_another_day(), US, "TxnDate should be 2025-04-01 and is 2025-03-19"),
    ],
    ids=["tax", "date"],
)
def test_payment_changed_after_booking_needs_a_person(event: PaymentCompleted, company: Company, said: str) -> None:
    outcome, lane = told_again(event, company)
    assert isinstance(outcome, Attention)
    assert (outcome.cause, said in outcome.message, lane.client.sent) == ("changed_after_booking", True, [])


def test_payment_changed_after_booking_is_done_once_a_person_corrected_the_receipt() -> None:
    outcome, lane = told_again(with_tax(), GB, TxnTaxDetail={"TotalTax": Decimal("8.17")})
    assert outcome == UNCHANGED
    (known,) = lane.books.links.values()
    assert known.last_sent == {**BOOKED, "tax": "8.17", "expect": {"TotalAmt": "49.00", "TotalTax": "8.17"}}


def test_payment_told_again_with_the_same_money_asks_quickbooks_nothing() -> None:
    assert told_again(sale_event(order_id="o-2"), US, TotalAmt=Decimal(0))[0] == UNCHANGED
