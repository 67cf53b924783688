"""The whole product on the real stack, as an operator runs it, and what a test does with it."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from psycopg.rows import dict_row

from deploy.local.product import Process, QuickBooks, command, start_bridge
from schemas.codec import Codec
from schemas.topics import DEAD_LETTERS, TOPICS

PATIENCE_SECONDS = 60.0
#: Whoever joins a group waits so long for one who was killed. A broker that we did not start may allow no less.
SESSION_MILLISECONDS = 6000 if "KAFKA_BOOTSTRAP_SERVERS" in os.environ else 3000
FAST_KAFKA = f'{{"heartbeat.interval.ms": 300, "session.timeout.ms": {SESSION_MILLISECONDS}}}'


@dataclass(slots=True, kw_only=True)
class House:
    folder: Path
    environment: dict[str, str]
    quickbooks: QuickBooks
    bootstrap_servers: str
    topic_prefix: str
    #: Tenant id -> realm id.
    realms: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)
    codec: Codec = field(default_factory=Codec)

    def start(self, name: str = "bridge", *, roles: Sequence[str] = (), **settings: str) -> Process:
        """Start one bridge process and wait until it is ready."""
        process, address = start_bridge({**self.environment, **settings}, folder=self.folder, name=name, roles=roles)
        self.processes.append(process)
        self.addresses[name] = address
        return process

    def command(self, *arguments: str) -> str:
        return command(self.environment, *arguments)

    def publish(self, events: Iterable[Any]) -> None:
        self.publish_raw((e.envelope.event_type, e.envelope.tenant_id.encode(), self.codec.encode(e)) for e in events)

    def publish_raw(self, records: Iterable[tuple[str, bytes, bytes | None]]) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "enable.idempotence": True})
        for topic, key, value in records:
            producer.produce(self.topic_prefix + topic, key=key, value=value)
        assert producer.flush(PATIENCE_SECONDS) == 0, "Kafka did not take the records"

    def told(self, topic: str) -> list[Any]:
        """Return every event on one of the outgoing topics, in order per key."""
        return [self.codec.decode(topic, value) for value in self.values(topic)]

    def values(self, topic: str) -> list[bytes]:
        """Return the values of all records that are on a topic now."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "group.id": f"{self.topic_prefix}{time.monotonic_ns()}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        name = self.topic_prefix + topic
        try:
            partitions = list(consumer.list_topics(name, timeout=10).topics[name].partitions)
            # Assigned, not subscribed: joining a group takes far longer than reading.
            consumer.assign([TopicPartition(name, partition, OFFSET_BEGINNING) for partition in partitions])
            values: list[bytes] = []
            ended: set[int | None] = set()
            until = time.monotonic() + PATIENCE_SECONDS
            while len(ended) < len(partitions) and time.monotonic() < until:
                message = consumer.poll(0.5)
                if message is None:
                    continue
                if message.error():
                    ended.add(message.partition())
                else:
                    values.append(message.value() or b"")
            return values
        finally:
            consumer.close()

    def rows(self, query: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), params or None).fetchall()

    def states(self) -> dict[str, int]:
        """Count inbox rows by state."""
        return {r["state"]: r["n"] for r in self.rows("SELECT state, count(*) AS n FROM inbox GROUP BY state")}

    def until(self, condition: Callable[[], Any], what: str, patience_seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait until the condition gives something true and return that; the bridge's log tells why it did not."""
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            try:
                if found := condition():
                    return found
            except psycopg.OperationalError:
                pass
            time.sleep(0.05)
        logs = "\n".join(f"--- {p.name}\n{p.tail(40)}" for p in self.processes)
        raise AssertionError(f"not within {patience_seconds} s: {what}\nstates: {self.states()}\n{logs}")

    def until_row(self, query: str, *params: Any, what: str) -> dict[str, Any]:
        """Wait until the query finds something; return its first row."""
        return dict(self.until(lambda: self.rows(query, params), what)[0])

    def until_all_told(self) -> None:
        """Wait until everything that is to be told is on Kafka."""
        self.until(lambda: not self.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL"), "all is told")

    def until_settled(self, count: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until so many rows are done, skipped or before a person."""

        def settled() -> bool:
            states = self.states()
            return sum(states.get(s, 0) for s in ("done", "skipped", "attention")) >= count

        self.until(settled, f"{count} rows are settled", patience_seconds)

    def statistics(self, realm_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.quickbooks.control(f"/companies/{realm_id}/statistics")
        return found

    def person(self, action: str, tenant: str = "loc_0", **what: Any) -> Any:
        """Have a person do something on QuickBooks' own screens; return the object as it stands afterwards."""
        done = self.quickbooks.control(f"/companies/{self.realms[tenant]}/person/{action}", what)
        return next(iter(done.values())) if isinstance(done, dict) and len(done) == 1 else done

    def enters(self, entity: str, tenant: str = "loc_0", **fields: Any) -> dict[str, Any]:
        """Have a person enter an object."""
        entered: dict[str, Any] = self.person("enter", tenant, entity=entity, object=fields)
        return entered

    def writes(self) -> dict[str, int]:
        """Count the writes that took effect in all companies, by entity."""
        counts: dict[str, int] = {}
        for realm_id in self.realms.values():
            for entity, count in self.statistics(realm_id)["writes_applied"].items():
                counts[entity] = counts.get(entity, 0) + count
        return counts

    def end(self) -> None:
        for process in self.processes:
            if process.popen.poll() is None:
                process.kill()
        self.quickbooks.process.stop()


def topics_of(prefix: str, *, partitions: int = 3) -> dict[str, int]:
    names = [*TOPICS, DEAD_LETTERS]
    return {prefix + name: partitions for name in names}


def soon() -> datetime:
    """Return a moment after every connection of this test was made."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
