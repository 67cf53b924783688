"""The contract against a real registry that speaks Confluent's API."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import simplejson

from schemas.codec import Codec
from schemas.errors import Reason, RegistryRefused, Undecodable
from schemas.registry import Registry
from schemas.topics import TOPICS
from schemas.versions import newest_text
from tests.unit.schemas.made import EXAMPLES, example

pytestmark = pytest.mark.registry

NICKNAME = {"name": "nickname", "type": ["null", "string"], "default": None}


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    with Registry(registry_url) as opened:
        yield opened


@pytest.fixture
def another(registry_url: str) -> Iterator[Registry]:
    """As another process sees the same registry."""
    with Registry(registry_url) as opened:
        yield opened


def with_field(topic: str, field: Mapping[str, Any]) -> str:
    schema = simplejson.loads(newest_text(topic))
    return simplejson.dumps(schema | {"fields": [*schema["fields"], field]})


def test_registry_every_topic_is_registered_and_found_by_its_id(registry: Registry, another: Registry) -> None:
    ids = {topic: registry.register(topic) for topic in TOPICS}
    assert len(set(ids.values())) == len(TOPICS)
    assert {topic: another.register(topic) for topic in TOPICS} == ids
    for topic, schema_id in ids.items():
        assert registry.schema(schema_id) == simplejson.loads(newest_text(topic))


@pytest.mark.parametrize("name", EXAMPLES)
def test_registry_both_wire_forms_are_read(registry: Registry, another: Registry, name: str) -> None:
    topic, event = example(name)
    ours, theirs = Codec(registry), Codec(another)
    wired = ours.wire(topic, ours.encode(event))
    assert wired[:5] == b"\x00" + registry.schema_id(topic).to_bytes(4, "big")
    assert theirs.decode(topic, wired) == theirs.decode(topic, ours.encode(event)) == event


def test_registry_id_it_does_not_know_is_a_verdict(registry: Registry) -> None:
    with pytest.raises(Undecodable) as raised:
        Codec(registry).decode("contact.active", b"\x00\x7f\xff\xff\xff" + b"abc")
    assert raised.value.reason == Reason.UNKNOWN_SCHEMA


def test_registry_schema_of_another_topic_is_refused(registry: Registry) -> None:
    topic, event = example("contact_active")
    codec = Codec(registry)
    with pytest.raises(Undecodable) as raised:
        codec.decode("invoice.sent", codec.wire(topic, codec.encode(event)))
    assert raised.value.reason == Reason.WRONG_TOPIC


def test_registry_under_full_transitive_takes_an_optional_field_and_refuses_a_required_one(registry: Registry) -> None:
    topic = "qb.sync.status"
    registry.register(topic)
    registry.require_full_transitive(topic)
    with pytest.raises(RegistryRefused):
        registry.register_text(topic, with_field(topic, {"name": "nickname", "type": "string"}))
    assert registry.register_text(topic, with_field(topic, NICKNAME)) > 0


def test_registry_a_newer_writers_record_is_read(registry: Registry) -> None:
    topic, event = example("contact_active")
    newer = registry.register_text(topic, with_field(topic, NICKNAME))
    codec = Codec(registry)
    record = codec.encode(event)[10:] + b"\x02\x06Ann"
    assert codec.decode(topic, b"\x00" + newer.to_bytes(4, "big") + record) == event
