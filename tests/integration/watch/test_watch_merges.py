"""Customers that people merge: told once, with the survivor, however little QuickBooks shows of it."""

import pytest

from tests.integration.store.effects import groups_of
from tests.integration.watch.company import WatchedCompany
from tests.integration.watch.merging import EVERY_WAY, Merge, copied, links, merges, silent, stub, two
from tests.integration.watch.paying import begun, link_contact, paid
from tests.integration.watch.writing import OwnHand, phone


@EVERY_WAY
async def test_merge_is_told_once_without_a_webhook(company: WatchedCompany, merge: Merge) -> None:
    lose, keep = await two(company)
    merge(company, keep, lose)
    for _ in range(4):
        await company.poll()
    assert await merges(company) == [("MERGED", lose, keep)]
    (event,) = await company.customers_told()
    assert (event.customer.display_name, event.customer.email, event.customer.active) == (
        "Amy", "amy@example.com", False,
    )  # fmt: skip
    assert await copied(company) == [keep], "whoever looks for a customer does not find the one that is no more"


@EVERY_WAY
@pytest.mark.parametrize("documents", [True, False])
async def test_merge_is_told_once_with_a_webhook(company: WatchedCompany, merge: Merge, documents: bool) -> None:
    lose, keep = await two(company, documents=documents)
    merge(company, keep, lose)
    for _ in range(3):
        await company.webhook("Customer", keep, "merged", deleted_id=lose)
        await company.settle()
    await company.poll()
    assert await merges(company) == [("MERGED", lose, keep)]
    assert await copied(company) == [keep]


async def test_deletion_without_any_sign_of_a_survivor_is_told_as_such(company: WatchedCompany) -> None:
    lose, keep = await two(company, documents=False)
    stub(company, keep, lose)
    for _ in range(2):
        await company.poll()
    assert await merges(company) == [("DELETED", lose, None)]


async def test_webhook_that_comes_after_the_deletion_was_told_names_the_survivor(company: WatchedCompany) -> None:
    lose, keep = await two(company, documents=False)
    await link_contact(company, "ct_1", lose)
    stub(company, keep, lose)
    await company.poll()
    for _ in range(2):
        await company.webhook("Customer", keep, "merged", deleted_id=lose)
        await company.settle()
    assert await merges(company) == [("DELETED", lose, None), ("MERGED", lose, keep)]
    assert await links(company) == {"ct_1": (keep, "found")}


async def test_only_our_own_receipt_tells_who_took_in_the_customer(company: WatchedCompany) -> None:
    lose, keep = await two(company, documents=False)
    async with groups_of(company.pool) as groups:
        await OwnHand(company=company, groups=groups).hears("ct_1")
    await link_contact(company, "ct_1", lose)
    line = {"DetailType": "SalesItemLineDetail", "Amount": "5.00", "SalesItemLineDetail": {}}
    receipt = company.enters("SalesReceipt", CustomerRef={"value": lose}, Line=[line], TxnDate="2026-11-20")
    await company.books.do("UPDATE inbox SET entity_kind = 'payment', entity_id = 'tx_1'")
    await company.books.do(
        "INSERT INTO link (realm_id, tenant_id, crm_kind, crm_id, qbo_kind, qbo_id, origin)"
        " SELECT %s, tenant_id, 'payment', 'tx_1', 'SalesReceipt', %s, 'made' FROM inbox",
        company.lease.realm_id, receipt["Id"],
    )  # fmt: skip
    stub(company, keep, lose)
    await company.poll()
    assert await merges(company) == [("MERGED", lose, keep)]


@EVERY_WAY
async def test_survivor_that_nobody_was_told_of_is_told_before_the_merge(company: WatchedCompany, merge: Merge) -> None:
    lose, _ = await two(company)
    keep = company.customer("Eve")["Id"]
    merge(company, keep, lose)
    for _ in range(2):
        await company.poll()
    assert await merges(company) == [("CREATED", keep, None), ("MERGED", lose, keep)]


async def test_customer_made_and_merged_between_polls_is_told_to_nobody(company: WatchedCompany) -> None:
    _, keep = await two(company)
    lose = company.customer("Eve")["Id"]
    company.invoice(lose)
    stub(company, keep, lose)
    await company.webhook("Customer", keep, "merged", deleted_id=lose)
    for _ in range(2):
        await company.poll()
    assert await merges(company) == []


