"""What the CRM is told: on change only, and never by an older state of the record."""

from datetime import UTC, datetime, timedelta

import pytest

from consumers.outcomes import Attention, Done, Outcome, Result, Waiting
from consumers.records import Row
from tests.integration.store.books import Books, arrived
from tests.integration.store.effects import CREATED, Groups, decided, intent_for, written

SOON = datetime(2030, 1, 1, tzinfo=UTC)
CLOSED = Attention("books_closed", "Reopen the books.")
UNCHANGED = Done(Result.UNCHANGED)


async def states_told(books: Books) -> list[str]:
    return [str(event.state) for event in await books.told()]


async def work_off(books: Books, groups: Groups, *steps: tuple[int, Outcome]) -> list[str]:
    """Decide versions (minutes) of one contact in this order, and return the states that were told."""
    minutes = sorted({minute for minute, _ in steps})
    lease, rows = await books.working(*(arrived("ct_1", minute) for minute in minutes))
    for minute, outcome in steps:
        await groups.commit((lease, decided(rows[minutes.index(minute)], outcome)))
    return await states_told(books)


async def test_standing_is_told_only_when_it_changed(books: Books, groups: Groups) -> None:
    steps = ((1, CLOSED), (1, CLOSED), (2, CREATED), (3, UNCHANGED), (4, CLOSED))
    assert await work_off(books, groups, *steps) == ["NEEDS_ATTENTION", "SYNCED", "NEEDS_ATTENTION"]


async def test_standing_with_another_cause_is_told_again(books: Books, groups: Groups) -> None:
    waiting = Waiting("throttled", "Slow down.", SOON)
    steps = ((1, waiting), (1, Waiting("throttled", "Slow down.", SOON + timedelta(1))), (1, CLOSED))
    assert await work_off(books, groups, *steps) == ["WAITING", "NEEDS_ATTENTION"]


async def test_standing_with_another_object_is_told_again(books: Books, groups: Groups) -> None:
    lease, (row,) = await books.working(arrived())
    for qbo_id in ("q1", "q1", "q2"):
        await groups.commit((lease, decided(row, CREATED, written(intent_for(row, lease), qbo_id).link)))
    assert await states_told(books) == ["SYNCED", "SYNCED"]


async def test_standing_is_not_told_by_an_older_version(books: Books, groups: Groups) -> None:
    assert await work_off(books, groups, (2, CREATED), (1, CLOSED)) == ["SYNCED"]


async def test_standing_is_not_told_by_a_version_older_than_one_that_changed_nothing(
    books: Books, groups: Groups
) -> None:
    assert await work_off(books, groups, (1, CREATED), (3, UNCHANGED), (2, CLOSED)) == ["SYNCED"]


async def test_superseded_row_says_nothing(books: Books, groups: Groups) -> None:
    assert await work_off(books, groups, (2, CREATED), (1, Done(Result.SUPERSEDED))) == ["SYNCED"]


async def results(books: Books) -> list[tuple[str, str | None]]:
    rows = await books.rows("SELECT state, result FROM inbox ORDER BY entity_version")
    return [(row["state"], row["result"]) for row in rows]


@pytest.mark.parametrize("older", [CLOSED, Waiting("throttled", "Slow down.", SOON)])
async def test_newer_state_supersedes_what_waits_or_needs_attention(
    books: Books, groups: Groups, older: Outcome
) -> None:
    await work_off(books, groups, (1, older), (2, CREATED))
    assert await results(books) == [("done", "superseded"), ("done", "created")]


async def test_older_state_supersedes_nothing_newer(books: Books, groups: Groups) -> None:
    await work_off(books, groups, (2, CLOSED), (1, CREATED))
    assert await results(books) == [("done", "created"), ("attention", None)]


async def test_other_records_are_not_superseded(books: Books, groups: Groups) -> None:
    lease, rows = await books.working(arrived("ct_1", 1), arrived("ct_2", 2))
    await groups.commit((lease, decided(rows[0], CLOSED)))
    await groups.commit((lease, decided(rows[1])))
    assert await results(books) == [("attention", None), ("done", "created")]


@pytest.mark.parametrize("state", ["open", "attention"])
async def test_row_with_a_request_nobody_answered_is_not_superseded(books: Books, groups: Groups, state: str) -> None:
    lease, rows = await books.working(arrived("ct_1", 1), arrived("ct_1", 2))
    older, newer = rows
    await groups.store((lease, intent_for(older, lease)))
    await books.do("UPDATE intent SET state = %s", state)
    await groups.commit((lease, decided(older, Waiting("no_answer", "Waits.", SOON))))
    await groups.commit((lease, decided(newer)))
    assert (await results(books))[0] == ("waiting", None)


async def test_decision_about_one_row_leaves_its_neighbours(books: Books, groups: Groups) -> None:
    lease, rows = await books.working(arrived("ct_1"), arrived("ct_2"))
    first: Row = rows[0]
    await groups.commit((lease, decided(first)))
    assert await books.column("SELECT state FROM inbox ORDER BY id") == ["done", "pending"]
