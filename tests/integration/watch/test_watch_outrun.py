"""An answer to a write of ours may be newer than what a poll read before it: what that read missed is read again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from mapping.from_qbo.customer import last_updated
from producers.reading import EVERYONE
from producers.watched import WatchPolicy
from qbo_client.changes import Changes
from tests.integration.store.effects import groups_of
from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.hinting import READ, hints
from tests.integration.watch.paying import begun, hold, paid_ids
from tests.integration.watch.test_watch_limits import fill
from tests.integration.watch.writing import OwnHand, phone


@dataclass(slots=True, kw_only=True)
class Paid:
    """An invoice that a person has paid, and that we are about to change."""

    hand: OwnHand
    invoice: Mapping[str, Any]
    answers: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def company(self) -> WatchedCompany:
        return self.hand.company

    async def write(self) -> None:
        now = self.company.emulated.table("Invoice").get(self.invoice["Id"]).body
        body = {"Id": now["Id"], "SyncToken": now["SyncToken"], "PrivateNote": f"No. {len(self.answers)}"}
        self.answers.append(await self.hand.writes("in_1", entity="Invoice", **body))

    def write_after_reads(self, times: int = 1) -> None:
        """Have the answers to writes of ours committed just after what the next polls read."""
        changes = type(self.company.client).changes

        async def then_ours(*values: Any) -> Changes:
            answer = await changes(self.company.client, *values)
            if len(self.answers) < times:
                await self.write()
            return answer

        vars(self.company.client)["changes"] = then_ours

    async def next_poll(self) -> float:
        return (await self.company.state()).poll_in


@pytest.fixture
async def paid(company: WatchedCompany) -> AsyncIterator[Paid]:
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    await company.poll()
    async with groups_of(company.pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        await hand.hears("in_1")
        payment = company.pays(invoice)
        await company.webhook("Payment", payment["Id"], "created", at=last_updated(payment))
        await company.webhook("Invoice", invoice["Id"], at=last_updated(payment))
        company.reads()
        yield Paid(hand=hand, invoice=invoice)


async def test_paid_invoice_that_we_change_between_read_and_judging_is_told_at_once(paid: Paid) -> None:
    company = paid.company
    paid.write_after_reads()
    await company.settle()
    assert await paid_ids(company) == [paid.invoice["Id"]]
    assert [call for call in company.reads() if call != ("update", "Invoice")] == [READ, READ]
    assert await hints(company) == 0
    await company.webhook("Invoice", paid.invoice["Id"], at=last_updated(paid.answers[0]))
    await company.settle()
    assert (await hints(company), company.reads()) == (0, [])
    assert (await company.state()).unannounced_at is None


async def test_reading_that_we_overtake_every_time_is_made_again_soon(paid: Paid) -> None:
    paid.write_after_reads(times=2)
    await paid.company.settle()
    assert await paid_ids(paid.company) == []
    assert 25 < await paid.next_poll() <= 30
    await paid.company.poll()
    assert await paid_ids(paid.company) == [paid.invoice["Id"]]


async def test_customers_that_were_compared_are_not_compared_again_at_once(paid: Paid) -> None:
    company, time = paid.company, hold(paid.company)
    time.forward(seconds=60)
    fill(company)
    time.forward(seconds=15)
    changes = type(company.client).changes

    async def then_ours(entities: Sequence[str], *values: Any) -> Changes:
        answer = await changes(company.client, entities, *values)
        if list(entities) == ["Invoice"] and not paid.answers:
            await paid.write()
        return answer

    vars(company.client)["changes"] = then_ours
    compared = comparisons(company)
    await company.poll()
    assert await paid_ids(company) == [paid.invoice["Id"]]
    assert len(compared) == 1


def comparisons(company: WatchedCompany) -> list[str]:
    """Return what is going to be asked of all customers."""
    query_all, asked = type(company.client).query_all, list[str]()

    async def noted(entity: str, condition: str) -> Any:
        asked.extend([condition] if condition == EVERYONE else [])
        return await query_all(company.client, entity, condition)

    vars(company.client)["query_all"] = noted
    return asked


async def test_crowded_company_is_not_read_again_at_once(paid: Paid) -> None:
    """What hints may cost is bounded."""
    paid.hand.company = replace(paid.company, policy=WatchPolicy(proof_takes=timedelta(0), polls_at_once=0))
    paid.write_after_reads()
    await paid.company.poll()
    assert paid.company.reads().count(READ) == 1
    assert 25 < await paid.next_poll() <= 30


async def stale(paid: Paid) -> None:
    """Have change data capture show, from now on, what it showed before our last write."""
    company = paid.company
    before = await company.client.changes(["Invoice", "Payment"], (await company.state()).since)

    async def lagging(*_: Any) -> Changes:
        company.client.calls.append(READ)
        return replace(before, taken_at=company.world.clock.now())

    await paid.write()
    vars(company.client)["changes"] = lagging
    company.reads()


async def test_state_older_than_our_answer_is_waited_for_but_not_for_ever(paid: Paid) -> None:
    """Change data capture lags; should it never catch up, polls go back to their usual pace and cursors move on."""
    company, time = paid.company, hold(paid.company)
    await stale(paid)
    waits = []
    for _ in range(8):
        await company.poll()
        waits.append(await paid.next_poll())
        time.forward(seconds=min(round(waits[-1]), 240))
    assert [round(wait, -1) for wait in waits[:4]] == [30, 30, 60, 120]
    assert min(waits[5:]) > 200
    assert company.reads().count(READ) <= 9
    state = await company.state()
    assert time.moment - state.customers_since < timedelta(minutes=12)
    assert time.moment - state.invoices_since < timedelta(minutes=12)


async def test_state_that_lags_behind_our_answer_is_told_once_it_shows(paid: Paid) -> None:
    company, time = paid.company, hold(paid.company)
    await stale(paid)
    for _ in range(2):
        time.forward(seconds=30)
        await company.poll()
        assert await paid_ids(company) == []
    del vars(company.client)["changes"]
    time.forward(seconds=30)
    await company.poll()
    assert await paid_ids(company) == [paid.invoice["Id"]]
    assert (await company.state()).unannounced_at is None


async def test_copy_that_stays_ahead_of_the_books_delays_nothing(paid: Paid) -> None:
    """As after QuickBooks restored something; its next change will show."""
    company, time = paid.company, hold(paid.company)
    await paid.write()
    time.forward(minutes=6)
    await company.books.do("UPDATE local_copy SET body = body || '{\"SyncToken\": \"999\"}' WHERE qbo_kind = 'Invoice'")
    await company.poll()
    assert await paid.next_poll() > 200
    assert company.reads().count(READ) == 1


async def test_customer_that_we_change_between_read_and_judging(company: WatchedCompany) -> None:
    """What a person changed before it is news that our answer shows, too."""
    time = hold(company)
    await begun(company)
    async with groups_of(company.pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        amy = await hand.writes("ct_1", DisplayName="Amy")
        await company.poll()
        time.forward(seconds=5)
        edited = company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")
        await company.webhook("Customer", amy["Id"], at=last_updated(edited))
        changes, done = type(company.client).changes, list[bool]()

        async def then_ours(*values: Any) -> Changes:
            answer = await changes(company.client, *values)
            if not done:
                done.append(True)
                body = {"Id": amy["Id"], "SyncToken": edited["SyncToken"], "PrimaryPhone": phone("1")}
                await hand.writes("ct_1", **body)
            return answer

        vars(company.client)["changes"] = then_ours
        await company.settle()
    assert changed(await company.customers_told()) == [("UPDATED", "Amy")]
    assert (await company.state()).unannounced_at is None
