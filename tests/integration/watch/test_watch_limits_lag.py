"""Change data capture shows some things seconds late: no cursor is past them by then."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mapping.from_qbo.customer import last_updated
from qbo_client.changes import Changes
from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.hinting import READ, all_hints_due, hints
from tests.integration.watch.paying import Time, begun, hold, paid_ids
from tests.integration.watch.test_watch_limits import TOO_MANY, fill

#: What is younger is not shown yet.
LATE = timedelta(seconds=20)


def lags(company: WatchedCompany, time: Time, *kinds: str) -> None:
    changes = type(company.client).changes

    async def lagging(*values: Any) -> Changes:
        answer = await changes(company.client, *values)
        shown = {
            kind: [row for row in rows if kind not in kinds or last_updated(row) <= time.moment - LATE]
            for kind, rows in answer.live.items()
        }
        return replace(answer, live=shown)

    vars(company.client)["changes"] = lagging


async def compared(company: WatchedCompany, time: Time) -> None:
    """Let a poll compare all customers."""
    fill(company)
    time.forward(seconds=15)
    company.reads()
    await company.poll()
    assert ("query", "Customer") in company.reads()
    time.forward(seconds=30)


@pytest.mark.parametrize("many", [5, TOO_MANY])
@pytest.mark.parametrize("hinted", [False, True])
async def test_payment_shortly_before_all_customers_are_compared_is_told(
    company: WatchedCompany, many: int, hinted: bool
) -> None:
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    await begun(company)
    invoice = company.invoice(amy)
    await company.poll()
    time.forward(minutes=20)
    await company.poll()
    payment = company.pays(invoice)
    if hinted:
        await company.webhook("Payment", payment["Id"], "created", at=time.moment)
        await company.webhook("Invoice", invoice["Id"], at=time.moment)
    time.forward(seconds=15)
    fill(company, many)
    lags(company, time, "Invoice", "Payment")
    await company.poll()
    assert await paid_ids(company) == []
    time.forward(seconds=5)
    await all_hints_due(company)
    await company.poll()
    assert await paid_ids(company) == [invoice["Id"]]
    assert await hints(company) == 0


async def since(company: WatchedCompany) -> tuple[datetime, datetime]:
    state = await company.state()
    return state.customers_since, state.invoices_since


async def test_only_customers_have_the_short_overlap_after_all_were_compared(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    time.forward(minutes=20)
    fill(company)
    await company.poll()
    policy = company.policy
    assert await since(company) == (time.moment - policy.short_overlap, time.moment - policy.overlap)


async def test_each_cursor_is_asked_for_by_itself_while_they_differ_and_both_at_once_else(
    company: WatchedCompany,
) -> None:
    """So many customers, asked for from the older moment, would be compared again and again."""
    time = hold(company)
    await begun(company)
    time.forward(minutes=20)
    await compared(company, time)
    for name in ("Amy", "Eve"):
        invoice = company.invoice(company.customer(name)["Id"])
        company.pays(invoice)
        await company.poll()
        assert company.reads() == [READ, READ]
        assert (await paid_ids(company))[-1] == invoice["Id"]
        time.forward(minutes=1)
    time.forward(minutes=5)
    await company.poll()
    company.reads()
    await company.poll()
    assert company.reads() == [READ]
    assert len(set(await since(company))) == 1


async def test_what_changes_between_two_answers_is_told(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    time.forward(minutes=20)
    await compared(company, time)
    await company.forget_told()
    changes, done = type(company.client).changes, list[dict[str, Any]]()

    async def and_then(*values: Any) -> Changes:
        answer = await changes(company.client, *values)
        if not done:
            done.append(company.customer("Amy"))
            company.pays(company.invoice(done[0]["Id"]))
        time.forward(seconds=2)
        return answer

    vars(company.client)["changes"] = and_then
    await company.poll()
    del vars(company.client)["changes"]
    time.forward(minutes=4)
    await company.poll()
    assert changed(await company.customers_told()) == [("CREATED", "Amy")]
    assert len(await paid_ids(company)) == 1


async def test_no_cursor_moves_past_what_a_hint_told_of_and_is_not_to_be_seen_yet(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    time.forward(minutes=20)
    zoe = company.customer("Zoe")
    await company.webhook("Customer", "4711", at=time.moment)
    time.forward(seconds=60)
    fill(company)
    await company.poll()
    assert await hints(company) == 1
    customers, invoices = await since(company)
    assert customers == last_updated(zoe) - timedelta(seconds=1)
    assert invoices < customers


async def test_hint_of_long_ago_holds_no_cursor_back(company: WatchedCompany) -> None:
    """It is looked for again all the same; no poll would ask from so early."""
    time = hold(company)
    await begun(company)
    time.forward(minutes=20)
    await company.poll()
    await company.webhook("Customer", "4711", at=time.moment - timedelta(minutes=10))
    time.forward(minutes=4)
    await company.poll()
    assert await hints(company) == 1
    assert await since(company) == (time.moment - company.policy.overlap,) * 2


async def test_hints_that_never_show_hold_cursors_for_minutes_at_most(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    time.forward(minutes=20)
    for number in range(40):
        await company.webhook("Customer", f"47{number}", at=time.moment)
        await all_hints_due(company)
        await company.poll()
        time.forward(minutes=1)
    assert time.moment - min(await since(company)) < timedelta(minutes=10)


async def test_invoices_that_were_not_asked_for_in_months_are_asked_for_from_their_own_moment(
    company: WatchedCompany,
) -> None:
    time = hold(company)
    time.moment -= timedelta(days=60)
    await begun(company)
    time.forward(days=10)
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.pays(invoice)
    time.forward(days=50)
    await company.books.do("UPDATE watch SET customers_since = %s", time.moment)
    await company.poll()
    assert await paid_ids(company) == [invoice["Id"]]
