"""Intents and outcomes of many lanes in one transaction: each stands or falls by itself."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.store.books import BookStore
from bridge.store.operations import OperationStore
from consumers.effects import Effects, Parked, Refused, Unanswered
from consumers.outcomes import Attention, Outcome, Skipped, Waiting
from schemas.events.quickbooks import ConnectionState
from tests.integration.store.books import Books, arrived
from tests.integration.store.effects import CREATED, Groups, decided, intent_for, written

STATES = "SELECT state FROM inbox ORDER BY id"
SOON = datetime(2030, 1, 1, tzinfo=UTC)


async def test_group_item_of_a_lost_lane_fails_alone(books: Books, groups: Groups) -> None:
    lost, (row,) = await books.working(arrived("a"))
    await books.connect("loc_2", "463")
    await books.receive(arrived("b", tenant="loc_2"))
    kept = await books.lease("463")
    (other,) = await books.inbox.take(kept, in_hand=[], limit=9)
    await books.lapse()
    stored = await groups.store((lost, intent_for(row, lost)), (kept, intent_for(other, kept)))
    assert stored == ["LaneLost", "ok"]
    assert await groups.commit((lost, decided(row)), (kept, decided(other))) == ["LaneLost", "ok"]
    assert await books.column("SELECT realm_id FROM intent") == ["463"]
    assert await books.column(STATES) == ["pending", "done"]
    assert [event.tenant_id for event in await books.told()] == ["loc_2"]


@pytest.mark.parametrize("message", ["NUL \x00", "half a character \ud83d"])
@pytest.mark.parametrize("position", [0, 2, 4])
async def test_group_item_that_cannot_be_stored_fails_alone(
    books: Books, groups: Groups, message: str, position: int
) -> None:
    lease, rows = await books.working(*(arrived(f"ct_{n}") for n in range(5)))
    bad = decided(rows[position], Attention("bug", "A sentence.", message))
    items = [bad if n == position else decided(row) for n, row in enumerate(rows)]
    done = await groups.commit(*((lease, item) for item in items))
    assert [n for n, one in enumerate(done) if one != "ok"] == [position]
    assert await books.column(STATES) == ["pending" if n == position else "done" for n in range(5)]
    assert len(await books.told()) == 4
    assert await groups.commit((lease, decided(rows[position]))) == ["ok"], "the next group is committed as well"


async def test_group_takes_items_that_came_while_another_was_committed(books: Books, groups: Groups) -> None:
    lease, rows = await books.working(*(arrived(f"ct_{n}") for n in range(30)))
    done = await asyncio.gather(*(groups.commit((lease, decided(row))) for row in rows))
    assert done == [["ok"]] * 30
    assert set(await books.column(STATES)) == {"done"}


async def test_stopped_writes_store_no_intent_but_every_outcome(books: Books, groups: Groups) -> None:
    lease, (row,) = await books.working(arrived())
    operations = OperationStore(books.pool)
    await operations.stop_writes("wrong tax code")
    assert await groups.store((lease, intent_for(row, lease))) == ["WritesStopped"]
    assert await books.column("SELECT count(*) FROM intent") == [0]
    assert await groups.commit((lease, decided(row, Waiting("writes_stopped", "Stopped.", SOON)))) == ["ok"]
    assert (await operations.allow_writes(), await operations.allow_writes()) == (True, False)
    assert await groups.store((lease, intent_for(row, lease))) == ["ok"]


async def test_written_answer_is_one_transaction(books: Books, groups: Groups) -> None:
    lease, (row,) = await books.working(arrived("ct_1"))
    sent = intent_for(row, lease)
    await groups.store((lease, sent))
    store = BookStore(books.pool, realm_id=lease.realm_id, tenant_id=lease.tenant_id)
    (opened,) = await store.open_intents()
    assert (opened.write, opened.keys, opened.remember) == (sent.write, sent.keys, sent.remember)
    answer = written(sent, PrimaryEmailAddr={"Address": "CT_1@example.com"})
    effects = decided(row, CREATED, answer.link)
    await groups.commit((lease, Effects(answer=answer, decided=effects.decided)))
    assert await store.open_intents() == []
    assert await store.link(sent.ref) == answer.link
    assert await store.customers_with_email("ct_1@example.com") == [answer.object]
    assert await store.last_number(sent.ref) == 1
    assert await books.column(STATES) == ["done"]
    (told,) = await books.told()
    assert [(r.type, r.id) for r in getattr(told, "quickbooks", ())] == [("Customer", "q1")]


async def test_refused_answer_closes_the_intent_and_frees_the_row(books: Books, groups: Groups) -> None:
    lease, (row,) = await books.working(arrived())
    sent = intent_for(row, lease)
    await groups.store((lease, sent))
    await groups.commit((lease, decided(row, Waiting("no_answer", "Waits.", SOON))))
    refused = Refused(intent=sent, code="6240", detail="taken", intuit_tid=None)
    await groups.commit((lease, Effects(answer=refused)))
    assert await books.rows("SELECT state, answer_code FROM intent") == [{"state": "refused", "answer_code": "6240"}]
    assert [r.entity_id for r in await books.inbox.take(lease, in_hand=[], limit=1)] == ["ct_1"], "it is due at once"


@pytest.mark.parametrize("attention", [False, True])
async def test_unanswered_intent_stays_open_and_keeps_its_keys(books: Books, groups: Groups, attention: bool) -> None:
    lease, (row,) = await books.working(arrived())
    sent = intent_for(row, lease)
    await groups.store((lease, sent))
    await groups.commit((lease, Effects(answer=Unanswered(intent=sent, due=SOON, attention=attention))))
    (opened,) = await BookStore(books.pool, realm_id="462", tenant_id="loc_1").open_intents()
    assert (opened.in_attention, opened.due_at, opened.attempts, opened.keys) == (attention, SOON, 1, sent.keys)


async def test_parked_company_is_told_once(books: Books, groups: Groups) -> None:
    lease, _ = await books.working(arrived())
    parked = Effects(parked=Parked(state=ConnectionState.PAUSED, cause="subscription_ended", message="Renew it."))
    assert await groups.commit((lease, parked), (lease, parked)) == ["ok", "ok"]
    (told,) = await books.told()
    assert (told.state, told.cause) == (ConnectionState.PAUSED, "subscription_ended")
    assert (await books.connections.get("loc_1", "462")).state == "paused"


async def test_same_intent_again_is_stored_once(books: Books, groups: Groups) -> None:
    """PostgreSQL may have committed without being able to say so: the group is committed again."""
    lease, (row,) = await books.working(arrived())
    for _ in range(2):
        assert await groups.store((lease, intent_for(row, lease))) == ["ok"]
    assert await books.column("SELECT count(*) FROM intent") == [1]


async def test_another_body_under_a_used_number_is_refused(books: Books, groups: Groups) -> None:
    """Two hands on one object: only one of them can send."""
    lease, (row,) = await books.working(arrived())
    other = intent_for(row, lease, number=2)
    assert await groups.store((lease, intent_for(row, lease))) == ["ok"]
    assert await groups.store((lease, replace(other, number=1))) == ["UniqueViolation"]


async def test_parked_company_stores_no_intent_but_every_outcome(books: Books, groups: Groups) -> None:
    lease, (row,) = await books.working(arrived())
    await books.connections.set_state("loc_1", ConnectionState.PAUSED, of=("connected",))
    assert await groups.store((lease, intent_for(row, lease))) == ["LaneLost"]
    assert await groups.commit((lease, decided(row))) == ["ok"]


async def test_decision_keeps_due_time_cause_and_trace(books: Books, groups: Groups) -> None:
    lease, rows = await books.working(arrived("a"), arrived("b"), arrived("c"))
    waiting = Waiting("throttled", "Slow down.", SOON + timedelta(hours=1))
    outcomes: tuple[Outcome, ...] = (
        waiting,
        Attention("bug", "Report it.", "a trace"),
        Skipped("not_live", "Test mode."),
    )
    await groups.commit(*((lease, decided(r, o)) for r, o in zip(rows, outcomes, strict=True)))
    stored = await books.rows("SELECT state, cause, message, trace, claims, attempts FROM inbox ORDER BY id")
    assert [tuple(row.values()) for row in stored] == [
        ("waiting", "throttled", "Slow down.", None, 0, 1),
        ("attention", "bug", "Report it.", "a trace", 0, 1),
        ("skipped", "not_live", "Test mode.", None, 0, 1),
    ]
    assert await books.column("SELECT due_at FROM inbox WHERE state = 'waiting'") == [waiting.due]
