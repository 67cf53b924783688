"""All customers at the beginning: page by page, each once, whoever dies in between."""

from typing import Any

import pytest

import bridge.store.news
from bridge.store.database import Pool
from consumers.ports import LaneLost
from producers.watched import Step, WatchPolicy
from tests.integration.store.effects import groups_of
from tests.integration.watch.company import WatchedCompany, changed, names, watched_company
from tests.integration.watch.paying import another_owner, link_contact
from tests.integration.watch.writing import OwnHand

PAGE = 3


class KilledError(RuntimeError):
    """The process died here."""


@pytest.fixture
async def paged(pool: Pool) -> WatchedCompany:
    """A company of eight customers, of which three are told at once."""
    company = await watched_company(pool, policy=WatchPolicy(page=PAGE))
    for number in range(8):
        company.customer(f"Zoe {number}", email=f"zoe{number}@example.com")
    await company.begin()
    return company


async def told_names(company: WatchedCompany) -> list[str]:
    return sorted(event.customer.display_name for event in await company.customers_told())


async def test_more_customers_than_a_page_are_told_once_each(paged: WatchedCompany) -> None:
    steps = await paged.settle()
    assert steps.count(Step.TELL_CUSTOMERS) == 3
    for _ in range(3):
        await paged.poll()
    told = await paged.customers_told()
    assert sorted(names(told)) == [("CREATED", "INITIAL_IMPORT", f"Zoe {number}") for number in range(8)]
    assert len({event.envelope.event_id for event in told}) == 8


@pytest.mark.parametrize("number", [PAGE, 2 * PAGE])
async def test_full_last_page_ends_too(pool: Pool, number: int) -> None:
    company = await watched_company(pool, policy=WatchPolicy(page=PAGE))
    for one in range(number):
        company.customer(f"Zoe {one}")
    await company.begin()
    await company.settle()
    assert len(await told_names(company)) == number
    assert (await company.state()).customers_told


async def test_company_without_customers_has_told_all_of_them(company: WatchedCompany) -> None:
    await company.begin()
    await company.settle()
    assert await company.customers_told() == []
    assert (await company.state()).customers_told


