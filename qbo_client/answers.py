"""Bodies that carry what was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

import simplejson


class Unreadable(Exception):
    """A body with a good status that does not hold what a good answer holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One object as QuickBooks has it now. Every number in it is a Decimal; unknown keys are kept."""

    entity: Mapping[str, Any]
    intuit_tid: str | None = None
    #: QuickBooks' own time of the answer, as it wrote it.
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a query in a batch found, as QuickBooks has it now."""

    rows: tuple[Mapping[str, Any], ...]
    intuit_tid: str | None = None


def parse(body: bytes) -> dict[str, Any]:
    """Return a body's JSON object with every number as Decimal, exact zeros included; raises Unreadable."""
    value = parse_any(body)
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    return value


def parse_any(body: bytes) -> Any:
    """Return a body's JSON value as `parse` does, be it an object or not; raises Unreadable."""
    try:
        return simplejson.loads(_text(body), parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the body is not JSON") from error


def entity_of(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the object named `name` of an answer; raises Unreadable."""
    value = payload.get(name)
    if not isinstance(value, dict):
        raise Unreadable(f"the body holds no {name}")
    return value


def written_of(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the object that a write answers with: it has an Id. Raises Unreadable."""
    value = entity_of(payload, name)
    if not isinstance(value.get("Id"), str):
        raise Unreadable(f"the {name} in the body has no Id")
    return value


def rows_of(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a query's answer; none if QuickBooks left their key out. Raises Unreadable."""
    lists = [value for value in entity_of(payload, "QueryResponse").values() if isinstance(value, list)]
    return lists[0] if lists else []


def count_of(payload: Mapping[str, Any]) -> int:
    """Return the total of a count(*); raises Unreadable."""
    total = entity_of(payload, "QueryResponse").get("totalCount")
    if not isinstance(total, Decimal):
        raise Unreadable("the body holds no totalCount")
    return int(total)


def pdf_of(body: bytes) -> bytes:
    """Return the body if it is a PDF; raises Unreadable."""
    if not body.lstrip().startswith(b"%PDF"):
        raise Unreadable("the body is no PDF")
    return body


def _text(body: bytes) -> str:
    # US companies store text as ISO-8859-1. A write that succeeded must not look unanswered for an accent.
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
