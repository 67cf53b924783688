"""From a Kafka record to an inbox row, or to a dead letter with the reason."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.reading import ENTITY_KINDS, Fetched, dead, read
from consumers.records import Arrived, DeadLetter
from schemas.codec import Codec
from schemas.errors import Reason, RegistryUnavailable
from schemas.events.crm import ContactActive, PaymentCompleted
from schemas.versions import AvroSchema, versions
from tests.unit.consumers.build import T0, contact_event, sale_event
from tests.unit.mapping.build import party

CODEC = Codec()
CONTACT = CODEC.encode(contact_event())
ALL_TOPICS = "contact.active", "payment.completed"


def fetched(value: bytes | None, *, topic: str = "contact.active", **changes: Any) -> Fetched:
    plain = Fetched(topic=topic, partition=2, offset=7, key=b"loc_9Qz", value=value, headers=[], appended_ms=None)
    return replace(plain, **changes)


def read_one(value: bytes | None, codec: Codec = CODEC, *, topic: str = "contact.active") -> Arrived | DeadLetter:
    return read(fetched(value, topic=topic), codec, topic=topic)


def test_topics_that_are_read_are_these() -> None:
    assert set(ENTITY_KINDS) == set(ALL_TOPICS)


@pytest.mark.parametrize(
    ("event", "topic", "kind", "entity", "contact"),
    [
        (contact_event("ct_1"), "contact.active", "contact", "ct_1", "ct_1"),
        (sale_event("tx_5"), "payment.completed", "payment", "tx_5", "ct_alex"),
    ],
)
def test_read_good_record_becomes_an_inbox_row(
    event: ContactActive | PaymentCompleted, topic: str, kind: str, entity: str, contact: str
) -> None:
    arrived = read_one(CODEC.encode(event), topic=topic)
    assert isinstance(arrived, Arrived)
    assert (arrived.topic, arrived.entity_kind, arrived.entity_id, arrived.contact_id) == (topic, kind, entity, contact)
    assert (arrived.tenant_id, arrived.event_id) == (event.envelope.tenant_id, event.envelope.event_id)
    assert (arrived.entity_version, arrived.partition, arrived.offset) == (event.envelope.entity_version, 2, 7)
    assert CODEC.decode(topic, arrived.payload) == event


def test_read_same_content_has_the_same_hash_and_other_content_another() -> None:
    one, again, other = (
        read_one(CODEC.encode(event)) for event in (contact_event(), contact_event(), contact_event(phone="+1"))
    )
    assert isinstance(one, Arrived)
    assert isinstance(again, Arrived)
    assert isinstance(other, Arrived)
    assert (one.content_hash == again.content_hash, one.content_hash == other.content_hash) == (True, False)


@pytest.mark.parametrize(
    ("milliseconds", "moment"),
    [(1_795_507_200_000, datetime(2026, 11, 24, 8, 0, tzinfo=UTC)), (None, None), (-1, None), (0, None)],
)
def test_read_append_time_is_kept_where_kafka_has_one(milliseconds: int | None, moment: datetime | None) -> None:
    arrived = read(fetched(CONTACT, appended_ms=milliseconds), CODEC, topic="contact.active")
    assert isinstance(arrived, Arrived)
    assert arrived.appended_at == moment
    assert arrived.occurred_at == T0


def far_away() -> bytes:
    """A contact whose version lies beyond what a date can hold."""
    record = dict(CODEC.read("contact.active", CONTACT))
    record["envelope"] = {**record["envelope"], "entity_version": 2**62}
    return CODEC.canonical("contact.active", record)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.EMPTY),
        (b"", Reason.EMPTY),
        (b'{"event": 1}', Reason.UNKNOWN_FORM),
        (b"\xc3\x01" + b"\x00" * 8 + CONTACT[10:], Reason.UNKNOWN_SCHEMA),
        (b"\x00\x00\x00\x00\x09" + CONTACT[10:], Reason.NO_REGISTRY),
        (CODEC.encode(sale_event()), Reason.WRONG_TOPIC),
        (CONTACT[:7], Reason.TRUNCATED),
        (CONTACT[:-1], Reason.TRUNCATED),
        (CONTACT.replace(b"Contact ct_1", b"Contact \xff\xfe_1"), Reason.NOT_UTF8),
        (CONTACT + b"!", Reason.TRAILING_BYTES),
        (far_away(), Reason.TIME_OUT_OF_RANGE),
        (CONTACT[:-3] + b"\x7e\x00\x00", Reason.DAMAGED),
        (CODEC.encode(contact_event("c" * 201)), "bad_id"),
        (CODEC.encode(contact_event("")), "bad_id"),
        (CODEC.encode(contact_event("ct\x001")), "bad_id"),
    ],
)
def test_read_bad_record_becomes_a_dead_letter_with_its_reason(value: bytes | None, reason: str) -> None:
    letter = read_one(value)
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.value) == (reason, value)
    assert (letter.topic, letter.partition, letter.offset, letter.key) == ("contact.active", 2, 7, b"loc_9Qz")
    assert letter.detail


@pytest.mark.parametrize("field", ["tenant_id", "event_id"])
def test_read_bad_id_is_named(field: str) -> None:
    event, change = contact_event(), dict[str, Any]({field: "x" * 201})
    letter = read_one(CODEC.encode(replace(event, envelope=replace(event.envelope, **change))))
    assert isinstance(letter, DeadLetter)
    assert letter.detail == f"{field} must have 1 to 200 characters and has 201"


def test_read_takes_the_entity_from_what_the_event_is_about() -> None:
    """A payment's identity is its transaction id wherever it appears, whatever the envelope says."""
    event = sale_event("tx_77")
    record = replace(event, envelope=replace(event.envelope, entity_id="or_5"))
    fetched = Fetched(
        topic="payment.completed", partition=2, offset=7, key=b"loc_9Qz", value=CODEC.encode(record), headers=[],
        appended_ms=None,
    )  # fmt: skip
    arrived = read(fetched, CODEC, topic="payment.completed")
    assert isinstance(arrived, Arrived)
    assert (arrived.entity_kind, arrived.entity_id) == ("payment", "tx_77")


