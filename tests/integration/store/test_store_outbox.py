"""The outbox, and which process relays which part of it."""

import asyncio

import psycopg
import pytest

from bridge.store.database import Away, Pool, session
from bridge.store.outbox import SHARDS, OutboxRow, OutboxStore, add_to_outbox, shard_of
from bridge.store.shards import ShardLocks

EVERY = range(SHARDS)


async def add(pool: Pool, *rows: tuple[str, str], payload: bytes | None = b"v") -> None:
    wanted = [OutboxRow(topic=topic, key=key, event_id=f"{topic}-{key}", payload=payload) for topic, key in rows]
    async with session(pool) as connection, connection.transaction():
        await add_to_outbox(connection, wanted)


async def unsent(store: OutboxStore, **changes: object) -> list[tuple[str, str]]:
    held, limit = changes.get("held", ()), changes.get("limit", 100)
    assert isinstance(held, tuple)
    assert isinstance(limit, int)
    return [(row.topic, row.key) for row in await store.unsent(EVERY, held=held, limit=limit)]


async def test_unsent_rows_come_oldest_first_until_they_are_marked(pool: Pool) -> None:
    store = OutboxStore(pool)
    await add(pool, ("a", "1"), ("b", "1"), ("a", "2"))
    rows = await store.unsent(EVERY, held=[], limit=2)
    assert [(row.topic, row.key, row.payload, row.framed) for row in rows] == [
        ("a", "1", b"v", True),
        ("b", "1", b"v", True),
    ]
    await store.mark_sent([row.id for row in rows])
    assert await unsent(store) == [("a", "2")]
    (count, age) = await store.backlog()
    assert (count, age >= 0) == (1, True)


async def test_unsent_leaves_out_what_is_held_by_topic_and_key(pool: Pool) -> None:
    await add(pool, ("a", "1"), ("b", "1"), ("a", "2"), ("a", "1"))
    assert await unsent(OutboxStore(pool), held=("a\x1f1",)) == [("b", "1"), ("a", "2")]


async def test_unsent_of_other_shards_are_left_to_others(pool: Pool) -> None:
    keys = [f"loc_{n}" for n in range(40)]
    await add(pool, *(("a", key) for key in keys))
    found = [await OutboxStore(pool).unsent([shard], held=[], limit=100) for shard in EVERY]
    assert sorted(row.key for rows in found for row in rows) == sorted(keys)
    assert all(shard_of(row.key) == shard for shard, rows in enumerate(found) for row in rows)


async def test_unsent_row_without_a_value_stays_one(pool: Pool) -> None:
    await add(pool, ("a", "1"), payload=None)
    assert [row.payload for row in await OutboxStore(pool).unsent(EVERY, held=[], limit=1)] == [None]


async def test_rows_of_a_transaction_that_is_rolled_back_are_never_sent(pool: Pool) -> None:
    row = OutboxRow(topic="a", key="1", event_id="e", payload=b"v")
    async with session(pool) as connection, connection.transaction(force_rollback=True):
        await add_to_outbox(connection, [row])
    assert await OutboxStore(pool).backlog() == (0, 0.0)


async def test_each_shard_is_relayed_by_one_session_and_passes_on_when_it_ends(migrated: str) -> None:
    one, other = ShardLocks(migrated), ShardLocks(migrated)
    try:
        mine = list(await one.mine())
        theirs = list(await other.mine())
        assert sorted([*mine, *theirs]) == list(EVERY), "every shard has one relay, and none has two"
        assert list(await one.mine()) == mine
        await one.close()
        # PostgreSQL frees a session's locks when its process has ended, shortly after the session was closed.
        async with asyncio.timeout(10):
            while list(await other.mine()) != list(EVERY):
                pass
    finally:
        await one.close()
        await other.close()


async def test_shards_of_a_session_that_was_killed_are_not_its_own_any_more(migrated: str) -> None:
    one, other = ShardLocks(migrated), ShardLocks(migrated)
    try:
        assert list(await one.mine()) == list(EVERY)
        with psycopg.connect(migrated, autocommit=True) as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE application_name = 'qbo-bridge relay' AND datname = current_database()"
            ).fetchall()
        assert ended == [(True,)]
        assert list(await other.mine()) == list(EVERY)
        with pytest.raises(Away):
            await one.mine()
        assert list(await one.mine()) == []
    finally:
        await one.close()
        await other.close()
