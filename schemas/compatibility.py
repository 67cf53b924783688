"""FULL_TRANSITIVE: every version can read what every other wrote. Avro's resolution rules, as a pure check."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import simplejson
from fastavro import parse_schema

from schemas.topics import TOPICS
from schemas.versions import Version, newest_text, versions

#: Avro promotes a writer's type to these readers' types.
_PROMOTIONS: Mapping[str, frozenset[str]] = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}
_LOGICAL = ("logicalType", "precision", "scale")
_NAMED = frozenset({"record", "enum", "fixed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a reader could not live with."""

    topic: str
    written: str
    read: str
    detail: str

    def __str__(self) -> str:
        return f"{self.topic} {self.written} -> {self.read}: {self.detail}, so {self.written} records cannot be read"


@dataclass(frozen=True, slots=True)
class _Names:
    """The named types of both sides, by full name, and the pairs under comparison (types may hold themselves)."""

    written: Mapping[str, Any]
    read: Mapping[str, Any]
    open: frozenset[tuple[str, str]] = frozenset()

    def opened(self, written: str, read: str) -> "_Names":
        return _Names(self.written, self.read, self.open | {(written, read)})


def check_all() -> list[Finding]:
    """Check every topic: all versions against each other, and the newest file against the highest version."""
    return [one for topic in TOPICS for one in (*check(versions(topic)), *drift(versions(topic), newest_text(topic)))]


def drift(kept: Sequence[Version], newest: str) -> Iterator[Finding]:
    """Find the newest file changed without a version of its own."""
    last = kept[-1]
    if simplejson.loads(newest) != last.schema:
        detail = (
            f"{last.topic}.avsc is not versions/{last.topic}/v{last.number}.avsc (keep the change as a new version)"
        )
        yield Finding(topic=last.topic, written="newest", read=f"v{last.number}", detail=detail)


def check(kept: Sequence[Version]) -> Iterator[Finding]:
    """Check each version as reader of each other."""
    for written, read in permutations(kept, 2):
        for detail in unreadable(written.schema, read.schema):
            yield Finding(topic=read.topic, written=f"v{written.number}", read=f"v{read.number}", detail=detail)


def unreadable(written: Any, read: Any) -> list[str]:
    """Return why a reader of schema `read` could not read what `written` wrote; empty if it can.

    Stricter than Avro where the contract is: a logical type, precision and scale included, never changes, and
    nested types keep their names. Raises fastavro's errors for what is no Avro schema.
    """
    # fastavro's parsed form spells every name in full.
    written, read = parse_schema(written), parse_schema(read)
    return list(_compare(written, read, _Names(_defined(written), _defined(read)), ""))


def _compare(written: Any, read: Any, names: _Names, path: str) -> Iterator[str]:
    written, read = _resolved(written, names.written), _resolved(read, names.read)
    if isinstance(written, list) or isinstance(read, list):
        yield from _unions(written, read, names, path)
        return
    wkind, rkind = _kind(written), _kind(read)
    fits = wkind == rkind or rkind in _PROMOTIONS.get(wkind, ())
    if not fits or _logical(written) != _logical(read):
        yield f"{_field(path)} was {_named(written)} and is {_named(read)}"
    elif rkind in _NAMED:
        yield from _named_types(written, read, names, path)
    elif rkind in {"array", "map"} and wkind == rkind:
        inner = "items" if rkind == "array" else "values"
        yield from _compare(written[inner], read[inner], names, f"{path}[]")


def _named_types(written: Any, read: Any, names: _Names, path: str) -> Iterator[str]:
    if written["name"] != read["name"] and written["name"] not in _aliases(read):
        yield f"{_field(path)} was named {written['name']} and is {read['name']}"
    match read["type"]:
        case "record" if (written["name"], read["name"]) not in names.open:
            yield from _records(written, read, names.opened(written["name"], read["name"]), path)
        case "enum":
            yield from _enums(written, read, path)
        case "fixed" if written["size"] != read["size"]:
            yield f"{_field(path)} had {written['size']} bytes and has {read['size']}"


def _records(written: Any, read: Any, names: _Names, path: str) -> Iterator[str]:
    before = {field["name"]: field for field in written["fields"]}
    for field in read["fields"]:
        here = f"{path}.{field['name']}".lstrip(".")
        found = next((name for name in (field["name"], *field.get("aliases", ())) if name in before), None)
        if found is not None:
            yield from _compare(before[found]["type"], field["type"], names, here)
        elif "default" not in field:
            yield f"{_field(here)} has no default"


def _enums(written: Any, read: Any, path: str) -> Iterator[str]:
    missing = [symbol for symbol in written["symbols"] if symbol not in read["symbols"]]
    if missing and "default" not in read:
        yield f"{_field(path)} has no default for {', '.join(missing)}"


def _unions(written: Any, read: Any, names: _Names, path: str) -> Iterator[str]:
    branches = read if isinstance(read, list) else [read]
    for one in written if isinstance(written, list) else [written]:
        answers = [list(_compare(one, other, names, path)) for other in branches]
        if not all(answers):
            continue
        # Where a branch is of the same kind, what it lacks says more than that none fits.
        kind = _kind(_resolved(one, names.written))
        alike = [a for a, other in zip(answers, branches, strict=True) if _kind(_resolved(other, names.read)) == kind]
        yield from alike[0] if alike else [f"{_field(path)} may be {_named(one)}, which is none of {_named(read)}"]


def _defined(schema: Any) -> dict[str, Any]:
    """Return the named types that a schema defines, at any depth."""
    if isinstance(schema, list):
        return {name: one for part in schema for name, one in _defined(part).items()}
    if not isinstance(schema, dict):
        return {}
    found = {schema["name"]: schema} if schema["type"] in _NAMED else {}
    parts = [schema.get("items"), schema.get("values"), *(field["type"] for field in schema.get("fields", ()))]
    return found | _defined(parts)


def _aliases(schema: Any) -> set[str]:
    space = schema["name"].rpartition(".")[0]
    return {alias if "." in alias or not space else f"{space}.{alias}" for alias in schema.get("aliases", ())}


def _resolved(schema: Any, names: Mapping[str, Any]) -> Any:
    return names.get(schema, schema) if isinstance(schema, str) else schema


def _field(path: str) -> str:
    return f"field {path}" if path else "the record"


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _logical(schema: Any) -> tuple[Any, ...]:
    return tuple(schema.get(name) for name in _LOGICAL) if isinstance(schema, dict) else (None, None, None)


def _named(schema: Any) -> str:
    if isinstance(schema, list):
        return " or ".join(_named(one) for one in schema)
    kind, logical = _kind(schema), [str(part) for part in _logical(schema) if part is not None]
    return f"{kind} ({' '.join(logical)})" if logical else kind
