"""Of customers only real changes are told: what an event carries, when it stands otherwise than the CRM knows."""

from typing import Any

import pytest

from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.paying import begun, hold, link_contact
from tests.integration.watch.writing import phone

ADDRESS = {"Line1": "1 High Street", "City": "London", "Country": "UK", "PostalCode": "N1"}
WHOLE = {
    "DisplayName": "Amy",
    "GivenName": "Amy",
    "FamilyName": "Berg",
    "CompanyName": "Amy Ltd",
    "PrimaryEmailAddr": {"Address": "amy@example.com"},
    "PrimaryPhone": phone("555 0100"),
    "Mobile": phone("555 0200"),
    "BillAddr": ADDRESS,
}


@pytest.fixture
async def amy(company: WatchedCompany) -> str:
    """The id of a customer that the CRM knows, in a company that is quiet."""
    made = company.enters("Customer", **WHOLE)
    await company.begin()
    await company.settle()
    await company.forget_told()
    return str(made["Id"])


NO_CHANGES: dict[str, dict[str, Any]] = {
    "notes": {"Notes": "likes tea"},
    "print name": {"PrintOnCheckName": "Amy B."},
    "delivery": {"PreferredDeliveryMethod": "Email"},
    "web": {"WebAddr": {"URI": "https://example.com"}},
    "further phones": {"AlternatePhone": phone("555 0300"), "Fax": phone("555 0400")},
    "delivery address": {"ShipAddr": ADDRESS},
    "title": {"Title": "Dr", "Suffix": "Jr", "MiddleName": "Q"},
    "tax number": {"ResaleNum": "17"},
    "the same again": {"PrimaryPhone": phone("555 0100")},
    "the same country in other words": {"BillAddr": {**ADDRESS, "Country": "United Kingdom"}},
}


@pytest.mark.parametrize("edit", NO_CHANGES.values(), ids=NO_CHANGES.keys())
async def test_what_no_event_carries_is_no_change(company: WatchedCompany, amy: str, edit: dict[str, Any]) -> None:
    company.edits("Customer", amy, **edit)
    for _ in range(2):
        await company.poll()
    assert await company.customers_told() == []


async def test_moved_balance_is_no_change_even_where_it_updates_the_customer(company: WatchedCompany, amy: str) -> None:
    invoice = company.invoice(amy)
    await company.poll()
    company.pays(invoice)
    company.credits(company.invoice(amy, "50.00"), "20.00")
    for _ in range(2):
        await company.poll()
    assert await company.customers_told() == []


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "phone": ({"PrimaryPhone": phone("555 0999")}, {"phone": "555 0999"}),
    "mobile": ({"Mobile": phone("555 0999")}, {"mobile": "555 0999"}),
    "no phone": ({"PrimaryPhone": None}, {"phone": None}),
    "e-mail": ({"PrimaryEmailAddr": {"Address": "a@example.org"}}, {"email": "a@example.org"}),
    "no e-mail": ({"PrimaryEmailAddr": None}, {"email": None}),
    "given name": ({"GivenName": "Amelia"}, {"given_name": "Amelia"}),
    "family name": ({"FamilyName": None}, {"family_name": None}),
    "company": ({"CompanyName": "Amy & Co"}, {"company_name": "Amy & Co"}),
    "display name": ({"DisplayName": "Amy Berg"}, {"display_name": "Amy Berg"}),
    "several": ({"GivenName": "Eve", "Mobile": None}, {"given_name": "Eve", "mobile": None}),
}


@pytest.mark.parametrize(("edit", "shown"), CHANGES.values(), ids=CHANGES.keys())
async def test_what_an_event_carries_is_told_once_however_many_polls_see_it(
    company: WatchedCompany, amy: str, edit: dict[str, Any], shown: dict[str, Any]
) -> None:
    company.edits("Customer", amy, **edit)
    for _ in range(4):
        await company.poll()
    (event,) = await company.customers_told()
    assert (event.change.value, event.customer.customer_id) == ("UPDATED", amy)
    assert {name: getattr(event.customer, name) for name in shown} == shown


async def test_other_street_is_told_with_the_whole_address(company: WatchedCompany, amy: str) -> None:
    company.edits("Customer", amy, BillAddr={**ADDRESS, "Line1": "2 High Street", "Line2": "Flat 3", "Line4": "Rear"})
    await company.poll()
    (event,) = await company.customers_told()
    address = event.customer.address
    assert address is not None
    assert (address.line1, address.line2, address.city) == ("2 High Street", "Flat 3, Rear", "London")
    assert (address.postal_code, address.country_code) == ("N1", "GB")


async def test_address_that_was_taken_away_is_told(company: WatchedCompany, amy: str) -> None:
    company.edits("Customer", amy, BillAddr=None)
    await company.poll()
    (event,) = await company.customers_told()
    assert event.customer.address is None


async def test_change_that_was_taken_back_between_polls_is_none(company: WatchedCompany, amy: str) -> None:
    company.edits("Customer", amy, CompanyName="Eve Ltd")
    company.edits("Customer", amy, CompanyName="Amy Ltd")
    await company.poll()
    assert await company.customers_told() == []


