"""The relay between a real outbox and a real broker, where Kafka refuses a record when others are on their way."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bridge.kafka import KafkaSender
from bridge.store.database import Pool, session
from bridge.store.outbox import OutboxRow, OutboxStore, add_to_outbox
from bridge.store.shards import ShardLocks
from deploy.local.topics import create_topics
from producers.relay import Relay, RelayPolicy
from schemas.codec import Codec

SMALL = b"v"
#: More than a broker takes by default; the producer is told to send it, in one batch with what is around it.
LARGE = b"v" * 2_000_000
_SENDS_ALL = {"message.max.bytes": 3_000_000, "batch.size": 3_000_000}


@dataclass(slots=True, kw_only=True)
class Lines:
    """A relay with all shards, the outbox behind it, and the time as the relay sees it."""

    pool: Pool
    relay: Relay
    now: list[float] = field(default_factory=lambda: [0.0])

    async def add(self, *rows: tuple[str, str, bytes]) -> None:
        """Add rows of key, event id and value."""
        wanted = [
            OutboxRow(topic="news", key=key, event_id=event_id, payload=value, framed=False)
            for key, event_id, value in rows
        ]
        async with session(self.pool) as connection, connection.transaction():
            await add_to_outbox(connection, wanted)

    async def unsent(self) -> list[str]:
        rows = await OutboxStore(self.pool).unsent(range(8), held=[], limit=100)
        return [row.event_id for row in rows]


@pytest.fixture
async def lines(pool: Pool, migrated: str, bootstrap_servers: str, topic_prefix: str) -> AsyncIterator[Lines]:
    # One partition: what goes there together is one batch.
    create_topics(bootstrap_servers, {f"{topic_prefix}news": 1})
    shards, now = ShardLocks(migrated), [0.0]
    sender = KafkaSender({"bootstrap.servers": bootstrap_servers, **_SENDS_ALL}, topic_prefix=topic_prefix)
    relay = Relay(
        outbox=OutboxStore(pool), shards=shards, wire=Codec(), sender=sender, policy=RelayPolicy(),
        monotonic=lambda: now[0], on_sent=lambda _: None,
    )  # fmt: skip
    yield Lines(pool=pool, relay=relay, now=now)
    sender.stop()
    await shards.close()


async def test_record_too_large_for_kafka_holds_its_own_key_and_no_other(lines: Lines) -> None:
    await lines.add(("loc_1", "large", LARGE), ("loc_1", "behind", SMALL), ("loc_2", "1", SMALL), ("loc_3", "2", SMALL))
    await lines.relay._relay_once()
    lines.now[0] = 31.0
    await lines.relay._relay_once()
    assert await lines.unsent() == ["large", "behind"]
    await lines.add(("loc_2", "3", SMALL), ("loc_3", "4", SMALL))
    lines.now[0] = 62.0
    await lines.relay._relay_once()
    assert await lines.unsent() == ["large", "behind"], "tried again, it took nothing else with it"
