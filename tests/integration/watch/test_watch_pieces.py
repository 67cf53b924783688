"""A reading with very many invoices is judged and stored piece by piece; together they are one poll."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from producers.memory import Ask, Decide
from producers.watched import Step, WatchPolicy
from qbo_client.changes import Changes
from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.hinting import READ, hints
from tests.integration.watch.merging import merges, silent
from tests.integration.watch.paying import Time, begun, hold, ids, link_contact, link_invoice, paid, paid_ids

PAGE = 4


class Killed(Exception):
    """The process dies here."""


@pytest.fixture
async def time(company: WatchedCompany) -> Time:
    return hold(company)


@pytest.fixture
async def small(company: WatchedCompany, time: Time) -> WatchedCompany:
    """A company of which little is judged at once."""
    small = replace(company, policy=WatchPolicy(proof_takes=timedelta(0), polls_at_once=10_000, page=PAGE))
    await begun(small)
    return small


def watch_pieces(company: WatchedCompany, *, killed_after: int | None = None) -> list[Ask]:
    """Return what is going to be recalled for each transaction; after so many the process dies."""
    asks: list[Ask] = []
    take_in = type(company.store).take_in

    async def watched(ask: Ask, decide: Decide) -> None:
        if len(asks) == killed_after:
            raise Killed
        asks.append(ask)
        await take_in(company.store, ask, decide)

    vars(company.store)["take_in"] = watched
    return asks


def survive(company: WatchedCompany) -> None:
    del vars(company.store)["take_in"]


def pay_many(company: WatchedCompany, time: Time, number: int, *, payers: int = 2) -> list[str]:
    """Have some customers pay many invoices, in an order that is not that of the invoices; return that order."""
    customers = [company.customer(f"Zoe {one}")["Id"] for one in range(payers)]
    invoices = [company.invoice(customers[one % payers]) for one in range(number)]
    random.Random(5).shuffle(invoices)
    for one in invoices:
        time.forward(seconds=3)
        company.pays(one)
    return ids(invoices)


async def test_usual_poll_is_one_transaction(company: WatchedCompany, time: Time) -> None:
    await begun(company)
    order = pay_many(company, time, 20)
    asks = watch_pieces(company)
    await company.poll()
    assert (len(asks), await paid_ids(company)) == (1, order)


async def test_many_paid_invoices_are_told_once_in_the_order_of_payment(small: WatchedCompany, time: Time) -> None:
    order = pay_many(small, time, 30)
    asks = watch_pieces(small)
    small.reads()
    await small.poll()
    told = await paid(small)
    assert [one[0] for one in told] == order
    assert sum(first for _, first, _ in told) == 2
    assert small.reads() == [READ]
    assert len(asks) > 7
    assert max(len(ask.invoices) for ask in asks) <= PAGE
    assert max(len(ask.customers) for ask in asks) <= 2 * PAGE
    await small.poll()
    assert len(await paid_ids(small)) == 30


async def test_first_of_a_payer_is_the_earliest_of_all_pieces(small: WatchedCompany, time: Time) -> None:
    order = pay_many(small, time, 25, payers=1)
    await small.poll()
    assert await paid(small) == [(one, number == 0, "OFF") for number, one in enumerate(order)]


async def test_payments_that_are_known_from_their_copies_alone_count_for_the_order(
    small: WatchedCompany, time: Time
) -> None:
    order = pay_many(small, time, 13, payers=1)
    for one in order:
        await link_invoice(small, f"in_{one}", one)
    await small.poll()
    time.forward(minutes=20)
    await small.poll()
    for table in ("known_invoice", "has_paid", "outbox"):
        await small.books.do(f"DELETE FROM {table}")
    for one in sorted(order):
        small.edits("Invoice", one, PrivateNote="sent the receipt")
    small.reads()
    await small.poll()
    assert small.reads() == [READ]
    assert await paid(small) == [(one, number == 0, "OFF") for number, one in enumerate(order)]


@pytest.mark.parametrize("after", range(9))
async def test_killed_between_two_pieces_nothing_is_lost_or_told_twice(
    small: WatchedCompany, time: Time, after: int
) -> None:
    order = pay_many(small, time, 15)
    before = await small.state()
    watch_pieces(small, killed_after=after)
    with pytest.raises(Killed):
        await small.poll()
    survive(small)
    state = await small.state()
    assert (state.customers_since, state.invoices_since) == (before.customers_since, before.invoices_since)
    told = await paid_ids(small)
    assert told == order[: len(told)]
    await small.poll()
    assert await paid_ids(small) == order
    assert sum(first for _, first, _ in await paid(small)) == 2
    assert sorted(changed(await small.customers_told())) == [("CREATED", "Zoe 0"), ("CREATED", "Zoe 1")]


async def test_killed_poll_remembers_that_no_webhook_told_of_what_it_found(small: WatchedCompany, time: Time) -> None:
    pay_many(small, time, 15)
    time.forward(minutes=5)
    watch_pieces(small, killed_after=4)
    with pytest.raises(Killed):
        await small.poll()
    assert (await small.state()).unannounced_at is not None


async def test_hints_are_done_with_after_the_last_piece(small: WatchedCompany, time: Time) -> None:
    order = pay_many(small, time, 15)
    for one in order:
        await small.webhook("Invoice", one, at=time.moment)
    time.forward(seconds=1)
    watch_pieces(small, killed_after=4)
    with pytest.raises(Killed):
        await small.settle()
    assert await hints(small) == 15
    survive(small)
    assert (await small.settle())[0] is Step.POLL
    assert await paid_ids(small) == order


async def test_merge_comes_before_the_invoices_that_depend_on_it(small: WatchedCompany, time: Time) -> None:
    """All documents move, and whoever paid as one of both has paid as the other."""
    lose, keep = small.customer("A. Berg")["Id"], small.customer("Anna Berg")["Id"]
    await small.poll()
    await link_contact(small, "ct_old", lose)
    first = small.invoice(lose)
    small.pays(first)
    more = [small.invoice(lose) for _ in range(14)]
    await small.poll()
    assert await paid(small) == [(first["Id"], True, "OFF")]
    await small.forget_told()
    time.forward(minutes=20)
    await small.poll()
    silent(small, keep, lose)
    for one in more:
        time.forward(seconds=3)
        small.pays({**one, "CustomerRef": {"value": keep}})
    asks = watch_pieces(small)
    await small.poll()
    assert len(asks) > 4
    assert await merges(small) == [("MERGED", lose, keep)]
    told = await small.paid_told()
    assert [one.invoice.invoice_id for one in told] == ids(more)
    assert {(one.first_paid_invoice, one.customer.crm_contact_id) for one in told} == {(False, "ct_old")}


async def test_invoice_that_shows_its_customer_of_before_the_merge_names_it(small: WatchedCompany, time: Time) -> None:
    """A webhook tells of the merge before change data capture shows it."""
    lose, keep = small.customer("A. Berg")["Id"], small.customer("Anna Berg")["Id"]
    await small.poll()
    await link_contact(small, "ct_old", lose)
    more = [small.invoice(lose) for _ in range(14)]
    await small.poll()
    time.forward(minutes=20)
    await small.poll()
    await small.forget_told()
    for one in more:
        small.pays(one)
    shown = await small.client.changes(["Invoice", "Payment"], (await small.state()).since)
    small.merges(keep=keep, lose=lose)

    async def lagging(*_: Any) -> Changes:
        return shown

    vars(small.client)["changes"] = lagging
    await small.webhook("Customer", keep, "merged", deleted_id=lose)
    await small.settle()
    assert await merges(small) == [("MERGED", lose, keep)]
    told = await small.paid_told()
    assert len(told) == 14
    assert {(one.customer.display_name, one.customer.crm_contact_id) for one in told} == {("A. Berg", "ct_old")}


async def test_copies_and_deletions_of_many_are_kept_in_pieces(small: WatchedCompany, time: Time) -> None:
    amy = small.customer("Amy")["Id"]
    invoices = [small.invoice(amy) for _ in range(10)]
    for number, one in enumerate(invoices):
        await link_invoice(small, f"in_{number}", one["Id"])
    payments = [small.pays(one) for one in invoices]
    await small.poll()
    assert sorted(await small.store.copied_ids("Payment")) == sorted(ids(payments))
    assert sorted(await small.store.copied_ids("Invoice")) == sorted(ids(invoices))
    time.forward(minutes=20)
    for one in payments:
        small.deletes("Payment", one["Id"])
    for one in invoices:
        small.deletes("Invoice", one["Id"])
    await small.poll()
    assert (await small.store.copied_ids("Payment"), await small.store.copied_ids("Invoice")) == ([], [])
