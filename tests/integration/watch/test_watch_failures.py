"""A step that fails is tried again by itself and keeps no other from being taken."""

import pytest

from producers.watched import Step
from qbo_client.calls import Call
from qbo_client.errors import Unavailable, Uncertain
from tests.integration.watch.company import WatchedCompany


def refuse(company: WatchedCompany, entity: str, times: int) -> None:
    """Let QuickBooks not answer the next queries of an entity."""
    left = times

    def before(call: Call) -> None:
        nonlocal left
        if (call.operation, call.entity) == ("query", entity) and left:
            left -= 1
            raise Uncertain("nobody answers")

    company.client.before = before


async def fails(company: WatchedCompany, step: Step) -> None:
    """Take the step that is due, which fails, and note that as the lane does."""
    with pytest.raises(Unavailable):
        await company.step()
    await company.store.failed(step, "nobody answers", again_in_seconds=10.0)


async def test_history_that_failed_once_is_read_and_paid_invoices_are_told(company: WatchedCompany) -> None:
    await company.begin()
    invoice = company.invoice(company.customer("Amy")["Id"])
    assert await company.step() is Step.TELL_CUSTOMERS
    assert await company.step() is Step.POLL
    refuse(company, "Invoice", 1)
    await fails(company, Step.READ_HISTORY)
    assert await company.step() is None
    company.pays(invoice)
    await company.poll()
    state = await company.state()
    assert (state.history_failures, state.history_counted) == (1, False), "a poll says nothing of the history"
    await company.books.do("UPDATE watch SET history_at = now()")
    await company.settle()
    assert [paid.invoice.invoice_id for paid in await company.paid_told()] == [invoice["Id"]]
    (row,) = await company.books.rows("SELECT failure, failing_since, failures, history_failures FROM watch")
    assert row == {"failure": None, "failing_since": None, "failures": 0, "history_failures": 0}


async def test_poll_that_fails_keeps_no_history_from_being_read(company: WatchedCompany) -> None:
    await company.begin()
    await company.step()
    await company.store.failed(Step.POLL, "nobody answers", again_in_seconds=900.0)
    assert await company.step() is Step.READ_HISTORY
    state = await company.state()
    assert (state.failures, state.history_counted) == (1, True)


async def test_poll_that_goes_well_ends_the_failure_of_the_one_before(company: WatchedCompany) -> None:
    await company.begin()
    await company.settle()
    await company.store.failed(Step.POLL, "nobody answers", again_in_seconds=900.0)
    await company.poll()
    (row,) = await company.books.rows("SELECT failure, failing_since, failures FROM watch")
    assert row == {"failure": None, "failing_since": None, "failures": 0}


async def test_failures_add_up_over_polls_in_between(company: WatchedCompany) -> None:
    """An import that cannot begin is tried ever more rarely, however well the polls go."""
    await company.begin()
    await company.settle()
    await company.books.do("UPDATE connection SET import_invoices = true")
    refuse(company, "Invoice", 3)
    for number in range(3):
        await fails(company, Step.BEGIN_IMPORT)
        assert (await company.state()).history_failures == number + 1
        await company.books.do("UPDATE watch SET poll_at = now()")
        assert await company.step() is Step.POLL
        await company.books.do("UPDATE watch SET history_at = now()")
    await company.settle()
    assert (await company.state()).history_failures == 0


async def test_very_many_customers_are_taken_in_pieces_and_told_once(company: WatchedCompany) -> None:
    await company.begin()
    await company.settle()
    await company.books.do("UPDATE watch SET customers_since = now() - interval '40 days'")
    for number in range(620):
        company.customer(f"Customer {number:03}")
    for _ in range(2):
        await company.poll()
    names = [event.customer.display_name for event in await company.customers_told()]
    assert sorted(names) == [f"Customer {number:03}" for number in range(620)]


async def test_unchanged_copies_are_not_written_again(company: WatchedCompany) -> None:
    company.customer("Amy")
    await company.begin()
    await company.settle()
    (before,) = await company.books.rows("SELECT seen_at FROM local_copy WHERE qbo_kind = 'Customer'")
    await company.poll()
    assert await company.books.rows("SELECT seen_at FROM local_copy WHERE qbo_kind = 'Customer'") == [before]
