"""The Kafka clients on a real broker: what one sends the other reads, once committed never again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from bridge.kafka import KafkaRecords, KafkaSender
from consumers.reading import Fetched
from deploy.local.topics import create_topics
from producers.ports import Unsent
from producers.relay import SenderBroken

AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PATIENCE_SECONDS = 60.0

Send = Callable[..., set[int]]


def unsent(number: int, key: str = "loc_1", *, framed: bool = True, payload: bytes | None = None) -> Unsent:
    return Unsent(
        id=number,
        topic="news",
        key=key,
        event_id=f"ev-{number}",
        payload=payload,
        headers={} if framed else {"dead_letter_reason": "damaged"},
        framed=framed,
        created_at=AT,
    )


@pytest.fixture
def topic(bootstrap_servers: str, topic_prefix: str) -> str:
    name = f"{topic_prefix}news"
    create_topics(bootstrap_servers, {name: 2})
    return name


@pytest.fixture
def send(bootstrap_servers: str, topic_prefix: str, topic: str) -> Iterator[Send]:
    sender = KafkaSender({"bootstrap.servers": bootstrap_servers}, topic_prefix=topic_prefix)

    def deliver(*rows: Unsent, value: bytes | None = None) -> set[int]:
        return sender.deliver([(row, value if value is not None else row.payload) for row in rows])

    yield deliver
    sender.stop()


@pytest.fixture
def group(bootstrap_servers: str, topic_prefix: str) -> dict[str, str | int | bool]:
    return {
        "bootstrap.servers": bootstrap_servers,
        "group.id": f"{topic_prefix}group",
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 300,
    }


@contextmanager
def reading(group: dict[str, str | int | bool], topic: str) -> Iterator[KafkaRecords]:
    records = KafkaRecords(group, [topic])
    try:
        yield records
    finally:
        records.close()


def fetched(records: KafkaRecords, count: int) -> list[Fetched]:
    """Fetch until so many records came."""
    found: list[Fetched] = []
    until = time.monotonic() + PATIENCE_SECONDS
    while len(found) < count and time.monotonic() < until:
        found += records.fetch()
    return found


def test_kafka_records_come_as_they_were_sent(send: Send, topic: str, group: dict[str, str | int | bool]) -> None:
    assert send(unsent(1, payload=b"one"), unsent(2, "loc_ü", payload=b"")) == {1, 2}
    with reading(group, topic) as records:
        by_value = {record.value: record for record in fetched(records, 2)}
    assert set(by_value) == {b"one", b""}
    one = by_value[b"one"]
    assert (one.topic, one.key, by_value[b""].key) == (topic, b"loc_1", "loc_ü".encode())
    headers = dict(one.headers)
    assert (headers["ce_id"], headers["ce_type"], headers["ce_subject"]) == (b"ev-1", b"news", b"loc_1")
    assert headers["ce_time"] == b"2026-11-24T08:00:00+00:00"
    assert one.appended_ms is not None
    assert one.appended_ms > 0


def test_kafka_record_without_value_and_own_headers_is_kept_so(
    send: Send, topic: str, group: dict[str, str | int | bool]
) -> None:
    send(unsent(1, framed=False))
    with reading(group, topic) as records:
        (record,) = fetched(records, 1)
    assert (record.value, record.headers) == (None, [("dead_letter_reason", b"damaged")])


def test_kafka_records_of_a_key_keep_their_order(send: Send, topic: str, group: dict[str, str | int | bool]) -> None:
    rows = [unsent(number, f"loc_{number % 3}", payload=str(number).encode()) for number in range(300)]
    assert send(*rows) == set(range(300))
    with reading(group, topic) as records:
        found = fetched(records, 300)
    for key in (b"loc_0", b"loc_1", b"loc_2"):
        values = [int(record.value or b"") for record in found if record.key == key]
        assert values == sorted(values)
        assert len(values) == 100


def test_kafka_reader_goes_on_behind_what_was_committed(
    send: Send, topic: str, group: dict[str, str | int | bool]
) -> None:
    send(*(unsent(number, payload=str(number).encode()) for number in range(4)))
    with reading(group, topic) as records:
        first = fetched(records, 4)
        assert records.assigned
        records.commit(first[:2])
    with reading(group, topic) as records:
        assert [record.value for record in fetched(records, 2)] == [b"2", b"3"]
    send(unsent(4, payload=b"4"))
    with reading(group, topic) as records:
        again = fetched(records, 3)
        assert [record.value for record in again] == [b"2", b"3", b"4"], "what was not committed comes again"
        records.commit(again)
        assert records.lag() == 0


def test_kafka_reader_that_is_paused_reads_nothing_and_misses_nothing(
    send: Send, topic: str, group: dict[str, str | int | bool]
) -> None:
    send(unsent(1, payload=b"1"))
    with reading(group, topic) as records:
        fetched(records, 1)
        records.pause()
        send(unsent(2, payload=b"2"), unsent(3, payload=b"3"))
        assert [record for _ in range(10) for record in records.fetch()] == []
        records.resume()
        assert [record.value for record in fetched(records, 2)] == [b"2", b"3"]


def test_kafka_sender_that_stops_leaves_what_kafka_never_confirmed(topic_prefix: str) -> None:
    sender = KafkaSender({"bootstrap.servers": "127.0.0.1:1", "log_level": 0}, topic_prefix=topic_prefix)
    sender.stop()
    assert sender.deliver([(unsent(1), b"v")]) == set()
    sender.stop()


def test_kafka_sender_lets_nothing_pass_a_record_that_is_refused_before_it_leaves(
    send: Send, topic: str, group: dict[str, str | int | bool]
) -> None:
    large = b"v" * 2_000_000
    rows = [
        unsent(1, payload=b"1"),
        unsent(2, payload=large),
        unsent(3, payload=b"3"),
        unsent(4, "loc_2", payload=b"4"),
    ]
    assert send(*rows) == {1, 4}
    send(unsent(5, payload=b"5"), unsent(6, "loc_2", payload=b"6"))
    with reading(group, topic) as records:
        assert sorted(record.value or b"" for record in fetched(records, 4)) == [b"1", b"4", b"5", b"6"]


def test_kafka_sender_that_can_send_nothing_more_says_so_each_time(
    bootstrap_servers: str, topic_prefix: str, topic: str
) -> None:
    """Gapless, a producer must not go on once Kafka refused a record, as this one that is larger than topics allow."""
    sender = KafkaSender(
        {"bootstrap.servers": bootstrap_servers, "enable.gapless.guarantee": True, "message.max.bytes": 3_000_000},
        topic_prefix=topic_prefix,
    )
    assert sender.deliver([(unsent(1), b"1")]) == {1}
    for _ in range(2):
        with capture_logs() as logs, pytest.raises(SenderBroken):
            sender.deliver([(unsent(2), b"v" * 2_000_000), (unsent(3), b"3")])
        assert [log["event"] for log in logs if log["log_level"] == "critical"] == ["kafka_producer_broken"]
    sender.stop()
