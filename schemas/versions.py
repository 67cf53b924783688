"""The Avro files: the newest of each topic, and every version ever published, so that old records decode."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import simplejson
from fastavro.schema import fingerprint, to_parsing_canonical_form

AvroSchema = dict[str, Any]

_FINGERPRINT = "CRC-64-AVRO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One published version of one topic's schema."""

    topic: str
    number: int
    schema: AvroSchema
    #: CRC-64-AVRO of the parsing canonical form, little-endian, as single-object encoding carries it.
    fingerprint: bytes

    @property
    def name(self) -> str:
        """Full name of the record, which tells the topics' schemas apart."""
        return f"{self.schema['namespace']}.{self.schema['name']}"


def newest_text(topic: str) -> str:
    """Return the newest schema of a topic as its file has it."""
    return (_root() / f"{topic}.avsc").read_text(encoding="utf-8")


@cache
def versions(topic: str) -> tuple[Version, ...]:
    """Return every version of a topic, oldest first; the last is the newest."""
    folder = _root() / "versions" / topic
    files = {int(file.name.removeprefix("v").removesuffix(".avsc")): file for file in folder.iterdir()}
    return tuple(version(topic, n, simplejson.loads(files[n].read_text(encoding="utf-8"))) for n in sorted(files))


def fingerprint_of(schema: AvroSchema) -> bytes:
    """Return the CRC-64-AVRO fingerprint of a schema, little-endian."""
    # fastavro gives the eight bytes as hexadecimal text in little-endian order already.
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), _FINGERPRINT))


def version(topic: str, number: int, schema: AvroSchema) -> Version:
    return Version(topic=topic, number=number, schema=schema, fingerprint=fingerprint_of(schema))


def _root() -> Traversable:
    return resources.files("schemas")
