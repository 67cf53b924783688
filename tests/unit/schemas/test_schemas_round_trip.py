import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import Codec
from schemas.topics import TOPICS
from schemas.versions import versions
from tests.unit.schemas.by_hand import Freedoms, single_object
from tests.unit.schemas.made import EXAMPLES, events, example

CODEC = Codec()
FREEDOMS = st.builds(
    Freedoms,
    items_per_block=st.integers(1, 3),
    blocks_tell_their_size=st.booleans(),
    spare_decimal_bytes=st.integers(0, 12),
)


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.data())
def test_event_encoded_is_decoded_the_same(topic: str, found: st.DataObject) -> None:
    event = found.draw(events(topic))
    encoded = CODEC.encode(event)
    assert CODEC.decode(topic, encoded) == event
    assert encoded == single_object(event, versions(topic)[-1])


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.data(), freedoms=FREEDOMS)
def test_canonical_however_it_was_written_has_the_same_bytes(
    topic: str, found: st.DataObject, freedoms: Freedoms
) -> None:
    event = found.draw(events(topic))
    accepted = CODEC.accept(topic, single_object(event, versions(topic)[-1], freedoms))
    assert accepted.canonical == CODEC.encode(event)
    assert CODEC.canonical(topic, accepted.record) == accepted.canonical
    assert CODEC.event(topic, accepted.record) == event


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_of_the_contract_is_decoded_the_same(name: str) -> None:
    topic, event = example(name)
    encoded = CODEC.encode(event)
    assert CODEC.decode(topic, encoded) == event
    assert encoded == single_object(event, versions(topic)[-1])


def test_example_the_seven_cover_the_crm() -> None:
    assert len(EXAMPLES) == 7
    assert {one["topic"] for one in EXAMPLES.values()} == {topic for topic in TOPICS if not topic.startswith("qb.")}


def test_wire_without_registry_is_the_single_object() -> None:
    topic, event = example("contact_active")
    assert CODEC.wire(topic, CODEC.encode(event)) == CODEC.encode(event)
