"""What looks like a merge and is none, and merges that show late or not for good."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qbo_client.changes import Changes
from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.merging import copied, inactive, links, merges, silent, stub, two
from tests.integration.watch.paying import begun, hold, link_contact


async def test_one_invoice_given_to_another_customer_is_no_merge(company: WatchedCompany) -> None:
    amy, zoe = await two(company)
    (invoice, _) = await company.books.column("SELECT qbo_id FROM known_invoice ORDER BY qbo_id")
    company.edits("Invoice", invoice, CustomerRef={"value": zoe})
    for _ in range(2):
        await company.poll()
    assert await merges(company) == []
    assert await copied(company) == [amy, zoe]


async def test_merge_leads_to_where_most_documents_went(company: WatchedCompany) -> None:
    """A person had given one of them to somebody else before."""
    lose, keep = await two(company)
    other = company.customer("Eve")["Id"]
    last = company.invoice(lose)
    await company.poll()
    await company.forget_told()
    company.edits("Invoice", last["Id"], CustomerRef={"value": other})
    silent(company, keep, lose)
    await company.poll()
    assert await merges(company) == [("MERGED", lose, keep)]


async def test_customer_that_goes_inactive_while_one_of_its_invoices_moves_is_no_merge(
    company: WatchedCompany,
) -> None:
    amy, zoe = await two(company)
    first, second = await company.books.column("SELECT qbo_id FROM known_invoice ORDER BY qbo_id")
    company.voids("Invoice", second)
    await company.poll()
    time = hold(company)
    time.forward(hours=1)
    await company.poll()
    company.edits("Invoice", first, CustomerRef={"value": zoe})
    company.edits("Customer", amy, Active=False)
    for _ in range(2):
        await company.poll()
    assert await merges(company) == [("DEACTIVATED", amy, None)]


async def test_invoice_taken_from_a_customer_that_was_inactive_before_is_no_merge(company: WatchedCompany) -> None:
    amy, zoe = company.customer("Amy"), company.customer("Zoe")
    invoice = company.invoice(amy["Id"])
    company.pays(invoice)
    company.edits("Customer", amy["Id"], Active=False)
    await begun(company)
    await link_contact(company, "ct_1", amy["Id"])
    row: Mapping[str, Any] = company.emulated.table("Invoice").get(invoice["Id"]).body
    company.edits("Customer", amy["Id"], Notes="gone")
    moved = {**row, "CustomerRef": {"value": zoe["Id"]}, "SyncToken": "9"}
    stamp = {**row["MetaData"], "LastUpdatedTime": company.world.clock.stamp()}
    company.emulated.table("Invoice").put({**moved, "MetaData": stamp})
    for _ in range(2):
        await company.poll()
    assert await merges(company) == []
    assert await links(company) == {"ct_1": (amy["Id"], "found")}


async def test_loser_that_change_data_capture_still_shows_as_living_does_not_come_back(
    company: WatchedCompany,
) -> None:
    """It may lag behind the webhook."""
    lose, keep = await two(company)
    time = hold(company)
    company.edits("Customer", lose, CompanyName="Amy Ltd")
    stale = await company.client.changes(["Customer"], (await company.state()).since)
    time.forward(seconds=10)
    stub(company, keep, lose)
    await company.webhook("Customer", keep, "merged", deleted_id=lose)

    async def lagging(*_: Any) -> Changes:
        return replace(stale, taken_at=time.moment)

    vars(company.client)["changes"] = lagging
    for _ in range(2):
        await company.poll()
    del vars(company.client)["changes"]
    await company.poll()
    assert await merges(company) == [("MERGED", lose, keep)]


async def test_loser_that_somebody_makes_active_again_is_told_as_created(company: WatchedCompany) -> None:
    lose, keep = await two(company)
    time = hold(company)
    inactive(company, keep, lose)
    await company.poll()
    time.forward(minutes=1)
    company.edits("Customer", lose, Active=True)
    for _ in range(2):
        await company.poll()
    assert await merges(company) == [("MERGED", lose, keep), ("CREATED", lose, None)]


async def test_merge_before_the_history_was_read_is_found_by_the_documents_afterwards(
    company: WatchedCompany,
) -> None:
    lose, keep = company.customer("Amy"), company.customer("Zoe")
    company.invoice(lose["Id"])
    await company.begin()
    for _ in range(3):
        await company.step()
    inactive(company, keep["Id"], lose["Id"])
    await company.settle()
    for _ in range(2):
        await company.poll()
    told = await merges(company)
    assert told[-1] == ("MERGED", lose["Id"], keep["Id"])
    assert changed(await company.customers_told()).count(("MERGED", "Amy")) == 1


async def test_merge_costs_few_reads(company: WatchedCompany) -> None:
    lose, keep = await two(company)
    company.reads()
    silent(company, keep, lose)
    await company.poll()
    first = company.reads()
    await company.poll()
    assert len(first) <= 2
    assert len(company.reads()) == 1
