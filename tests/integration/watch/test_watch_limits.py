"""What change data capture cannot do: more than a thousand rows, more than a month back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from producers.watched import WatchPolicy
from qbo_client.changes import Changes
from tests.integration.store.effects import groups_of
from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.paying import begun, hold, link_contact, paid_ids
from tests.integration.watch.writing import OwnHand, phone

TOO_MANY = 1005


async def told(company: WatchedCompany) -> list[tuple[str, str]]:
    return changed(await company.customers_told())


def fill(company: WatchedCompany, number: int = TOO_MANY) -> list[str]:
    return [company.customer(f"Zoe {one:04}")["Id"] for one in range(number)]


# More than one answer can hold.


async def test_more_new_customers_than_an_answer_holds_are_told_once_each(company: WatchedCompany) -> None:
    await begun(company)
    fill(company)
    for _ in range(2):
        await company.poll()
    assert sorted(await told(company)) == [("CREATED", f"Zoe {one:04}") for one in range(TOO_MANY)]


async def test_more_changes_than_an_answer_holds_between_customers_and_invoices(company: WatchedCompany) -> None:
    customers = fill(company, 600)
    await begun(company)
    for one in customers:
        company.invoice(one)  # Its balance moves, which changes the customer for change data capture.
    company.edits("Customer", customers[0], CompanyName="Zoe Ltd")
    invoice = company.invoice(customers[1])
    company.pays(invoice)
    await company.poll()
    assert await told(company) == [("UPDATED", "Zoe 0000")]
    assert await paid_ids(company) == [invoice["Id"]]


async def test_merge_that_more_changes_than_an_answer_holds_cut_off_is_told(company: WatchedCompany) -> None:
    """Deletions come after everything else."""
    amy, eve, zoe = (company.customer(name)["Id"] for name in ("Amy", "Eve", "Reed"))
    company.invoice(amy)
    await begun(company)
    fill(company)
    company.merges(keep=zoe, lose=amy)
    company.merges(keep=zoe, lose=eve)
    shown = await company.client.changes(["Customer"], (await company.state()).since)
    assert shown.truncated
    assert not shown.deleted, "that is what this is about"
    for _ in range(2):
        await company.poll()
    rows = [event for event in await company.customers_told() if event.change.value != "CREATED"]
    assert changed(rows) == [("MERGED", "Amy"), ("DELETED", "Eve")]
    assert len(await told(company)) == TOO_MANY + 2


async def test_company_that_changes_little_is_never_read_as_a_whole(company: WatchedCompany) -> None:
    fill(company, 300)
    await begun(company)
    company.reads()
    company.customer("Amy")
    await company.poll()
    assert company.reads() == [("cdc", "")]


# After a silence of months.


async def test_company_that_was_silent_for_months_tells_all_that_changed(company: WatchedCompany) -> None:
    time = hold(company)
    time.moment -= timedelta(days=100)
    amy, eve, zoe, old = (company.customer(name)["Id"] for name in ("Amy", "Eve", "Zoe", "Old"))
    company.invoice(eve)
    await begun(company)
    await link_contact(company, "ct_1", eve)
    time.forward(days=10)
    company.edits("Customer", amy, CompanyName="Amy Ltd")
    company.edits("Customer", old, Active=False)
    company.merges(keep=zoe, lose=eve)
    company.customer("New")
    invoice = company.invoice(amy)
    company.pays(invoice)
    time.forward(days=90)
    company.reads()
    await company.poll()
    first = company.reads()
    assert sorted(await told(company)) == [
        ("CREATED", "New"),
        ("DEACTIVATED", "Old"),
        ("MERGED", "Eve"),
        ("UPDATED", "Amy"),
    ]
    assert await paid_ids(company) == [invoice["Id"]]
    links = await company.books.column("SELECT qbo_id FROM link WHERE crm_kind = 'contact'")
    assert links == [zoe]
    assert len(first) <= 8
    # One each while the cursors differ.
    for reads in (2, 1):
        await company.poll()
        assert (len(await told(company)), company.reads()) == (4, [("cdc", "")] * reads)
        time.forward(minutes=5)
        await company.poll()
        company.reads()


async def test_silent_company_whose_history_was_not_read_yet(company: WatchedCompany) -> None:
    time = hold(company)
    time.moment -= timedelta(days=100)
    amy = company.customer("Amy")["Id"]
    await company.begin()
    await company.step()
    await company.forget_told()
    time.forward(days=100)
    company.edits("Customer", amy, CompanyName="Amy Ltd")
    await company.settle()
    await company.poll()
    assert await told(company) == [("UPDATED", "Amy")]


@pytest.mark.parametrize("age", [24, 26])
async def test_deletion_is_found_on_either_side_of_what_change_data_capture_reaches(
    company: WatchedCompany, age: int
) -> None:
    time = hold(company)
    time.moment -= timedelta(days=age)
    eve, zoe = company.customer("Eve")["Id"], company.customer("Zoe")["Id"]
    await begun(company)
    time.forward(days=1)
    company.merges(keep=zoe, lose=eve)
    time.forward(days=age - 1)
    await company.poll()
    assert await told(company) == [("DELETED", "Eve")]


async def test_customer_the_bridge_makes_while_all_are_compared_is_not_taken_for_deleted(
    company: WatchedCompany,
) -> None:
    time = hold(company)
    time.moment -= timedelta(days=30)
    fill(company, 5)
    await begun(company)
    time.forward(days=30)
    query_all = type(company.client).query_all
    async with groups_of(company.pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        await hand.hears("ct_1")

        async def slowly(entity: str, *values: Any) -> Any:
            rows = await query_all(company.client, entity, *values)
            if entity == "Customer" and "ct_1" not in hand._made:
                await hand.writes("ct_1", DisplayName="Amy")
            return rows

        vars(company.client)["query_all"] = slowly
        await company.poll()
        del vars(company.client)["query_all"]
        for _ in range(2):
            await company.poll()
    assert await told(company) == []


async def test_customer_that_a_page_missed_while_all_are_compared_is_not_taken_for_deleted(
    company: WatchedCompany,
) -> None:
    """Pages are no snapshot."""
    time = hold(company)
    time.moment -= timedelta(days=30)
    fill(company, 5)
    await begun(company)
    time.forward(days=30)
    query_all = type(company.client).query_all

    async def with_a_gap(entity: str, *values: Any) -> Any:
        rows = await query_all(company.client, entity, *values)
        whole = entity == "Customer" and "Id IN" not in " ".join(values)
        return rows[1:] if whole else rows

    vars(company.client)["query_all"] = with_a_gap
    await company.poll()
    del vars(company.client)["query_all"]
    await company.poll()
    assert await told(company) == []


# What else may come.


async def test_stub_of_a_deletion_beside_the_living_row_counts(company: WatchedCompany) -> None:
    """Deleted rows come after the living ones; one object may be among both when an answer was put together."""
    amy, zoe = company.customer("Amy")["Id"], company.customer("Zoe")["Id"]
    await begun(company)
    company.edits("Customer", amy, PrimaryPhone=phone("1"))
    living = await company.client.changes(["Customer"], (await company.state()).since)
    company.merges(keep=zoe, lose=amy)
    changes = type(company.client).changes

    async def both(*values: Any) -> Changes:
        answer = await changes(company.client, *values)
        return replace(answer, live={**answer.live, "Customer": living.live["Customer"]})

    vars(company.client)["changes"] = both
    await company.poll()
    del vars(company.client)["changes"]
    for _ in range(2):
        await company.poll()
    assert await told(company) == [("DELETED", "Amy")]


async def test_failed_read_moves_nothing(company: WatchedCompany) -> None:
    await begun(company)
    before = await company.state()
    company.customer("Amy")

    async def away(*_: Any) -> Changes:
        raise ConnectionError("QuickBooks is away")

    vars(company.client)["changes"] = away
    with pytest.raises(ConnectionError):
        await company.poll()
    del vars(company.client)["changes"]
    assert (await company.state()).customers_since == before.customers_since
    await company.poll()
    assert await told(company) == [("CREATED", "Amy")]


async def test_policy_s_own_page_and_overlap_are_honoured(company: WatchedCompany) -> None:
    company = replace(company, policy=WatchPolicy(overlap=timedelta(minutes=30)))
    time = hold(company)
    await begun(company)
    time.forward(hours=1)
    await company.poll()
    assert (await company.state()).customers_since == time.moment - timedelta(minutes=30)
