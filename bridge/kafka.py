"""The Kafka clients, as ingest and relay use them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from consumers.reading import Fetched
from producers.ports import Unsent
from producers.relay import Record, SenderBroken, cloud_event_headers

log = structlog.get_logger(__name__)

_BATCH = 500
_WAIT_SECONDS = 0.2
#: What librdkafka itself has to say; it leaves when the client is polled.
_LIBRARY_LOG = logging.getLogger("librdkafka")


class KafkaRecords:
    """Satisfies `consumers.ingest.Records`."""

    def __init__(self, config: Mapping[str, str | int | bool], topics: Sequence[str]) -> None:
        consumer = {**config, "enable.auto.commit": False, "auto.offset.reset": "earliest", "logger": _LIBRARY_LOG}
        self._consumer = Consumer(consumer)
        self._paused = False
        self.assigned = self._newly_assigned = False
        self._consumer.subscribe(list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke)

    def fetch(self) -> list[Fetched]:
        if self._paused and self._newly_assigned:
            self.pause()
        self._newly_assigned = False
        # consume() would wait for a full batch: wait for the first record only, then take what is there.
        first = self._consumer.poll(_WAIT_SECONDS)
        if first is None:
            return []
        messages = [first, *self._consumer.consume(_BATCH - 1, 0)]
        return [_fetched(message) for message in messages if not _skip(message)]

    def commit(self, batch: Sequence[Fetched]) -> None:
        last: dict[tuple[str, int], int] = {}
        for record in batch:
            last[record.topic, record.partition] = record.offset + 1
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in last.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # Stored already; whoever reads these records again finds them to be duplicates.
            log.warning("offsets_not_committed", error=str(error))

    def pause(self) -> None:
        self._paused = True
        self._consumer.pause(self._consumer.assignment())

    def resume(self) -> None:
        self._paused = False
        self._consumer.resume(self._consumer.assignment())

    def lag(self) -> int:
        """Return how many records of the assigned partitions are not read yet, by librdkafka's own cache."""
        total = 0
        for partition in self._consumer.position(self._consumer.assignment()):
            _, high = self._consumer.get_watermark_offsets(partition, cached=True)
            total += max(0, high - max(partition.offset, 0))
        return total

    def close(self) -> None:
        self._consumer.close()

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("partitions_assigned", partitions=[f"{p.topic}/{p.partition}" for p in partitions])
        self.assigned = self._newly_assigned = True

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self.assigned = False
        log.info("partitions_revoked", partitions=[f"{p.topic}/{p.partition}" for p in partitions])


def _skip(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED):
        raise KafkaException(error)
    log.warning("kafka_error", error=error.str())
    return True


def _fetched(message: Message) -> Fetched:
    kind, timestamp = message.timestamp()
    return Fetched(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=_headers(message),
        appended_ms=timestamp if kind else None,
    )


def _headers(message: Message) -> list[tuple[str, bytes]]:
    headers: Any = message.headers() or []
    return [(name, value or b"") for name, value in headers]


def _bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None


class KafkaSender:
    """Satisfies `producers.relay.Sender` with an idempotent producer (acks=all)."""

    def __init__(self, config: Mapping[str, str | int | bool], *, topic_prefix: str = "") -> None:
        # No time limit on a delivery: Kafka may be away for hours, and a record that timed out could
        # be overtaken by a later one of its key.
        self._producer = Producer(
            {
                "linger.ms": 2,
                "partitioner": "murmur2_random",
                **config,
                "enable.idempotence": True,
                "acks": "all",
                "message.timeout.ms": 0,
                "logger": _LIBRARY_LOG,
            }
        )
        self._prefix = topic_prefix
        self._stopping = False

    def deliver(self, records: Sequence[Record]) -> set[int]:
        confirmed: set[int] = set()
        refused: set[str] = set()
        for row, value in records:
            if row.order_key not in refused and not self._handed_over(row, value, confirmed):
                refused.add(row.order_key)
        self._await_reports()
        return confirmed

    def _handed_over(self, row: Unsent, value: bytes | None, confirmed: set[int]) -> bool:
        """Hand a record to librdkafka; return whether it took it."""
        try:
            self._produce(row, value, confirmed)
        except (KafkaException, BufferError) as error:
            if is_fatal(error):
                raise _broken(error) from error
            log.error("record_refused_by_kafka", topic=row.topic, error=str(error))  # noqa: TRY400 - no trace needed
            return False
        return True

    def _await_reports(self) -> None:
        try:
            while len(self._producer) and not self._stopping:
                self._producer.flush(0.5)
        except (KafkaException, SystemError) as error:
            # What polls raises fatal errors and nothing else. If it calls a delivery report after that, the error is
            # lost on the way through the C code, and CPython raises SystemError for a failure without an exception.
            raise _broken(error) from error

    def _produce(self, row: Unsent, value: bytes | None, confirmed: set[int]) -> None:
        self._producer.produce(
            self._prefix + row.topic,
            key=row.key.encode(),
            value=value,
            headers=[(name, text.encode()) for name, text in cloud_event_headers(row).items()],
            on_delivery=_note(row.id, confirmed),
        )

    def stop(self) -> None:
        """Give up on what Kafka has not confirmed; its rows stay unsent and are sent by the next relay."""
        self._stopping = True
        self._producer.purge()


def _note(row_id: int, confirmed: set[int]) -> Callable[[KafkaError | None, Message], None]:
    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is None:
            confirmed.add(row_id)
        else:
            log.error("record_refused_by_kafka", topic=message.topic(), error=error.str())

    return delivered


def is_fatal(error: Exception) -> bool:
    """Whether the producer can send nothing more, this record or any other.

    What polls raises the cause, marked as fatal; from then on `produce` raises the code, without the mark.
    """
    cause = error.args[0] if error.args else None
    return isinstance(cause, KafkaError) and (cause.fatal() or cause.code() == KafkaError._FATAL)  # noqa: SLF001 -- public in all but its name.


def _broken(error: Exception) -> SenderBroken:
    log.critical("kafka_producer_broken", error=str(error))
    return SenderBroken(f"The Kafka producer can send nothing more, and this process must be started anew: {error}")