async def test_change_that_is_taken_back_after_a_poll_is_told_both_times(company: WatchedCompany, amy: str) -> None:
    for name in ("Eve Ltd", "Amy Ltd", "Eve Ltd"):
        company.edits("Customer", amy, CompanyName=name)
        await company.poll()
    told = await company.customers_told()
    assert [event.customer.company_name for event in told] == ["Eve Ltd", "Amy Ltd", "Eve Ltd"]
    assert len({event.envelope.event_id for event in told}) == 3


async def test_several_changes_between_polls_are_told_once_as_they_ended(company: WatchedCompany, amy: str) -> None:
    for number in range(3):
        company.edits("Customer", amy, CompanyName=f"Amy {number}", Mobile=phone(str(number)))
    await company.poll()
    (event,) = await company.customers_told()
    assert (event.customer.company_name, event.customer.mobile) == ("Amy 2", "2")


async def test_deactivated_and_reactivated(company: WatchedCompany, amy: str) -> None:
    for active in (False, True):
        company.edits("Customer", amy, Active=active)
        for _ in range(2):
            await company.poll()
    told = await company.customers_told()
    assert changed(told) == [("DEACTIVATED", "Amy"), ("REACTIVATED", "Amy")]
    assert [event.customer.active for event in told] == [False, True]


async def test_deactivated_and_reactivated_between_polls_is_nothing(company: WatchedCompany, amy: str) -> None:
    company.edits("Customer", amy, Active=False)
    company.edits("Customer", amy, Active=True)
    await company.poll()
    assert await company.customers_told() == []


async def test_deactivated_and_changed_is_told_once_with_both(company: WatchedCompany, amy: str) -> None:
    company.edits("Customer", amy, CompanyName="Eve Ltd", Active=False)
    for _ in range(2):
        await company.poll()
    (event,) = await company.customers_told()
    assert (event.change.value, event.customer.active, event.customer.company_name) == (
        "DEACTIVATED", False, "Eve Ltd",
    )  # fmt: skip


async def test_created_and_changed_between_polls_is_told_once_as_created(company: WatchedCompany, amy: str) -> None:
    eve = company.customer("Eve")
    company.edits("Customer", eve["Id"], CompanyName="Eve Ltd")
    for _ in range(2):
        await company.poll()
    (event,) = await company.customers_told()
    assert (event.change.value, event.customer.company_name) == ("CREATED", "Eve Ltd")


async def test_created_and_deactivated_between_polls_is_told_once_as_created_and_inactive(
    company: WatchedCompany, amy: str
) -> None:
    eve = company.customer("Eve")
    company.edits("Customer", eve["Id"], Active=False)
    for _ in range(2):
        await company.poll()
    (event,) = await company.customers_told()
    assert (event.change.value, event.customer.display_name, event.customer.active) == ("CREATED", "Eve", False)


async def test_job_and_its_move_under_another_parent(company: WatchedCompany, amy: str) -> None:
    """An event carries no parent: a new one is no change, however much QuickBooks renames for it."""
    job = company.customer("Kitchen", ParentRef={"value": amy}, Job=True)
    await company.poll()
    eve = company.customer("Eve")
    company.edits("Customer", job["Id"], ParentRef={"value": eve["Id"]})
    company.edits("Customer", amy, DisplayName="Amy Berg")
    await company.poll()
    assert changed(await company.customers_told()) == [
        ("CREATED", "Kitchen"),
        ("CREATED", "Eve"),
        ("UPDATED", "Amy Berg"),
    ]


async def test_linked_customer_is_told_with_its_contact(company: WatchedCompany, amy: str) -> None:
    await link_contact(company, "ct_1", amy)
    await link_contact(company, "ct_2", amy)
    company.edits("Customer", amy, CompanyName="Eve Ltd")
    await company.poll()
    (event,) = await company.customers_told()
    assert event.customer.crm_contact_id == "ct_1"


async def test_changes_an_hour_apart_are_all_told(company: WatchedCompany, amy: str) -> None:
    time = hold(company)
    for number in range(5):
        time.forward(hours=1)
        company.edits("Customer", amy, CompanyName=f"Amy {number}")
        await company.poll()
        await company.poll()
    assert [event.customer.company_name for event in await company.customers_told()] == [f"Amy {n}" for n in range(5)]


async def test_change_in_the_second_in_which_the_poll_looked_is_not_lost(company: WatchedCompany, amy: str) -> None:
    hold(company)
    for number in range(3):
        company.edits("Customer", amy, CompanyName=f"Amy {number}")
        await company.poll()
    assert [event.customer.company_name for event in await company.customers_told()] == [f"Amy {n}" for n in range(3)]


async def test_customer_of_a_contact_that_the_crm_merged_is_told_as_the_survivor_s(company: WatchedCompany) -> None:
    await begun(company)
    berg = company.customer("A. Berg")["Id"]
    await link_contact(company, "ct_old", berg, belongs_to="ct_new")
    await link_contact(company, "ct_new", berg)
    company.invoice(berg)
    await company.poll()
    company.edits("Customer", berg, CompanyName="Berg Ltd")
    await company.poll()
    company.merges(keep=company.customer("Berg & Co")["Id"], lose=berg)
    await company.poll()
    told = [(e.change.value, e.customer.crm_contact_id) for e in await company.customers_told()]
    assert told == [("CREATED", "ct_new"), ("UPDATED", "ct_new"), ("CREATED", None), ("MERGED", "ct_new")]
