"""Between Avro's records (dictionaries) and typed events. Built once per event type from its annotations."""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from schemas.errors import ValueOutOfRange
from schemas.versions import AvroSchema

Convert = Callable[[Any], Any]
Check = Callable[[Any, str], Any]

#: Wide enough that no operation here rounds.
_EXACT = Context(prec=200)


@cache
def reader(kind: Any) -> Convert | None:
    """Return what turns a value of a record into this type; None where it is that already."""
    if get_origin(kind) is types.UnionType:
        inner = reader(_not_none(kind))
        return None if inner is None else lambda value: None if value is None else inner(value)
    if get_origin(kind) is tuple:
        return _tuple_reader(reader(get_args(kind)[0]))
    if is_dataclass(kind):
        return _record_reader(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    return None


def _not_none(kind: Any) -> Any:
    return next(one for one in get_args(kind) if one is not types.NoneType)


def _tuple_reader(inner: Convert | None) -> Convert:
    return tuple if inner is None else lambda values: tuple(inner(value) for value in values)


def _record_reader(kind: Any) -> Convert:
    hints = get_type_hints(kind)
    converts = {field.name: reader(hints[field.name]) for field in fields(kind)}

    def read(record: Mapping[str, Any]) -> Any:
        return kind(**{n: record[n] if c is None else c(record[n]) for n, c in converts.items()})

    return read


def writer(schema: AvroSchema) -> Callable[[Any], dict[str, Any]]:
    """Return what turns an event into a record of this schema.

    It raises ValueOutOfRange for a value that the schema cannot hold; nothing is rounded or cut.
    """
    write = _writer(schema, {})
    return lambda event: write(event, event.__class__.__name__)


def _writer(schema: Any, named: dict[str, Check]) -> Check:
    if isinstance(schema, list):
        inner = _writer(next(one for one in schema if one != "null"), named)
        return lambda value, path: None if value is None else inner(value, path)
    if isinstance(schema, str):
        return named.get(schema, _text if schema == "string" else _as_it_is)
    if "logicalType" in schema:
        return _logical(schema)
    match schema["type"]:
        case "record":
            return _record_writer(schema, named)
        case "array":
            inner = _writer(schema["items"], named)
            return lambda values, path: [inner(v, f"{path}[{n}]") for n, v in enumerate(values)]
        case "enum":
            named[schema["name"]] = _enum
            return _enum
        case other:
            return _writer(other, named)


def _record_writer(schema: AvroSchema, named: dict[str, Check]) -> Check:
    writers: dict[str, Check] = {}

    def write(value: Any, path: str) -> Any:
        return {name: one(getattr(value, name), f"{path}.{name}") for name, one in writers.items()}

    named[schema["name"]] = write
    for field in schema["fields"]:
        writers[field["name"]] = _writer(field["type"], named)
    return write


def _logical(schema: AvroSchema) -> Check:
    match schema["logicalType"]:
        case "decimal":
            precision, scale = int(schema["precision"]), int(schema.get("scale", 0))
            return lambda value, path: exact_decimal(value, path, precision=precision, scale=scale)
        case "timestamp-millis":
            return _instant
        case "date":
            return _day
    return _as_it_is


def exact_decimal(value: Any, path: str, *, precision: int, scale: int) -> Decimal:
    """Return the value with exactly `scale` decimals if it has no more of them and fits the precision."""
    if not isinstance(value, Decimal):
        raise ValueOutOfRange(path, f"{value!r} is no Decimal")
    if not value.is_finite():
        raise ValueOutOfRange(path, f"{value} is no amount")
    unscaled = value.scaleb(scale, _EXACT)
    if unscaled != unscaled.to_integral_value():
        raise ValueOutOfRange(path, f"{value} has more than {scale} decimals")
    if abs(unscaled) >= 10**precision:
        raise ValueOutOfRange(path, f"{value} has more than {precision} digits with {scale} decimals")
    return Decimal(int(unscaled)).scaleb(-scale, _EXACT)


def _instant(value: Any, path: str) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueOutOfRange(path, f"{value!r} is no datetime with a time zone")
    # Avro's timestamp-millis ends at the millisecond by definition of the contract.
    return value.astimezone(UTC).replace(microsecond=value.microsecond // 1000 * 1000)


def _day(value: Any, path: str) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueOutOfRange(path, f"{value!r} is no date")
    return value


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise ValueOutOfRange(path, f"{value!r} is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueOutOfRange(path, "holds a lone surrogate, which UTF-8 cannot carry") from None
    return value


def _enum(value: Any, path: str) -> str:
    if not isinstance(value, StrEnum):
        raise ValueOutOfRange(path, f"{value!r} is none of the symbols")
    return value.value


def _as_it_is(value: Any, path: str) -> Any:
    if isinstance(value, float):
        raise ValueOutOfRange(path, "is a float; money is Decimal and everything else a whole number")
    return value
