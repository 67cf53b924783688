"""What webhooks tell of is looked for at once, and what the bridge wrote itself costs no read."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.store.hints import HintStore
from mapping.from_qbo.customer import last_updated
from producers.watched import Step
from qbo_client.changes import Changes
from qbo_client.webhooks import Change
from tests.integration.store.effects import groups_of
from tests.integration.watch.company import OwnHand, WatchedCompany, changed, phone, refused
from tests.integration.watch.paying import begun, hold, paid_ids

READ = ("cdc", "")
AN_HOUR, FOUR_MINUTES = 3600.0, 240.0


@pytest.fixture(autouse=True)
def still(company: WatchedCompany) -> None:
    """Let QuickBooks' clock stand still: a webhook gives the very moment that the object shows."""
    hold(company)


@pytest.fixture
async def hand(company: WatchedCompany) -> AsyncIterator[OwnHand]:
    await begun(company)
    company.reads()
    async with groups_of(company.pool) as groups:
        yield OwnHand(company=company, groups=groups)


async def hints(company: WatchedCompany) -> int:
    return int((await company.books.column("SELECT count(*) FROM hint"))[0])


async def all_hints_due(company: WatchedCompany) -> None:
    """Let the waits of all hints be over."""
    await company.books.do("UPDATE hint SET due_at = now()")


def reads(company: WatchedCompany) -> int:
    return len([call for call in company.reads() if call[0] not in {"create", "update"}])


# Echoes of our own writes.


@pytest.mark.parametrize("operation", ["created", "updated"])
async def test_echo_of_our_own_customer_costs_no_read(hand: OwnHand, operation: str) -> None:
    amy = await hand.writes("ct_1", DisplayName="Amy")
    for _ in range(3):
        await hand.company.webhook("Customer", amy["Id"], operation, at=last_updated(amy))
        await hand.company.settle()
    assert (reads(hand.company), await hints(hand.company)) == (0, 0)


@pytest.mark.parametrize("later", [0.999, 1.0, 1.999])
async def test_echo_is_known_although_the_webhook_was_stamped_a_moment_later(hand: OwnHand, later: float) -> None:
    amy = await hand.writes("ct_1", DisplayName="Amy")
    await hand.company.webhook("Customer", amy["Id"], at=last_updated(amy) + timedelta(seconds=later))
    await hand.company.settle()
    assert (reads(hand.company), await hints(hand.company)) == (0, 0)


@pytest.mark.parametrize("operation", ["created", "updated"])
async def test_echo_of_our_own_invoice_costs_no_read(hand: OwnHand, operation: str) -> None:
    amy = hand.company.customer("Amy")
    line = {"DetailType": "SalesItemLineDetail", "Amount": 5, "SalesItemLineDetail": {}}
    body = {"CustomerRef": {"value": amy["Id"]}, "Line": [line], "PrivateNote": "crm:invoice/in_1"}
    invoice = await hand.writes("in_1", entity="Invoice", **body)
    hand.company.reads()
    await hand.company.webhook("Invoice", invoice["Id"], operation, at=last_updated(invoice))
    await hand.company.settle()
    assert (reads(hand.company), await hints(hand.company)) == (0, 0)


async def test_echo_that_comes_before_its_answer_is_committed_waits_for_it(hand: OwnHand) -> None:
    company = hand.company
    answer = await hand.sends(await hand.intends("ct_1", DisplayName="Amy"))
    await company.webhook("Customer", answer.object["Id"], "created", at=last_updated(answer.object))
    for _ in range(3):
        await company.settle()
        await all_hints_due(company)
    assert (reads(company), await hints(company)) == (0, 1)
    await hand.commits(answer)
    await company.settle()
    assert (reads(company), await hints(company)) == (0, 0)


