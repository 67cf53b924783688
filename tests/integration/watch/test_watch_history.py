"""The history: what was paid before anybody watched is no news, and all else is told however the scan fares."""

import pytest

from bridge.store.database import Pool
from producers.watched import Step, WatchPolicy
from tests.integration.watch.company import WatchedCompany, watched_company
from tests.integration.watch.paying import (
    Time,
    applies,
    begun,
    credit,
    hold,
    ids,
    money,
    over,
    paid,
    paid_ids,
    priced,
)

SMALL = WatchPolicy(page=3)


async def at_history(company: WatchedCompany, pages: int = 0) -> None:
    """Go on until so many pages of history were read and the next is due."""
    read = 0
    while read < pages or (await company.state()).poll_in <= 0 or not (await company.state()).customers_told:
        read += await company.step() is Step.READ_HISTORY
        assert (await company.state()).history_since is not None, "there is more history"


async def test_paid_before_is_never_news_and_paid_later_is(company: WatchedCompany) -> None:
    time = hold(company)
    amy, bob = company.customer("Amy")["Id"], company.customer("Bob")["Id"]
    old, still_open = company.invoice(amy), company.invoice(bob)
    company.pays(old)
    company.pays(still_open, "30.00")
    time.forward(days=30)
    await begun(company)
    assert await paid_ids(company) == []
    time.forward(hours=1)
    company.pays(still_open, "70.00")
    company.edits("Invoice", old["Id"], PrivateNote="long ago")
    await company.poll()
    assert await paid(company) == [(still_open["Id"], True, "OFF")]


@pytest.mark.parametrize("step", [False, True], ids=["lane", "step"])
async def test_paid_in_the_second_of_the_connection_is_history_and_in_the_next_is_news(
    company: WatchedCompany, step: bool
) -> None:
    hold(company)
    amy, bob = company.customer("Amy")["Id"], company.customer("Bob")["Id"]
    old, new = company.invoice(amy), company.invoice(bob)
    company.pays(old)
    await (company.step() if step else company.begin())
    company.pays(new)
    await company.settle()
    assert await paid(company) == [(new["Id"], True, "OFF")]


async def test_paid_after_the_beginning_waits_for_the_end_of_the_scan(pool: Pool) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    invoices = [company.invoice(amy) for _ in range(10)]
    company.pays(invoices[4])
    time.forward(days=1)
    await company.begin()
    time.forward(minutes=1)
    company.pays(invoices[9])
    await at_history(company, pages=2)
    time.forward(minutes=1)
    company.pays(invoices[8])  # Its page is still to come.
    company.pays(invoices[0])  # Its page is past.
    await company.webhook("Invoice", invoices[0]["Id"])
    await company.step()
    assert await paid_ids(company) == []
    await company.settle()
    # Amy had paid before, whoever of the scan and the news was first.
    assert await paid(company) == [(invoices[at]["Id"], False, "OFF") for at in (9, 8, 0)]


async def touched(company: WatchedCompany, time: Time) -> None:
    """Watch a company in whose books much is written on while the history is read."""
    amy, bob, zoe = (company.customer(name)["Id"] for name in ("Amy", "Bob", "Zoe"))
    paid_long_ago = [company.invoice(amy) for _ in range(4)]
    payments = [company.pays(one) for one in paid_long_ago]
    credited = company.invoice(bob)
    part = company.pays(credited, "40.00")
    company.credits(credited, "60.00")
    by_deposit = company.invoice(zoe, "0.01")
    company.credits(by_deposit)
    time.forward(days=30)
    await company.begin()
    time.forward(minutes=1)
    company.edits("Invoice", paid_long_ago[0]["Id"], PrivateNote="memo")
    company.edits("Payment", payments[1]["Id"], PrivateNote="memo")
    company.edits("Invoice", paid_long_ago[2]["Id"], PrivateNote="memo")
    company.edits("Invoice", credited["Id"], PrivateNote="memo")
    time.forward(minutes=1)
    company.edits("Payment", payments[2]["Id"], PrivateNote="memo")
    company.edits("Payment", part["Id"], PrivateNote="memo")


@pytest.mark.parametrize("pages", [0, 1])
async def test_edits_of_what_was_paid_long_ago_are_no_news(pool: Pool, pages: int) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    await touched(company, time)
    await at_history(company, pages)
    time.forward(minutes=1)
    for row in list(company.emulated.table("Invoice")):
        company.edits("Invoice", row.identifier, CustomerMemo={"value": "thanks"})
    await company.settle()
    for _ in range(2):
        time.forward(minutes=10)
        await company.poll()
    assert await paid_ids(company) == []
    assert await company.books.column("SELECT who FROM has_paid WHERE kind = 'customer'") == ["1"]


async def test_what_was_edited_meanwhile_counts_for_who_was_first(pool: Pool) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy, bob = company.customer("Amy")["Id"], company.customer("Bob")["Id"]
    old = company.invoice(amy)
    company.pays(old)
    for_bob = company.invoice(bob)
    time.forward(days=1)
    await company.begin()
    time.forward(minutes=1)
    company.edits("Invoice", old["Id"], PrivateNote="memo")
    new = company.invoice(amy)
    time.forward(minutes=1)
    company.pays(new)
    company.pays(for_bob)
    await company.settle()
    assert await paid(company) == [(new["Id"], False, "OFF"), (for_bob["Id"], True, "OFF")]