@pytest.mark.parametrize("pages", [0, 1, 2])
async def test_next_owner_goes_on_where_the_one_before_died(
    paged: WatchedCompany, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    for _ in range(pages):
        await paged.step()
    tell = bridge.store.news._tell

    async def die(*values: Any) -> None:
        await tell(*values)
        raise KilledError

    monkeypatch.setattr(bridge.store.news, "_tell", die)
    with pytest.raises(KilledError):
        await paged.step()
    monkeypatch.setattr(bridge.store.news, "_tell", tell)
    assert len(await told_names(paged)) == pages * PAGE, "the page that died was rolled back"
    heir = await another_owner(paged)
    await heir.settle()
    await heir.poll()
    assert await told_names(heir) == [f"Zoe {number}" for number in range(8)]


async def test_owner_who_lost_the_lane_commits_nothing(paged: WatchedCompany) -> None:
    await paged.step()
    heir = await another_owner(paged)
    before = await told_names(heir)
    with pytest.raises(LaneLost):
        await paged.step()
    await paged.webhook("Customer", "1")
    for late in (paged.store.hints(), paged.store.failed(Step.POLL, "late", again_in_seconds=900.0)):
        with pytest.raises(LaneLost):
            await late
    assert await told_names(heir) == before
    state = await heir.state()
    assert (state.failures, state.poll_in <= 0) == (0, True)
    await heir.settle()
    assert await told_names(heir) == [f"Zoe {number}" for number in range(8)]


async def test_owner_who_lost_the_lane_in_the_middle_of_a_poll_commits_nothing(paged: WatchedCompany) -> None:
    await paged.settle()
    await paged.forget_told()
    paged.customer("Amy")
    heir: list[WatchedCompany] = []
    changes = paged.client.changes

    async def slowly(*values: Any) -> Any:
        answer = await changes(*values)
        heir.append(await another_owner(paged))
        return answer

    vars(paged.client)["changes"] = slowly
    with pytest.raises(LaneLost):
        await paged.poll()
    del vars(paged.client)["changes"]
    assert await told_names(paged) == []
    await heir[0].poll()
    assert await told_names(heir[0]) == ["Amy"]


async def test_poll_that_died_is_made_again_with_the_same_event(
    paged: WatchedCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paged.settle()
    await paged.forget_told()
    paged.customer("Amy")
    events: list[str] = []
    tell = bridge.store.news._tell

    async def die(connection: Any, codec: Any, lease: Any, taken: Any) -> None:
        events.extend(event.envelope.event_id for _, event in taken.events)
        if events:
            raise KilledError

    monkeypatch.setattr(bridge.store.news, "_tell", die)
    with pytest.raises(KilledError):
        await paged.poll()
    monkeypatch.setattr(bridge.store.news, "_tell", tell)
    await paged.poll()
    assert [event.envelope.event_id for event in await paged.customers_told()] == events


async def test_inactive_ones_bear_their_own_names(company: WatchedCompany) -> None:
    zoe = company.customer("Zoe")
    company.edits("Customer", zoe["Id"], Active=False)
    await company.begin()
    (copy,) = await company.books.column("SELECT body ->> 'DisplayName' FROM local_copy WHERE qbo_kind = 'Customer'")
    assert copy == "Zoe (deleted)", "that is how queries show it"
    await company.settle()
    await company.poll()
    (event,) = await company.customers_told()
    assert (event.customer.display_name, event.customer.active) == ("Zoe", False)


async def test_inactive_ones_that_change_data_capture_shows_as_well_are_told_once(company: WatchedCompany) -> None:
    await company.begin()
    zoe = company.customer("Zoe")
    company.edits("Customer", zoe["Id"], Active=False)
    await company.preflight()
    await company.settle()
    for _ in range(2):
        await company.poll()
    assert changed(await company.customers_told()) == [("CREATED", "Zoe")]


async def test_jobs_are_told_like_their_parents(company: WatchedCompany) -> None:
    parent = company.customer("Zoe")
    company.customer("Kitchen", ParentRef={"value": parent["Id"]}, Job=True)
    await company.begin()
    await company.settle()
    assert await told_names(company) == ["Kitchen", "Zoe"]


async def test_customers_that_the_bridge_made_before_are_not_told_and_found_ones_name_their_contacts(
    company: WatchedCompany,
) -> None:
    company.customer("Zoe")
    async with groups_of(company.pool) as groups:
        await OwnHand(company=company, groups=groups).writes("ct_1", DisplayName="Amy")
        await company.books.do("DELETE FROM known_customer")  # As a bridge of before that kept no news left it.
        await link_contact(company, "ct_2", "1")
        await company.begin()
        await company.settle()
        for _ in range(2):
            await company.poll()
    (event,) = await company.customers_told()
    assert (event.customer.display_name, event.customer.crm_contact_id) == ("Zoe", "ct_2")
    company.edits("Customer", "2", CompanyName="Amy Ltd")
    await company.poll()
    assert changed(await company.customers_told())[1:] == [("UPDATED", "Amy")]


async def test_customer_that_the_bridge_may_be_making_right_then_is_left_to_its_answer(company: WatchedCompany) -> None:
    """An earlier owner of the lane wrote it, and the answer was lost."""
    async with groups_of(company.pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        answer = await hand.sends(await hand.intends("ct_1", DisplayName="Amy"))
        await company.begin()
        await company.settle()
        for _ in range(2):
            await company.poll()
        assert await company.customers_told() == []
        await hand.commits(answer)
        for _ in range(2):
            await company.poll()
    assert await company.customers_told() == []


async def test_what_changes_while_the_company_is_read_is_told_once(company: WatchedCompany) -> None:
    """Watching begins before customers are copied: whatever falls in between is seen by both."""
    zoe, amy = company.customer("Zoe"), company.customer("Amy")
    await company.begin()
    company.edits("Customer", zoe["Id"], CompanyName="Zoe Ltd")
    company.edits("Customer", amy["Id"], Notes="likes tea")
    company.customer("Eve")
    await company.settle()
    for _ in range(2):
        await company.poll()
    told = await company.customers_told()
    assert changed(told) == [("CREATED", "Zoe"), ("CREATED", "Amy"), ("UPDATED", "Zoe"), ("CREATED", "Eve")]
    assert [event.envelope.cause.value for event in told] == ["INITIAL_IMPORT"] * 2 + ["CHANGED"] * 2


async def test_older_customer_that_was_missed_at_the_beginning_counts_as_import(company: WatchedCompany) -> None:
    zoe = company.customer("Zoe")
    company.world.clock.advance(3600)
    await company.begin()
    await company.books.do("DELETE FROM local_copy")  # A page of a query is no snapshot.
    await company.settle()
    company.edits("Customer", zoe["Id"], Notes="likes tea")
    await company.poll()
    assert names(await company.customers_told()) == [("CREATED", "INITIAL_IMPORT", "Zoe")]
    assert (await company.state()).unannounced_at is None


async def test_same_company_connected_again_is_told_nothing_twice(company: WatchedCompany) -> None:
    zoe = company.customer("Zoe")
    await company.begin()
    await company.settle()
    await company.forget_told()
    await company.books.do("UPDATE connection SET state = 'disconnected'")
    company.edits("Customer", zoe["Id"], CompanyName="Zoe Ltd")
    company.customer("Amy")
    await company.books.connect(company.lease.tenant_id, company.lease.realm_id)
    again = await another_owner(company)
    await again.begin()
    await again.poll()
    assert changed(await again.customers_told()) == [("UPDATED", "Zoe"), ("CREATED", "Amy")]
