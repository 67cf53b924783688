"""Records of other versions: earlier ones kept here, and whatever a registry holds."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from schemas.codec import Codec
from schemas.errors import Reason, RegistryUnavailable, Undecodable
from schemas.events.crm import ActivityReason, ContactActive
from schemas.topics import TOPICS
from schemas.versions import AvroSchema, Version, version, versions
from tests.unit.schemas.by_hand import Freedoms, body, single_object
from tests.unit.schemas.made import EXAMPLES, example

TOPIC = "contact.active"
NEWEST = versions(TOPIC)[-1]
CONTACT = example("contact_active")[1]
assert isinstance(CONTACT, ContactActive)


def changed(change: Callable[[dict[str, Any]], None], topic: str = TOPIC) -> AvroSchema:
    schema = deepcopy(versions(topic)[-1].schema)
    change(schema)
    return schema


def without_later_fields(schema: dict[str, Any]) -> None:
    """As if website and tags had come with version 2."""
    schema["fields"] = schema["fields"][:3]


def with_more(schema: dict[str, Any]) -> None:
    """As a newer writer has it: one more reason, and a field of a type unknown here."""
    schema["fields"][2]["type"]["symbols"].append("IMPORTED")
    score = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    since = {"type": "fixed", "name": "Since", "size": 12, "logicalType": "duration"}
    schema["fields"].append({"name": "score", "type": ["null", score], "default": None})
    schema["fields"].append({"name": "since", "type": since, "default": "\x00" * 12})
    schema["fields"].append({"name": "limits", "type": {"type": "map", "values": score}, "default": {}})


@dataclass(slots=True)
class SchemaTable:
    """The registry's port, answered from a table."""

    schemas: Mapping[int, Any] = field(default_factory=dict)
    away: bool = False
    asked: list[int] = field(default_factory=list)

    def schema(self, schema_id: int) -> Any:
        self.asked.append(schema_id)
        if self.away:
            raise RegistryUnavailable("away")
        return self.schemas.get(schema_id)

    def schema_id(self, topic: str) -> int:
        return 700 + list(TOPICS).index(topic)


def framed(schema_id: int, record: bytes) -> bytes:
    return b"\x00" + schema_id.to_bytes(4, "big") + record


def kept_since(schema: AvroSchema) -> Callable[[str], tuple[Version, ...]]:
    """A history in which this schema came before the newest."""
    return lambda topic: (version(topic, 0, schema), *versions(topic)) if topic == TOPIC else versions(topic)


def test_version_kept_from_earlier_is_read_with_defaults() -> None:
    old = version(TOPIC, 0, changed(without_later_fields))
    codec = Codec(history=kept_since(old.schema))
    found = codec.decode(TOPIC, single_object(CONTACT, old))
    assert isinstance(found, ContactActive)
    assert isinstance(CONTACT, ContactActive)
    assert (found.website, found.tags) == (None, ())
    assert (found.envelope, found.contact, found.reason) == (CONTACT.envelope, CONTACT.contact, CONTACT.reason)
    assert codec.accept(TOPIC, single_object(CONTACT, old)).canonical == codec.encode(found)


def test_version_kept_from_earlier_waiting_in_the_outbox_leaves_as_the_newest() -> None:
    """The id on the wire names the newest schema: the body behind it must be of that."""
    old = version(TOPIC, 0, changed(without_later_fields))
    codec = Codec(SchemaTable(), history=kept_since(old.schema))
    wired = codec.wire(TOPIC, single_object(CONTACT, old))
    assert wired == framed(700, codec.accept(TOPIC, single_object(CONTACT, old)).canonical[10:])


def test_version_a_release_does_not_keep_is_refused() -> None:
    newer = version(TOPIC, 2, changed(with_more))
    with pytest.raises(Undecodable) as raised:
        Codec().decode(TOPIC, b"\xc3\x01" + newer.fingerprint + b"\x00")
    assert raised.value.reason == Reason.UNKNOWN_SCHEMA


def test_wire_with_registry_is_read_again() -> None:
    codec = Codec(SchemaTable({700 + n: versions(topic)[-1].schema for n, topic in enumerate(TOPICS)}))
    for name in EXAMPLES:
        topic, event = example(name)
        wired = codec.wire(topic, codec.encode(event))
        assert wired[:1] == b"\x00"
        assert codec.decode(topic, wired) == event
        assert codec.decode(topic, codec.encode(event)) == event
        assert codec.accept(topic, wired).canonical == codec.encode(event)


def test_registered_schema_is_asked_for_once() -> None:
    table = SchemaTable({5: NEWEST.schema})
    codec = Codec(table)
    for _ in range(3):
        codec.decode(TOPIC, framed(5, body(CONTACT, NEWEST.schema)))
    assert table.asked == [5]


