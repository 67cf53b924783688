"""Records read with decimals as bytes and times as numbers, and what must hold of those.

fastavro would round a decimal to its precision without a word, and building every Decimal costs ingest more
than all the rest: so ingest reads the plain form, and checks it here.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from schemas.errors import Undecodable

Check = Callable[[Any, str], None]

_DAYS = (date.min.toordinal() - date(1970, 1, 1).toordinal(), date.max.toordinal() - date(1970, 1, 1).toordinal())
_MILLIS = (_DAYS[0] * 86_400_000, _DAYS[1] * 86_400_000)

_NESTED = frozenset({"type", "fields", "items"})
#: fastavro's own marks in a parsed schema; a schema made from it is parsed anew.
_MARKS = frozenset({"__fastavro_parsed__", "__named_schemas"})


def plain(schema: Any) -> Any:
    """Return the schema without logical types: the same bytes, read as what they travel as."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "logicalType" in schema:
        return schema["type"]
    return {name: plain(value) if name in _NESTED else value for name, value in schema.items() if name not in _MARKS}


def range_check(schema: Any) -> Check:
    """Return what raises Undecodable, naming the field, for a plain record out of a logical type's range."""
    return _check(schema, {}) or _nothing


def _nothing(_value: Any, _path: str) -> None:
    """Find nothing to object to."""


def _check(schema: Any, named: dict[str, Check | None]) -> Check | None:
    if isinstance(schema, list):
        inner = _check(next(one for one in schema if one != "null"), named)
        return inner and _optional(inner)
    if isinstance(schema, str):
        return named.get(schema)
    if "logicalType" in schema:
        return _logical(schema)
    match schema["type"]:
        case "record":
            named[schema["name"]] = made = _record(schema, named)
            return made
        case "array":
            inner = _check(schema["items"], named)
            return inner and _array(inner)
    return None


def _optional(inner: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if value is not None:
            inner(value, path)

    return check


def _array(inner: Check) -> Check:
    def check(values: Any, path: str) -> None:
        for value in values:
            inner(value, path)

    return check


def _record(schema: Any, named: dict[str, Check | None]) -> Check | None:
    found = ((field["name"], _check(field["type"], named)) for field in schema["fields"])
    checks = [(name, check) for name, check in found if check is not None]
    if not checks:
        return None

    def check_all(value: Any, path: str) -> None:
        for name, check in checks:
            check(value[name], name)

    return check_all


def _logical(schema: Any) -> Check | None:
    match schema["logicalType"]:
        case "decimal":
            return _decimal(int(schema["precision"]))
        case "timestamp-millis":
            return _between(*_MILLIS)
        case "date":
            return _between(*_DAYS)
    return None


def _decimal(precision: int) -> Check:
    limit = 10**precision
    safe_bytes = (limit.bit_length() - 1) // 8  # So many bytes cannot hold more digits.

    def check(value: Any, path: str) -> None:
        if len(value) > safe_bytes and abs(int.from_bytes(value, "big", signed=True)) >= limit:
            raise Undecodable("decimal_out_of_range", f"{path} has more than {precision} digits")

    return check


def _between(lowest: int, highest: int) -> Check:
    def check(value: Any, path: str) -> None:
        if not lowest <= value <= highest:
            raise Undecodable("time_out_of_range", f"{path} is {value}, which is no date of the calendar")

    return check