@EVERY_WAY
@pytest.mark.parametrize("polls", [True, False])
@pytest.mark.parametrize("hinted", [True, False])
async def test_chain_of_merges_ends_at_the_last_survivor(
    company: WatchedCompany, merge: Merge, polls: bool, hinted: bool
) -> None:
    """Ids are chosen so that their order is not the merges'."""
    ids = [company.customer(f"Zoe {number}")["Id"] for number in range(11)]
    first, second, third = ids[8], ids[9], ids[10]
    assert (first, second, third) == ("9", "10", "11")
    company.pays(company.invoice(first))
    await begun(company)
    await link_contact(company, "ct_1", first)
    for keep, lose in ((second, first), (third, second)):
        merge(company, keep, lose)
        if hinted:
            await company.webhook("Customer", keep, "merged", deleted_id=lose)
        if polls:
            await company.poll()
    for _ in range(2):
        await company.poll()
    told = await merges(company)
    known_chain = [one for one in told if one[1] == first]
    assert known_chain == [("MERGED", first, second if polls else third)]
    assert await links(company) == {"ct_1": (third, "found")}
    assert await company.books.column("SELECT DISTINCT customer_id FROM known_invoice") == [third]
    marks = await company.books.column("SELECT who FROM has_paid WHERE kind = 'customer' AND who = %s", third)
    assert marks == [third]


async def test_webhook_of_an_earlier_merge_that_comes_late_leads_to_the_last_survivor(company: WatchedCompany) -> None:
    first, second = await two(company, documents=False)
    third = company.customer("Eve")["Id"]
    await company.poll()
    await company.forget_told()
    await link_contact(company, "ct_1", first)
    silent(company, second, first)
    silent(company, third, second)
    await company.webhook("Customer", third, "merged", deleted_id=second)
    await company.settle()
    await company.webhook("Customer", second, "merged", deleted_id=first)
    await company.settle()
    assert await merges(company) == [("MERGED", second, third), ("MERGED", first, third)]
    assert await links(company) == {"ct_1": (third, "found")}


@EVERY_WAY
@pytest.mark.parametrize("survivor_made", [True, False])
async def test_links_of_what_the_bridge_made_follow(company: WatchedCompany, merge: Merge, survivor_made: bool) -> None:
    keep = company.customer("Zoe")["Id"]
    await begun(company)
    async with groups_of(company.pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        lose = (await hand.writes("ct_1", DisplayName="Amy"))["Id"]
        if survivor_made:
            keep = (await hand.writes("ct_2", DisplayName="Eve"))["Id"]
        company.invoice(lose)
        await company.poll()
        merge(company, keep, lose)
        await company.poll()
    assert await merges(company) == [("MERGED", lose, keep)]
    (event,) = await company.customers_told()
    assert event.customer.crm_contact_id == "ct_1"
    assert (await links(company))["ct_1"] == (keep, "made" if survivor_made else "found")
    sent = await company.books.column("SELECT last_sent FROM link WHERE crm_id = 'ct_1'")
    assert sent == [{"chosen": "merged in QuickBooks"}]


@EVERY_WAY
async def test_whoever_paid_before_has_paid_before_as_the_survivor(company: WatchedCompany, merge: Merge) -> None:
    lose, keep = await two(company)
    company.pays(company.invoice(lose))
    await company.poll()
    merge(company, keep, lose)
    await company.poll()
    await company.books.do("DELETE FROM has_paid WHERE kind = 'email'")
    invoice = company.invoice(keep, BillEmail={"Address": "new@example.com"})
    company.pays(invoice)
    await company.poll()
    assert (await paid(company))[-1][:2] == (invoice["Id"], False)


@EVERY_WAY
async def test_paid_invoices_that_moved_with_a_merge_are_no_news(company: WatchedCompany, merge: Merge) -> None:
    lose, keep = await two(company)
    company.pays(company.invoice(lose))
    await company.poll()
    assert len(await paid(company)) == 1
    merge(company, keep, lose)
    for _ in range(2):
        await company.poll()
    assert len(await paid(company)) == 1


async def test_survivor_that_changed_with_the_merge_is_told_as_updated(company: WatchedCompany) -> None:
    lose, keep = await two(company)
    stub(company, keep, lose)
    company.edits("Customer", keep, PrimaryPhone=phone("555 0999"))
    for _ in range(2):
        await company.poll()
    assert await merges(company) == [("UPDATED", keep, None), ("MERGED", lose, keep)]