def test_registered_newer_writers_symbol_becomes_unknown_and_its_fields_are_skipped() -> None:
    assert isinstance(CONTACT, ContactActive)
    newer = changed(with_more)
    tail = b"\x02\x02\x07" + bytes(range(12)) + b"\x02\x06abc\x02\x05\x00"
    head = body(CONTACT, changed(lambda s: s.update(fields=s["fields"][:2])))
    reason = b"\x0c"  # The seventh symbol.
    rest = body(CONTACT, changed(lambda s: s.update(fields=s["fields"][3:])))
    found = Codec(SchemaTable({9: newer})).decode(TOPIC, framed(9, head + reason + rest + tail))
    assert isinstance(found, ContactActive)
    assert found.reason is ActivityReason.UNKNOWN
    assert (found.contact, found.tags) == (CONTACT.contact, CONTACT.tags)


def test_registered_javas_string_hint_changes_nothing() -> None:
    def as_java(schema: Any) -> Any:
        if isinstance(schema, list):
            return [as_java(one) for one in schema]
        if isinstance(schema, dict):
            return {k: as_java(v) if k in {"type", "items", "fields"} else v for k, v in schema.items()}
        return {"type": "string", "avro.java.string": "String"} if schema == "string" else schema

    codec = Codec(SchemaTable({3: as_java(NEWEST.schema)}))
    freedoms = Freedoms(items_per_block=1, blocks_tell_their_size=True)
    accepted = codec.accept(TOPIC, framed(3, body(CONTACT, NEWEST.schema, freedoms)))
    assert accepted.canonical == codec.encode(CONTACT)


def another_scale(schema: dict[str, Any]) -> None:
    """Two decimals where the contract has four: 12.50 would be read as 0.1250."""
    payment = next(one for one in schema["fields"] if one["name"] == "payment")
    amount = next(one for one in payment["type"]["fields"] if one["name"] == "amount")
    amount["type"] = {"type": "bytes", "logicalType": "decimal", "precision": 19, "scale": 2}


def in_microseconds(schema: dict[str, Any]) -> None:
    envelope = schema["fields"][0]["type"]
    at = next(one for one in envelope["fields"] if one["name"] == "occurred_at")
    at["type"] = {"type": "long", "logicalType": "timestamp-micros"}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (another_scale, r"payment\.amount was bytes \(decimal 19 2\) and is bytes \(decimal 19 4\)"),
        (in_microseconds, r"envelope\.occurred_at was long \(timestamp-micros\) and is long \(timestamp-millis\)"),
        (lambda s: s["fields"].pop(), r"field totals has no default"),
    ],
)
def test_registered_schema_of_another_meaning_is_refused(change: Callable[[dict[str, Any]], None], detail: str) -> None:
    topic, event = example("payment_us_tip_surcharge_coupon")
    other = changed(change, topic)
    with pytest.raises(Undecodable, match=detail) as raised:
        Codec(SchemaTable({4: other})).decode(topic, framed(4, body(event, other)))
    assert raised.value.reason == Reason.INCOMPATIBLE_SCHEMA


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (None, Reason.UNKNOWN_SCHEMA),
        ("string", Reason.WRONG_TOPIC),
        (versions("invoice.sent")[-1].schema, Reason.WRONG_TOPIC),
        (NEWEST.schema | {"namespace": "crm.v2"}, Reason.WRONG_TOPIC),
        ([NEWEST.schema], Reason.WRONG_TOPIC),
        ({}, Reason.UNKNOWN_SCHEMA),
        ({"type": "record"}, Reason.UNKNOWN_SCHEMA),
        ({"type": "object", "properties": {}}, Reason.UNKNOWN_SCHEMA),
        (NEWEST.schema | {"fields": [{"name": "x", "type": "Elsewhere"}]}, Reason.UNKNOWN_SCHEMA),
    ],
)
def test_registered_schema_that_is_not_the_topics_is_refused(schema: Any, reason: Reason) -> None:
    codec = Codec(SchemaTable({} if schema is None else {6: schema}))
    for _ in range(2):
        with pytest.raises(Undecodable) as raised:
            codec.decode(TOPIC, framed(6, body(CONTACT, NEWEST.schema)))
        assert raised.value.reason == reason


def test_registered_id_known_from_another_topic_is_refused() -> None:
    codec = Codec(SchemaTable({5: NEWEST.schema}))
    codec.decode(TOPIC, framed(5, body(CONTACT, NEWEST.schema)))
    with pytest.raises(Undecodable) as raised:
        codec.decode("invoice.sent", framed(5, body(CONTACT, NEWEST.schema)))
    assert raised.value.reason == Reason.WRONG_TOPIC


def test_registered_name_written_in_full_is_the_same_name() -> None:
    schema = {k: v for k, v in NEWEST.schema.items() if k != "namespace"} | {"name": NEWEST.name}
    codec = Codec(SchemaTable({5: schema}))
    assert codec.decode(TOPIC, framed(5, body(CONTACT, NEWEST.schema))) == CONTACT


def test_registry_away_is_no_verdict_on_the_record() -> None:
    table = SchemaTable({5: NEWEST.schema}, away=True)
    codec, payload = Codec(table), framed(5, body(CONTACT, NEWEST.schema))
    with pytest.raises(RegistryUnavailable):
        codec.decode(TOPIC, payload)
    table.away = False
    assert codec.decode(TOPIC, payload) == CONTACT
