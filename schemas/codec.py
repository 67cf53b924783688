"""Bytes and events: both wire forms in, one form to keep, and the form that is asked for out.

Avro single-object encoding: `C3 01`, eight bytes of fingerprint, body. Confluent wire format: byte 0, four bytes
of schema id, body. The first byte tells them apart.

A record here is plain: decimals as unscaled bytes, times as Avro's numbers. See `schemas.ranges`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from schemas.convert import reader, writer
from schemas.errors import Reason, Undecodable
from schemas.ranges import plain, settler
from schemas.registered import writer_of
from schemas.topics import TOPICS, Event
from schemas.versions import AvroSchema, Version, versions

History = Callable[[str], Sequence[Version]]

_SINGLE_OBJECT = b"\xc3\x01"
_CONFLUENT = b"\x00"
_FINGERPRINT_END = 10
_ID_END = 5


class SchemaIds(Protocol):
    """A schema registry as the codec uses it; both may block on HTTP and raise RegistryUnavailable."""

    def schema(self, schema_id: int) -> AvroSchema | None:
        """Return the writer's schema of this id, None if the registry has none; Undecodable if it is not Avro."""
        ...

    def schema_id(self, topic: str) -> int:
        """Return the id of the topic's newest schema, registering it first if need be; may raise RegistryRefused."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A payload that is a record of its topic: the newest schema's fields, and its canonical bytes."""

    record: Mapping[str, Any]
    canonical: bytes


@dataclass(frozen=True, slots=True)
class _Written:
    """What a payload was written with; `parsed` is None where that reads as the newest version does."""

    topic: str
    parsed: Any | None


