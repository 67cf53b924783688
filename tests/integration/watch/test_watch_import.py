"""The import of old invoices: all that are not ours, once, with their progress."""

from decimal import Decimal

import pytest

from bridge.store.books import BookStore
from bridge.store.database import Pool
from consumers.ports import LaneLost, WritesStopped
from producers.watched import Step, WatchPolicy
from qbo_client.turns import Share
from tests.integration.store.books import TENANT, tokens
from tests.integration.store.effects import groups_of
from tests.integration.watch.company import WatchedCompany, applied, watched_company
from tests.integration.watch.paying import (
    begun,
    hold,
    ids,
    imported_ids,
    link_invoice,
    paid,
    paid_ids,
    standings,
    toggle,
)
from tests.integration.watch.turns import held_lane

SMALL = WatchPolicy(page=3)


async def test_nothing_is_imported_where_it_was_not_chosen(company: WatchedCompany) -> None:
    company.invoice(company.customer("Amy")["Id"])
    await begun(company)
    assert await imported_ids(company) == []
    assert await company.books.column("SELECT import_state FROM watch") == ["not_requested"]


async def test_customer_without_a_copy_is_read_once_for_all_its_invoices(pool: Pool) -> None:
    company = await watched_company(pool, policy=SMALL)
    amy = company.customer("Amy", email="amy@example.com")["Id"]
    invoices = [company.invoice(amy) for _ in range(8)]
    await begun(company)
    await company.books.do("DELETE FROM local_copy WHERE qbo_kind = 'Customer'")
    company.reads()
    await toggle(company, import_invoices=True)
    await company.settle()
    assert company.reads().count(("query", "Customer")) == 1
    told = await company.imported_told()
    assert [one.invoice.invoice_id for one in told] == ids(invoices)
    assert {one.customer.email for one in told} == {"amy@example.com"}


async def test_what_was_told_of_an_invoice_is_kept_when_a_person_changes_it(company: WatchedCompany) -> None:
    """An event that repeats it is an echo all the same."""
    invoice = company.invoice(company.customer("Amy")["Id"], "80.00", DocNumber="7")
    await toggle(company, import_invoices=True)
    await begun(company)
    company.edits("Invoice", invoice["Id"], DocNumber="8", TxnDate="2026-11-21")
    await company.poll()
    company.pays(invoice)
    await company.poll()
    books = BookStore(company.pool, realm_id=company.lease.realm_id, tenant_id=TENANT)
    told = [(one.doc_number, one.txn_date.day, one.total) for one in await books.told_invoices(["7", "8"])]
    assert told == [("7", 20, Decimal(80)), ("8", 21, Decimal(80))]


async def test_import_tells_of_its_progress(pool: Pool) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    for _ in range(10):
        company.invoice(amy)
        time.forward(seconds=20)
    await toggle(company, import_invoices=True)
    await company.begin()
    await company.settle()
    told = await standings(company)
    assert told == [
        ("NOT_REQUESTED", None, None),  # At the connection, before the toggle was set by this test.
        ("RUNNING", 0, 10), ("RUNNING", 3, 10), ("RUNNING", 6, 10), ("RUNNING", 9, 10), ("DONE", 10, 10),
    ]  # fmt: skip


async def test_progress_of_a_large_import_is_told_in_twenty_steps_at_most(pool: Pool) -> None:
    company = await watched_company(pool, policy=WatchPolicy(page=2))
    amy = company.customer("Amy")["Id"]
    for _ in range(90):
        company.invoice(amy)
    await toggle(company, import_invoices=True)
    await company.begin()
    await company.settle()
    told = [one for one in await standings(company) if one[0] == "RUNNING"]
    assert 10 <= len(told) <= 21
    assert [done for _, done, _ in told] == sorted(done or 0 for _, done, _ in told)
    assert (await standings(company))[-1] == ("DONE", 90, 90)