async def test_echo_of_an_update_waits_for_the_answer_to_that_one_alone(hand: OwnHand) -> None:
    company, time = hand.company, hold(hand.company)
    amy, eve = await hand.writes("ct_1", DisplayName="Amy"), await hand.writes("ct_2", DisplayName="Eve")
    await company.poll()
    time.forward(seconds=5)
    company.reads()
    body = {"Id": amy["Id"], "SyncToken": "0", "PrimaryPhone": phone("1")}
    answer = await hand.sends(await hand.intends("ct_1", **body))
    await company.webhook("Customer", amy["Id"], at=last_updated(answer.object))
    await company.settle()
    assert (reads(company), await hints(company)) == (0, 1)
    company.edits("Customer", eve["Id"], CompanyName="Eve Ltd")
    await company.webhook("Customer", eve["Id"])
    await company.settle()
    assert changed(await company.customers_told()) == [("UPDATED", "Eve")]


async def test_echo_is_read_after_a_while_when_no_answer_comes(hand: OwnHand) -> None:
    company = hand.company
    answer = await hand.sends(await hand.intends("ct_1", DisplayName="Amy"))
    await company.webhook("Customer", answer.object["Id"], "created", at=last_updated(answer.object))
    await company.settle()
    await company.books.do("UPDATE hint SET arrived_at = now() - interval '16 seconds', due_at = now()")
    await company.settle()
    assert (reads(company), await company.customers_told()) == (1, [])


async def test_edit_before_our_write_is_told_at_once_although_its_webhook_looks_like_an_echo(hand: OwnHand) -> None:
    """Both are one hint, with the moment of the later: our answer has shown that there is more to it."""
    company = hand.company
    amy = await hand.writes("ct_1", DisplayName="Amy")
    await company.poll()
    edited = company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")
    token = {"Id": amy["Id"], "SyncToken": edited["SyncToken"]}
    ours = await hand.writes("ct_1", **token, PrimaryPhone=phone("1"))
    for thing in (edited, ours):
        await company.webhook("Customer", amy["Id"], at=last_updated(thing))
    await company.settle()
    assert changed(await company.customers_told()) == [("UPDATED", "Amy")]
    company.reads()
    await company.webhook("Customer", amy["Id"], at=last_updated(ours))
    await company.settle()
    assert reads(company) == 0, "now it is nothing but an echo"


async def test_edit_before_our_write_does_not_count_against_webhooks(hand: OwnHand) -> None:
    company, time = hand.company, hold(hand.company)
    amy = await hand.writes("ct_1", DisplayName="Amy")
    await company.poll()
    edited = company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")
    await hand.writes("ct_1", Id=amy["Id"], SyncToken=edited["SyncToken"], PrimaryPhone=phone("1"))
    await company.webhook("Customer", amy["Id"])
    await company.settle()
    time.forward(hours=1)
    await company.poll()
    assert (await company.state()).unannounced_at is None


async def test_echo_of_a_write_to_a_customer_that_nobody_was_told_of_is_looked_for(hand: OwnHand) -> None:
    zoe = hand.company.customer("Zoe")
    ours = await hand.writes("ct_1", Id=zoe["Id"], SyncToken="0", PrimaryPhone=phone("1"))
    await hand.company.webhook("Customer", zoe["Id"], at=last_updated(ours))
    await hand.company.settle()
    assert changed(await hand.company.customers_told()) == [("CREATED", "Zoe")]


# What another hand did.


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
    await hand.company.store.failed("QuickBooks is away", again_in_seconds=60.0)
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


# How often is polled.


async def next_poll(company: WatchedCompany) -> float:
    return (await company.state()).poll_in


def about(seconds: float) -> Any:
    return pytest.approx(seconds * 0.95, rel=0.06)


async def test_company_whose_webhooks_arrive_is_polled_once_an_hour(hand: OwnHand) -> None:
    company = hand.company
    await company.poll()
    assert await next_poll(company) == about(FOUR_MINUTES)
    await company.webhook("Customer", company.customer("Amy")["Id"], "created")
    await company.settle()
    assert await next_poll(company) == about(AN_HOUR)


