"""A CRM that takes everything it hears from QuickBooks for news of its own comes to rest: nothing is written for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from schemas.events.quickbooks import CustomerChanged, InvoiceImported, InvoicePaid
from tests.acceptance.billing import Billing
from tests.acceptance.bookkeeping import customer, invoice, pay, settled_history
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import House, soon
from tests.unit.consumers.build import invoice_event, paid
from tests.unit.consumers.echoes import Manners, NaiveCrm

TOPICS = ("qb.customer.changed", "qb.invoice.imported", "qb.invoice.paid")
FAST = {"QBO_BRIDGE_POLL_SECONDS": "0.5"}
_QUIET_POLLS = 3
_POLITE, _WITH_IDS, _NOTHING = Manners(says_origin=True, says_ids=True), Manners(says_ids=True), Manners()


@dataclass(slots=True, kw_only=True)
class EchoingCrm:
    """Hears, and publishes each event back as one of its own; an invoice that was paid, as paid by hand as well."""

    house: House
    manners: Manners
    #: Its own invoices by QuickBooks' id: of these it records the payment alone.
    own: dict[str, str] = field(default_factory=dict)
    crm: NaiveCrm = field(default_factory=NaiveCrm)
    heard: set[str] = field(default_factory=set)

    def echo(self) -> int:
        """Answer everything that is new; return how much that was."""
        events = [event for topic in TOPICS for event in self.house.told(topic)]
        fresh = {e.envelope.event_id: e for e in events if e.envelope.event_id not in self.heard}
        self.heard |= set(fresh)
        self.house.publish([self._now(one) for event in fresh.values() for one in self._answers(event)])
        return len(fresh)

    def until_at_rest(self) -> None:
        """Echo until nothing more is told: over several polls, with everything that it published decided."""
        quiet_since = self._polled()
        while True:
            self.house.until(lambda: not self.house.rows(_OPEN), "what it published is decided")
            if self.echo():
                quiet_since = self._polled()
            elif self._polled() - quiet_since >= _QUIET_POLLS:
                return

    def _answers(self, event: Any) -> Sequence[Any]:
        match event:
            case CustomerChanged():
                return [self.crm.contact(event.customer, self.manners)]
            case InvoiceImported():
                return [self.crm.invoice(event.invoice, event.customer, self.manners)]
            case InvoicePaid() if event.invoice.invoice_id in self.own:
                own = self.own[event.invoice.invoice_id]
                return [self.crm.payment(event.invoice, event.customer, Manners(), invoice_id=own)]
            case InvoicePaid():
                told = (event.invoice, event.customer, self.manners)
                return [self.crm.invoice(*told), self.crm.payment(*told)]
        raise AssertionError(event)

    def _now(self, event: Any) -> Any:
        """Let it happen now, in this house: nothing is kept out because it is old."""
        at = soon()
        envelope = replace(event.envelope, tenant_id="loc_0", entity_version=at, occurred_at=at)
        if envelope.event_type == "invoice.updated":
            event = replace(event, invoice=replace(event.invoice, created_at=at))
        if envelope.event_type == "payment.completed":
            event = replace(event, payment=replace(event.payment, paid_at=at, txn_date=at.date()))
        return replace(event, envelope=envelope)

    def _polled(self) -> int:
        found = self.house.statistics(self.house.realms["loc_0"])["requests"]
        return sum(one["count"] for one in found if one["operation"] == "cdc")


_OPEN = "SELECT 1 FROM inbox WHERE state IN ('pending', 'waiting')"


@pytest.mark.parametrize("manners", [_POLITE, _WITH_IDS, _NOTHING], ids=["polite", "with ids", "badly behaved"])
def test_a_crm_that_echoes_everything_comes_to_rest_without_a_write(new_house: NewHouse, manners: Manners) -> None:
    house = new_house(fill=lambda house: settled_history(house, 12), import_invoices=True, **FAST)
    house.start()
    crm = EchoingCrm(house=house, manners=manners)
    house.until(lambda: len(house.told("qb.invoice.imported")) == 12, "the history came over")
    crm.until_at_rest()
    amy = customer(house, "Amy Bird", email="amy@example.com", GivenName="Amy", FamilyName="Bird")
    pay(house, invoice(house, amy["Id"], "80.00"))
    house.person("edit", entity="Customer", Id=amy["Id"], set={"PrimaryPhone": {"FreeFormNumber": "555 0100"}})
    house.until(lambda: len(house.told("qb.invoice.paid")) == 1, "the payment is told")
    crm.until_at_rest()

    assert house.writes() == {}
    assert len(house.told("qb.invoice.paid")) == 1
    assert len(house.told("qb.invoice.imported")) == 12
    states = house.rows(
        "SELECT topic, state, coalesce(result, cause) AS why, count(*) AS n FROM inbox GROUP BY 1, 2, 3"
    )
    assert {row["state"] for row in states} <= {"done", "skipped"}, states


@pytest.mark.parametrize("payer", ["a person", "the bridge"])
def test_a_crm_that_answers_paid_with_a_payment_of_its_own_books_nothing_twice(new_house: NewHouse, payer: str) -> None:
    house = new_house(**FAST)
    house.start()
    house.until(lambda: house.rows("SELECT 1 FROM watch WHERE history_counted"), "it is watched")
    crm, billing = EchoingCrm(house=house, manners=_NOTHING), Billing(house)
    billing.publish(invoice_event(1))
    (booked,) = billing.objects("Invoice")
    crm.own[booked["Id"]] = "in_19"
    if payer == "the bridge":
        card = paid("tx_card", "100.00", 2, provider="stripe")
        billing.publish(invoice_event(2, paid="100.00", payments=(card,)))
    if payer == "a person":
        pay(house, booked)
    house.until(lambda: len(house.told("qb.invoice.paid")) == 1, "it is told as paid")
    before = house.writes()
    crm.until_at_rest()

    assert house.writes() == before
    assert len(house.quickbooks.objects(house.realms["loc_0"], "Payment")) == 1
    assert len(house.told("qb.invoice.paid")) == 1
