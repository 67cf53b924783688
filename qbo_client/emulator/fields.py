"""Which fields of an entity a query may name, and how their values compare."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.clock import PACIFIC


class FieldType(Enum):
    ID = "a string of digits; only = and IN"
    TEXT = "compared without regard to case"
    REF = "a reference, compared by its value"
    NUMBER = "a decimal"
    DATE = "a calendar day"
    TIME = "a moment; a bare day is its start in Pacific time"
    BOOL = "true or false"


Key = str | Decimal | datetime | bool
TIMES: Mapping[str, FieldType] = {
    "Id": FieldType.ID,
    "MetaData.CreateTime": FieldType.TIME,
    "MetaData.LastUpdatedTime": FieldType.TIME,
}


def key_of(body: Mapping[str, Any], field: str, kind: FieldType) -> Key | None:
    """The comparable value of a stored object's field, None where it has none."""
    value: Any = body
    for step in field.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping):
        value = value.get("value", value.get("Address"))
    if value is None:
        return None
    return _plain(value, kind)


def _plain(value: Any, kind: FieldType) -> Key:
    if kind is FieldType.NUMBER:
        return Decimal(value)
    if kind is FieldType.TIME:
        return datetime.fromisoformat(value)
    if kind is FieldType.BOOL:
        return bool(value)
    return str(value).casefold()


def literal(text: str, kind: FieldType, field: str) -> Key:
    """The value a query's literal stands for; raises ApiFault 4001 where it is none of that type."""
    if kind is FieldType.BOOL:
        if text.lower() not in {"true", "false"}:
            raise errors.query_invalid(f"value {text} is not a boolean for {field}")
        return text.lower() == "true"
    try:
        return _parsed(text, kind)
    except (ValueError, InvalidOperation):
        raise errors.query_invalid(f"value {text} is not valid for {field}") from None


def _parsed(text: str, kind: FieldType) -> Key:
    if kind is FieldType.NUMBER:
        return Decimal(text)
    if kind is FieldType.TIME:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=PACIFIC)
    if kind is FieldType.DATE:
        return datetime.fromisoformat(text).date().isoformat()
    return text.casefold()
