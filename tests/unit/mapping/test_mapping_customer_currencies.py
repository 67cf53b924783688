"""Customers in other currencies, and who wins on a customer's fields."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.errors import CannotBook
from mapping.to_qbo.customer import (
    choose_customer,
    display_name,
    new_customer,
    with_suffix,
)
from mapping.to_qbo.customer_changes import customer_changes, sent_fields
from schemas.events.crm import Party
from tests.unit.mapping.build import US, party
from tests.unit.mapping.ledger import misused

MANY = replace(US, multi_currency=True)
ANNA = party(display_name="Anna Berg", email="anna@x.com")


def customer(identifier: str, **changes: Any) -> dict[str, Any]:
    known = {"DisplayName": "Anna Berg", "PrimaryEmailAddr": {"Address": "anna@x.com"}, "Active": True}
    return {"Id": identifier, "SyncToken": "0", **known, **changes}


DOLLARS, EUROS = customer("1", CurrencyRef={"value": "USD"}), customer("2", CurrencyRef={"value": "EUR"})


@pytest.mark.parametrize(("currency", "name"), [(None, "Anna Berg"), ("USD", "Anna Berg"), ("EUR", "Anna Berg (EUR)")])
def test_customer_in_another_currency_is_named_after_it(currency: str | None, name: str) -> None:
    body = new_customer(ANNA, company=MANY, currency=currency)
    assert (body["DisplayName"], body["CurrencyRef"]) == (name, {"value": currency or "USD"})
    assert misused("Customer", body) == []


def test_long_name_leaves_room_for_the_currency() -> None:
    long = display_name(party(display_name="A" * 200), "EUR")
    assert (len(long), long.endswith(" (EUR)")) == (100, True)


def test_foreign_customer_needs_multi_currency() -> None:
    with pytest.raises(CannotBook) as refused:
        new_customer(ANNA, company=US, currency="EUR")
    assert refused.value.cause == "foreign_currency"


@pytest.mark.parametrize(
    ("currency", "there", "chosen"),
    [
        ("EUR", [DOLLARS, EUROS], "2"),
        ("USD", [EUROS, DOLLARS], "1"),
        (None, [EUROS, DOLLARS], "1"),
        ("EUR", [DOLLARS], None),
        ("USD", [customer("3")], "3"),
    ],
)
def test_customer_is_chosen_in_the_documents_currency(
    currency: str | None, there: list[Mapping[str, Any]], chosen: str | None
) -> None:
    choice = choose_customer(there, ANNA, company=MANY, currency=currency)
    assert (choice.customer["Id"] if choice else None) == chosen


def test_contact_without_email_is_found_in_another_currency_by_its_name_there() -> None:
    there = [customer("2", DisplayName="anna berg (EUR)", CurrencyRef={"value": "EUR"})]
    assert choose_customer(there, replace(ANNA, email=None), company=MANY, currency="EUR")


def test_foreign_customer_keeps_its_currency_when_it_is_renamed() -> None:
    body = new_customer(ANNA, company=MANY, currency="EUR")
    current = {**body, "Id": "2", "SyncToken": "0"}
    same = customer_changes(ANNA, current=current, last_sent=sent_fields(body), made_by_us=True, foreign="EUR")
    renamed = customer_changes(
        replace(ANNA, display_name="Anna Holm"),
        current=current,
        last_sent=sent_fields(body),
        made_by_us=True,
        foreign="EUR",
    )
    assert same is None
    assert renamed == {"DisplayName": "Anna Holm (EUR)"}


def test_suffix_of_a_clash_survives_in_another_currency() -> None:
    body = with_suffix(new_customer(ANNA, company=MANY, currency="EUR"), "ct_alex", 1)
    current = {**body, "Id": "2", "SyncToken": "0"}
    changes = customer_changes(ANNA, current=current, last_sent=sent_fields(body), made_by_us=True, foreign="EUR")
    assert changes is None


@pytest.mark.parametrize(("wins", "phone", "written"), [(False, "2", False), (True, "2", True), (True, "1", False)])
def test_crm_wins_a_field_that_both_changed_where_it_is_set_and_the_crm_changed_it(
    wins: bool, phone: str, written: bool
) -> None:
    numbers = {"1": "+12145596993", "2": "+12145590000"}
    sent = sent_fields(new_customer(party(), company=US))
    current = {**sent, "Id": "1", "SyncToken": "0", "PrimaryPhone": {"FreeFormNumber": "555 010 0200"}}
    changes = customer_changes(
        party(phone=numbers[phone]), current=current, last_sent=sent, made_by_us=True, crm_wins=wins
    )
    assert changes == ({"PrimaryPhone": {"FreeFormNumber": numbers["2"]}} if written else None)


def test_list_of_addresses_is_never_shrunk_whoever_wins() -> None:
    current = customer("1", PrimaryEmailAddr={"Address": "boss@x.com, desk@x.com"}, GivenName="Alex")
    changes = customer_changes(party(), current=current, last_sent=None, made_by_us=True, crm_wins=True)
    assert "PrimaryEmailAddr" not in (changes or {})


@pytest.mark.parametrize(
    ("known", "name"),
    [
        (Party(contact_id="c", company_name="Reed Dental"), "Reed Dental"),
        (Party(contact_id="c", company_name="Reed Dental", first_name="Alex", last_name="Reed"), "Alex Reed"),
        (Party(contact_id="c", company_name="Reed Dental", display_name="Reed, Alex"), "Reed, Alex"),
    ],
    ids=["a company", "a person of one", "as the CRM shows it"],
)
def test_company_and_person_are_told_apart_by_what_the_crm_knows(known: Party, name: str) -> None:
    body = new_customer(known, company=US)
    assert (body["DisplayName"], body["CompanyName"]) == (name, "Reed Dental")


@given(st.text(max_size=300), st.text(max_size=150), st.text(max_size=60))
def test_any_text_becomes_names_that_quickbooks_takes(name: str, company: str, contact: str) -> None:
    body = new_customer(
        Party(contact_id=contact or "c", display_name=name, company_name=company, first_name=name), company=US
    )
    again = with_suffix(body, contact or "c", 2)
    for shown in (body["DisplayName"], again["DisplayName"]):
        assert 0 < len(shown) <= 100
        assert shown == shown.strip()
        assert not set(":\t\n\r") & set(shown)
    assert all(len(body.get(part, "")) <= 100 for part in ("GivenName", "CompanyName"))