@pytest.mark.parametrize(("seconds", "wait"), [(30, AN_HOUR), (90, FOUR_MINUTES)])
async def test_change_that_no_webhook_told_of_brings_back_four_minutes_unless_it_is_young(
    hand: OwnHand, seconds: int, wait: float
) -> None:
    company, time = hand.company, hold(hand.company)
    await company.webhook("Customer", company.customer("Amy")["Id"], "created")
    await company.settle()
    eve = company.customer("Eve")
    time.forward(seconds=seconds)
    await company.poll()
    assert changed(await company.customers_told())[-1] == ("CREATED", "Eve")
    state = await company.state()
    assert state.unannounced_at == (last_updated(eve) if wait == FOUR_MINUTES else None)
    assert state.poll_in == about(wait)
    await company.webhook("Customer", eve["Id"], "created")
    await company.settle()
    assert await next_poll(company) == about(wait), "a later webhook does not make up for it"


async def test_unannounced_change_is_forgiven_after_a_week_of_webhooks(hand: OwnHand) -> None:
    company = hand.company
    for days, wait in ((6, FOUR_MINUTES), (8, AN_HOUR)):
        at = datetime.now(UTC) - timedelta(days=days)
        await company.books.do("UPDATE watch SET unannounced_at = %s, announced_at = now()", at)
        await company.poll()
        assert await next_poll(company) == about(wait)


async def test_company_whose_webhooks_fell_silent_for_a_week_is_polled_often_again(hand: OwnHand) -> None:
    await hand.company.books.do("UPDATE watch SET announced_at = now() - interval '8 days'")
    await hand.company.poll()
    assert await next_poll(hand.company) == about(FOUR_MINUTES)


async def test_our_own_writes_never_count_as_unannounced(hand: OwnHand) -> None:
    company, time = hand.company, hold(hand.company)
    await company.webhook("Item", "1")
    amy = await hand.writes("ct_1", DisplayName="Amy")
    await hand.writes("ct_1", Id=amy["Id"], SyncToken="0", PrimaryPhone=phone("1"))
    open_one = await hand.sends(await hand.intends("ct_2", DisplayName="Eve"))
    for _ in range(3):
        time.forward(hours=1)
        await company.poll()
    await hand.commits(open_one)
    await company.poll()
    state = await company.state()
    assert (state.unannounced_at, state.poll_in) == (None, about(AN_HOUR))


async def test_customers_of_the_beginning_never_count_as_unannounced(company: WatchedCompany) -> None:
    time = hold(company)
    company.customer("Amy")
    time.forward(hours=1)
    await begun(company)
    await company.webhook("Item", "1")
    await company.books.do("DELETE FROM hint")
    await company.poll()
    state = await company.state()
    assert (state.unannounced_at, state.poll_in) == (None, about(AN_HOUR))


async def test_change_that_waited_for_an_answer_of_ours_and_was_announced_is_not_unannounced(hand: OwnHand) -> None:
    """A namesake, made by a person while our own creation had no answer."""
    company, time = hand.company, hold(hand.company)
    sent = await hand.intends("ct_1", DisplayName="Amy")
    amy = company.customer("Amy")
    await company.webhook("Customer", amy["Id"], "created")
    await company.books.do("UPDATE hint SET arrived_at = now() - interval '16 seconds'")
    await company.settle()
    time.forward(minutes=2)
    await hand.commits(refused(sent))
    await all_hints_due(company)
    await company.poll()
    assert changed(await company.customers_told()) == [("CREATED", "Amy")]
    assert (await company.state()).unannounced_at is None


async def test_busy_bridge_does_not_make_polls_follow_one_another_closely(hand: OwnHand) -> None:
    """At each of them some write of ours is under way."""
    waits = []
    for number in range(5):
        answer = await hand.sends(await hand.intends(f"ct_{number}", DisplayName=f"Zoe {number}"))
        await hand.company.poll()
        waits.append(await next_poll(hand.company))
        await hand.commits(answer)
    assert min(waits) > 25
