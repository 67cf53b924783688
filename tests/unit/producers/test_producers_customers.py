"""What is news about a customer, judged from what the CRM knows and what the bridge itself writes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.from_qbo.customer import known_fields
from producers.customers import (
    Gone,
    being_made,
    change_of,
    is_disputed,
    is_gone,
    is_older,
    is_remnant,
    take_customer,
    take_gone,
    take_initial,
)
from producers.events import Teller
from producers.memory import KnownCustomer, Memory, TakenIn, Writing
from producers.watched import CUSTOMER
from schemas.events.quickbooks import Cause, CustomerChange, CustomerChanged

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TELLER = Teller(tenant_id="loc_1", realm_id="462", home_currency="USD")
FIELDS = ("display_name", "given_name", "phone", "email", "active")


def row(customer_id: str = "1", **fields: Any) -> dict[str, Any]:
    times = {"CreateTime": NOW.isoformat(), "LastUpdatedTime": NOW.isoformat()}
    return {"Id": customer_id, "SyncToken": "3", "DisplayName": "Amy", "Active": True, "MetaData": times, **fields}


def known(**fields: Any) -> KnownCustomer:
    return KnownCustomer(fields=known_fields(row(**fields)))


def memory(of: KnownCustomer | None = None, **more: Any) -> Memory:
    return Memory(customers={"1": of} if of else {}, **more)


def touching(*fields: str) -> Writing:
    return Writing(touched={"1": frozenset(fields)})


def taken(customer: Mapping[str, Any], memory: Memory, *, began_at: datetime = NOW) -> tuple[TakenIn, bool]:
    taken = TakenIn()
    news = take_customer(customer, memory, taken, TELLER, began_at=began_at)
    return taken, news


def events(taken: TakenIn) -> list[CustomerChanged]:
    return [event for _, event in taken.events if isinstance(event, CustomerChanged)]


def ended(survivor: str | None = None, *, at: datetime = NOW) -> KnownCustomer:
    """A customer after it was told to be no more."""
    took = TakenIn()
    take_gone("0", Gone(survivor=survivor, at=at), Memory(customers={"0": known()}), took, TELLER)
    return took.customers["0"]


# change_of


def test_customer_that_is_as_known_did_not_change() -> None:
    shown = known_fields(row())
    assert change_of(KnownCustomer(fields=shown), shown) is None


def test_unknown_customer_and_one_that_was_gone_are_created() -> None:
    shown = known_fields(row())
    assert change_of(None, shown) is CustomerChange.CREATED
    assert change_of(KnownCustomer(fields=shown, gone=True), shown) is CustomerChange.CREATED


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({"Active": True}, {"Active": False}, CustomerChange.DEACTIVATED),
        ({"Active": False}, {"Active": True}, CustomerChange.REACTIVATED),
        ({"Active": True, "GivenName": "A"}, {"Active": False, "GivenName": "B"}, CustomerChange.DEACTIVATED),
        ({"GivenName": "A"}, {"GivenName": "B"}, CustomerChange.UPDATED),
        ({"GivenName": "A"}, {}, CustomerChange.UPDATED),
        ({"Notes": "A", "Balance": 1}, {"Notes": "B", "Balance": 2}, None),
    ],
)
def test_change_is_named_by_what_the_crm_has_to_do(
    before: dict[str, Any], after: dict[str, Any], change: CustomerChange | None
) -> None:
    assert change_of(known(**before), known_fields(row(**after))) is change


@given(st.dictionaries(st.sampled_from(FIELDS), st.text() | st.booleans() | st.none()), st.data())
def test_what_our_own_write_touches_never_makes_a_change(fields: dict[str, Any], data: st.DataObject) -> None:
    touched = frozenset(data.draw(st.sets(st.sampled_from(FIELDS))))
    others = {name: data.draw(st.text()) if name in touched else value for name, value in fields.items()}
    assert change_of(KnownCustomer(fields=fields), others, touched) is None


@given(st.sampled_from(FIELDS), st.sets(st.sampled_from(FIELDS)))
def test_any_other_field_makes_one(changed: str, touched: set[str]) -> None:
    fields: dict[str, Any] = dict.fromkeys(FIELDS, "one")
    change = change_of(KnownCustomer(fields=fields), {**fields, changed: "other"}, frozenset(touched))
    assert (change is None) is (changed in touched)


# take_customer


def test_change_is_told_and_known_from_now_on() -> None:
    took, news = taken(row(GivenName="Eve"), memory(known(), contacts={"1": ["ct_2", "ct_1"]}))
    (event,) = events(took)
    assert (event.change, event.customer.given_name, event.customer.crm_contact_id) == (
        CustomerChange.UPDATED, "Eve", "ct_2",
    )  # fmt: skip
    assert (news, took.customers["1"]) == (True, known(GivenName="Eve"))
    assert took.copies == [(CUSTOMER, row(GivenName="Eve"))]


def test_no_change_keeps_the_copy_fresh_and_says_nothing() -> None:
    took, news = taken(row(Balance=5), memory(known()))
    assert (news, took.events, took.customers) == (False, [], {})
    assert took.copies == [(CUSTOMER, row(Balance=5))]


def test_what_an_open_write_touches_stays_as_it_was_known() -> None:
    took, news = taken(
        row(GivenName="Eve", CompanyName="Ltd"), memory(known(GivenName="Amy"), writing=touching("given_name"))
    )
    assert news
    assert took.customers["1"] == known(GivenName="Amy", CompanyName="Ltd")


@pytest.mark.parametrize(("age", "cause", "news"), [(1, Cause.INITIAL_IMPORT, False), (0, Cause.CHANGED, True)])
def test_older_customer_that_shows_late_belongs_to_the_beginning(age: int, cause: Cause, news: bool) -> None:
    took, found = taken(row(), memory(), began_at=NOW + timedelta(seconds=age))
    assert (events(took)[0].envelope.cause, found) == (cause, news)


# What waits, and what is left out.


@pytest.mark.parametrize("name", ["Amy", " amy ", "AMY"])
def test_row_may_be_what_an_open_creation_brings_by_its_name(name: str) -> None:
    writing = Writing(names=frozenset({"amy"}))
    assert being_made(row(DisplayName=name), memory(writing=writing))
    assert not being_made(row(DisplayName=name), memory(known(), writing=writing)), "the CRM knows that one"
    assert being_made(row(DisplayName=name), memory(ended(), writing=writing))
    assert not being_made(row(DisplayName="Eve"), memory(writing=writing))


def test_row_is_disputed_while_an_open_update_is_about_it() -> None:
    writing = touching("given_name")
    assert is_disputed(row(GivenName="Eve"), memory(known(), writing=writing))
    assert is_disputed(row(), memory(known(), writing=writing)), "a person may have taken ours back"
    assert not is_disputed(row("2"), memory(known(), writing=writing))
    assert not is_disputed(row(GivenName="Eve"), memory(writing=writing)), "all of an unknown one is told"


@pytest.mark.parametrize(("token", "older"), [("2", True), ("3", False), ("10", False)])
def test_row_is_older_by_its_sync_token_as_a_number(token: str, older: bool) -> None:
    copies = {(CUSTOMER, "1"): row()}
    assert is_older(row(SyncToken=token), CUSTOMER, memory(copies=copies)) is older
    assert not is_older(row(SyncToken=token), CUSTOMER, memory())


def test_what_is_left_of_one_that_is_no_more_is_inactive_or_older_than_its_end() -> None:
    later = {"LastUpdatedTime": (NOW + timedelta(seconds=2)).isoformat()}
    gone = memory(ended("2", at=NOW + timedelta(seconds=1)))
    assert is_remnant(row(), gone)
    assert is_remnant(row(Active=False, MetaData=later), gone)
    assert not is_remnant(row(MetaData=later), gone)
    assert not is_remnant(row(Active=False), memory(known()))
    assert not is_remnant(row(Active=False), memory())
    took, news = taken(row(), gone)
    assert (news, took.events, took.copies, took.dropped) == (False, [], [], [(CUSTOMER, "1")])
    took, _ = taken(row(MetaData=later), gone)
    assert (events(took)[0].change, took.customers["1"].gone) == (CustomerChange.CREATED, False)


# The beginning.


def test_copy_is_told_at_the_beginning_rather_than_what_was_read_before() -> None:
    took = TakenIn()
    copies = {(CUSTOMER, "1"): row(GivenName="Eve")}
    take_initial(row(), memory(copies=copies), took, TELLER, began_at=NOW)
    assert events(took)[0].customer.given_name == "Eve"
    assert took.customers["1"] == known(GivenName="Eve")


def test_what_the_bridge_made_is_known_without_being_told_and_what_it_may_be_making_is_left() -> None:
    took = TakenIn()
    take_initial(row(), memory(made=frozenset({"1"})), took, TELLER, began_at=NOW)
    take_initial(row("2"), memory(writing=Writing(names=frozenset({"amy"}))), took, TELLER, began_at=NOW)
    assert (took.events, list(took.customers)) == ([], ["1"])


@pytest.mark.parametrize(("older_seconds", "told"), [(1, 0), (60, 0), (61, 1)])
def test_namesake_from_long_before_the_beginning_is_told_while_one_is_being_made(older_seconds: int, told: int) -> None:
    took, making = TakenIn(), memory(writing=Writing(names=frozenset({"amy"})))
    take_initial(row(), making, took, TELLER, began_at=NOW + timedelta(seconds=older_seconds))
    assert len(events(took)) == told


# The end.


def test_end_is_told_once_with_what_was_known_last() -> None:
    took = TakenIn()
    take_gone("1", Gone(survivor="2", at=NOW), memory(known(GivenName="Amy"), contacts={"1": ["ct_1"]}), took, TELLER)
    (event,) = events(took)
    assert (event.change, event.merged_into_customer_id) == (CustomerChange.MERGED, "2")
    assert (event.customer.given_name, event.customer.active, event.customer.crm_contact_id) == ("Amy", False, "ct_1")
    assert (took.merged, took.dropped) == ({"1": "2"}, [(CUSTOMER, "1")])
    again = TakenIn()
    take_gone("1", Gone(survivor="2", at=NOW + timedelta(hours=1)), memory(took.customers["1"]), again, TELLER)
    assert (again.events, again.customers, again.merged) == ([], {}, {"1": "2"})


def test_deletion_that_turns_out_to_be_a_merge_is_told_as_such_and_not_the_other_way_round() -> None:
    took = TakenIn()
    take_gone("1", Gone(survivor="2", at=NOW), memory(ended()), took, TELLER)
    assert events(took)[0].change is CustomerChange.MERGED
    took = TakenIn()
    take_gone("1", Gone(survivor=None, at=NOW), memory(ended("2")), took, TELLER)
    assert (took.events, took.merged) == ([], {})


def test_end_of_one_that_nobody_knows_only_moves_what_hangs_on_it() -> None:
    took = TakenIn()
    take_gone("1", Gone(survivor="2", at=NOW), memory(), took, TELLER)
    assert (took.events, took.customers, took.merged) == ([], {}, {"1": "2"})


def test_survivor_that_was_merged_itself_leads_on() -> None:
    customers = {"1": known(), "2": ended("3"), "3": ended("4")}
    took = TakenIn()
    take_gone("1", Gone(survivor="2", at=NOW), Memory(customers=customers), took, TELLER)
    assert took.merged == {"1": "4"}


@pytest.mark.parametrize("around", [{"2": "1"}, {"2": "3", "3": "2"}, {"2": "3", "3": "1"}])
def test_merges_in_a_circle_lead_nowhere(around: dict[str, str]) -> None:
    customers = {"1": known(), **{one: ended(survivor) for one, survivor in around.items()}}
    took = TakenIn()
    take_gone("1", Gone(survivor="2", at=NOW), Memory(customers=customers), took, TELLER)
    assert (took.merged, events(took)[0].change) == ({}, CustomerChange.DELETED)


def test_one_that_was_inactive_before_is_not_merged_for_being_so() -> None:
    sign = Gone(survivor="2", at=NOW, inactive=True)
    assert not is_gone("1", sign, memory(known(Active=False)))
    assert is_gone("1", sign, memory(known()))
    assert is_gone("1", sign, memory())
    assert is_gone("1", Gone(survivor="2", at=NOW), memory(known(Active=False)))
    assert is_gone("1", sign, memory(ended("2")))
