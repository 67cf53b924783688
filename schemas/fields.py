"""The page of the events' fields, made from the Avro files, so that the two cannot differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import simplejson

from schemas.topics import INBOUND, OUTBOUND
from schemas.versions import AvroSchema, versions

_HEAD = """\
# Fields of the events

Made from the Avro files by `qbo-bridge schemas fields > docs/fields.md`; a test holds it to them. What the events mean is in [events.md](events.md).

A field that is `required` has no default: a writer must give it. `decimal(19, 4)` is an exact number of at most 19 digits, 4 of them decimals. An `instant` is in milliseconds since 1970, UTC; a `date` has no zone. An enum's value that is newer than the reader's schema is read as `UNKNOWN`.
"""  # noqa: E501 - one line a paragraph, as on the other pages
_LOGICAL = {"timestamp-millis": "instant", "date": "date"}


@dataclass(slots=True)
class _Types:
    """The records and enums of one namespace, each as the page has it."""

    namespace: str
    records: dict[str, str] = field(default_factory=dict)
    enums: dict[str, str] = field(default_factory=dict)

    def add(self, kind: dict[str, str], name: str, shown: str) -> None:
        """Keep a type; raises ValueError for two of one name, which one page could not show."""
        if kind.setdefault(name, shown) != shown:
            raise ValueError(
                f"{self.namespace}.{name} is not the same in every topic: give one of the two another name"
            )


def page() -> str:
    """Return the page as Markdown; equal Avro files give equal text."""
    parts = (_HEAD, *_side("What the CRM tells", INBOUND), *_side("What the bridge tells", OUTBOUND))
    return "\n".join(parts).rstrip("\n")


def _side(title: str, topics: Mapping[str, Any]) -> Iterator[str]:
    newest = {topic: versions(topic)[-1].schema for topic in topics}
    (namespace,) = {schema["namespace"] for schema in newest.values()}
    types = _Types(namespace)
    yield f"## {title}\n"
    for topic, schema in newest.items():
        yield f"### {topic}\n\n{_record(schema, types)}"
    for name, shown in sorted(types.records.items()):
        yield f"### {namespace}.{name}\n\n{shown}"
    yield f"### Values of {namespace}\n\n| enum | values | meaning |\n| --- | --- | --- |"
    yield "\n".join(shown for _, shown in sorted(types.enums.items())) + "\n"


def _record(schema: AvroSchema, types: _Types) -> str:
    """Return what a record says and its fields, and add the types it is made of."""
    rows = [_row(one, types) for one in schema["fields"]]
    head = [schema["doc"], "", "| field | type | default | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows, ""])


def _row(one: AvroSchema, types: _Types) -> str:
    default = f"`{_default(one['default'])}`" if "default" in one else "required"
    return f"| `{one['name']}` | {_shown(one['type'], types)} | {default} | {_cell(one.get('doc', ''))} |"


def _default(value: Any) -> str:
    return value if isinstance(value, str) and value else simplejson.dumps(value)


def _shown(kind: Any, types: _Types) -> str:
    """Return a type in words, with a link where the page says more of it."""
    match kind:
        case list():
            return " or ".join(_shown(one, types) for one in sorted(kind, key=lambda one: one == "null"))
        case str() if kind in types.records:
            return _link(kind, types.namespace, kind)
        case str() if kind in types.enums:
            return _link(kind, "Values of ", types.namespace)
        case str():
            return kind
        case {"logicalType": "decimal"}:
            return f"decimal({kind['precision']}, {kind['scale']})"
        case {"logicalType": logical}:
            return _LOGICAL[logical]
        case {"type": "array"}:
            return f"list of {_shown(kind['items'], types)}"
        case {"type": "enum"}:
            types.add(types.enums, kind["name"], _values(kind))
        case _:
            types.add(types.records, kind["name"], _record(kind, types))
    return _shown(kind["name"], types)


def _values(enum: AvroSchema) -> str:
    symbols = ", ".join(f"`{symbol}`" for symbol in enum["symbols"])
    return f"| {enum['name']} | {symbols} | {_cell(enum['doc'])} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _link(words: str, *heading: str) -> str:
    """Return a link to a heading of the page, whose address is as GitHub makes it."""
    address = "".join(heading).lower().replace(".", "").replace(" ", "-")
    return f"[{words}](#{address})"
