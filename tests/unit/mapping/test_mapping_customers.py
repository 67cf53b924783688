from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mapping.to_qbo.customer import (
    choose_customer,
    display_name,
    email_keys,
    new_customer,
    with_suffix,
)
from mapping.to_qbo.customer_changes import customer_changes, sent_fields
from schemas.events.common import Address
from schemas.events.crm import Party
from tests.unit.mapping.build import US, party

ADDRESS = {
    "Line1": "9931 Beechwood",
    "City": "Houston",
    "CountrySubDivisionCode": "TX",
    "PostalCode": "77002",
    "Country": "US",
}
WHOLE: dict[str, Any] = {
    "DisplayName": "Alex Reed",
    "GivenName": "Alex",
    "FamilyName": "Reed",
    "CompanyName": "Reed Dental",
    "PrimaryEmailAddr": {"Address": "Alex@Example.com"},
    "PrimaryPhone": {"FreeFormNumber": "+12145596993"},
    "BillAddr": ADDRESS,
}


def customer(identifier: str = "1", **fields: Any) -> dict[str, Any]:
    return {"Id": identifier, "SyncToken": "0", "Active": True, **WHOLE, **fields}


def created(day: int) -> dict[str, str]:
    return {"CreateTime": f"2025-01-{day:02}T10:00:00-08:00"}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (None, ()),
        ("", ()),
        ("  Alex@Example.COM ", ("alex@example.com",)),
        ("a@x.com, B@y.com,a@X.com", ("a@x.com", "b@y.com")),
        ("straße@x.de", ("strasse@x.de",)),
        ("no address", ()),
    ],
)
def test_email_keys_are_trimmed_folded_and_split(text: str | None, keys: tuple[str, ...]) -> None:
    assert email_keys(text) == keys


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Alex Reed"),
        ({"display_name": "Reed: Alex\t\n"}, "Reed Alex"),
        ({"display_name": " \u0000:"}, "Alex Reed"),
        ({"display_name": "Zoë 😀"}, "Zoë"),
        ({"display_name": None, "first_name": None}, "Reed"),
        ({"display_name": None, "first_name": None, "last_name": None}, "Reed Dental"),
    ],
)
def test_display_name_is_what_quickbooks_accepts(changes: dict[str, Any], name: str) -> None:
    assert display_name(party(**changes)) == name


def test_display_name_of_a_bare_contact_is_never_empty() -> None:
    assert display_name(Party(contact_id="ct_1")) == "Contact ct_1"


def test_new_customer_says_what_the_crm_knows() -> None:
    assert new_customer(party(), company=US) == WHOLE


def test_new_customer_names_its_currency_only_where_there_are_several() -> None:
    assert new_customer(party(), company=replace(US, multi_currency=True))["CurrencyRef"] == {"value": "USD"}


def test_new_customer_keeps_the_original_name_in_notes() -> None:
    body = new_customer(party(display_name="Reed: Alex"), company=US)
    assert (body["DisplayName"], "Reed: Alex" in body["Notes"]) == ("Reed Alex", True)


@pytest.mark.parametrize(
    ("email", "sent"),
    [
        ("a@x.com, b@y.com", {"Address": "a@x.com"}),
        ("alex@localhost", None),
        ("alex reed@x.com", None),
        (f"{'a' * 95}@x.com", None),
        (None, None),
    ],
)
def test_new_customer_sends_only_an_address_that_quickbooks_takes(email: str | None, sent: object) -> None:
    assert new_customer(party(email=email), company=US).get("PrimaryEmailAddr") == sent


def test_new_customer_of_endless_fields_keeps_to_every_length() -> None:
    endless = "é" * 5000
    address = Address(line1=endless, city=endless, postal_code=endless, country_code=endless)
    body = new_customer(
        party(display_name=endless, first_name=endless, phone="1" * 99, company_name=endless, address=address),
        company=US,
    )
    assert len(body["DisplayName"]) <= 100
    assert len(body["GivenName"]) <= 100
    assert len(body["CompanyName"]) <= 100
    assert len(body["PrimaryPhone"]["FreeFormNumber"]) <= 30
    assert len(body["Notes"]) <= 2000
    assert all(len(part) <= 500 for part in body["BillAddr"].values())


def test_suffix_is_of_the_contact_and_differs_by_attempt() -> None:
    names = [with_suffix(WHOLE, "ct_alex", attempt)["DisplayName"] for attempt in (1, 2, 3)]
    assert names == [with_suffix(WHOLE, "ct_alex", attempt)["DisplayName"] for attempt in (1, 2, 3)]
    assert len({*names, with_suffix(WHOLE, "ct_other", 1)["DisplayName"]}) == 4
    assert all(name.startswith("Alex Reed (") for name in names)
    long = with_suffix({"DisplayName": "x" * 100}, "ct:alex", 1)["DisplayName"]
    assert (len(long) <= 100, ":" in long) == (True, False)


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([customer("1", Active=False), customer("2")], "2"),
        ([customer("1", ParentRef={"value": "9"}, Job=True), customer("2")], "2"),
        ([customer("1", DisplayName="Other"), customer("2")], "2"),
        ([customer("1", MetaData=created(9)), customer("2", MetaData=created(8))], "2"),
        ([customer("10", MetaData=created(8)), customer("9", MetaData=created(8))], "9"),
        ([customer("1", Active=False, DisplayName="Alex Reed (deleted)")], "1"),
        ([customer("1", PrimaryEmailAddr={"Address": "boss@x.com, ALEX@example.com"})], "1"),
        ([customer("1", PrimaryEmailAddr={"Address": "other@x.com"})], None),
        ([], None),
    ],
)
def test_customer_is_chosen_by_email_in_the_order_of_the_books(
    candidates: list[Mapping[str, Any]], chosen: str | None
) -> None:
    choice = choose_customer(candidates, party())
    assert (choice.customer["Id"] if choice else None) == chosen


