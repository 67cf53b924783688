"""Publishing as a CRM would: Avro on Kafka, keyed by tenant; some records twice, one of them unreadable."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.local.demo.crm import Event
from deploy.local.errors import LocalStackError
from schemas.codec import Codec

_REPEATED_SHARE = 0.1
_FLUSH_SECONDS = 60
_ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What went to Kafka."""

    distinct: int
    repeated: int
    unreadable: int

    @property
    def records(self) -> int:
        return self.distinct + self.repeated + self.unreadable


def publish(
    bootstrap_servers: str, events: Sequence[Event], *, seed: int, topic_prefix: str = "", unreadable: int = 0
) -> Count:
    """Publish every event, one in ten twice, and so many records that are no Avro at all."""
    codec, rng = Codec(), random.Random(seed)  # noqa: S311 - seeded on purpose
    producer = Producer({"bootstrap.servers": bootstrap_servers, "enable.idempotence": True})
    repeated = [event for event in events if rng.random() < _REPEATED_SHARE]
    for event in [*events, *repeated]:
        topic = topic_prefix + event.envelope.event_type
        producer.produce(topic, key=event.envelope.tenant_id.encode(), value=codec.encode(event))
    for _ in range(unreadable):
        producer.produce(f"{topic_prefix}payment.completed", key=b"loc_houston", value=b'{"this is": "JSON"}')
    if left := producer.flush(_FLUSH_SECONDS):
        raise LocalStackError(f"{left} records did not reach Kafka within {_FLUSH_SECONDS} s.")
    return Count(distinct=len(events), repeated=len(repeated), unreadable=unreadable)


def count_on(bootstrap_servers: str, topic: str) -> int:
    """Return how many records are on a topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "demo-count"})
    try:
        partitions = consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic].partitions
        ends = [consumer.get_watermark_offsets(TopicPartition(topic, p), _ANSWER_SECONDS) for p in partitions]
        return sum(high - low for low, high in ends)
    finally:
        consumer.close()
