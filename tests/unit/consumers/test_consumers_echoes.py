"""Customers that the CRM has from QuickBooks and sends back as contacts of its own: nothing is written."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from consumers.outcomes import Attention, Done, Outcome, Result, Skipped
from schemas.events.crm import Party
from schemas.events.quickbooks import Customer
from tests.unit.consumers.build import bill_to, paid, paid_event
from tests.unit.consumers.echoes import Manners, NaiveCrm, poll
from tests.unit.consumers.emulated import Emulated

CREATED, UPDATED, UNCHANGED, SUPERSEDED = (Done(result) for result in Result)
EMAIL: dict[str, Any] = {"PrimaryEmailAddr": {"Address": "anna@example.com"}}
PHONE: dict[str, Any] = {"PrimaryPhone": {"FreeFormNumber": "(214) 559-6993"}}
SILENT, SAYS_ID = Manners(), Manners(says_ids=True)
EVERY = [Manners(says_origin=a, says_ids=b, splits_names=c) for a, b, c in product((False, True), repeat=3)]

ODD: dict[str, dict[str, Any]] = {
    "nothing but a name": {},
    "no e-mail": {"GivenName": "Anna", **PHONE},
    "a number that is no E.164": {**EMAIL, **PHONE},
    "a mobile alone": {**EMAIL, "Mobile": {"FreeFormNumber": "214 559 6993"}},
    "an extension": {**EMAIL, "PrimaryPhone": {"FreeFormNumber": "(214) 559-6993 x12"}},
    "a country in full": {**EMAIL, "BillAddr": {"Line1": "9931 Beechwood", "Country": "United States"}},
    "a country that nobody knows": {**EMAIL, "BillAddr": {"City": "Nowhere", "Country": "Utopia"}},
    "an address of five lines": {**EMAIL, "BillAddr": {f"Line{n}": f"line {n}" for n in range(1, 6)}},
    "more than the bridge would write": {"GivenName": "Anna \U0001f600", "CompanyName": "Berg: Co", "Mobile": None},
}
NAMES = ["Anna Berg", "Berg  GmbH", "Shop \U0001f600", "\U0001f600", "x" * 120, "Ann\u200ba"]


def with_customer(name: str = "Anna Berg", **fields: Any) -> tuple[Emulated, dict[str, Any]]:
    """Fields that are only possible in QuickBooks' own screens are put beside them."""
    books = Emulated(preferences={"CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    return books, enter(books, name, **fields)


def enter(books: Emulated, name: str, *, active: bool = True, emails: str = "", **fields: Any) -> dict[str, Any]:
    held = {key: value for key, value in fields.items() if value}
    made = books.person_enters("Customer", DisplayName=name, **held)
    also = {"PrimaryEmailAddr": {"Address": emails}} if emails else {}
    books.emulated.table("Customer").put({**made, **also, "Active": active})
    return made


def edit(books: Emulated, customer: Any, **fields: Any) -> None:
    """A person's change; None empties a field."""
    (row,) = [one for one in books.objects("Customer") if one["Id"] == customer["Id"]]
    changed = {**row, **fields, "SyncToken": str(int(row["SyncToken"]) + 1)}
    books.emulated.table("Customer").put({key: value for key, value in changed.items() if value is not None})


def calm(books: Emulated, *events: Any) -> list[Outcome]:
    """Hear events that cause no call to QuickBooks, not even a read."""
    outcomes = [outcome for event in events for outcome in books.hear(event)]
    assert books.client.calls == []
    assert not any(isinstance(one, Attention) for one in outcomes)
    return outcomes


@pytest.mark.parametrize("manners", EVERY, ids=str)
@pytest.mark.parametrize("fields", ODD.values(), ids=ODD.keys())
def test_customer_that_is_echoed_is_not_written(fields: dict[str, Any], manners: Manners) -> None:
    books, _ = with_customer(**fields)
    (customer,) = poll(books).values()
    crm = NaiveCrm()
    calm(books, crm.contact(customer, manners), crm.contact(customer, SILENT), crm.contact(customer, SAYS_ID))
    assert len(books.lane.books.links) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("active", [True, False])
def test_customer_without_an_email_is_known_by_whatever_name_it_has(name: str, active: bool) -> None:
    books, _ = with_customer(name, active=active)
    (customer,) = poll(books).values()
    assert calm(books, NaiveCrm().contact(customer, SILENT)) == [UNCHANGED]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("manners", [SILENT, SAYS_ID], ids=str)
@pytest.mark.parametrize(
    "other",
    [
        {**EMAIL, **PHONE, "name": "Berg GmbH"},
        {**EMAIL, **PHONE, "name": "Berg GmbH", "active": False},
        {**EMAIL, **PHONE, "name": "Kitchen", "Job": True, "ParentRef": {"value": "1"}},
        {**PHONE, "name": "Berg GmbH", "emails": "desk@example.com, Anna@example.com"},
        {**EMAIL, **PHONE, "name": "Berg GmbH", "CurrencyRef": {"value": "EUR"}},
    ],
    ids=["another", "one that is inactive", "a job", "a list of addresses", "another currency"],
)
def test_two_customers_with_one_email_are_not_written_onto_each_other(
    other: dict[str, Any], manners: Manners, first: int
) -> None:
    books, _ = with_customer(**EMAIL, GivenName="Anna")
    enter(books, **other)
    told = list(poll(books).values())
    crm = NaiveCrm()
    once = [crm.contact(told[first], manners), crm.contact(told[1 - first], manners)]
    calm(books, *once, *(crm.contact(customer, replace(manners, splits_names=True)) for customer in told))


def test_customer_in_another_currency_needs_no_second_one_before_it_is_billed() -> None:
    books, _ = with_customer(**EMAIL, CurrencyRef={"value": "EUR"})
    (customer,) = poll(books).values()
    crm = NaiveCrm()
    calm(books, crm.contact(customer, SILENT), crm.contact(customer, SAYS_ID))
    edited = crm.contact(replace(customer, phone="+12145590000"), SILENT)
    assert books.hear(edited) == [UPDATED]
    assert books.one("Customer")["PrimaryPhone"]["FreeFormNumber"] == "+12145590000"


def told_and_gone(manners: Manners, *, heard_before: bool) -> tuple[Emulated, NaiveCrm, Customer]:
    """Anna was merged into her company, and what QuickBooks keeps of her is nothing."""
    books, lost = with_customer(**EMAIL, **PHONE)
    kept = enter(books, "Berg GmbH")
    customer, crm = poll(books)[lost["Id"]], NaiveCrm()
    if heard_before:
        calm(books, crm.contact(customer, manners))
    books.person_merges(keep=kept["Id"], lose=lost["Id"])
    return books, crm, replace(customer, active=False)


@pytest.mark.parametrize("manners", [SILENT, SAYS_ID, Manners(says_origin=True)], ids=str)
def test_merged_customer_that_is_echoed_leaves_the_survivor_alone(manners: Manners) -> None:
    books, crm, customer = told_and_gone(manners, heard_before=True)
    poll(books, {customer.customer_id: "2"})
    calm(books, crm.contact(customer, manners), crm.contact(customer, SILENT))


def test_news_of_a_contact_does_not_replace_what_a_person_keeps_of_the_survivor() -> None:
    books, lost = with_customer(**EMAIL)
    kept = enter(books, "Berg GmbH", **PHONE)
    customer, crm = poll(books)[lost["Id"]], NaiveCrm()
    calm(books, crm.contact(customer, SILENT))
    books.person_merges(keep=kept["Id"], lose=lost["Id"])
    poll(books, {lost["Id"]: kept["Id"]})
    calm(books, crm.contact(replace(customer, phone="+12145590000"), SILENT))
    assert books.hear(crm.contact(replace(customer, given_name="Anna"), SILENT)) == [UPDATED]


def test_merged_customer_that_nobody_followed_is_not_made_anew_by_its_echo() -> None:
    books, crm, customer = told_and_gone(SILENT, heard_before=True)
    poll(books)
    (outcome,) = books.hear(crm.contact(customer, SILENT))
    assert isinstance(outcome, Skipped)
    assert (outcome.cause, books.written()) == ("customer_removed", [])


def test_customer_that_is_gone_when_its_id_is_first_echoed_is_not_made_anew() -> None:
    books, crm, customer = told_and_gone(SAYS_ID, heard_before=False)
    poll(books)
    (outcome,) = books.hear(crm.contact(customer, SAYS_ID))
    assert isinstance(outcome, Skipped)
    assert (outcome.cause, books.written()) == ("customer_removed", [])
    sale = paid_event(paid("tx_1", "10.00", 1), 1, invoice_id=None)
    books.hear(replace(sale, contact=bill_to(f"crm-{customer.customer_id}", email="anna@example.com")))
    assert len(books.objects("Customer")) == 2


def test_email_of_the_survivor_does_not_make_the_echo_news_for_it() -> None:
    """Nobody saw where the customer went, and the survivor has its address."""
    books, crm, customer = told_and_gone(SILENT, heard_before=True)
    edit(books, {"Id": "2"}, **EMAIL, PrimaryPhone={"FreeFormNumber": "555 0100 200"})
    poll(books)
    books.hear(crm.contact(customer, SILENT))
    assert books.written() == []


@pytest.mark.parametrize("heard", [SILENT, Manners(says_origin=True)], ids=str)
def test_echo_that_a_shared_address_led_elsewhere_stays_no_news_when_its_customer_is_merged(heard: Manners) -> None:
    books, kept = with_customer(**EMAIL)
    lost = enter(books, "Old Anna", active=False, **EMAIL, **PHONE)
    customer, crm = poll(books)[lost["Id"]], NaiveCrm()
    calm(books, crm.contact(customer, heard))
    edit(books, lost, Active=True)
    books.person_merges(keep=kept["Id"], lose=lost["Id"])
    poll(books)
    calm(books, crm.contact(customer, SILENT))


@pytest.mark.parametrize("manners", [SILENT, SAYS_ID, Manners(says_origin=True)], ids=str)
def test_field_that_a_person_emptied_is_not_filled_by_a_crm_that_keeps_what_it_knew(manners: Manners) -> None:
    books, row = with_customer(**EMAIL, **PHONE)
    (customer,) = poll(books).values()
    crm = NaiveCrm()
    calm(books, crm.contact(customer, manners))
    edit(books, row, PrimaryPhone=None)
    poll(books)
    calm(books, crm.contact(customer, SILENT))
    assert books.hear(crm.contact(replace(customer, phone="+12145590000"), SILENT)) == [UPDATED]


def test_field_that_a_person_emptied_is_not_filled_by_the_next_sale() -> None:
    books, row = with_customer(**EMAIL, **PHONE)
    contact = Party(contact_id="ct_1", email="anna@example.com", phone="+12145596993")
    books.hear(replace(paid_event(paid("tx_1", "10.00", 1), 1, invoice_id=None), contact=contact))
    edit(books, row, PrimaryPhone=None)
    poll(books)
    books.hear(replace(paid_event(paid("tx_2", "10.00", 2), 2, invoice_id=None), contact=contact))
    assert books.written() == [("create", "SalesReceipt")]


def test_edit_in_the_crm_after_an_import_is_written() -> None:
    books, row = with_customer(**EMAIL, **PHONE)
    (customer,) = poll(books).values()
    crm = NaiveCrm()
    calm(books, crm.contact(customer, Manners(says_origin=True)))
    edit(books, row, PrimaryPhone={"FreeFormNumber": "555 0100 200"})
    (customer,) = poll(books).values()
    calm(books, crm.contact(customer, Manners(says_origin=True)))
    assert books.hear(crm.contact(replace(customer, phone="+12145590000"), SILENT)) == [UPDATED]


def test_id_that_the_crm_was_told_outranks_the_email() -> None:
    books, _ = with_customer(**EMAIL)
    second = enter(books, "Second", **PHONE)
    customers = poll(books)
    named = replace(customers[second["Id"]], email="anna@example.com")
    books.hear(NaiveCrm().contact(named, SAYS_ID))
    links = books.lane.books.links.values()
    assert [(link.qbo_id, (link.last_sent or {})["chosen"]) for link in links] == [(second["Id"], "told")]
    sale = replace(
        paid_event(paid("tx_1", "10.00"), invoice_id=None), contact=bill_to("ct_9", quickbooks_customer_id="2")
    )
    books.hear(sale)
    assert books.one("SalesReceipt")["CustomerRef"]["value"] == second["Id"]


def test_link_outranks_the_id_that_the_crm_was_told() -> None:
    books, _ = with_customer(**EMAIL)
    second = enter(books, "Second")
    customers = poll(books)
    crm = NaiveCrm()
    first = customers["1"]
    calm(books, crm.contact(first, SILENT))
    moved = crm.contact(first, SAYS_ID)
    calm(books, replace(moved, contact=replace(moved.contact, quickbooks_customer_id=second["Id"])))
    assert [link.qbo_id for link in books.lane.books.links.values()] == ["1"]


def test_customer_that_the_bridge_made_is_not_written_when_the_crm_makes_a_second_contact_of_it() -> None:
    books = Emulated()
    books.hear(replace(paid_event(paid("tx_1", "10.00"), invoice_id=None), contact=bill_to(email=None)))
    edit(books, books.one("Customer"), PrimaryPhone={"FreeFormNumber": "555 0100 200"})
    (customer,) = poll(books).values()
    crm = NaiveCrm()
    calm(books, crm.contact(customer, SILENT), crm.contact(customer, SAYS_ID))
    own = crm.contact(customer, SILENT)
    calm(books, replace(own, contact=replace(own.contact, contact_id="ct_1")))
