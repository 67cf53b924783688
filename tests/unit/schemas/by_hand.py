"""Avro's binary encoding written down a second time, from its specification, with the freedoms it gives a writer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from schemas.versions import AvroSchema, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Freedoms:
    """How a writer may differ and still say the same."""

    items_per_block: int = 1000
    blocks_tell_their_size: bool = False
    spare_decimal_bytes: int = 0


def single_object(event: Any, version: Version, freedoms: Freedoms | None = None) -> bytes:
    return b"\xc3\x01" + version.fingerprint + body(event, version.schema, freedoms)


def body(event: Any, schema: AvroSchema, freedoms: Freedoms | None = None) -> bytes:
    return _encode(event, schema, {}, freedoms or Freedoms())


def varint(value: int) -> bytes:
    zigzag = (value << 1) if value >= 0 else ((-value << 1) - 1)
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    return bytes([*out, zigzag])


def _encode(value: Any, schema: Any, named: dict[str, Any], free: Freedoms) -> bytes:
    if isinstance(schema, list):
        _learn(schema, named)
        return varint(0) if value is None else varint(1) + _encode(value, schema[1], named, free)
    schema = named.get(schema, schema) if isinstance(schema, str) else schema
    if isinstance(schema, str):
        return _primitive(value, schema)
    if "logicalType" in schema:
        return _logical(value, schema, free)
    match schema["type"]:
        case "record":
            named[schema["name"]] = schema
            return b"".join(_encode(_field(value, f["name"]), f["type"], named, free) for f in schema["fields"])
        case "enum":
            named[schema["name"]] = schema
            return varint(int(schema["symbols"].index(value)))
    _learn(schema["items"], named)
    return _array([_encode(one, schema["items"], named, free) for one in value], free)


def _learn(schema: Any, named: dict[str, Any]) -> None:
    """A type in a list that is empty, or a branch that is null, may be named further on."""
    if isinstance(schema, list):
        for one in schema:
            _learn(one, named)
    elif isinstance(schema, dict):
        if schema["type"] in {"record", "enum"}:
            named[schema["name"]] = schema
        _learn([schema.get("items"), *(field["type"] for field in schema.get("fields", ()))], named)


def _field(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, Mapping) else getattr(value, name)


def _primitive(value: Any, kind: str) -> bytes:
    match kind:
        case "string":
            raw: bytes = value.encode()
            return varint(len(raw)) + raw
        case "boolean":
            return b"\x01" if value else b"\x00"
    return varint(value)


def _logical(value: Any, schema: AvroSchema, free: Freedoms) -> bytes:
    match value:
        case Decimal():
            raw = _twos_complement(int(value * 10 ** schema["scale"]))
            sign = b"\xff" if raw[0] >= 0x80 else b"\x00"
            raw = sign * free.spare_decimal_bytes + raw
            return varint(len(raw)) + raw
        case datetime():
            since = value - datetime(1970, 1, 1, tzinfo=UTC)
            return varint((since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000)
        case date():
            return varint((value - date(1970, 1, 1)).days)
    raise TypeError(value)


def _twos_complement(number: int) -> bytes:
    size = 1
    while not -(1 << (8 * size - 1)) <= number < 1 << (8 * size - 1):
        size += 1
    return number.to_bytes(size, "big", signed=True)


def _array(items: list[bytes], free: Freedoms) -> bytes:
    out = b""
    for start in range(0, len(items), free.items_per_block):
        block = items[start : start + free.items_per_block]
        told = b"".join(block)
        head = varint(-len(block)) + varint(len(told)) if free.blocks_tell_their_size else varint(len(block))
        out += head + told
    return out + varint(0)
