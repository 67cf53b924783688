"""The process dies anywhere in the history or the import, and the next one tells exactly what is still to be told."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bridge.store.database import Pool
from consumers.ports import LaneLost
from producers.memory import Ask, Decide, Memory, TakenIn
from producers.watched import Step, WatchPolicy
from tests.integration.watch.company import WatchedCompany, watched_company
from tests.integration.watch.paying import (
    Time,
    another_owner,
    credit,
    hold,
    imported_ids,
    link_contact,
    link_invoice,
    paid_ids,
    standings,
    toggle,
)
from tests.unit.consumers.emulated import Killed

SMALL = WatchPolicy(page=4)


@dataclass(slots=True)
class Dying:
    """A store whose process dies at one of its transactions: before it, within it, or once it is committed."""

    store: Any
    where: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def take_in(self, ask: Ask, decide: Decide) -> None:
        def dies(memory: Memory) -> TakenIn:
            decide(memory)
            raise Killed

        if self.where == "before":
            raise Killed
        await self.store.take_in(ask, dies if self.where == "within" else decide)
        raise Killed


async def company_with_a_past(pool: Pool) -> tuple[WatchedCompany, Time]:
    """Customers who have paid and who have not; much that was made in one second, and what the bridge made."""
    company = await watched_company(pool, policy=SMALL)
    await toggle(company, import_invoices=True, review_requests=True)
    time = hold(company)
    people = [company.customer(f"Customer {n}", email=f"c{n % 4}@example.com")["Id"] for n in range(6)]
    invoices = []
    for n in range(22):
        invoices.append(company.invoice(people[n % 6], f"{n + 1}.00"))
        time.forward(seconds=30 if n < 6 or n > 16 else 0)
    for n in (0, 6, 7, 12):
        company.pays(invoices[n])
    credit(company, invoices[9])
    company.voids("Invoice", invoices[10]["Id"])
    time.forward(days=1)
    await link_invoice(company, "inv_3", invoices[3]["Id"])
    await link_contact(company, "ct_1", people[1])
    return company, time


async def begin_and_disturb(company: WatchedCompany, time: Time) -> None:
    """Begin to watch; people go on with their work at once."""
    await company.begin()
    rows = [dict(row.body) for row in company.emulated.table("Invoice")]
    time.forward(minutes=1)
    for n in (2, 8, 11, 20):
        company.pays(rows[n])
        time.forward(seconds=11)
    company.edits("Invoice", rows[0]["Id"], PrivateNote="memo")
    company.pays(company.invoice(rows[5]["CustomerRef"]["value"]))


Facts = dict[str, Any]


async def facts(company: WatchedCompany) -> Facts:
    """Return all that was told and is known of invoices, however it came about."""
    paid = {one.envelope.event_id: one for one in await company.paid_told()}
    imported = {one.envelope.event_id: one for one in await company.imported_told()}
    assert (len(paid), len(imported)) == (len(await paid_ids(company)), len(await imported_ids(company)))
    known = "SELECT qbo_id, open, paid, paid_told, imported FROM known_invoice ORDER BY qbo_id"
    return {
        "paid": {one.invoice.invoice_id: (one.first_paid_invoice, one.review_request.value) for one in paid.values()},
        "imported": {one.invoice.invoice_id: (one.invoice, one.customer) for one in imported.values()},
        "event ids": set(paid) | set(imported),
        "known": await company.books.rows(known),
        "has_paid": await company.books.rows("SELECT kind, who FROM has_paid ORDER BY kind, who"),
        "import": await company.books.rows("SELECT import_state, import_done, import_total FROM watch"),
        "last": (await standings(company))[-1],
    }


async def work(company: WatchedCompany) -> None:
    """Take steps until nothing is due, with one watch, as a lane does."""
    watch = company.watch()
    while (step := await _next(company)) is not None:
        await watch._step(step, await company.store.look())


async def _next(company: WatchedCompany) -> Step | None:
    from producers.watched import next_step

    return next_step(await company.store.look(), quiet=True, policy=company.policy)


@pytest.mark.parametrize("seed", range(10))
async def test_killed_anywhere_tells_the_same_as_undisturbed(pool: Pool, seed: int) -> None:
    chance = random.Random(seed)
    company, time = await company_with_a_past(pool)
    await begin_and_disturb(company, time)
    kills = 0
    while await _next(company) is not None:
        if chance.random() < 0.5 and kills < 12:
            await die(company, chance.choice(["before", "within", "after"]))
            company, kills = await another_owner(company, f"owner {kills}"), kills + 1
        else:
            await company.step()
    assert kills > 3
    assert _without_epochs(await facts(company)) == await undisturbed(pool)


async def undisturbed(pool: Pool) -> Facts:
    """Return the facts of the same company where nobody died, in a database that holds nothing else."""
    for table in ("watch", "known_customer", "known_invoice", "has_paid", "hint", "outbox", "link", "local_copy"):
        async with pool.connection() as connection:
            await connection.execute(f"DELETE FROM {table}".encode())
    async with pool.connection() as connection:
        await connection.execute(b"DELETE FROM connection")
        await connection.execute(b"DELETE FROM lane")
    company, time = await company_with_a_past(pool)
    await begin_and_disturb(company, time)
    await work(company)
    return _without_epochs(await facts(company))


def _without_epochs(found: Facts) -> Facts:
    """Both companies have one id, so that event ids must be equal; only the moments of QuickBooks differ."""
    return {name: value for name, value in found.items() if name != "import"} | {
        "import": [tuple(row.values()) for row in found["import"]],
        "imported": sorted(found["imported"]),
    }


async def die(company: WatchedCompany, where: str) -> None:
    """Take the step that is due and die at its transaction."""
    dying = replace(company, store=Dying(company.store, where))  # type: ignore[arg-type]
    with pytest.raises(Killed):
        await dying.step()


async def told_nothing(company: WatchedCompany, do: Callable[[], Awaitable[object]]) -> None:
    tables = ("outbox", "known_invoice", "has_paid", "local_copy", "watch")
    before = [await company.books.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]
    with pytest.raises(LaneLost):
        await do()
    assert [await company.books.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables] == before


async def test_earlier_owner_commits_nothing_at_any_step(pool: Pool) -> None:
    company, time = await company_with_a_past(pool)
    await begin_and_disturb(company, time)
    steps = set()
    while (step := await _next(company)) is not None:
        old, company = company, await another_owner(company, f"owner {random.random()}")
        if step not in steps:
            steps.add(step)
            await told_nothing(company, old.step)
        await company.step()
    assert steps == {Step.TELL_CUSTOMERS, Step.POLL, Step.BEGIN_IMPORT, Step.READ_HISTORY}


async def test_import_goes_on_with_its_totals_after_a_kill(pool: Pool) -> None:
    company, _ = await company_with_a_past(pool)
    await company.begin()
    while await company.step() is not Step.READ_HISTORY:
        pass
    await die(company, "after")
    before = (await company.state()).import_done
    company = await another_owner(company)
    state = await company.state()
    assert (state.import_running, state.import_done, state.import_total) == (True, before, 22)
    await company.settle()
    # One of them the bridge had made itself.
    assert (await standings(company))[-1] == ("DONE", 21, 21)
    assert len(await imported_ids(company)) == len(set(await imported_ids(company))) == 21


async def test_lane_lost_between_pieces_of_a_page_goes_on_behind_the_last_piece(pool: Pool) -> None:
    """A page is stored in pieces: what was committed of it is not told again."""
    company = await watched_company(pool)
    await toggle(company, import_invoices=True)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    for n in range(70):
        company.invoice(amy)
        time.forward(seconds=0 if 20 < n < 60 else 1)
    await company.begin()
    while (await company.state()).import_done == 0:
        await company.step() if await _next(company) is not Step.READ_HISTORY else await die(company, "after")
    assert len(await imported_ids(company)) == 25
    company = await another_owner(company)
    await company.settle()
    told = await imported_ids(company)
    assert len(told) == len(set(told)) == 70
