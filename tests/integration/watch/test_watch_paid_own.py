"""Invoices and Payments that the bridge itself makes: paid is news whoever recorded it, with the CRM's own id."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from consumers.keys import Event
from consumers.reading import Fetched, read
from consumers.records import Arrived
from qbo_client.calls import Call
from qbo_client.errors import Uncertain
from tests.integration.store.books import TENANT
from tests.integration.store.effects import Groups, groups_of
from tests.integration.watch.company import CODEC, WatchedCompany
from tests.integration.watch.paying import begun, imported_ids, paid_ids, toggle
from tests.integration.watch.turns import take_turn
from tests.unit.consumers.build import invoice_event, paid_event
from tests.unit.consumers.build import paid as payment
from tests.unit.consumers.emulated import lose_answers_of


@dataclass(slots=True, kw_only=True)
class Bridge:
    """The CRM publishes, and the bridge works on it beside the watch."""

    company: WatchedCompany
    groups: Groups
    published: int = 0

    async def hear(self, *events: Event) -> None:
        await self.company.books.receive(*(self._arrived(event) for event in events))
        await self.work()

    def _arrived(self, event: Event) -> Arrived:
        self.published += 1
        event = replace(event, envelope=replace(event.envelope, tenant_id=TENANT))
        topic = event.envelope.event_type
        record = Fetched(
            topic=topic, partition=0, offset=self.published, key=b"k", value=CODEC.encode(event), headers=[],
            appended_ms=None,
        )  # fmt: skip
        found = read(record, CODEC, topic=topic)
        assert isinstance(found, Arrived)
        return found

    async def work(self) -> None:
        await take_turn(self.company, self.groups)

    def one(self, entity: str) -> dict[str, Any]:
        (row,) = self.company.emulated.table(entity)
        return dict(row.body)


@pytest.fixture
async def bridge(company: WatchedCompany) -> AsyncIterator[Bridge]:
    async with groups_of(company.pool) as groups:
        yield Bridge(company=company, groups=groups)


async def told_once(bridge: Bridge, *, crm_id: str | None = "in_19", first: bool = True) -> None:
    for _ in range(3):
        await bridge.company.poll()
    (told,) = await bridge.company.paid_told()
    assert (told.invoice.crm_invoice_id, told.first_paid_invoice) == (crm_id, first)
    assert (told.customer.crm_contact_id, told.invoice.balance) == ("ct_1", Decimal(0))


async def test_invoice_paid_in_the_crm_is_told_when_the_bridge_has_booked_it(bridge: Bridge) -> None:
    await begun(bridge.company)
    await bridge.hear(invoice_event())
    await bridge.company.poll()
    assert await paid_ids(bridge.company) == []
    await bridge.hear(paid_event(payment("tx_1", "100.00")))
    await told_once(bridge)


async def test_invoice_first_heard_of_when_it_was_paid(bridge: Bridge) -> None:
    await begun(bridge.company)
    await bridge.hear(
        invoice_event(1, paid="100.00", payments=(payment("tx_1", "100.00"),), payments_complete=True)
    )  # fmt: skip
    await told_once(bridge)


async def test_cheque_that_the_bookkeeper_enters_is_told_and_its_echo_books_nothing(bridge: Bridge) -> None:
    await begun(bridge.company)
    await bridge.hear(invoice_event())
    bridge.company.pays(bridge.one("Invoice"))
    await told_once(bridge)
    by_cheque = payment("tx_1", "100.00", provider=None)
    await bridge.hear(paid_event(by_cheque))
    await told_once(bridge)
    assert len(list(bridge.company.emulated.table("Payment"))) == 1


async def test_part_in_the_crm_and_the_rest_in_the_books(bridge: Bridge) -> None:
    await begun(bridge.company)
    await bridge.hear(invoice_event())
    await bridge.hear(paid_event(payment("tx_1", "40.00")))
    await bridge.company.poll()
    assert await paid_ids(bridge.company) == []
    bridge.company.pays(bridge.one("Invoice"), "60.00")
    await told_once(bridge)


@pytest.mark.parametrize("entity", ["Invoice", "Payment"])
async def test_poll_while_the_answer_is_on_its_way_or_lost(bridge: Bridge, entity: str) -> None:
    """The event carries the CRM's id although the link comes with an answer that the poll overtakes."""
    await begun(bridge.company)
    lose_answers_of(bridge.company.client, [("create", entity)])
    polled: list[str] = []
    polling = asyncio.create_task(_poll_often(bridge, polled))
    await bridge.hear(invoice_event(), paid_event(payment("tx_1", "100.00")))
    await asyncio.sleep(0.2)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    assert polled
    for _ in range(20):
        if not await bridge.company.books.rows("SELECT FROM inbox WHERE state = 'waiting'"):
            break
        await asyncio.sleep(0.2)
        await bridge.company.books.do("UPDATE inbox SET due_at = now() WHERE state = 'waiting'")
        await bridge.company.books.do("UPDATE intent SET due_at = now() WHERE state = 'open'")
        await bridge.work()
    assert "waiting" not in await bridge.company.books.column("SELECT state FROM inbox")
    await told_once(bridge)


async def _poll_often(bridge: Bridge, polled: list[str]) -> None:
    while True:
        await bridge.company.poll()
        polled.append("poll")


async def test_invoice_that_a_person_pays_before_its_creation_is_answered(bridge: Bridge) -> None:
    await begun(bridge.company)
    answered, made = False, asyncio.Event()

    def loses(call: Call) -> None:
        if (call.operation, call.entity) == ("create", "Invoice") and not answered:
            if not made.is_set():
                bridge.company.pays(bridge.one("Invoice"))
            made.set()
            raise Uncertain("the answer was lost")

    bridge.company.client.after = loses
    working = asyncio.create_task(bridge.hear(invoice_event()))
    await made.wait()
    for _ in range(3):
        await bridge.company.poll()
    assert await paid_ids(bridge.company) == []
    answered = True
    await working
    await told_once(bridge)


async def test_contact_who_paid_in_history_is_not_first_when_the_crm_bills_it(bridge: Bridge) -> None:
    amy = bridge.company.customer("Amy", email="ct_1@example.com")
    bridge.company.pays(bridge.company.invoice(amy["Id"]))
    await asyncio.sleep(1.1)  # What is paid in the very second of the beginning is news.
    await begun(bridge.company)
    await bridge.hear(invoice_event(), paid_event(payment("tx_1", "100.00")))
    await told_once(bridge, first=False)


async def test_refunded_payment_does_not_tell_it_again(bridge: Bridge) -> None:
    await begun(bridge.company)
    await bridge.hear(invoice_event(), paid_event(payment("tx_1", "100.00")))
    await told_once(bridge)
    refunded = replace(payment("tx_1", "100.00"), amount_refunded=Decimal("100.00"))
    await bridge.hear(paid_event(refunded, 5))
    await told_once(bridge)


async def test_what_the_bridge_made_is_never_imported(bridge: Bridge) -> None:
    old = bridge.company.invoice(bridge.company.customer("Zoe")["Id"])
    await begun(bridge.company)
    await bridge.hear(invoice_event(), paid_event(payment("tx_1", "100.00")))
    await toggle(bridge.company, import_invoices=True)
    await bridge.company.settle()
    await bridge.company.poll()
    assert await imported_ids(bridge.company) == [old["Id"]]
