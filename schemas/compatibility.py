"""FULL_TRANSITIVE: every version can read what every other wrote. Avro's resolution rules, as a pure check."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import simplejson

from schemas.topics import TOPICS
from schemas.versions import Version, newest_text, versions

#: Avro promotes a writer's type to these readers' types.
_PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
_LOGICAL = ("logicalType", "precision", "scale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a reader could not live with."""

    topic: str
    written: str
    read: str
    detail: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.read} cannot read {self.written}: {self.detail}"


def check_all() -> list[Finding]:
    """Check every topic: all versions against each other, and the newest file against the highest version."""
    return [finding for topic in TOPICS for finding in _check_topic(topic)]


def _check_topic(topic: str) -> Iterator[Finding]:
    kept = versions(topic)
    yield from check(kept)
    if simplejson.loads(newest_text(topic)) != kept[-1].schema:
        detail = f"{topic}.avsc is not versions/{topic}/v{kept[-1].number}.avsc; keep the change as a new version"
        yield Finding(topic=topic, written=f"v{kept[-1].number}", read="the newest file", detail=detail)


def check(kept: Sequence[Version]) -> Iterator[Finding]:
    """Check each version as reader of each other."""
    for written, read in permutations(kept, 2):
        for detail in unreadable(written.schema, read.schema):
            yield Finding(topic=read.topic, written=f"v{written.number}", read=f"v{read.number}", detail=detail)


def unreadable(written: Any, read: Any) -> list[str]:
    """Return why a reader of schema `read` could not read what `written` wrote; empty if it can.

    Stricter than Avro in one place, because the contract is: a decimal may change neither precision nor scale.
    """
    return list(_compare(written, read, {}, {}, ""))


def _compare(written: Any, read: Any, wnames: dict[str, Any], rnames: dict[str, Any], path: str) -> Iterator[str]:
    written, read = _resolve(written, wnames), _resolve(read, rnames)
    if isinstance(written, list) or isinstance(read, list):
        yield from _unions(written, read, wnames, rnames, path)
        return
    wkind, rkind = _kind(written), _kind(read)
    if wkind != rkind and rkind not in _PROMOTIONS.get(wkind, set()):
        yield f"{path or 'record'} was {wkind} and is {rkind}"
    elif _logical(written) != _logical(read):
        yield f"{path} was {_named(written)} and is {_named(read)}"
    elif rkind == "record" == wkind:
        yield from _records(written, read, wnames, rnames, path)
    elif rkind == "enum":
        yield from _enums(written, read, path)
    elif rkind == "array":
        yield from _compare(written["items"], read["items"], wnames, rnames, f"{path}[]")


def _records(written: Any, read: Any, wnames: dict[str, Any], rnames: dict[str, Any], path: str) -> Iterator[str]:
    if written["name"] != read["name"] and written["name"] not in read.get("aliases", ()):
        yield f"{path or 'record'} was named {written['name']} and is {read['name']}"
    before = {field["name"]: field for field in written["fields"]}
    for field in read["fields"]:
        here = f"{path}.{field['name']}".lstrip(".")
        found = next((n for n in (field["name"], *field.get("aliases", ())) if n in before), None)
        if found is not None:
            yield from _compare(before[found]["type"], field["type"], wnames, rnames, here)
        elif "default" not in field:
            _learn(field["type"], rnames)
            yield f"{here} has no default and is not in every record"


def _enums(written: Any, read: Any, path: str) -> Iterator[str]:
    missing = [symbol for symbol in written["symbols"] if symbol not in read["symbols"]]
    if missing and "default" not in read:
        yield f"{path} has no default for {', '.join(missing)}"


def _unions(written: Any, read: Any, wnames: dict[str, Any], rnames: dict[str, Any], path: str) -> Iterator[str]:
    branches = read if isinstance(read, list) else [read]
    for one in written if isinstance(written, list) else [written]:
        answers = [list(_compare(one, other, dict(wnames), dict(rnames), path)) for other in branches]
        if all(answers):
            yield f"{path} may be {_named(_resolve(one, wnames))}, which is none of {_named(read)}"
        _learn(one, wnames)
    for other in branches:
        _learn(other, rnames)


def _resolve(schema: Any, names: dict[str, Any]) -> Any:
    if isinstance(schema, str):
        return names.get(schema, schema)
    _learn(schema, names)
    return schema


def _learn(schema: Any, names: dict[str, Any]) -> None:
    """Note the named types a schema defines, because later fields refer to them by name."""
    if isinstance(schema, list):
        for one in schema:
            _learn(one, names)
    elif isinstance(schema, dict):
        if schema["type"] in {"record", "enum"}:
            names[schema["name"]] = schema
        for part in (schema.get("items"), *(field["type"] for field in schema.get("fields", ()))):
            _learn(part, names)


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _logical(schema: Any) -> tuple[Any, ...]:
    return tuple(schema.get(name) for name in _LOGICAL) if isinstance(schema, dict) else (None, None, None)


def _named(schema: Any) -> str:
    if isinstance(schema, list):
        return " or ".join(_named(one) for one in schema)
    kind, logical = _kind(schema), [str(part) for part in _logical(schema) if part is not None]
    return f"{kind} ({' '.join(logical)})" if logical else kind
