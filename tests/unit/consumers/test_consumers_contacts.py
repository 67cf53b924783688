"""Contacts as customers: merged in the CRM, in other currencies, known from QuickBooks, made on activity or money."""

from dataclasses import replace
from typing import Any

import pytest

from consumers.outcomes import Attention, Done, Result, Skipped
from mapping.settings import CreateCustomers, Settings
from schemas.events.crm import Origin
from tests.unit.consumers.build import bill_to, contact_event, invoice_event, paid, paid_event
from tests.unit.consumers.emulated import Emulated

CREATED, UPDATED, UNCHANGED, SUPERSEDED = (Done(result) for result in Result)
MERGED = contact_event("ct_2", 3, merged_from_contact_id="ct_1")


def sale_of(contact: str, number: int, minute: int = 5, **fields: Any) -> Any:
    event = paid_event(paid(f"tx_{number}", "10.00", minute), minute, invoice_id=None)
    return replace(event, contact=bill_to(contact, **fields))


def customers(books: Emulated) -> list[str]:
    return [one["DisplayName"] for one in books.objects("Customer")]


def payers(books: Emulated) -> list[str]:
    return [one["CustomerRef"]["value"] for one in books.objects("SalesReceipt")]


def test_documents_of_a_merged_contact_go_to_the_survivors_customer() -> None:
    books = Emulated()
    books.hear(contact_event("ct_1", 1), contact_event("ct_2", 2))
    books.hear(sale_of("ct_1", 1, 2))
    books.hear(MERGED)
    books.hear(sale_of("ct_1", 2))
    assert payers(books) == ["1", "2"]
    assert len(customers(books)) == 2


def test_survivor_without_a_customer_takes_over_the_others() -> None:
    books = Emulated()
    books.hear(contact_event("ct_1", 1))
    assert books.hear(MERGED) == [UPDATED]
    books.hear(sale_of("ct_1", 1), sale_of("ct_2", 2))
    assert (customers(books), payers(books)) == (["ct_2"], ["1", "1"])


def test_merged_contact_told_of_late_is_skipped() -> None:
    books = Emulated()
    books.hear(MERGED)
    (outcome,) = books.hear(contact_event("ct_1", 1))
    assert isinstance(outcome, Skipped)
    assert (outcome.cause, customers(books)) == ("merged_in_crm", ["Contact ct_2"])


def test_contact_merged_twice_leads_to_the_last_survivor() -> None:
    books = Emulated()
    books.hear(contact_event("ct_1", 1))
    books.hear(MERGED)
    books.hear(contact_event("ct_3", 4, merged_from_contact_id="ct_2"))
    books.hear(sale_of("ct_1", 1), sale_of("ct_3", 2))
    assert payers(books) == ["1", "1"]


def test_contact_merged_back_is_the_one_that_lives() -> None:
    books = Emulated()
    books.hear(contact_event("ct_1", 1), contact_event("ct_2", 2))
    books.hear(MERGED)
    books.hear(contact_event("ct_1", 4, merged_from_contact_id="ct_2"))
    books.hear(sale_of("ct_1", 1), sale_of("ct_2", 2))
    assert payers(books) == ["1", "1"]


def test_contact_merged_into_itself_is_an_ordinary_contact() -> None:
    books = Emulated()
    assert books.hear(contact_event("ct_1", 1, merged_from_contact_id="ct_1")) == [CREATED]


def test_invoice_in_another_currency_gets_a_customer_of_its_own() -> None:
    books = Emulated(preferences={"CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    books.hear(contact_event("ct_1", display_name="Anna Berg"))
    euros = invoice_event(1, bill_to=bill_to(display_name="Anna Berg"))
    euros = replace(euros, invoice=replace(euros.invoice, totals=replace(euros.invoice.totals, currency="EUR")))
    assert books.hear(euros) == [CREATED]
    assert customers(books) == ["Anna Berg", "Anna Berg (EUR)"]
    assert books.one("Invoice")["CurrencyRef"]["value"] == "EUR"
    books.hear(sale_of("ct_1", 1, display_name="Anna Berg"))
    assert payers(books) == ["1"]


def test_invoice_in_another_currency_without_multi_currency_needs_a_person() -> None:
    books = Emulated()
    euros = invoice_event(1)
    euros = replace(euros, invoice=replace(euros.invoice, totals=replace(euros.invoice.totals, currency="EUR")))
    (outcome,) = books.hear(euros)
    assert isinstance(outcome, Attention)
    assert (outcome.cause, customers(books)) == ("foreign_currency", [])


def imported(event: Any) -> Any:
    return replace(event, envelope=replace(event.envelope, origin=Origin.QUICKBOOKS_IMPORT))


def test_contact_from_quickbooks_is_linked_without_a_write_and_a_later_edit_syncs() -> None:
    books = Emulated()
    books.person_enters("Customer", DisplayName="Anna", PrimaryEmailAddr={"Address": "ct_1@example.com"})
    (outcome,) = books.hear(imported(contact_event("ct_1", 1)))
    assert isinstance(outcome, Skipped)
    assert (outcome.cause, books.written()) == ("imported_from_quickbooks", [])
    assert books.hear(contact_event("ct_1", 2, phone="+12145550000")) == [UPDATED]
    assert books.one("Customer")["PrimaryPhone"]["FreeFormNumber"] == "+12145550000"


@pytest.mark.parametrize("setting", CreateCustomers)
def test_customers_are_made_on_activity_or_for_money_alone(setting: CreateCustomers) -> None:
    books = Emulated(settings=Settings(create_customers=setting))
    (outcome,) = books.hear(contact_event("ct_1", 1))
    made = setting is CreateCustomers.ACTIVITY
    assert (outcome == CREATED, len(customers(books))) == (made, int(made))
    books.hear(sale_of("ct_1", 1))
    assert len(customers(books)) == 1


def test_id_of_quickbooks_that_nobody_told_does_not_outrank_the_email() -> None:
    books = Emulated()
    for name in ("First", "Second"):
        books.person_enters("Customer", DisplayName=name, PrimaryEmailAddr={"Address": "ct_1@example.com"})
    books.hear(sale_of("ct_1", 1, quickbooks_customer_id="2"))
    assert payers(books) == ["1"]
