"""Hints of webhooks: stored once, for companies that are known, and their lanes are due."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.store.database import session
from bridge.store.hints import HintStore, Stored
from bridge.store.lanes import fence
from bridge.store.wakeups import listen
from qbo_client.webhooks import Change
from schemas.events.quickbooks import ConnectionState
from tests.integration.store.books import Books

AT = datetime(2026, 10, 7, 12, tzinfo=UTC)
SOON = 30.0  # A generous limit, not a pause: each wait ends with what it waits for.


def change(realm: str = "462", identifier: str = "58", **fields: Any) -> Change:
    told = {"entity": "Customer", "operation": "updated", "at": AT, **fields}
    return Change(realm_id=realm, id=identifier, **told)


@pytest.fixture
def hints(books: Books) -> HintStore:
    return HintStore(books.pool)


async def watch(books: Books, realm: str = "462", tenant: str = "loc_1", *, announced: timedelta | None = None) -> None:
    """Have the company watched, its next poll an hour away, the last webhook so long ago."""
    await books.do(
        "INSERT INTO watch (realm_id, tenant_id, began_at, customers_since, invoices_since, poll_at, announced_at)"
        " VALUES (%s, %s, now(), now(), now(), now() + interval '1 hour', now() - %s::interval)"
        " ON CONFLICT (realm_id, tenant_id) DO UPDATE"
        " SET poll_at = excluded.poll_at, announced_at = excluded.announced_at",
        realm, tenant, announced,
    )  # fmt: skip


async def nothing_due(books: Books) -> None:
    await books.do("UPDATE lane SET due_at = NULL")


async def due(books: Books) -> list[str]:
    return await books.column("SELECT realm_id FROM lane WHERE due_at <= clock_timestamp() ORDER BY realm_id")


async def announced(books: Books) -> list[str]:
    query = "SELECT realm_id FROM watch WHERE announced_at > now() - interval '1 minute' ORDER BY realm_id"
    return await books.column(query)


async def stored(books: Books) -> list[tuple[str, ...]]:
    rows = await books.rows("SELECT * FROM hint ORDER BY realm_id, entity, qbo_id, operation, deleted_id")
    return [(r["realm_id"], r["entity"], r["qbo_id"], r["operation"], r["deleted_id"]) for r in rows]


@asynccontextmanager
async def heard_elsewhere(url: str, pool_of: Books) -> AsyncIterator[asyncio.Queue[str]]:
    """Listen as another process does; yields what it is told."""
    told: asyncio.Queue[str] = asyncio.Queue()
    listening = asyncio.create_task(listen(url, lambda realms: told.put_nowait(realms[0])))
    waits = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
    async with asyncio.timeout(SOON):
        while not await pool_of.rows(waits):
            assert not listening.done()
    yield told
    listening.cancel()


async def test_add_stores_hints_and_makes_their_lanes_due(books: Books, hints: HintStore) -> None:
    for number in (1, 2, 3):
        await books.connect(f"loc_{number}", f"46{number}")
    await nothing_due(books)
    changes = [change("461"), change("462", "9", entity="Invoice"), change("461", operation="merged", deleted_id="7")]
    assert await hints.add(changes) == Stored(known_realms=frozenset({"461", "462"}), unknown=0)
    assert await stored(books) == [
        ("461", "Customer", "58", "merged", "7"),
        ("461", "Customer", "58", "updated", ""),
        ("462", "Invoice", "9", "updated", ""),
    ]
    assert await due(books) == ["461", "462"]


async def test_add_of_a_lane_that_is_due_later_or_overdue_is_due_now_or_stays(books: Books, hints: HintStore) -> None:
    for number, interval in ((1, "1 hour"), (2, "-1 hour")):
        await books.connect(f"loc_{number}", f"46{number}")
        await books.do("UPDATE lane SET due_at = now() + %s::interval WHERE realm_id = %s", interval, f"46{number}")
    await hints.add([change("461"), change("462")])
    ages = "SELECT extract(epoch FROM clock_timestamp() - due_at)::float8 AS age FROM lane ORDER BY realm_id"
    assert await books.column(ages) == [pytest.approx(0, abs=30), pytest.approx(3600, abs=30)]


@pytest.mark.parametrize(("state", "known"), [("paused", True), ("reconnect_needed", True), ("disconnected", False)])
async def test_add_of_a_company_in_each_state(books: Books, hints: HintStore, state: str, known: bool) -> None:
    await books.connect()
    await nothing_due(books)
    await books.do("UPDATE connection SET state = %s", state)
    result = await hints.add([change(), change("999")], heard={"998"})
    assert result == Stored(known_realms=frozenset({"462"} if known else ()), unknown=1 if known else 2)
    assert len(await stored(books)) == len(await due(books)) == (1 if known else 0)


async def test_add_of_a_company_that_moved_to_another_tenant_is_of_that_one(books: Books, hints: HintStore) -> None:
    await books.connect("loc_1")
    await watch(books, tenant="loc_1")
    await books.connections.set_state("loc_1", ConnectionState.DISCONNECTED, of=("connected",))
    await books.connect("loc_2")
    await watch(books, tenant="loc_2")
    await hints.add([change()])
    assert await books.column("SELECT tenant_id FROM watch WHERE announced_at IS NOT NULL") == ["loc_2"]


async def test_add_again_begins_the_hint_anew_with_the_latest_time(books: Books, hints: HintStore) -> None:
    await books.connect()
    await hints.add([change()])
    past = "UPDATE hint SET tries = 4, due_at = due_at + interval '1 hour', arrived_at = arrived_at - interval '1 hour'"
    for later, expected in (
        (timedelta(minutes=5), AT + timedelta(minutes=5)),
        (timedelta(0), AT + timedelta(minutes=5)),
    ):
        await books.do(past)
        await hints.add([change(at=AT + later)])
        (row,) = await books.rows("SELECT *, now() AS now FROM hint")
        assert (row["at"], row["tries"]) == (expected, 0)
        assert row["due_at"] == row["arrived_at"]
        assert (row["now"] - row["due_at"]).total_seconds() == pytest.approx(0, abs=30)


async def test_add_of_one_hint_twice_in_a_group_keeps_the_latest(books: Books, hints: HintStore) -> None:
    await books.connect()
    later = AT + timedelta(seconds=1)
    assert (await hints.add([change(), change(at=later), change()])).unknown == 0
    assert await books.column("SELECT at FROM hint") == [later]


@pytest.mark.parametrize("ago", [None, timedelta(minutes=61), timedelta(minutes=59)])
async def test_announced_is_noted_at_most_hourly(books: Books, hints: HintStore, ago: timedelta | None) -> None:
    await books.connect()
    await watch(books, announced=ago)
    await hints.add([change()])
    assert await announced(books) == ([] if ago == timedelta(minutes=59) else ["462"])


async def test_announced_is_noted_for_what_was_only_heard_and_wakes_nobody(books: Books, hints: HintStore) -> None:
    for number in (1, 2, 3):
        await books.connect(f"loc_{number}", f"46{number}")
        await watch(books, f"46{number}", f"loc_{number}")
    await nothing_due(books)
    await books.do("UPDATE connection SET state = 'disconnected' WHERE realm_id = '463'")
    assert await hints.add([], heard={"461", "463", "999"}) == Stored(known_realms=frozenset(), unknown=0)
    assert (await announced(books), await due(books), await stored(books)) == (["461"], [], [])


async def test_add_wakes_other_processes_once_it_is_committed(books: Books, hints: HintStore, migrated: str) -> None:
    await books.connect()
    async with heard_elsewhere(migrated, books) as told:
        await hints.add([change(), change("999")])
        await hints.add([change("462", "59")])
        assert [await asyncio.wait_for(told.get(), SOON) for _ in range(2)] == ["462", "462"]
        # What another hears of finds the hints there already: they are one transaction.
        assert len(await stored(books)) == 2


async def test_everything_is_due_but_for_who_is_disconnected(books: Books, hints: HintStore, migrated: str) -> None:
    for number, state in enumerate(("connected", "paused", "disconnected", "connected")):
        await books.connect(f"loc_{number}", f"46{number}")
        await watch(books, f"46{number}", f"loc_{number}")
        await books.do("UPDATE connection SET state = %s WHERE realm_id = %s", state, f"46{number}")
    await nothing_due(books)
    async with heard_elsewhere(migrated, books) as told:
        assert await hints.everything_is_due() == ("460", "461", "463")
        assert sorted([await asyncio.wait_for(told.get(), SOON) for _ in range(3)]) == ["460", "461", "463"]
    polls = "SELECT realm_id FROM watch WHERE poll_at <= now() ORDER BY realm_id"
    assert await books.column(polls) == await due(books) == ["460", "461", "463"]


async def test_everything_is_due_where_nobody_is_connected_does_nothing(hints: HintStore) -> None:
    assert await hints.everything_is_due() == ()


async def test_hints_of_many_processes_at_once_do_not_deadlock(books: Books, hints: HintStore) -> None:
    realms = [f"46{number}" for number in range(6)]
    for number, realm in enumerate(realms):
        await books.connect(f"loc_{number}", realm)
        await watch(books, realm, f"loc_{number}")
    changes = [change(realm, str(number)) for realm in realms for number in range(20)]
    shuffled = (changes[n:] + changes[:n] for n in range(0, len(changes), 9))
    await asyncio.gather(*(hints.add(some) for some in shuffled), *(hints.everything_is_due() for _ in range(4)))
    assert len(await stored(books)) == len(changes)


@pytest.mark.parametrize("table", ["lane", "hint", "watch"])
async def test_rows_are_locked_in_the_order_of_companies(books: Books, hints: HintStore, table: str) -> None:
    """However they lie in the table: else two who need the same rows could wait for each other."""
    for number in (3, 2, 1):
        await books.connect(f"loc_{number}", f"46{number}")
        await hints.add([change(f"46{number}")])
        await watch(books, f"46{number}", f"loc_{number}")
    async with session(books.pool) as other, other.transaction():
        lock = f"SELECT 1 FROM {table} WHERE realm_id = %s FOR UPDATE"
        await other.execute(lock.encode(), ["461"])
        adding = asyncio.create_task(hints.add([change("463"), change("461"), change("462")]))
        await until_somebody_waits(books, adding)
        await other.execute(lock.encode(), ["463"])
    assert (await adding).known_realms == {"461", "462", "463"}
    assert await announced(books) == ["461", "462", "463"]


async def test_hint_that_comes_while_a_lane_is_given_back_leaves_the_lane_due(books: Books, hints: HintStore) -> None:
    await books.connect()
    lease = await books.lease()
    async with session(books.pool) as connection, connection.transaction():
        # A release holds the lane's row; the hint waits for it, and is committed after.
        await connection.execute("SELECT 1 FROM lane FOR UPDATE")
        adding = asyncio.create_task(hints.add([change()]))
        await until_somebody_waits(books, adding)
        await connection.execute("UPDATE lane SET owner = NULL, due_at = NULL WHERE epoch = %s", [lease.epoch])
    await adding
    assert (await due(books), len(await stored(books))) == (["462"], 1)


async def test_hint_that_comes_while_a_poll_takes_the_same_one_waits_for_it(books: Books, hints: HintStore) -> None:
    await books.connect()
    lease = await books.lease()
    await hints.add([change()])
    async with session(books.pool) as connection, connection.transaction():
        assert await fence(connection, [(lease.realm_id, lease.epoch)])
        adding = asyncio.create_task(hints.add([change()]))
        await until_somebody_waits(books, adding)
        await connection.execute("DELETE FROM hint")
    await adding
    assert len(await stored(books)) == 1


async def test_hint_of_a_company_that_is_disconnected_meanwhile_is_of_nobody(books: Books, hints: HintStore) -> None:
    await books.connect()
    async with session(books.pool) as other, other.transaction():
        await other.execute("UPDATE connection SET state = 'disconnected'")
        await other.execute("UPDATE lane SET due_at = NULL")
        adding = asyncio.create_task(hints.add([change()]))
        await until_somebody_waits(books, adding)
    known = (await adding).known_realms
    assert {hint[0] for hint in await stored(books)} == known, "what it says is what it stored"


async def until_somebody_waits(books: Books, working: asyncio.Task[Any]) -> None:
    waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(SOON):
        while not await books.rows(waits):
            assert not working.done()
