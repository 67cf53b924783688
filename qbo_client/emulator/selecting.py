"""Runs a parsed query over a company's tables."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qbo_client.emulator import errors, wire
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.fields import FieldType, Key, literal
from qbo_client.emulator.query import Condition, Query, parse
from qbo_client.emulator.table import Row, Table

DELETED_SUFFIX = " (deleted)"
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ONLY_EQUAL = frozenset({FieldType.ID, FieldType.REF, FieldType.BOOL})


def run(company: Company, text: str) -> str:
    """What answers a query, as JSON without its outer braces; raises ApiFault 4000 or 4001."""
    query = parse(text)
    kind = company.kinds.get(query.entity.lower())
    if kind is None:
        raise errors.query_invalid(f"invalid context declaration: {query.entity}")
    _check(company, kind, query)
    rows = _matching(company.table(kind.name), kind, query)
    if query.counting:
        return f'"QueryResponse":{{"totalCount":{len(rows)}}}'
    page = _ordered(rows, kind, query)[query.start - 1 : query.start - 1 + query.limit]
    if not page:
        return '"QueryResponse":{}'
    return f'"QueryResponse":{listed(kind, [shown(row, kind) for row in page], query.start)}'


def listed(kind: Kind, rows: Sequence[str], start: int = 1) -> str:
    """A QueryResponse of rows in JSON."""
    return f'{{"{kind.name}":[{",".join(rows)}],"startPosition":{start},"maxResults":{len(rows)}}}'


def _check(company: Company, kind: Kind, query: Query) -> None:
    for field in query.fields:
        if not company.schema.knows(kind.name, field):
            raise errors.query_invalid(f"Property {field} not found for Entity {kind.name}")
    for field in [*(one.field for one in query.conditions), *(one.field for one in query.orders)]:
        if _named(kind, field) is None:
            raise errors.query_invalid(_why_not(company, kind, field))


def _why_not(company: Company, kind: Kind, field: str) -> str:
    if company.schema.knows(kind.name, field):
        return f"property '{field}' is not queryable"
    return f"Property {field} not found for Entity {kind.name}"


def _named(kind: Kind, field: str) -> str | None:
    """The field as the table spells it: names in a query are case-insensitive like its keywords."""
    if field in kind.filterable:
        return field
    return next((known for known in kind.filterable if known.lower() == field.lower()), None)


def _matching(table: Table, kind: Kind, query: Query) -> list[Row]:
    tests = [_compiled(kind, condition) for condition in query.conditions]
    exact = next((one for one in tests if one.equal_to is not None), None)
    rows = list(table) if exact is None else table.find(exact.field, exact.equal_to or ())
    hide_inactive = kind.hides_inactive and all(one.field != "Active" for one in tests)
    return [
        row
        for row in rows
        if all(one.holds(row.keys[one.field]) for one in tests) and not (hide_inactive and row.keys["Active"] is False)
    ]


class _Test:
    __slots__ = ("equal_to", "field", "holds")

    def __init__(self, field: str, holds: Callable[[Any], bool], equal_to: tuple[Key, ...] | None) -> None:
        self.field = field
        self.holds = holds
        self.equal_to = equal_to


def _compiled(kind: Kind, condition: Condition) -> _Test:
    field = _named(kind, condition.field)
    assert field is not None
    field_type = kind.filterable[field]
    if condition.operator == "like":
        return _like(field, field_type, condition.values[0])
    values = tuple(literal(value, field_type, field) for value in condition.values)
    if condition.operator in {"=", "in"}:
        return _Test(field, lambda key: key in values, values)
    if field_type in _ONLY_EQUAL:
        raise errors.query_invalid(f"operator {condition.operator} is not supported for {field}")
    compare, value = _COMPARE[condition.operator], values[0]
    return _Test(field, lambda key: key is not None and compare(key, value), None)


def _like(field: str, field_type: FieldType, pattern: str) -> _Test:
    if field_type not in {FieldType.TEXT, FieldType.ID, FieldType.REF}:
        raise errors.query_invalid(f"operator LIKE is not supported for {field}")
    expression = re.compile(".*".join(re.escape(part) for part in pattern.casefold().split("%")) + r"\Z", re.DOTALL)
    return _Test(field, lambda key: key is not None and bool(expression.match(key)), None)


def _ordered(rows: list[Row], kind: Kind, query: Query) -> list[Row]:
    """By the last key first, as stable sorts are stacked; rows without a value come first."""
    for order in reversed(query.orders):
        field = _named(kind, order.field)
        assert field is not None
        rows = sorted(rows, key=_sort_key(field, kind.filterable[field]), reverse=order.descending)
    return rows


def _sort_key(field: str, field_type: FieldType) -> Callable[[Row], tuple[Any, ...]]:
    def key(row: Row) -> tuple[Any, ...]:
        value = row.keys[field]
        if value is None:
            return (0,)
        return (1, int(str(value)) if field_type is FieldType.ID else value)

    return key


def shown(row: Row, kind: Kind) -> str:
    """An object's JSON as reads give it."""
    if not kind.hides_inactive or row.keys["Active"] is not False:
        return row.json
    return wire.dumps(with_suffix(row.body, kind))


def with_suffix(body: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """An inactive name as QuickBooks shows it."""
    return {
        **body,
        **{name: f"{body[name]}{DELETED_SUFFIX}" for name in kind.suffixed if name in body},
    }