@pytest.mark.parametrize(("name", "found"), [("Alex Reed", True), ("alex  reed", True), ("Alex", False)])
def test_contact_without_email_is_found_by_its_exact_name(name: str, found: bool) -> None:
    assert (choose_customer([customer(DisplayName=name)], party(email=None)) is not None) is found


def test_customer_that_says_the_same_otherwise_is_left_alone() -> None:
    current = customer(
        GivenName="ALEX ",
        PrimaryPhone={"FreeFormNumber": "(214) 559-6993"},
        PrimaryEmailAddr={"Address": "boss@x.com,alex@example.com"},
        BillAddr={**ADDRESS, "Id": "4", "Country": "USA", "Line2": "Suite 5"},
    )
    assert customer_changes(party(), current=current, last_sent=None, made_by_us=False) is None


def test_customer_found_gets_what_the_crm_knows_but_no_name_or_notes() -> None:
    current = customer(DisplayName="Reed A.", GivenName="A.", PrimaryPhone=None)
    changes = customer_changes(party(), current=current, last_sent=None, made_by_us=False)
    assert changes == {"GivenName": "Alex", "PrimaryPhone": WHOLE["PrimaryPhone"]}


def test_field_that_the_crm_does_not_know_is_never_blanked() -> None:
    bare = Party(contact_id="ct_alex", email="alex@example.com", display_name="Alex Reed")
    assert customer_changes(bare, current=customer(), last_sent=sent_fields(WHOLE), made_by_us=True) is None


def test_field_that_a_bookkeeper_changed_stays() -> None:
    current = customer(PrimaryPhone={"FreeFormNumber": "555 0100 200"}, CompanyName="Reed & Sons")
    wanted = party(phone="+12145590000", last_name="Read")
    changes = customer_changes(wanted, current=current, last_sent=sent_fields(WHOLE), made_by_us=True)
    assert changes == {"FamilyName": "Read"}


def test_field_that_a_bookkeeper_filled_first_stays_on_a_customer_of_ours() -> None:
    sent = {name: value for name, value in WHOLE.items() if name != "PrimaryPhone"}
    current = customer(PrimaryPhone={"FreeFormNumber": "555 0100 200"})
    assert customer_changes(party(), current=current, last_sent=sent_fields(sent), made_by_us=True) is None


def test_list_of_addresses_is_never_shrunk() -> None:
    current = customer(PrimaryEmailAddr={"Address": "boss@x.com, desk@x.com"})
    assert customer_changes(party(), current=current, last_sent=None, made_by_us=False) is None


def test_address_keeps_the_part_that_the_crm_does_not_know() -> None:
    current = customer(BillAddr={**ADDRESS, "Line2": "Suite 5", "City": "Dallas", "Lat": "INVALID"})
    changes = customer_changes(party(), current=current, last_sent=None, made_by_us=False)
    assert changes == {"BillAddr": {**ADDRESS, "Line2": "Suite 5"}}


def test_another_street_does_not_keep_the_old_suite() -> None:
    current = customer(BillAddr={**ADDRESS, "Line1": "1 Main St", "Line2": "Suite 5"})
    changes = customer_changes(party(), current=current, last_sent=None, made_by_us=False)
    assert changes == {"BillAddr": ADDRESS}


@pytest.mark.parametrize(
    ("now", "renamed"),
    [("Alex Reed", None), ("alex reed", None), ("Alex", "Alex"), ("Alexa Reed", "Alexa Reed")],
)
def test_customer_of_ours_is_renamed_with_the_contact(now: str, renamed: str | None) -> None:
    changes = customer_changes(
        party(display_name=now), current=customer(), last_sent=sent_fields(WHOLE), made_by_us=True
    )
    assert (changes or {}).get("DisplayName") == renamed


def test_suffix_of_a_taken_name_is_kept() -> None:
    named = with_suffix(WHOLE, "ct_alex", 2)
    current = customer(DisplayName=named["DisplayName"])
    assert customer_changes(party(), current=current, last_sent=sent_fields(named), made_by_us=True) is None


def test_name_that_a_bookkeeper_gave_stays() -> None:
    current = customer(DisplayName="Reed, Dr. Alex")
    renamed = party(display_name="Alexa Reed")
    assert customer_changes(renamed, current=current, last_sent=sent_fields(WHOLE), made_by_us=True) is None


def test_sent_fields_leave_quickbooks_bookkeeping_out() -> None:
    assert sent_fields({"Id": "1", "SyncToken": "0", "sparse": True, "Active": True, **WHOLE}) == WHOLE
