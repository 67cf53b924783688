"""What webhooks tell of is looked for at once, and again where it does not show yet."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bridge.store.hints import HintStore
from mapping.from_qbo.customer import last_updated
from producers.watched import Step
from qbo_client.changes import Changes
from qbo_client.webhooks import Change
from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.hinting import READ, all_hints_due, hints, reads
from tests.integration.watch.paying import hold, paid_ids
from tests.integration.watch.writing import OwnHand


@pytest.mark.parametrize("operation", ["created", "updated"])
async def test_person_s_change_is_told_at_once_for_one_read(hand: OwnHand, operation: str) -> None:
    company = hand.company
    amy = company.customer("Amy")
    assert await company.step() is None, "the next poll is minutes away"
    await company.webhook("Customer", amy["Id"], operation)
    assert await company.settle() == [Step.POLL]
    assert changed(await company.customers_told()) == [("CREATED", "Amy")]
    assert (company.reads(), await hints(company)) == ([READ], 0)


async def test_change_is_seen_although_the_webhook_was_stamped_a_moment_later(hand: OwnHand) -> None:
    company = hand.company
    amy = company.customer("Amy")
    await company.webhook("Customer", amy["Id"], at=last_updated(amy) + timedelta(seconds=1.5))
    await company.settle()
    assert changed(await company.customers_told()) == [("CREATED", "Amy")]
    assert (company.reads(), await hints(company)) == ([READ], 0)


async def test_change_after_our_write_is_told_at_once(hand: OwnHand) -> None:
    company, time = hand.company, hold(hand.company)
    amy = await hand.writes("ct_1", DisplayName="Amy")
    time.forward(seconds=2)
    company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")
    await company.webhook("Customer", amy["Id"])
    await company.settle()
    assert changed(await company.customers_told()) == [("UPDATED", "Amy")]


async def test_many_webhooks_are_one_read(hand: OwnHand) -> None:
    company = hand.company
    for number in range(20):
        await company.webhook("Customer", company.customer(f"Zoe {number}")["Id"], "created")
    await company.settle()
    assert len(await company.customers_told()) == 20
    assert (company.reads(), await hints(company)) == ([READ], 0)


async def test_webhook_that_comes_while_its_change_is_read_is_not_lost(hand: OwnHand) -> None:
    company, time = hand.company, hold(hand.company)
    amy = company.customer("Amy")
    changes = type(company.client).changes

    async def slowly(*values: Any) -> Changes:
        answer = await changes(company.client, *values)
        del vars(company.client)["changes"]
        time.forward(seconds=2)
        company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")
        await company.webhook("Customer", amy["Id"])
        return answer

    vars(company.client)["changes"] = slowly
    await company.webhook("Customer", amy["Id"])
    await company.settle()
    assert changed(await company.customers_told()) == [("CREATED", "Amy"), ("UPDATED", "Amy")]
    assert await hints(company) == 0


def lag(company: WatchedCompany) -> None:
    """Let change data capture show nothing new until `changes` is deleted again."""

    async def nothing(*_: Any) -> Changes:
        company.client.calls.append(READ)
        return Changes(live={}, deleted={}, taken_at=company.world.clock.now())

    vars(company.client)["changes"] = nothing


async def test_change_that_is_not_to_be_seen_yet_is_looked_for_again_a_few_times_and_then_let_go(
    hand: OwnHand,
) -> None:
    company = hand.company
    lag(company)
    await company.webhook("Customer", company.customer("Amy")["Id"])
    waits = []
    for _ in range(6):
        await company.settle()
        waits += [
            round(one) for one in await company.books.column("SELECT extract(epoch FROM due_at - now()) FROM hint")
        ]
        await all_hints_due(company)
    assert waits == [5, 30, 120]
    assert (reads(company), await hints(company)) == (4, 0)


async def test_change_that_shows_at_the_second_look_is_told_then(hand: OwnHand) -> None:
    company = hand.company
    lag(company)
    await company.webhook("Customer", company.customer("Amy")["Id"])
    await company.settle()
    assert await company.customers_told() == []
    del vars(company.client)["changes"]
    await all_hints_due(company)
    await company.settle()
    assert changed(await company.customers_told()) == [("CREATED", "Amy")]
    assert await hints(company) == 0


async def test_older_state_of_the_object_is_not_what_the_webhook_told_of(hand: OwnHand) -> None:
    company, time = hand.company, hold(hand.company)
    amy = company.customer("Amy")
    stale = await company.client.changes(["Customer"], time.moment - timedelta(minutes=1))
    time.forward(seconds=2)
    company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")

    async def lagging(*_: Any) -> Changes:
        return stale

    vars(company.client)["changes"] = lagging
    await company.webhook("Customer", amy["Id"])
    await company.settle()
    del vars(company.client)["changes"]
    assert await hints(company) == 1
    await all_hints_due(company)
    await company.settle()
    assert [event.customer.company_name for event in await company.customers_told()] == [None, "Amy Ltd"]


@pytest.mark.parametrize("entity", ["Customer", "Invoice", "Payment"])
async def test_webhook_about_an_unknown_id_is_let_go(hand: OwnHand, entity: str) -> None:
    await hand.company.webhook(entity, "4711")
    for _ in range(6):
        await hand.company.settle()
        await all_hints_due(hand.company)
    assert (reads(hand.company), await hints(hand.company)) == (4, 0)


@pytest.mark.parametrize("entity", ["Invoice", "Payment"])
async def test_webhook_of_a_deletion_is_answered_by_the_deletion(hand: OwnHand, entity: str) -> None:
    company = hand.company
    invoice = company.invoice(company.customer("Amy")["Id"])
    thing = invoice if entity == "Invoice" else company.pays(invoice)
    await company.poll()
    company.deletes(entity, thing["Id"])
    company.reads()
    await company.webhook(entity, thing["Id"], "deleted")
    await company.settle()
    assert (company.reads(), await hints(company)) == ([READ], 0)


async def test_merge_without_the_id_of_who_is_no_more_is_answered_by_the_survivor_alone(hand: OwnHand) -> None:
    company = hand.company
    lose, keep = company.customer("Amy"), company.customer("Zoe")
    company.invoice(lose["Id"])
    await company.poll()
    await company.forget_told()
    company.merges(keep=keep["Id"], lose=lose["Id"])
    company.edits("Customer", keep["Id"], Notes="took in Amy")
    await company.webhook("Customer", keep["Id"], "merged")
    await company.settle()
    (event,) = await company.customers_told()
    assert (event.change.value, event.merged_into_customer_id) == ("MERGED", keep["Id"])
    assert await hints(company) == 0


async def test_webhook_for_an_invoice_while_the_history_is_read_is_not_lost_in_effect(
    company: WatchedCompany,
) -> None:
    invoice = company.invoice(company.customer("Amy")["Id"])
    await company.begin()
    assert await company.step() is Step.TELL_CUSTOMERS
    hold(company).forward(seconds=1)
    company.pays(invoice)
    await company.webhook("Invoice", invoice["Id"])
    assert await company.step() is Step.POLL
    assert (await hints(company), await paid_ids(company)) == (0, [])
    await company.settle()
    assert await paid_ids(company) == [invoice["Id"]]


async def test_webhook_before_all_customers_were_told_waits_for_that(company: WatchedCompany) -> None:
    company.customer("Amy")
    await company.begin()
    await company.webhook("Customer", company.customer("Eve")["Id"], "created")
    assert await company.step() is Step.TELL_CUSTOMERS
    await company.settle()
    for _ in range(2):
        await company.poll()
    assert changed(await company.customers_told()) == [("CREATED", "Amy"), ("CREATED", "Eve")]


async def test_webhook_does_not_hurry_a_company_whose_last_poll_failed(hand: OwnHand) -> None:
    await hand.company.store.failed(Step.POLL, "QuickBooks is away", again_in_seconds=60.0)
    await hand.company.webhook("Customer", hand.company.customer("Amy")["Id"])
    assert await hand.company.step() is None
    await hand.company.poll()
    assert changed(await hand.company.customers_told()) == [("CREATED", "Amy")]
    state = await hand.company.state()
    assert (state.failures, await hints(hand.company)) == (0, 0)


async def test_webhooks_of_many_objects_stored_while_others_are_looked_for(hand: OwnHand) -> None:
    """Both touch many hints at once, echoes among them."""
    company, store = hand.company, HintStore(hand.company.pool)
    there = [await hand.writes(f"ct_{number}", DisplayName=f"Zoe {number}") for number in range(20)]
    told = [
        Change(
            realm_id=company.lease.realm_id, entity="Customer", id=one["Id"], operation=operation, at=last_updated(one)
        )
        for one in reversed(there)
        for operation in ("updated", "created")
    ]

    async def arrive() -> None:
        for _ in range(25):
            await store.add(told)

    async def look() -> None:
        for _ in range(60):
            await company.store.hints()

    await asyncio.gather(arrive(), arrive(), look())
    await company.settle()
    assert await company.customers_told() == []
    assert reads(company) == 0
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await company.books.column(query) == [0]
