"""A QuickBooks customer as the CRM is told of it, whatever QuickBooks shows."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.from_qbo.customer import (
    created,
    customer_from,
    customer_of,
    fields_of,
    known_fields,
    last_updated,
    made_fields,
    top_of,
    written_fields,
)
from schemas.codec import Codec
from schemas.events.common import Address
from schemas.events.quickbooks import Cause, CustomerChange, CustomerChanged, QbEnvelope

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
CODEC = Codec()
ALL = {
    "Id": "7",
    "SyncToken": "0",
    "DisplayName": "Amy Berg",
    "GivenName": "Amy",
    "FamilyName": "Berg",
    "CompanyName": "Amy Ltd",
    "PrimaryEmailAddr": {"Address": "amy@example.com, office@example.com"},
    "PrimaryPhone": {"FreeFormNumber": "(555) 010-0100"},
    "Mobile": {"FreeFormNumber": "555 0200"},
    "BillAddr": {"Line1": "1 High Street", "City": "London", "Country": "United Kingdom", "PostalCode": "N1"},
    "CurrencyRef": {"value": "GBP", "name": "British Pound Sterling"},
    "Active": True,
    "Balance": 5,
    "Notes": "likes tea",
}


def address(**lines: Any) -> dict[str, Any] | None:
    shown: dict[str, Any] | None = known_fields({"BillAddr": lines})["address"]
    return shown


def test_every_field_of_the_event_is_filled() -> None:
    said = customer_of(ALL, "ct_1")
    assert (said.customer_id, said.crm_contact_id, said.display_name) == ("7", "ct_1", "Amy Berg")
    assert (said.given_name, said.family_name, said.company_name) == ("Amy", "Berg", "Amy Ltd")
    assert (said.phone, said.mobile, said.currency, said.active) == ("(555) 010-0100", "555 0200", "GBP", True)
    assert said.email == "amy@example.com, office@example.com", "several addresses stay several"
    assert said.address == Address(line1="1 High Street", city="London", postal_code="N1", country_code="GB")


def test_customer_of_a_name_alone_has_nothing_else() -> None:
    said = customer_of({"Id": "7", "DisplayName": "Amy"}, None)
    assert said == customer_from("7", known_fields({"DisplayName": "Amy"}), None)
    assert {said.given_name, said.family_name, said.email, said.phone, said.mobile, said.address, said.currency} == {
        None
    }
    assert said.active


@pytest.mark.parametrize("nothing", [None, "", "   ", {}, {"Address": None}, {"Address": ""}, {"Address": " "}])
def test_e_mail_that_says_nothing_is_none(nothing: Any) -> None:
    if isinstance(nothing, str):
        nothing = {"Address": nothing}
    assert known_fields({"PrimaryEmailAddr": nothing})["email"] is None


@pytest.mark.parametrize("name", ["GivenName", "FamilyName", "CompanyName"])
@pytest.mark.parametrize("nothing", [None, "", "  ", "\x00"])
def test_empty_and_missing_names_are_the_same(name: str, nothing: Any) -> None:
    assert known_fields({"DisplayName": "Amy", name: nothing}) == known_fields({"DisplayName": "Amy"})


@pytest.mark.parametrize(("active", "shown"), [(None, True), (True, True), (False, False)])
def test_only_who_is_said_to_be_inactive_is(active: bool | None, shown: bool) -> None:
    assert known_fields({"Active": active})["active"] is shown


@pytest.mark.parametrize(
    ("name", "active", "shown"),
    [
        ("Amy (deleted)", False, "Amy"),
        ("Amy", False, "Amy"),
        ("Amy (deleted) (deleted)", False, "Amy (deleted)"),
        ("Amy (deleted)", True, "Amy (deleted)"),
        ("Amy(deleted)", False, "Amy(deleted)"),
    ],
)
def test_suffix_of_inactive_names_is_no_part_of_them(name: str, active: bool, shown: str) -> None:
    assert known_fields({"DisplayName": name, "Active": active})["display_name"] == shown


@pytest.mark.parametrize(
    ("lines", "line2"),
    [
        ({}, None),
        ({"Line2": "Flat 3"}, "Flat 3"),
        ({"Line2": "Flat 3", "Line3": "Rear", "Line4": "Yard", "Line5": "Door 2"}, "Flat 3, Rear, Yard, Door 2"),
        ({"Line2": None, "Line3": " ", "Line5": "Door 2"}, "Door 2"),
    ],
)
def test_further_lines_of_an_address_are_one(lines: dict[str, Any], line2: str | None) -> None:
    shown = address(Line1="1 High Street", **lines)
    assert shown is not None
    assert (shown["line1"], shown["line2"]) == ("1 High Street", line2)


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("us", "US"),
        ("United  Kingdom", "GB"),
        ("england", "GB"),
        ("Deutschland", "Deutschland"),
        ("", None),
        (None, None),
    ],
)
def test_country_is_its_code_where_it_is_known_and_the_text_as_typed_else(
    country: str | None, code: str | None
) -> None:
    shown = address(Line1="1 High Street", Country=country)
    assert shown is not None
    assert shown["country_code"] == code


@pytest.mark.parametrize("nothing", [None, {}, {"Id": "3", "Lat": "1", "Long": "2"}, {"Line1": "", "City": None}])
def test_address_that_says_nothing_is_none(nothing: Any) -> None:
    assert known_fields({"BillAddr": nothing})["address"] is None


def test_where_the_address_lies_on_the_map_is_no_part_of_it() -> None:
    assert address(Line1="1 High Street", Lat="INVALID", Long="INVALID", Id="9") == address(Line1="1 High Street")


@pytest.mark.parametrize(
    ("name", "shown"), [("A\x00my", "Amy"), ("Amy\ud83d", "Amy?"), ("\ude00", "?"), ("Zoë 名", "Zoë 名"), ("\x00", "")]
)
def test_name_that_nothing_can_carry_is_cleaned(name: str, shown: str) -> None:
    assert known_fields({"DisplayName": name})["display_name"] == shown


# A write of ours.


def test_written_are_the_fields_of_the_body_as_quickbooks_shows_them() -> None:
    body = {"Id": "7", "SyncToken": "0", "sparse": True, "PrimaryPhone": {"FreeFormNumber": "5550100"}, "Notes": "x"}
    assert written_fields(body, ALL) == {"phone": "(555) 010-0100"}
    assert fields_of(body) == {"phone"}
    assert fields_of({**body, "Active": True}) == {"phone", "active"}


def test_what_was_made_is_known_as_it_was_answered_unless_somebody_changed_it_since() -> None:
    body = {"DisplayName": "Amy Berg", "PrimaryPhone": {"FreeFormNumber": "5550100"}}
    assert made_fields(body, ALL) == known_fields(ALL)
    assert made_fields(body, {**ALL, "SyncToken": None}) == known_fields(ALL)
    later = made_fields(body, {**ALL, "SyncToken": "1"})
    assert later == {**known_fields(body), "currency": "GBP"}
    assert later != known_fields(ALL)


# Times and parents.


@pytest.mark.parametrize("thing", [{}, {"MetaData": None}, {"MetaData": {}}, {"MetaData": {"LastUpdatedTime": ""}}])
def test_thing_without_times_was_never_changed(thing: dict[str, Any]) -> None:
    assert last_updated(thing) == created(thing) == datetime(1970, 1, 1, tzinfo=UTC)


def test_times_keep_their_zone() -> None:
    times = {"CreateTime": "2026-11-23T23:00:00-08:00", "LastUpdatedTime": "2026-11-24T00:00:00-08:00"}
    assert last_updated({"MetaData": times}) == NOW
    assert created({"MetaData": times}) < NOW


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdef")), st.sampled_from("abcdef"))
def test_way_up_ends_in_every_family(parents: dict[str, str], start: str) -> None:
    top = top_of(start, parents)
    assert top in {start, *parents.values()}
    circle = top in parents
    assert not circle or top_of(top, parents) in {start, *parents.values()}


def test_way_up_leads_to_the_top() -> None:
    assert top_of("3", {"3": "2", "2": "1"}) == "1"
    assert top_of("1", {"3": "2", "2": "1"}) == "1"


# Whatever QuickBooks shows.

_TEXTS = st.none() | st.text(st.characters(codec=None), max_size=12) | st.sampled_from(["", " ", "x (deleted)"])
_WITHIN = st.none() | st.dictionaries(st.sampled_from(["Address", "FreeFormNumber", "value"]), _TEXTS)
_LINES = ("Line1", "Line2", "Line3", "Line5", "City", "Country", "CountrySubDivisionCode", "PostalCode")
CUSTOMERS = st.fixed_dictionaries(
    {"Id": st.just("7")},
    optional={
        **dict.fromkeys(("DisplayName", "GivenName", "FamilyName", "CompanyName", "Notes"), _TEXTS),
        **dict.fromkeys(("PrimaryEmailAddr", "PrimaryPhone", "Mobile", "CurrencyRef"), _WITHIN),
        "BillAddr": st.none() | st.dictionaries(st.sampled_from(_LINES), _TEXTS),
        "Active": st.none() | st.booleans(),
    },
)


@given(CUSTOMERS)
def test_fields_survive_being_kept_and_make_the_same_event(customer: dict[str, Any]) -> None:
    shown = known_fields(customer)
    text = json.dumps(shown, ensure_ascii=False)
    assert json.loads(text.encode()) == shown
    assert "\\u0000" not in text
    said = customer_of(customer, None)
    assert customer_from("7", json.loads(text), None) == said
    about = QbEnvelope(
        event_id="e", event_type="qb.customer.changed", tenant_id="t", realm_id="r", entity_id="7",
        entity_version=NOW, occurred_at=NOW, cause=Cause.CHANGED,
    )  # fmt: skip
    event = CustomerChanged(envelope=about, change=CustomerChange.UPDATED, customer=said)
    assert CODEC.decode("qb.customer.changed", CODEC.encode(event)) == event


@given(CUSTOMERS, CUSTOMERS)
def test_what_no_event_carries_makes_no_difference(customer: dict[str, Any], other: dict[str, Any]) -> None:
    blind = {**customer, "Notes": other.get("Notes"), "Balance": 7, "PrintOnCheckName": "x", "SyncToken": "9"}
    assert known_fields(blind) == known_fields(customer)


@given(CUSTOMERS, CUSTOMERS)
def test_written_fields_are_those_of_the_body_and_no_others(body: dict[str, Any], customer: dict[str, Any]) -> None:
    written = written_fields(body, customer)
    assert written.keys() == fields_of(body)
    assert written.items() <= known_fields(customer).items() or "address" in written
    assert all(known_fields(customer)[name] == value for name, value in written.items())
