"""Bytes and events: both wire forms in, one form to keep, and the form that is asked for out.

Avro single-object encoding: `C3 01`, eight bytes of fingerprint, body. Confluent wire format: byte 0, four bytes
of schema id, body. The first byte tells them apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol, cast

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from schemas.convert import reader, writer
from schemas.errors import Undecodable, ValueOutOfRange
from schemas.ranges import plain, range_check
from schemas.topics import TOPICS, Event
from schemas.versions import AvroSchema, versions

_SINGLE_OBJECT = b"\xc3\x01"
_CONFLUENT = b"\x00"
_FINGERPRINT_END = 10
_ID_END = 5


class SchemaIds(Protocol):
    """A schema registry as the codec uses it; both may raise RegistryUnavailable."""

    def schema(self, schema_id: int) -> AvroSchema | None:
        """Return the writer's schema of this id; None if the registry has none."""
        ...

    def schema_id(self, topic: str) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A payload that is a record of its topic.

    `record` has the newest schema's fields, decimals as bytes and times as Avro's numbers; `canonical` is the
    record as a single object of the newest schema: equal records have equal bytes, whoever wrote them.
    """

    record: Mapping[str, Any]
    canonical: bytes


@dataclass(frozen=True, slots=True)
class _Plain:
    """A schema without logical types, parsed."""

    topic: str
    name: str
    parsed: Any


class Codec:
    """Reads and writes events. With a registry it writes Confluent's form, without one single objects."""

    def __init__(self, registry: SchemaIds | None = None) -> None:
        self._registry = registry
        self._topics: Mapping[type, str] = {kind: topic for topic, kind in TOPICS.items()}
        self._newest = {topic: versions(topic)[-1] for topic in TOPICS}
        self._kept = {
            version.fingerprint: _plain(topic, version.schema) for topic in TOPICS for version in versions(topic)
        }
        self._plain = {topic: self._kept[newest.fingerprint] for topic, newest in self._newest.items()}
        self._checks = {topic: range_check(newest.schema) for topic, newest in self._newest.items()}
        self._readers: Mapping[str, Any] = {topic: reader(cast("Any", kind)) for topic, kind in TOPICS.items()}
        self._writers = {topic: writer(newest.schema) for topic, newest in self._newest.items()}
        self._registered: dict[int, _Plain] = {}

    def encode(self, event: Event) -> bytes:
        """Return the event as a single object of the newest schema. Raises ValueOutOfRange: nothing is rounded."""
        topic = self._topics[type(event)]
        newest = self._newest[topic]
        try:
            body = _write(newest.parsed, self._writers[topic](event))
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueOutOfRange(topic, str(error)) from error
        return _SINGLE_OBJECT + newest.fingerprint + body

    def wire(self, topic: str, single_object: bytes) -> bytes:
        """Return a single object as it travels on Kafka: in Confluent's form where a registry is configured."""
        if self._registry is None:
            return single_object
        schema_id = self._registry.schema_id(topic)
        return _CONFLUENT + schema_id.to_bytes(4, "big") + single_object[_FINGERPRINT_END:]

    def accept(self, topic: str, payload: bytes | None) -> Accepted:
        """Read a payload of either wire form and of any version, and prove that it fits the newest schema.

        Raises Undecodable, or RegistryUnavailable if its schema must be asked for and nobody answers.
        """
        if not payload:
            raise Undecodable("empty", "the record has no value; the contract knows no tombstones")
        written, body = self._written(topic, payload)
        newest = self._plain[topic]
        record = _read(body, written.parsed, None if written is newest else newest.parsed)
        self._checks[topic](record, topic)
        canonical = _SINGLE_OBJECT + self._newest[topic].fingerprint + _write(newest.parsed, record)
        return Accepted(record=record, canonical=canonical)

    def decode(self, topic: str, payload: bytes | None) -> Event:
        """Return the typed event that a payload of this topic is; raises as `accept` does."""
        body = self.accept(topic, payload).canonical[_FINGERPRINT_END:]
        event: Event = self._readers[topic](_read(body, self._newest[topic].parsed, None))
        return event

    def _written(self, topic: str, payload: bytes) -> tuple[_Plain, bytes]:
        """Return the writer's schema and the body."""
        if payload.startswith(_SINGLE_OBJECT):
            return self._by_fingerprint(topic, payload[2:_FINGERPRINT_END]), payload[_FINGERPRINT_END:]
        if payload.startswith(_CONFLUENT):
            return self._by_id(topic, payload[1:_ID_END]), payload[_ID_END:]
        raise Undecodable("unknown_form", f"it begins with byte {payload[0]:#04x}, which is no Avro wire form")

    def _by_fingerprint(self, topic: str, fingerprint: bytes) -> _Plain:
        kept = self._kept.get(fingerprint)
        if kept is None:
            detail = f"fingerprint {fingerprint.hex()} is of no schema version that this release keeps"
            raise Undecodable("unknown_schema", detail)
        if kept.topic != topic:
            raise Undecodable("wrong_topic", f"it is a {kept.topic} record on topic {topic}")
        return kept

    def _by_id(self, topic: str, raw_id: bytes) -> _Plain:
        if len(raw_id) < _ID_END - 1:
            raise Undecodable("truncated", "it ends within the schema id")
        schema_id = int.from_bytes(raw_id, "big")
        if schema_id not in self._registered:
            self._registered[schema_id] = self._ask(topic, schema_id)
        registered = self._registered[schema_id]
        if registered.name != self._plain[topic].name:
            detail = f"schema id {schema_id} is {registered.name}, not {self._plain[topic].name}"
            raise Undecodable("wrong_topic", detail)
        return registered

    def _ask(self, topic: str, schema_id: int) -> _Plain:
        if self._registry is None:
            detail = f"it names schema id {schema_id} and no registry is configured; set the schema registry's URL"
            raise Undecodable("no_registry", detail)
        schema = self._registry.schema(schema_id)
        if schema is None:
            raise Undecodable("unknown_schema", f"the registry has no schema with id {schema_id}")
        return _plain(topic, schema)


def _plain(topic: str, schema: Any) -> _Plain:
    name = f"{schema['namespace']}.{schema['name']}" if "namespace" in schema else str(schema.get("name"))
    return _Plain(topic, name, parse_schema(plain(schema)))


def _read(body: bytes, written: Any, newest: Any) -> dict[str, Any]:
    stream = BytesIO(body)
    try:
        record = schemaless_reader(stream, written, newest)
    except Exception as error:
        detail = f"the body does not fit its schema ({type(error).__name__}: {error})"
        raise Undecodable("damaged", detail) from error
    if left := len(body) - stream.tell():
        raise Undecodable("trailing_bytes", f"{left} bytes follow the record")
    assert isinstance(record, dict), "every schema of the contract is a record"
    return record


def _write(parsed: Any, record: Mapping[str, Any]) -> bytes:
    stream = BytesIO()
    schemaless_writer(stream, parsed, record)
    return stream.getvalue()
