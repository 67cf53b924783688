"""Plain records: what Avro carries, decimals as bytes and times as numbers, and what must hold of those.

Ingest works on plain records, because building every Decimal and datetime would cost it more than all the rest.
"""

from collections.abc import Callable
from typing import Any

from schemas.errors import Reason, Undecodable
from schemas.exact import DAYS, MILLIS, shortest
from schemas.versions import AvroSchema

#: Returns the value as the canonical form has it.
Settle = Callable[[Any], Any]

_NESTED = frozenset({"type", "fields", "items", "values"})


def plain(schema: Any) -> Any:
    """Return the schema without logical types: the same bytes, read as what they travel as."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "logicalType" in schema and schema["type"] != "fixed":
        return schema["type"]
    inner = {name: plain(value) if name in _NESTED else value for name, value in schema.items()}
    return {name: value for name, value in inner.items() if name != "logicalType"}


def settler(schema: AvroSchema) -> Settle:
    """Return what checks a plain record and settles it in place: each decimal in its shortest bytes.

    It raises Undecodable, naming the field, for a value beyond a logical type's range. Without settling, one
    amount could have two encodings, and so two hashes.
    """
    return _settle(schema, {}, "") or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _settle(schema: Any, named: dict[str, AvroSchema], path: str) -> Settle | None:
    """Return None where there is nothing to check, so that ingest does not look."""
    if isinstance(schema, list):
        inner = _settle(next(one for one in schema if one != "null"), named, path)
        return inner and (lambda value: None if value is None else inner(value))
    schema = named.get(schema, schema) if isinstance(schema, str) else schema
    if isinstance(schema, str):
        return None
    if "logicalType" in schema:
        return _logical(schema, path)
    match schema["type"]:
        case "record":
            named[schema["name"]] = schema
            return _record(schema, named, path)
        case "array":
            return _array(_settle(schema["items"], named, f"{path}[]"))
    return None


def _array(inner: Settle | None) -> Settle | None:
    return inner and (lambda values: [inner(value) for value in values])


def _record(schema: AvroSchema, named: dict[str, AvroSchema], path: str) -> Settle | None:
    found = [(f["name"], _settle(f["type"], named, f"{path}.{f['name']}".lstrip("."))) for f in schema["fields"]]
    settles = [(name, settle) for name, settle in found if settle is not None]
    if not settles:
        return None

    def settle_all(record: Any) -> Any:
        for name, settle in settles:
            record[name] = settle(record[name])
        return record

    return settle_all


def _logical(schema: AvroSchema, path: str) -> Settle:
    match schema["logicalType"]:
        case "decimal":
            return _decimal(int(schema["precision"]), path)
        case "timestamp-millis":
            return _between(*MILLIS, path)
        case "date":
            return _between(*DAYS, path)
    raise NotImplementedError(f"no event holds a {schema['logicalType']}")


def _decimal(precision: int, path: str) -> Settle:
    limit = 10**precision
    safe = (limit.bit_length() - 1) // 8  # So many bytes cannot hold more digits.

    def settle(value: bytes) -> bytes:
        size = len(value)
        if size == 1 or (1 < size <= safe and 0 < value[0] < 0xFF):  # noqa: PLR2004 - a leading byte of sign alone
            return value
        unscaled = int.from_bytes(value, "big", signed=True)
        if abs(unscaled) >= limit:
            raise Undecodable(Reason.DECIMAL_OUT_OF_RANGE, f"{path} has more than {precision} digits")
        return shortest(unscaled)

    return settle


def _between(lowest: int, highest: int, path: str) -> Settle:
    def settle(value: int) -> int:
        if not lowest <= value <= highest:
            raise Undecodable(Reason.TIME_OUT_OF_RANGE, f"{path} is {value}, which is no date of the calendar")
        return value

    return settle
