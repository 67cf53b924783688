"""Between plain records (dictionaries of what Avro carries) and typed events. Built once per topic."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_type_hints

from schemas.errors import ValueOutOfRange
from schemas.exact import day_from, days, decimal_bytes, decimal_from, instant_from, millis
from schemas.versions import AvroSchema

Read = Callable[[Any], Any]
#: Takes the value and its path, for the error that names it.
Write = Callable[[Any, str], Any]

_LONGS = range(-(2**63), 2**63)


def reader(kind: type, schema: AvroSchema) -> Read:
    """Return what makes the typed event of a plain record that fits this schema."""
    return _record_reader(kind, schema, {})


def _reader(kind: Any, schema: Any, named: dict[str, AvroSchema]) -> Read | None:
    """Return None where the value is already what the event holds."""
    if isinstance(schema, list):
        return _optional(_reader(_inner(kind), _not_null(schema), named))
    schema = named.get(schema, schema) if isinstance(schema, str) else schema
    if isinstance(schema, str):
        return None
    if "logicalType" in schema:
        return _logical_reader(schema)
    match schema["type"]:
        case "record":
            return _record_reader(kind, schema, named)
        case "enum":
            named[schema["name"]] = schema
            return _enum_reader(kind)
        case _:
            return _tuple_reader(_reader(get_args(kind)[0], schema["items"], named))


def _inner(kind: Any) -> Any:
    return next(one for one in get_args(kind) if one is not NoneType)


def _not_null(union: list[Any]) -> Any:
    return next(one for one in union if one != "null")


def _optional(inner: Read | None) -> Read | None:
    return inner and (lambda value: None if value is None else inner(value))


def _tuple_reader(inner: Read | None) -> Read:
    return tuple if inner is None else lambda values: tuple(inner(value) for value in values)


def _enum_reader(kind: Any) -> Read:
    members: Mapping[str, StrEnum] = {member.value: member for member in kind}
    return members.__getitem__


def _record_reader(kind: Any, schema: AvroSchema, named: dict[str, AvroSchema]) -> Read:
    named[schema["name"]] = schema
    hints = get_type_hints(kind)
    types = {field["name"]: field["type"] for field in schema["fields"]}
    # In the schema's order, because a type is defined where it is first used.
    converts = {name: _reader(hints[name], of, named) for name, of in types.items()}
    order = [(field.name, converts[field.name]) for field in fields(kind)]

    def read(record: Mapping[str, Any]) -> Any:
        return kind(**{name: record[name] if one is None else one(record[name]) for name, one in order})

    return read


def _logical_reader(schema: AvroSchema) -> Read:
    match schema["logicalType"]:
        case "decimal":
            scale = int(schema["scale"])
            return lambda value: decimal_from(value, scale)
        case "timestamp-millis":
            return instant_from
        case "date":
            return day_from
    raise NotImplementedError(f"no event holds a {schema['logicalType']}")


def writer(schema: AvroSchema) -> Callable[[Any], dict[str, Any]]:
    """Return what makes the plain record of an event.

    It raises ValueOutOfRange, naming the field, for a value that the schema cannot hold; nothing is rounded.
    """
    write = _writer(schema, {})
    return lambda event: write(event, schema["name"])


def _writer(schema: Any, named: dict[str, Write]) -> Write:
    if isinstance(schema, list):
        inner = _writer(_not_null(schema), named)
        return lambda value, path: None if value is None else inner(value, path)
    if isinstance(schema, str):
        return named[schema] if schema in named else _PRIMITIVES[schema]
    if "logicalType" in schema:
        return _logical_writer(schema)
    if schema["type"] == "record":
        return _record_writer(schema, named)
    if schema["type"] == "array":
        inner = _writer(schema["items"], named)
        return lambda values, path: [inner(value, f"{path}[{n}]") for n, value in enumerate(values)]
    named[schema["name"]] = one = _enum_writer(frozenset(schema["symbols"]))
    return one


def _record_writer(schema: AvroSchema, named: dict[str, Write]) -> Write:
    writers: dict[str, Write] = {}

    def write(value: Any, path: str) -> dict[str, Any]:
        return {name: one(getattr(value, name), f"{path}.{name}") for name, one in writers.items()}

    named[schema["name"]] = write
    for field in schema["fields"]:
        writers[field["name"]] = _writer(field["type"], named)
    return write


def _logical_writer(schema: AvroSchema) -> Write:
    match schema["logicalType"]:
        case "decimal":
            precision, scale = int(schema["precision"]), int(schema["scale"])
            return lambda value, path: decimal_bytes(value, path, precision=precision, scale=scale)
        case "timestamp-millis":
            return millis
        case "date":
            return days
    raise NotImplementedError(f"no event holds a {schema['logicalType']}")


def _enum_writer(symbols: frozenset[str]) -> Write:
    def write(value: Any, path: str) -> str:
        if not isinstance(value, StrEnum) or value.value not in symbols:
            raise ValueOutOfRange(path, f"{value!r} is none of its symbols")
        return value.value

    return write


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise ValueOutOfRange(path, f"{value!r} is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueOutOfRange(path, "holds a lone surrogate, which UTF-8 cannot carry") from None
    return value


def _boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise ValueOutOfRange(path, f"{value!r} is neither True nor False")
    return value


def _long(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in _LONGS:
        raise ValueOutOfRange(path, f"{value!r} is no whole number of 64 bits")
    return value


_PRIMITIVES: Mapping[str, Write] = {"string": _text, "boolean": _boolean, "long": _long}
