"""Events made for tests: any that hypothesis thinks of, and those of the contract's examples."""

from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import simplejson
from hypothesis import strategies as st

from schemas.topics import TOPICS, Event
from schemas.versions import versions

EXAMPLES: dict[str, dict[str, Any]] = simplejson.loads(
    (Path(__file__).parents[2] / "contract" / "examples.json").read_text(encoding="utf-8")
)

_WIDE = Context(prec=40)
_FIRST, _LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_SPAN_MILLIS = (_LAST - _FIRST) // timedelta(milliseconds=1) + 999
_INSTANTS = st.integers(0, _SPAN_MILLIS).map(lambda n: _FIRST + timedelta(milliseconds=n))
_PLAIN = {
    "string": st.text(st.characters(codec="utf-8"), max_size=12),
    "boolean": st.booleans(),
    "long": st.integers(-(2**63), 2**63 - 1),
}


def events(topic: str) -> st.SearchStrategy[Event]:
    """Any event of the topic, to the ends of every field's range."""
    return _any(TOPICS[topic], versions(topic)[-1].schema, {})


def _any(kind: Any, schema: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    if isinstance(schema, list):
        inner = next(one for one in get_args(kind) if one is not NoneType)
        return st.none() | _any(inner, schema[1], named)
    schema = named.get(schema, schema) if isinstance(schema, str) else schema
    if isinstance(schema, str):
        return _PLAIN[schema]
    match schema.get("logicalType", schema["type"]):
        case "decimal":
            scale, most = schema["scale"], 10 ** schema["precision"] - 1
            return st.integers(-most, most).map(lambda n: Decimal(n).scaleb(-scale, _WIDE))
        case "timestamp-millis":
            return _INSTANTS
        case "date":
            return st.dates()
        case "enum":
            named[schema["name"]] = schema
            return st.sampled_from(list(kind))
        case "array":
            return st.lists(_any(get_args(kind)[0], schema["items"], named), max_size=2).map(tuple)
    named[schema["name"]] = schema
    hints = get_type_hints(kind)
    return st.builds(kind, **{f["name"]: _any(hints[f["name"]], f["type"], named) for f in schema["fields"]})


def example(name: str) -> tuple[str, Event]:
    """Return the example's topic and event; what the example leaves out is at the event's own default."""
    topic = EXAMPLES[name]["topic"]
    event: Event = from_json(TOPICS[topic], EXAMPLES[name]["record"])
    return topic, event


def from_json(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(kind) is UnionType:
        return from_json(next(one for one in get_args(kind) if one is not NoneType), value)
    if get_origin(kind) is tuple:
        return tuple(from_json(get_args(kind)[0], one) for one in value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        assert value.keys() <= {field.name for field in fields(kind)}
        return kind(**{name: from_json(hints[name], one) for name, one in value.items()})
    if kind in (date, datetime):
        return kind.fromisoformat(value)
    return kind(value) if kind is Decimal or issubclass(kind, StrEnum) else value
