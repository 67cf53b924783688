"""The relay under kill -9 at every step: nothing is lost, and a repeat is the same event, in order per key."""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import psycopg

from bridge.store.outbox import shard_of
from deploy.local.product import Process
from producers.relay import RelayPolicy
from schemas.events.quickbooks import ConnectionChanged, ConnectionState
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import House

TOPIC = "qb.connection.changed"
_MORE = "SELECT 1 FROM outbox WHERE sent_at IS NOT NULL HAVING count(*) > %s"
_MARK_WAITS = """
SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE outbox SET sent_at%%'
"""
_KEYS = [f"loc_{n}" for n in range(5)]
#: A producer that must not go on once Kafka refused a record, and that tries larger ones than Kafka takes.
_GAPLESS = json.dumps({"enable.gapless.guarantee": True, "message.max.bytes": 3_000_000})
_ADD_LARGE = """
INSERT INTO outbox (shard, topic, key, event_id, payload, framed)
VALUES (%s, %s, 'loc_large', 'large', repeat('v', 2000000)::bytea, false)
RETURNING id
"""


def fill(house: House, rows: int) -> None:
    """Put rows into the outbox as transactions of lanes do, the keys in turn, each numbered."""
    with psycopg.connect(house.environment["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        values = [row_of(house, number) for number in range(rows)]
        cursor.executemany(
            "INSERT INTO outbox (shard, topic, key, event_id, payload) VALUES (%s, %s, %s, %s, %s)", values
        )


def row_of(house: House, number: int) -> tuple[Any, ...]:
    key = _KEYS[number % len(_KEYS)]
    event = ConnectionChanged(
        event_id=f"{key}/{number}", tenant_id=key, occurred_at=datetime.now(UTC), state=ConnectionState.CONNECTED,
        message=str(number),
    )  # fmt: skip
    return (shard_of(key), TOPIC, key, event.event_id, house.codec.encode(event))


def by_key(house: House) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for event in house.told(TOPIC):
        found.setdefault(event.tenant_id, []).append(int(str(event.message)))
    return found


def check(house: House, rows: int, *, most_repeated: int) -> None:
    """Everything is there; of each key what is met first is in order, and what comes again goes on from there."""
    numbers = by_key(house)
    assert sorted(n for found in numbers.values() for n in set(found)) == list(range(rows))
    for found in numbers.values():
        assert list(dict.fromkeys(found)) == sorted(set(found))
        assert all(later - earlier <= len(_KEYS) for earlier, later in pairwise(found))
    repeated = sum(count - 1 for found in numbers.values() for count in Counter(found).values())
    assert repeated <= most_repeated


def sent(house: House) -> int:
    return int(house.rows("SELECT count(*) AS n FROM outbox WHERE sent_at IS NOT NULL")[0]["n"])


def relay(house: House, name: str) -> Process:
    return house.start(name, roles=("relay",))


def test_killed_again_and_again_under_load_all_is_told_in_order(new_house: NewHouse) -> None:
    house = new_house(connected=False)
    rows, kills = 30_000, 4
    fill(house, rows)
    for number in range(kills):
        before = sent(house)
        process = relay(house, f"relay-{number}")
        house.until_row(_MORE, before, what="some are sent")
        process.kill()
    assert sent(house) < rows
    relay(house, "last")
    house.until_all_told()

    check(house, rows, most_repeated=kills * RelayPolicy().batch)


def test_killed_between_kafkas_confirmation_and_the_mark_the_same_events_come_again(new_house: NewHouse) -> None:
    house = new_house(connected=False)
    rows = 50
    fill(house, rows)
    with psycopg.connect(house.environment["DATABASE_URL"]) as blocker:
        # Marking what was sent waits here; reading goes on.
        blocker.execute("LOCK TABLE outbox IN EXCLUSIVE MODE")
        process = relay(house, "first")
        pid = house.until_row(_MARK_WAITS, what="the mark waits")["pid"]
        process.kill()
        # PostgreSQL would carry the mark out for a client that is no more.
        house.rows("SELECT pg_terminate_backend(%s)", [pid])
    relay(house, "again")
    house.until_all_told()

    events: list[Any] = house.told(TOPIC)
    assert Counter(event.event_id for event in events) == dict.fromkeys((e.event_id for e in events), 2)
    check(house, rows, most_repeated=rows)


def test_two_relays_share_the_keys_and_take_over_from_one_that_is_killed(new_house: NewHouse) -> None:
    house = new_house(connected=False)
    first, _ = relay(house, "first"), relay(house, "second")
    fill(house, 500)
    house.until_all_told()
    first.kill()
    with psycopg.connect(house.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DELETE FROM outbox")
    assert Counter(len(set(found)) for found in by_key(house).values()) == {100: len(_KEYS)}
    fill(house, 500)
    house.until_all_told()

    assert all(len(found) == 200 for found in by_key(house).values())


def test_process_whose_producer_is_broken_ends_by_itself_and_the_next_one_relays(new_house: NewHouse) -> None:
    house = new_house(connected=False)
    first = house.start("first", roles=("relay",), QBO_BRIDGE_KAFKA_PROPERTIES=_GAPLESS)
    house.rows(_ADD_LARGE, [shard_of("loc_large"), TOPIC])
    assert first.popen.wait(60) == 1
    assert '"event": "kafka_producer_broken"' in first.log.read_text()

    relay(house, "next")
    fill(house, 20)
    house.until(lambda: sent(house) == 20, "all is told but what no topic takes")
    check(house, 20, most_repeated=0)