async def test_money_of_before_applied_while_the_history_is_read_is_news(pool: Pool) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    payment, more = money(company, amy, "100.00"), money(company, amy, "100.00")
    invoices = [company.invoice(amy) for _ in range(5)]
    raised = company.pays(invoices[3], "40.00")
    time.forward(days=1)
    await company.begin()
    time.forward(minutes=1)
    applies(company, payment, over(invoices[4]))
    applies(company, raised, over(invoices[3]), TotalAmt="100.00")
    time.forward(minutes=1)
    later = company.invoice(amy)
    applies(company, more, over(later))
    time.forward(minutes=1)
    company.edits("Payment", more["Id"], PrivateNote="memo")
    await company.settle()
    assert sorted(await paid_ids(company)) == sorted(ids([invoices[3], invoices[4], later]))


async def test_credited_in_history_then_paid_by_money_is_news(company: WatchedCompany) -> None:
    time = hold(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    by_credit = credit(company, invoice)
    time.forward(days=1)
    await begun(company)
    time.forward(minutes=10)
    company.deletes("Payment", by_credit["Id"])
    company.pays(invoice)
    await company.poll()
    assert await paid(company) == [(invoice["Id"], True, "OFF")]


async def test_paid_in_history_undone_and_paid_again_is_no_news(company: WatchedCompany) -> None:
    time = hold(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    payment = company.pays(invoice)
    time.forward(days=1)
    await begun(company)
    time.forward(minutes=10)
    company.deletes("Payment", payment["Id"])
    await company.poll()
    company.pays(invoice)
    await company.poll()
    assert await paid_ids(company) == []


async def test_made_while_the_history_is_read_is_left_to_the_poll(pool: Pool) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    for _ in range(7):
        company.invoice(amy)
    time.forward(days=1)
    await company.begin()
    await at_history(company, pages=1)
    time.forward(minutes=1)
    made = company.invoice(amy)
    company.pays(made)
    await company.settle()
    assert await paid(company) == [(made["Id"], True, "OFF")]


async def test_company_without_invoices_is_done_at_once(company: WatchedCompany) -> None:
    await begun(company)
    state = await company.state()
    assert (state.history_counted, state.history_since) == (True, None)


async def counted(company: WatchedCompany) -> list[str]:
    return sorted(await company.books.column("SELECT qbo_id FROM known_invoice"), key=int)


@pytest.mark.parametrize("fresh", [True, False], ids=["by several owners", "by one"])
async def test_more_than_a_page_made_in_one_second_are_all_counted(pool: Pool, fresh: bool) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    invoices = [company.invoice(amy) for _ in range(2)]
    time.forward(seconds=1)
    invoices += [company.invoice(amy) for _ in range(11)]
    time.forward(seconds=1)
    invoices += [company.invoice(amy) for _ in range(4)]
    for one in invoices:
        company.pays(one)
    time.forward(days=1)
    await company.begin()
    watch = company.watch()
    while (state := await company.state()).history_since is not None:
        if fresh or await company.step() is not Step.READ_HISTORY:
            await company.step()
        else:
            await watch._step(Step.READ_HISTORY, state)
    assert await counted(company) == ids(invoices)
    assert await company.books.column("SELECT count(*) FROM known_invoice WHERE paid") == [len(invoices)]


@pytest.mark.parametrize("crowded", [True, False], ids=["in one second", "over time"])
@pytest.mark.parametrize("gone", [[0], [2], [3], [4], [0, 1, 2], [0, 2, 5], [9], list(range(10))])
async def test_deleted_while_the_history_is_read_hides_no_other(pool: Pool, crowded: bool, gone: list[int]) -> None:
    """Invoices read before and those still to come: where one is gone, all others of its second move up."""
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    invoices = []
    for _ in range(10):
        invoices.append(company.invoice(amy))
        time.forward(seconds=0 if crowded else 1)
    time.forward(days=1)
    await company.begin()
    await at_history(company, pages=1)
    for at in gone:
        company.deletes("Invoice", invoices[at]["Id"])
    await company.settle()
    left = {one["Id"] for at, one in enumerate(invoices) if at not in gone or at < 3}
    assert set(await counted(company)) == left


async def test_scan_reads_each_invoice_about_once(pool: Pool) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    for _ in range(12):
        company.invoice(amy)
        time.forward(seconds=30)
    await company.begin()
    company.reads()
    await company.settle()
    assert [call for call in company.reads() if call == ("query", "Invoice")] == [("query", "Invoice")] * 5


async def test_priced_anew_and_paid_while_the_history_is_read_is_news(pool: Pool) -> None:
    company = await watched_company(pool, policy=SMALL)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    invoices = [company.invoice(amy) for _ in range(5)]
    time.forward(days=1)
    await company.begin()
    await at_history(company, pages=1)
    time.forward(minutes=1)
    for one in (invoices[0], invoices[4]):
        company.edits("Invoice", one["Id"], Line=priced("70.00"))
        time.forward(minutes=1)
        company.pays(one, "70.00")
    await company.settle()
    assert await paid_ids(company) == ids([invoices[0], invoices[4]])
