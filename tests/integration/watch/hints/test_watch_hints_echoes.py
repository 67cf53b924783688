"""What the bridge wrote itself comes back as webhooks and costs no read, unless there is more to it."""

from datetime import timedelta

import pytest

from mapping.from_qbo.customer import last_updated
from tests.integration.watch.company import changed
from tests.integration.watch.hinting import all_hints_due, hints, reads
from tests.integration.watch.paying import hold
from tests.integration.watch.writing import OwnHand, phone


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
