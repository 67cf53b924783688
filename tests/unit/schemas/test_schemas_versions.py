from importlib import resources

import pytest

from schemas.topics import TOPICS
from schemas.versions import fingerprint_of, newest_text, versions

SCHEMAS = resources.files("schemas")


@pytest.mark.parametrize("topic", TOPICS)
def test_versions_newest_file_is_the_highest_version(topic: str) -> None:
    highest = versions(topic)[-1].number
    kept = SCHEMAS / "versions" / topic / f"v{highest}.avsc"
    assert kept.read_bytes() == (SCHEMAS / f"{topic}.avsc").read_bytes() == newest_text(topic).encode()


@pytest.mark.parametrize("topic", TOPICS)
def test_versions_none_is_missing(topic: str) -> None:
    kept = versions(topic)
    assert [version.number for version in kept] == list(range(1, len(kept) + 1))


def test_versions_every_file_is_of_a_topic() -> None:
    assert {file.name for file in SCHEMAS.iterdir() if file.name.endswith(".avsc")} == {f"{t}.avsc" for t in TOPICS}
    assert {folder.name for folder in (SCHEMAS / "versions").iterdir()} == set(TOPICS)


def test_versions_no_two_topics_share_a_record_name_or_fingerprint() -> None:
    kept = [versions(topic)[-1] for topic in TOPICS]
    assert len({version.name for version in kept}) == len({version.fingerprint for version in kept}) == len(TOPICS)


@pytest.mark.parametrize(
    ("schema", "fingerprint"),
    [("int", 0x7275D51A3F395C8F), ("string", 0x8F014872634503C7), ("boolean", 0x9F42FC78A4D4F764)],
)
def test_fingerprint_of_a_known_vector_is_little_endian(schema: object, fingerprint: int) -> None:
    assert fingerprint_of(schema) == fingerprint.to_bytes(8, "little")  # type: ignore[arg-type]  # primitives too


def test_fingerprint_is_of_the_parsing_canonical_form() -> None:
    field = {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "doc": "When.", "default": 0}
    schema = {"namespace": "a.b", "type": "record", "doc": "A record.", "name": "R", "fields": [field]}
    canonical = b'{"name":"a.b.R","type":"record","fields":[{"name":"at","type":"long"}]}'
    assert fingerprint_of(schema) == crc_64_avro(canonical).to_bytes(8, "little")


def crc_64_avro(text: bytes) -> int:
    """As the specification writes it in Java, bit by bit."""
    empty = found = 0xC15D213AA4D7A795
    for byte in text:
        found ^= byte
        for _ in range(8):
            found = (found >> 1) ^ (empty if found & 1 else 0)
    return found