async def test_import_of_no_invoices_is_done_at_once(company: WatchedCompany) -> None:
    await toggle(company, import_invoices=True)
    await company.begin()
    await company.settle()
    assert (await standings(company))[1:] == [("RUNNING", 0, 0), ("DONE", 0, 0)]


async def test_import_chosen_later_brings_all_that_are_not_ours_once(company: WatchedCompany) -> None:
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    old, ours = company.invoice(amy), company.invoice(amy)
    company.pays(old)
    await link_invoice(company, "inv_1", ours["Id"])
    time.forward(days=1)
    await begun(company)
    time.forward(hours=1)
    since, one_of_ours = company.invoice(amy), company.invoice(amy)
    await link_invoice(company, "inv_2", one_of_ours["Id"])
    await company.poll()
    time.forward(minutes=2)
    just_now = company.invoice(amy)
    company.pays(just_now)
    await toggle(company, import_invoices=True)
    await company.settle()
    assert await imported_ids(company) == ids([old, since, just_now])
    time.forward(minutes=2)
    later = company.invoice(amy)
    await company.poll()
    await toggle(company, import_invoices=False)
    await toggle(company, import_invoices=True)
    await company.settle()
    assert later["Id"] not in await imported_ids(company)
    assert len(await imported_ids(company)) == 3
    assert (await standings(company))[-1] == ("DONE", 3, 3)
    # What was paid before the connection is no news of the import's either; what was paid since is.
    assert await paid_ids(company) == ids([just_now])


async def test_reconnection_that_chooses_the_import_tells_of_it_from_the_first_moment(company: WatchedCompany) -> None:
    time = hold(company)
    old = company.invoice(company.customer("Amy")["Id"])
    time.forward(days=1)
    await begun(company)
    realm = company.lease.realm_id
    for _ in range(2):
        await company.books.connections.connect(
            tenant_id=TENANT, realm_id=realm, tokens=tokens("again"), import_invoices=True, review_requests=True
        )
        await company.settle()
    first = [("RUNNING", None, None), ("RUNNING", 0, 1), ("DONE", 1, 1)]
    again = [("RUNNING", None, None), ("RUNNING", 1, 1), ("DONE", 1, 1)]
    assert await standings(company) == [*first, *again]
    assert await imported_ids(company) == [old["Id"]]


async def test_import_chosen_later_in_the_same_holding_of_the_lane_skips_nothing(pool: Pool) -> None:
    """The history had ended within a crowd of one second; the import begins at the first invoice all the same."""
    company = await watched_company(pool, policy=SMALL)
    hold(company)
    amy = company.customer("Amy")["Id"]
    invoices = [company.invoice(amy) for _ in range(8)]
    watch = company.watch()
    await company.begin()
    for wanted in (False, True):
        await toggle(company, import_invoices=wanted)
        while (step := await due(company)) is not None:
            await watch._step(step, await company.state())
    assert await imported_ids(company) == ids(invoices)


async def due(company: WatchedCompany) -> Step | None:
    from producers.watched import next_step

    return next_step(await company.store.look(), quiet=True, policy=company.policy)


async def test_import_chosen_while_the_history_is_read_counts_and_imports(pool: Pool) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy, bob = company.customer("Amy")["Id"], company.customer("Bob")["Id"]
    invoices = [company.invoice(amy if n < 5 else bob) for n in range(10)]
    company.pays(invoices[0])
    time.forward(days=1)
    await company.begin()
    while await company.step() is not Step.READ_HISTORY:
        pass
    await toggle(company, import_invoices=True)
    time.forward(minutes=1)
    company.pays(invoices[1])
    company.pays(invoices[9])
    await company.settle()
    assert await imported_ids(company) == ids(invoices)
    assert [(one, first) for one, first, _ in await paid(company)] == [
        (invoices[1]["Id"], False), (invoices[9]["Id"], True),
    ]  # fmt: skip


