"""What the bridge itself writes is no news, whenever a poll looks; what people do beside it is, once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from consumers.writing import written
from tests.integration.store.effects import groups_of
from tests.integration.watch.company import WatchedCompany, changed, names
from tests.integration.watch.paying import hold
from tests.integration.watch.writing import AMY, OwnHand, made, phone, refused, told, unanswered, update


@pytest.fixture
async def hand(company: WatchedCompany) -> AsyncIterator[OwnHand]:
    """The bridge's own hand in a company that was watched from its beginning and is quiet."""
    await company.begin()
    await company.settle()
    async with groups_of(company.pool) as groups:
        yield OwnHand(company=company, groups=groups)


async def test_poll_between_a_creation_and_its_outcome_tells_nothing(hand: OwnHand) -> None:
    answer = await hand.sends(await hand.intends("ct_1", **AMY))
    for _ in range(3):
        await hand.company.poll()
    await hand.commits(answer)
    await hand.company.poll()
    assert await told(hand) == []


async def test_cursor_stays_before_a_row_whose_creation_may_be_ours(hand: OwnHand) -> None:
    time = hold(hand.company)
    await hand.sends(await hand.intends("ct_1", **AMY))
    made_at = time.moment
    for _ in range(5):
        time.forward(hours=1)
        await hand.company.poll()
    assert (await hand.company.state()).customers_since < made_at


async def test_refused_creation_leaves_the_namesake_to_be_told(hand: OwnHand) -> None:
    time = hold(hand.company)
    sent = await hand.intends("ct_1", **AMY)
    hand.company.customer("Amy")
    await hand.company.poll()
    assert await told(hand) == []
    time.forward(hours=1)
    await hand.company.poll()
    await hand.commits(refused(sent))
    await hand.company.poll()
    assert await told(hand) == [("CREATED", "Amy")]


async def test_poll_between_an_update_and_its_outcome_tells_nothing(hand: OwnHand) -> None:
    amy = await made(hand)
    answer = await hand.sends(await hand.intends("ct_1", **update(amy, PrimaryPhone=phone("555 0111"))))
    for _ in range(3):
        await hand.company.poll()
    await hand.commits(answer)
    await hand.company.poll()
    assert await told(hand) == []


async def test_cursor_stays_before_a_row_that_an_update_of_ours_may_have_changed(hand: OwnHand) -> None:
    amy = await made(hand)
    time = hold(hand.company)
    time.forward(minutes=10)
    await hand.sends(await hand.intends("ct_1", **update(amy, PrimaryPhone=phone("555 0111"))))
    written_at = time.moment
    for _ in range(5):
        time.forward(hours=1)
        await hand.company.poll()
    assert (await hand.company.state()).customers_since < written_at


async def test_edit_that_a_poll_took_for_an_open_update_of_ours_is_told_when_that_was_refused(hand: OwnHand) -> None:
    amy = await made(hand)
    time = hold(hand.company)
    sent = await hand.intends("ct_1", **update(amy, PrimaryPhone=phone("555 0111")))
    hand.company.edits("Customer", amy["Id"], PrimaryPhone=phone("555 0999"))
    for _ in range(3):
        await hand.company.poll()
        time.forward(hours=1)
    await hand.commits(refused(sent))
    await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert (event.change.value, event.customer.phone) == ("UPDATED", "555 0999")


async def test_edit_of_the_same_field_over_an_update_without_an_answer_is_told(hand: OwnHand) -> None:
    amy = await made(hand)
    time = hold(hand.company)
    answer = await hand.sends(await hand.intends("ct_1", **update(amy, PrimaryPhone=phone("555 0111"))))
    hand.company.edits("Customer", amy["Id"], PrimaryPhone=phone("555 0999"))
    for _ in range(3):
        await hand.company.poll()
        time.forward(hours=1)
    await hand.commits(answer)
    for _ in range(2):
        await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert event.customer.phone == "555 0999"


async def test_update_without_an_answer_that_a_person_took_back_is_told(hand: OwnHand) -> None:
    """The CRM believes in what it had written; the books are as they were before."""
    amy = await made(hand)
    time = hold(hand.company)
    answer = await hand.sends(await hand.intends("ct_1", **update(amy, PrimaryPhone=phone("555 0111"))))
    hand.company.edits("Customer", amy["Id"], PrimaryPhone=phone("555 0100"))
    for _ in range(3):
        await hand.company.poll()
        time.forward(hours=1)
    await hand.commits(answer)
    for _ in range(2):
        await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert event.customer.phone == "555 0100"


async def test_edit_of_another_field_between_our_write_and_the_poll_is_told_once_with_the_final_state(
    hand: OwnHand,
) -> None:
    amy = await made(hand)
    await hand.writes("ct_1", **update(amy, PrimaryPhone=phone("555 0111")))
    hand.company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")
    for _ in range(3):
        await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert (event.change.value, event.customer.phone, event.customer.company_name) == ("UPDATED", "555 0111", "Amy Ltd")
    assert event.customer.crm_contact_id == "ct_1"


async def test_edit_of_another_field_between_two_of_our_writes_is_told_once_with_the_final_state(
    hand: OwnHand,
) -> None:
    amy = await made(hand)
    await hand.writes("ct_1", **update(amy, PrimaryPhone=phone("555 0111")))
    edited = hand.company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")
    second = await hand.intends("ct_1", **update(edited, GivenName="Amelia"))
    answer = await hand.sends(second)
    await hand.company.poll()
    await hand.commits(answer)
    for _ in range(2):
        await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert (event.customer.given_name, event.customer.company_name) == ("Amelia", "Amy Ltd")