def test_read_longest_id_is_accepted() -> None:
    assert isinstance(read_one(CODEC.encode(contact_event(contact_id="c" * 200))), Arrived)
    assert isinstance(
        read_one(CODEC.encode(sale_event(contact=party(contact_id=""))), topic="payment.completed"), DeadLetter
    )


def test_read_money_out_of_range_becomes_a_dead_letter() -> None:
    record = dict(CODEC.read("payment.completed", CODEC.encode(sale_event())))
    record["payment"] = {**record["payment"], "amount": b"\x7f" * 40}
    letter = read_one(CODEC.canonical("payment.completed", record), topic="payment.completed")
    assert isinstance(letter, DeadLetter)
    assert letter.reason == Reason.DECIMAL_OUT_OF_RANGE


@dataclass(frozen=True)
class OneSchema:
    """A registry in which every id is of one record, by this name, that lacks all of the contract's fields."""

    name: str

    def schema(self, schema_id: int) -> AvroSchema | None:
        return {"type": "record", "name": self.name, "fields": [{"name": f"f{schema_id}", "type": "int"}]}

    def schema_id(self, topic: str) -> int:
        raise RegistryUnavailable(f"nobody writes {topic} here")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("example.Weather", Reason.WRONG_TOPIC), (versions("contact.active")[-1].name, Reason.INCOMPATIBLE_SCHEMA)],
)
def test_read_record_of_another_schema_becomes_a_dead_letter(name: str, reason: Reason) -> None:
    letter = read_one(b"\x00\x00\x00\x00\x09\x02", Codec(OneSchema(name)))
    assert isinstance(letter, DeadLetter)
    assert letter.reason == reason


class AwayRegistry:
    def schema(self, schema_id: int) -> AvroSchema | None:
        raise RegistryUnavailable(f"no answer about {schema_id}")

    def schema_id(self, topic: str) -> int:
        raise RegistryUnavailable(topic)


def test_read_while_the_registry_is_away_gives_no_record_up() -> None:
    with pytest.raises(RegistryUnavailable):
        read_one(b"\x00\x00\x00\x00\x09" + CONTACT[10:], Codec(AwayRegistry()))


def test_dead_letter_keeps_what_postgresql_can_hold_of_headers_and_detail() -> None:
    record = fetched(b"v", headers=[("a\x00b", b"\x00\xff"), ("trace", b"1")], key=None)
    letter = dead(record, "damaged", "NUL \x00 in it")
    assert letter.headers == [("a\\x00b", "\\x00\\xff"), ("trace", "1")]
    assert (letter.detail, letter.key, letter.value) == ("NUL \\x00 in it", None, b"v")
