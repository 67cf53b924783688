"""Text for QuickBooks' query language. Nothing that comes from outside gets into a query but through here."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from qbo_client.writes import plain_number

Value = str | Decimal | date | datetime | bool

OPERATORS = frozenset({"=", "<", ">", "<=", ">=", "LIKE", "IN"})

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*")
_FROM = re.compile(r"\bFROM\s+([A-Za-z]+)", re.IGNORECASE)
_REFUSED = frozenset({"Cc", "Cs"})  # Control characters and halves of surrogate pairs.


def literal(value: Value) -> str:
    """Return `value` as a literal: numbers and times in quotes as recorded traffic has them, booleans bare.

    `%` in text stays a wildcard of LIKE; QuickBooks knows no way to escape it. Raises ValueError for text
    with control characters and for times without zone, TypeError for other types.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case Decimal():
            return _quoted(plain_number(value))
        case datetime():
            return _quoted(_aware(value).isoformat())
        case date():
            return _quoted(value.isoformat())
    raise TypeError(f"{type(value).__name__} cannot stand in a query")


def where(field: str, op: str, value: Value | Sequence[Value]) -> str:
    """Return one condition, e.g. `where("Active", "IN", [True, False])`; several are joined by ` AND `.

    Raises ValueError for an operator or field name that is none, or for IN over nothing.
    """
    if op not in OPERATORS:
        raise ValueError(f"{op!r} is no operator of QuickBooks' queries")
    return f"{name(field)} {op} {_operand(op, value)}"


def name(text: str) -> str:
    """Return the name of an entity or a property as it is; raises ValueError if it is none."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no name of a QuickBooks entity or property")
    return text


def entity_asked_for(select: str) -> str:
    """Return what a query selects from; "" if it does not say."""
    found = _FROM.search(select)
    return found.group(1) if found else ""


def _operand(op: str, value: Value | Sequence[Value]) -> str:
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    if listed is not (op == "IN"):
        raise ValueError("IN takes a list, every other operator one value")
    if not isinstance(value, Sequence) or isinstance(value, str):
        return literal(value)
    if not value:
        raise ValueError("IN over nothing finds nothing; do not ask")
    return f"({', '.join(literal(one) for one in value)})"


def _quoted(text: str) -> str:
    if any(unicodedata.category(character) in _REFUSED for character in text):
        raise ValueError("control characters cannot stand in a query")
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time in a query needs a zone")
    return moment