async def test_edit_that_only_the_answer_to_our_next_write_shows_is_told(hand: OwnHand) -> None:
    amy = await made(hand)
    edited = hand.company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")
    await hand.writes("ct_1", **update(edited, PrimaryPhone=phone("555 0111")))
    for _ in range(2):
        await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert (event.customer.phone, event.customer.company_name) == ("555 0111", "Amy Ltd")


async def test_edit_of_the_same_field_after_our_write_is_told(hand: OwnHand) -> None:
    amy = await made(hand)
    await hand.writes("ct_1", **update(amy, PrimaryPhone=phone("555 0111")))
    hand.company.edits("Customer", amy["Id"], PrimaryPhone=phone("555 0999"))
    for _ in range(2):
        await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert event.customer.phone == "555 0999"


async def test_edit_before_our_write_of_the_same_field_that_put_it_back_is_no_news(hand: OwnHand) -> None:
    amy = await made(hand)
    edited = hand.company.edits("Customer", amy["Id"], PrimaryPhone=phone("555 0999"))
    await hand.writes("ct_1", **update(edited, PrimaryPhone=phone("555 0100")))
    await hand.company.poll()
    assert await told(hand) == []


async def test_our_reactivation_is_no_news_and_a_person_s_deactivation_is(hand: OwnHand) -> None:
    amy = await made(hand)
    away = hand.company.edits("Customer", amy["Id"], Active=False)
    await hand.company.poll()
    answer = await hand.sends(await hand.intends("ct_1", **update(away, Active=True)))
    await hand.company.poll()
    await hand.commits(answer)
    await hand.company.poll()
    assert await told(hand) == [("DEACTIVATED", "Amy")]
    hand.company.edits("Customer", amy["Id"], Active=False)
    await hand.company.poll()
    assert await told(hand) == [("DEACTIVATED", "Amy")] * 2


async def test_write_to_a_customer_that_was_found_does_not_hide_it_from_the_beginning(company: WatchedCompany) -> None:
    zoe = company.customer("Zoe", email="zoe@example.com")
    await company.begin()
    async with groups_of(company.pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        await hand.writes("ct_1", **update(zoe, PrimaryPhone=phone("555 0111")))
        await company.settle()
        await company.poll()
    (event,) = await company.customers_told()
    assert names([event]) == [("CREATED", "INITIAL_IMPORT", "Zoe")]
    assert event.customer.phone == "555 0111"


async def test_write_to_a_customer_that_no_poll_has_seen_yet_does_not_hide_it(hand: OwnHand) -> None:
    zoe = hand.company.customer("Zoe", email="zoe@example.com")
    await hand.writes("ct_1", **update(zoe, PrimaryPhone=phone("555 0111")))
    for _ in range(2):
        await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert names([event]) == [("CREATED", "CHANGED", "Zoe")]
    assert event.customer.phone == "555 0111"


async def test_customer_the_bridge_makes_before_all_were_told_is_not_told(company: WatchedCompany) -> None:
    company.customer("Zoe")
    await company.begin()
    async with groups_of(company.pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        await hand.writes("ct_1", **AMY)
        await company.settle()
        await company.poll()
    assert changed(await company.customers_told()) == [("CREATED", "Zoe")]


async def test_stale_row_is_not_judged_against_the_newer_state_our_answer_showed(hand: OwnHand) -> None:
    """Change data capture may lag: the row it shows is older than what our own answer has shown since."""
    amy = await made(hand)
    stale = await hand.company.client.changes(["Customer"], (await hand.company.state()).since)
    await hand.writes("ct_1", **update(amy, PrimaryPhone=phone("555 0111")))

    async def lagging(*_: Any) -> Any:
        return stale

    vars(hand.company.client)["changes"] = lagging
    await hand.company.poll()
    del vars(hand.company.client)["changes"]
    await hand.company.poll()
    assert await told(hand) == []


async def test_creation_that_was_looked_up_later_hides_no_edit_made_meanwhile(hand: OwnHand) -> None:
    """No answer came; the customer is found ten minutes later, and a person has changed it in between."""
    time = hold(hand.company)
    sent = await hand.intends("ct_1", **AMY)
    amy = (await hand.sends(sent)).object
    await hand.commits(unanswered(sent))
    time.forward(minutes=10)
    found = hand.company.edits("Customer", amy["Id"], PrimaryPhone=phone("555 0999"), Mobile=phone("555 0777"))
    await hand.company.poll()
    time.forward(minutes=10)
    await hand.commits(written(sent, found, None))
    await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert (event.change.value, event.customer.phone, event.customer.mobile) == ("UPDATED", "555 0999", "555 0777")


async def test_creation_without_an_answer_stops_nobody_else_from_being_told(hand: OwnHand) -> None:
    time = hold(hand.company)
    sent = await hand.intends("ct_1", **AMY)
    await hand.sends(sent)
    await hand.commits(unanswered(sent))
    waits = []
    for number in range(12):
        hand.company.customer(f"Zoe {number}")
        await hand.company.poll()
        state = await hand.company.state()
        waits.append(state.poll_in)
        time.forward(seconds=max(state.poll_in, 1))
    assert await told(hand) == [("CREATED", f"Zoe {number}") for number in range(12)]
    assert sum(waits) > 900, f"twelve reads in {sum(waits):.0f} s"


async def test_edit_of_a_known_customer_does_not_wait_for_a_creation_of_the_same_name(hand: OwnHand) -> None:
    amy = await made(hand)
    await hand.intends("ct_2", DisplayName="amy", PrimaryEmailAddr={"Address": "other@example.com"})
    hand.company.edits("Customer", amy["Id"], PrimaryPhone=phone("555 0999"))
    await hand.company.poll()
    assert await told(hand) == [("UPDATED", "Amy")]