class Codec:
    """Reads and writes events. With a registry it writes Confluent's form, without one single objects.

    May be shared by threads. Nothing is rounded, cut or guessed: bytes are read whole or refused.
    """

    def __init__(self, registry: SchemaIds | None = None, *, history: History = versions) -> None:
        """`history` tells a topic's versions, oldest first; the last is what events are written with."""
        self._registry = registry
        self._topics: Mapping[type, str] = {kind: topic for topic, kind in TOPICS.items()}
        self._newest = {topic: history(topic)[-1] for topic in TOPICS}
        self._parsed = {topic: parse_schema(plain(newest.schema)) for topic, newest in self._newest.items()}
        self._heads = {topic: _SINGLE_OBJECT + newest.fingerprint for topic, newest in self._newest.items()}
        self._settle = {topic: settler(newest.schema) for topic, newest in self._newest.items()}
        self._readers = {topic: reader(kind, self._newest[topic].schema) for topic, kind in TOPICS.items()}
        self._writers = {topic: writer(newest.schema) for topic, newest in self._newest.items()}
        self._kept = _kept(history)
        self._registered: dict[int, _Written] = {}

    def encode(self, event: Event) -> bytes:
        """Return the event as a single object of the newest schema. Raises ValueOutOfRange: nothing is rounded."""
        topic = self._topics[type(event)]
        return self.canonical(topic, self._writers[topic](event))

    def canonical(self, topic: str, record: Mapping[str, Any]) -> bytes:
        """Return a plain record as a single object of the newest schema.

        Equal records, as `read` gives them, have equal bytes, whoever wrote them.
        """
        stream = BytesIO()
        stream.write(self._heads[topic])
        schemaless_writer(stream, self._parsed[topic], record)
        return stream.getvalue()

    def wire(self, topic: str, single_object: bytes) -> bytes:
        """Return a single object as it travels on Kafka: in Confluent's form where a registry is configured.

        Raises RegistryUnavailable, or RegistryRefused if the registry does not take the schema.
        """
        if self._registry is None:
            return single_object
        if not single_object.startswith(self._heads[topic]):
            # It waited in the outbox since an earlier release; the id names the newest schema.
            single_object = self.accept(topic, single_object).canonical
        schema_id = self._registry.schema_id(topic)
        return _CONFLUENT + schema_id.to_bytes(4, "big") + single_object[_FINGERPRINT_END:]

    def read(self, topic: str, payload: bytes | None) -> dict[str, Any]:
        """Read a payload of either wire form and of any version as a plain record of the newest schema.

        Raises Undecodable, or RegistryUnavailable if its schema must be asked for and nobody answers.
        """
        if not payload:
            raise Undecodable(Reason.EMPTY, "the record has no value; the contract knows no tombstones")
        written, body = self._written(topic, payload)
        newest = self._parsed[topic]
        record = _read(body, newest, None) if written.parsed is None else _read(body, written.parsed, newest)
        self._settle[topic](record)
        return record

    def event(self, topic: str, record: Mapping[str, Any]) -> Event:
        """Return the typed event of a plain record, as `read` gives it."""
        event: Event = self._readers[topic](record)
        return event

    def accept(self, topic: str, payload: bytes | None) -> Accepted:
        """Return both what a payload says and its canonical bytes; raises as `read` does."""
        record = self.read(topic, payload)
        return Accepted(record=record, canonical=self.canonical(topic, record))

    def decode(self, topic: str, payload: bytes | None) -> Event:
        """Return the typed event that a payload of this topic is; raises as `read` does."""
        return self.event(topic, self.read(topic, payload))

    def _written(self, topic: str, payload: bytes) -> tuple[_Written, bytes]:
        """Return what it was written with, and the body."""
        if payload.startswith(_SINGLE_OBJECT):
            return self._by_fingerprint(topic, payload[2:_FINGERPRINT_END]), payload[_FINGERPRINT_END:]
        if payload.startswith(_CONFLUENT):
            return self._by_id(topic, payload[1:_ID_END]), payload[_ID_END:]
        detail = f"it begins with {payload[:2].hex(' ')}, like neither wire form of Avro"
        raise Undecodable(Reason.UNKNOWN_FORM, detail)

    def _by_fingerprint(self, topic: str, fingerprint: bytes) -> _Written:
        if len(fingerprint) < _FINGERPRINT_END - 2:
            raise Undecodable(Reason.TRUNCATED, "it ends within the fingerprint")
        kept = self._kept.get(fingerprint)
        if kept is None:
            detail = f"fingerprint {fingerprint.hex()} is of no schema version that this release keeps"
            raise Undecodable(Reason.UNKNOWN_SCHEMA, detail)
        return _of(topic, kept)

    def _by_id(self, topic: str, raw_id: bytes) -> _Written:
        if len(raw_id) < _ID_END - 1:
            raise Undecodable(Reason.TRUNCATED, "it ends within the schema id")
        schema_id = int.from_bytes(raw_id, "big")
        if schema_id not in self._registered:
            self._registered[schema_id] = self._ask(topic, schema_id)
        return _of(topic, self._registered[schema_id])

    def _ask(self, topic: str, schema_id: int) -> _Written:
        if self._registry is None:
            detail = f"it names schema id {schema_id} and no registry is configured; set the schema registry's URL"
            raise Undecodable(Reason.NO_REGISTRY, detail)
        schema = self._registry.schema(schema_id)
        if schema is None:
            raise Undecodable(Reason.UNKNOWN_SCHEMA, f"the registry has no schema with id {schema_id}")
        return _Written(topic, writer_of(schema, self._newest[topic], f"schema id {schema_id}"))


def _kept(history: History) -> Mapping[bytes, _Written]:
    """Return every version kept here by fingerprint, the newest of each topic marked as such."""
    kept: dict[bytes, _Written] = {}
    for topic in TOPICS:
        *earlier, newest = history(topic)
        kept |= {one.fingerprint: _Written(topic, parse_schema(plain(one.schema))) for one in earlier}
        kept[newest.fingerprint] = _Written(topic, None)
    return kept


def _of(topic: str, written: _Written) -> _Written:
    if written.topic != topic:
        raise Undecodable(Reason.WRONG_TOPIC, f"it is a {written.topic} record on topic {topic}")
    return written


def _read(body: bytes, written: Any, newest: Any) -> dict[str, Any]:
    stream = BytesIO(body)
    try:
        record = schemaless_reader(stream, written, newest)
    except EOFError as error:
        raise Undecodable(Reason.TRUNCATED, "it ends within the record") from error
    except UnicodeDecodeError as error:
        raise Undecodable(Reason.NOT_UTF8, f"a text in it is not UTF-8 ({error.reason})") from error
    except Exception as error:
        detail = f"the body does not fit its schema ({type(error).__name__}: {error})"
        raise Undecodable(Reason.DAMAGED, detail) from error
    if left := len(body) - stream.tell():
        raise Undecodable(Reason.TRAILING_BYTES, f"{left} bytes follow the record")
    assert isinstance(record, dict), "every schema of the contract is a record"
    return record