async def test_imported_invoice_that_is_paid_later_is_told(company: WatchedCompany) -> None:
    time = hold(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    await toggle(company, import_invoices=True, review_requests=True)
    await company.begin()
    await company.settle()
    time.forward(hours=1)
    company.pays(invoice)
    await company.poll()
    assert (await imported_ids(company), await paid(company)) == ([invoice["Id"]], [(invoice["Id"], True, "SEND")])


async def test_invoice_that_the_bridge_is_making_is_not_imported(company: WatchedCompany) -> None:
    """It was made, and the answer that links it is on its way, or lost."""
    amy = company.customer("Amy")["Id"]
    company.invoice(amy, PrivateNote="crm:invoice/inv_9\nand more")
    other = company.invoice(amy, PrivateNote="crm:invoice/inv_8")
    await open_intent(company, "crm:invoice/inv_9")
    await toggle(company, import_invoices=True)
    await company.begin()
    await company.settle()
    assert await imported_ids(company) == ids([other])


async def open_intent(company: WatchedCompany, note: str) -> None:
    realm = company.lease.realm_id
    await company.books.do(
        "INSERT INTO inbox (tenant_id, topic, event_id, content_hash, partition, kafka_offset, entity_kind, entity_id,"
        " contact_id, entity_version, occurred_at, state)"
        " VALUES (%s, 'invoice.sent', 'e1', '', 0, 0, 'invoice', 'inv_9', 'ct_1', now(), now(), 'waiting')",
        company.lease.tenant_id,
    )  # fmt: skip
    await company.books.do(
        "INSERT INTO intent (realm_id, tenant_id, inbox_id, crm_kind, crm_id, number, operation, entity, body,"
        " request_id, remember, keys) SELECT %s, %s, max(id), 'invoice', 'inv_9', 1, 'create', 'Invoice',"
        " jsonb_build_object('PrivateNote', %s::text)::text, 'r1', '{}', '{}' FROM inbox",
        realm, company.lease.tenant_id, f"{note}\nas it is sent",
    )  # fmt: skip


async def test_watch_reads_in_the_polls_own_queue_also_while_writes_are_stopped(company: WatchedCompany) -> None:
    """The import takes one turn in ten of those that wait, however much live work there is."""

    def stopped() -> None:
        raise WritesStopped("a test")

    async with groups_of(company.pool) as groups:
        lane = await held_lane(company, groups, may_send=stopped)
    assert (lane.watching_client.share, lane.client.share) == (Share.POLL, Share.LIVE)
    lane.lasts(30)
    with pytest.raises(WritesStopped):
        lane.outlasts(30)
    with pytest.raises(LaneLost):
        lane.lasts(4000)


async def test_page_is_small_whatever_the_policy_says(pool: Pool) -> None:
    company = await watched_company(pool, policy=WatchPolicy(page=1000))
    amy = company.customer("Amy")["Id"]
    invoices = [company.invoice(amy) for _ in range(230)]
    lines = [applied("1.00", one, "Invoice") for one in invoices[:200]]
    company.enters("Payment", CustomerRef={"value": amy}, TotalAmt="200.00", Line=lines)
    await toggle(company, import_invoices=True)
    await company.begin()
    company.reads()
    await company.settle()
    assert company.reads().count(("query", "Invoice")) >= 3
    assert len(await imported_ids(company)) == 230


@pytest.mark.parametrize("again", [True, None])
async def test_import_that_is_asked_for_again_brings_what_it_never_brought(
    company: WatchedCompany, again: bool | None
) -> None:
    """An invoice of the time between, and of no other twice."""
    await toggle(company, import_invoices=True)
    amy = company.customer("Amy")["Id"]
    early = company.invoice(amy)
    await company.begin()
    await company.settle()
    late = company.invoice(amy)
    await company.books.connections.connect(
        tenant_id=TENANT, realm_id=company.lease.realm_id, tokens=tokens("second"), import_invoices=again,
        review_requests=None,
    )  # fmt: skip
    await company.settle()
    await company.poll()
    assert await imported_ids(company) == ids([early, late] if again else [early])
    brought = len(await imported_ids(company))
    assert (await standings(company))[-1] == ("DONE", brought, brought)
