"""How often a company is polled depends on whether its webhooks are known to arrive."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mapping.from_qbo.customer import last_updated
from producers.watched import Step, next_step
from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.hinting import all_hints_due
from tests.integration.watch.paying import begun, hold
from tests.integration.watch.writing import OwnHand, phone, refused

AN_HOUR, FOUR_MINUTES = 3600.0, 240.0


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


async def test_hint_that_waits_for_a_second_look_lets_fresh_ones_be_gathered_all_the_same(hand: OwnHand) -> None:
    company = hand.company
    await company.webhook("Customer", "1")
    await company.books.do(
        "UPDATE hint SET arrived_at = now() - interval '1 minute', due_at = now() + interval '1 hour'"
    )
    assert (await company.state()).hint_age == 0
    await company.webhook("Customer", "2")
    state = await company.state()
    assert 0 < state.hint_age < 3
    assert next_step(state, quiet=False, policy=company.policy) is None
    assert next_step(state, quiet=True, policy=company.policy) is Step.POLL


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
