"""The whole of the bridge at one company: its turn applies contacts while polls tell of the other hands."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from qbo_client.calls import Call
from qbo_client.errors import Uncertain
from tests.integration.store.books import arrived
from tests.integration.store.effects import Groups, groups_of
from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.paying import begun
from tests.integration.watch.turns import take_turn
from tests.integration.watch.writing import phone


@dataclass(slots=True, kw_only=True)
class Crm:
    """Publishes contacts and lets the bridge work on them until nothing is due."""

    company: WatchedCompany
    groups: Groups

    async def contact(self, contact: str, minute: int = 0, **fields: Any) -> None:
        await self.publish(contact, minute, **fields)
        await self.work()

    async def publish(self, contact: str, minute: int = 0, **fields: Any) -> None:
        await self.company.books.receive(arrived(contact, minute, offset=minute, **fields))

    async def work(self, *, linger_seconds: float = 0.1) -> None:
        await take_turn(self.company, self.groups, linger_seconds=linger_seconds)

    async def until_done(self) -> None:
        """Work until no record waits any more, and no write for its answer."""
        for _ in range(20):
            await self.work(linger_seconds=0.5)
            if not await self.company.books.rows("SELECT 1 FROM intent WHERE state = 'open'"):
                return
        raise AssertionError("a write has no answer")


@pytest.fixture
async def crm(company: WatchedCompany) -> AsyncIterator[Crm]:
    async with groups_of(company.pool) as groups:
        yield Crm(company=company, groups=groups)


async def states(crm: Crm) -> set[str]:
    return set(await crm.company.books.column("SELECT state FROM inbox"))


async def test_contacts_that_become_customers_and_change_are_no_news(crm: Crm) -> None:
    await begun(crm.company)
    await crm.contact("ct_1", phone="+12145590001")
    await crm.company.poll()
    await crm.contact("ct_1", 1, phone="+12145590002", display_name="Another Name")
    for _ in range(2):
        await crm.company.poll()
    (customer,) = crm.company.emulated.table("Customer")
    assert customer.body["PrimaryPhone"]["FreeFormNumber"] == "+12145590002"
    assert await crm.company.customers_told() == []


async def test_person_s_edit_goes_to_the_crm_and_its_echo_comes_back_as_nothing(crm: Crm) -> None:
    """The CRM takes what it is told and publishes the contact with it: no write, no news, for ever."""
    await begun(crm.company)
    await crm.contact("ct_1", phone="+12145590001")
    crm.company.edits("Customer", "1", PrimaryPhone=phone("555 0999"))
    await crm.company.poll()
    (event,) = await crm.company.customers_told()
    assert (event.customer.crm_contact_id, event.customer.phone) == ("ct_1", "555 0999")
    crm.company.reads()
    await crm.contact("ct_1", 1, phone="555 0999")
    assert crm.company.reads() == []
    for _ in range(2):
        await crm.company.poll()
    assert len(await crm.company.customers_told()) == 1


async def test_found_customer_is_told_of_the_beginning_although_the_bridge_wrote_to_it_first(crm: Crm) -> None:
    crm.company.customer("Zoe", email="ct_1@example.com")
    await crm.company.begin()
    await crm.contact("ct_1", phone="+12145590001", display_name="Zoe")
    await crm.company.settle()
    for _ in range(2):
        await crm.company.poll()
    (event,) = await crm.company.customers_told()
    assert (event.change.value, event.envelope.cause.value) == ("CREATED", "INITIAL_IMPORT")
    assert (event.customer.phone, event.customer.crm_contact_id) == ("+12145590001", "ct_1")


@pytest.mark.parametrize("hinted", [True, False])
async def test_contact_after_a_merge_writes_to_the_survivor_what_is_new_and_nothing_else(
    crm: Crm, hinted: bool
) -> None:
    await begun(crm.company)
    await crm.contact("ct_1", phone="+12145590001")
    crm.company.invoice("1")
    await crm.company.poll()
    keep = crm.company.customer("Reed Dental")["Id"]
    crm.company.merges(keep=keep, lose="1")
    if hinted:
        await crm.company.webhook("Customer", keep, "merged", deleted_id="1")
    await crm.company.poll()
    assert changed(await crm.company.customers_told()) == [("CREATED", "Reed Dental"), ("MERGED", "Contact ct_1")]
    crm.company.reads()
    await crm.contact("ct_1", 5, phone="+12145590002")
    assert crm.company.reads() == [("update", "Customer")], "the link led there without a search"
    (survivor,) = crm.company.emulated.table("Customer")
    assert (survivor.body["DisplayName"], survivor.body["PrimaryPhone"]["FreeFormNumber"]) == (
        "Reed Dental", "+12145590002",
    )  # fmt: skip
    await crm.company.poll()
    assert len(await crm.company.customers_told()) == 2
    assert await states(crm) == {"done"}


async def test_merge_while_an_update_of_the_loser_is_on_its_way(crm: Crm) -> None:
    await begun(crm.company)
    await crm.contact("ct_1", phone="+12145590001")
    crm.company.invoice("1")
    await crm.company.poll()
    keep = crm.company.customer("Reed Dental")["Id"]

    def merge_first(call: Call) -> None:
        if call.operation == "update":
            crm.company.client.before = lambda _call: None
            crm.company.merges(keep=keep, lose="1")

    crm.company.client.before = merge_first
    await crm.publish("ct_1", 5, phone="+12145590002")
    await asyncio.gather(crm.work(), crm.company.poll())
    for _ in range(2):
        await crm.company.poll()
    told = changed(await crm.company.customers_told())
    assert sorted(told) == [("CREATED", "Reed Dental"), ("MERGED", "Contact ct_1")]
    await crm.contact("ct_1", 6, phone="+12145590003")
    (survivor,) = crm.company.emulated.table("Customer")
    assert survivor.body["PrimaryPhone"]["FreeFormNumber"] == "+12145590003"
    await crm.company.poll()
    assert len(await crm.company.customers_told()) == 2


@dataclass(slots=True)
class Busy:
    """Many hands at one company; what people left in it last, by customer."""

    crm: Crm
    chance: random.Random
    entered: dict[str, str] = field(default_factory=dict)

    def loses_some(self, call: Call) -> None:
        if call.operation in {"create", "update"} and self.chance.random() < 0.2:
            raise Uncertain("the answer was lost")

    async def crm_publishes(self) -> None:
        for minute in range(12):
            for number in self.chance.sample(range(6), 3):
                await self.crm.publish(f"ct_{number}", minute, phone=f"+1214559{number}{minute:03}")
            await asyncio.sleep(self.chance.random() * 0.05)

    async def people_work(self) -> None:
        for turn in range(12):
            await asyncio.sleep(self.chance.random() * 0.08)
            there = [row.body for row in self.crm.company.emulated.table("Customer")]
            if there and turn % 3:
                one = self.chance.choice(there)["Id"]
                self.entered[one] = f"Company {turn}"
                self.crm.company.edits("Customer", one, CompanyName=f"Company {turn}")
            else:
                self.entered[self.crm.company.customer(f"By hand {turn}", CompanyName="New")["Id"]] = "New"

    async def polls(self) -> None:
        for _ in range(20):
            await self.crm.company.poll()
            await asyncio.sleep(self.chance.random() * 0.05)


@pytest.mark.parametrize("seed", range(4))
async def test_busy_company_tells_what_people_do_and_nothing_else(crm: Crm, seed: int) -> None:
    """Contacts come and change, answers are lost, people edit, polls fall anywhere."""
    company, busy = crm.company, Busy(crm, random.Random(seed))
    await begun(company)
    company.client.after = busy.loses_some
    await asyncio.gather(busy.crm_publishes(), crm.work(linger_seconds=1.5), busy.people_work(), busy.polls())
    company.client.after = lambda _call: None
    await crm.work(linger_seconds=2.0)
    for _ in range(2):
        await company.poll()
    told = {event.customer.customer_id: event.customer.company_name for event in await company.customers_told()}
    assert told == busy.entered
    assert await states(crm) == {"done"}
    for row in company.emulated.table("Customer"):
        assert await company.known_fields(row.identifier) == await company.shown_fields(row.identifier)


@pytest.mark.parametrize("poll_between", [True, False])
@pytest.mark.parametrize("edited", [False, True])
async def test_update_whose_answer_was_lost_for_long_is_no_news_and_a_person_s_edit_over_it_is(
    crm: Crm, poll_between: bool, edited: bool
) -> None:
    """QuickBooks has forgotten the request: what it wrote has to be known by what the customer shows."""
    company = crm.company
    lost: list[Call] = []
    await begun(company)
    await crm.contact("ct_1", phone="555 0100")

    def lose(call: Call) -> None:
        if call.method == "POST" and not lost:
            lost.append(call)
            company.world.clock.advance(700)
            raise Uncertain("the connection was reset", status=None)

    company.client.after = lose
    company.client.before = lambda _: company.emulated.answers.clear() if lost else None
    await crm.contact("ct_1", 1, phone="555 0999")
    if edited:
        company.edits("Customer", "1", PrimaryPhone=phone("555 0111"))
    if poll_between:
        await company.poll()
    await crm.until_done()
    for _ in range(2):
        await company.poll()
    told = [(e.change.value, e.customer.phone) for e in await company.customers_told()]
    assert told == ([("UPDATED", "555 0111")] if edited else [])
