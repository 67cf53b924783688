"""docs/fields.md says what the Avro files say, and docs/events.md explains all of it that a reader acts on."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.cli.main import app
from deploy.local.folders import PROJECT
from schemas.events.quickbooks import Cause, ConnectionState, CustomerChange, ImportState, ReviewRequest, SyncState
from schemas.fields import _record, _Types, page
from schemas.topics import DEAD_LETTERS, TOPICS
from schemas.versions import versions

KEPT = PROJECT / "docs" / "fields.md"
EVENTS = (PROJECT / "docs" / "events.md").read_text()
PAGE = page()
#: Like a field's name, and none.
NO_FIELDS = {"confluent_kafka", "event_id_reused"}
COLOUR = {"type": "enum", "name": "Colour", "doc": "Red | green.", "symbols": ["UNKNOWN", "RED"], "default": "UNKNOWN"}


def record(*fields: dict[str, Any], name: str = "Event") -> dict[str, Any]:
    return {"type": "record", "name": name, "doc": "An event.", "fields": list(fields)}


def rows(schema: dict[str, Any], types: _Types | None = None) -> list[str]:
    return _record(schema, types or _Types("a.v1")).rstrip("\n").split("\n")[4:]


def named(schema: Any) -> set[str]:
    """Return the names of all fields and enum values, at any depth."""
    if isinstance(schema, list):
        return {name for one in schema for name in named(one)}
    if not isinstance(schema, dict):
        return set()
    fields = schema.get("fields", [])
    inner = [schema.get("items"), *(field["type"] for field in fields)]
    return {field["name"] for field in fields} | set(schema.get("symbols", [])) | named(inner)


def test_fields_page_kept_in_docs_is_the_one_that_is_made() -> None:
    assert KEPT.read_text() == f"{PAGE}\n", "qbo-bridge schemas fields > docs/fields.md"


@pytest.mark.parametrize("topic", TOPICS)
def test_fields_page_names_every_field_and_value_of_a_topic(topic: str) -> None:
    assert f"### {topic}\n" in PAGE
    assert sorted(named(versions(topic)[-1].schema) - set(re.findall(r"`(\w+)`", PAGE))) == []


def test_fields_page_has_the_headings_that_its_links_lead_to() -> None:
    titles = re.findall(r"\n#+ (.+)\n", PAGE)
    headings = {title.lower().replace(".", "").replace(" ", "-") for title in titles}
    assert {link for link in re.findall(r"\(#([^)]+)\)", PAGE) if link not in headings} == set()


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("string", "string"),
        (["null", "string"], "string or null"),
        ({"type": "array", "items": "string"}, "list of string"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 19, "scale": 4}, "decimal(19, 4)"),
        (["null", {"type": "long", "logicalType": "timestamp-millis"}], "instant or null"),
        ({"type": "int", "logicalType": "date"}, "date"),
        (COLOUR, "[Colour](#values-of-av1)"),
        ({"type": "array", "items": record(name="Part")}, "list of [Part](#av1part)"),
    ],
)
def test_field_of_a_type_is_shown_in_words(kind: Any, shown: str) -> None:
    assert rows(record({"name": "one", "type": kind})) == [f"| `one` | {shown} | required |  |"]


def test_field_of_a_type_named_earlier_is_linked_as_the_first() -> None:
    part = record(name="Part")
    schema = record(
        {"name": "a", "type": COLOUR}, {"name": "b", "type": "Colour"}, {"name": "c", "type": part},
        {"name": "d", "type": "Part"},
    )  # fmt: skip
    links = [row.split(" | ")[1] for row in rows(schema)]
    assert links == ["[Colour](#values-of-av1)"] * 2 + ["[Part](#av1part)"] * 2


@pytest.mark.parametrize(
    ("default", "shown"), [(None, "null"), ([], "[]"), (True, "true"), ("UNKNOWN", "UNKNOWN"), ("", '""')]
)
def test_field_with_a_default_shows_it_as_json(default: Any, shown: str) -> None:
    field = {"name": "one", "type": "string", "default": default, "doc": "This | that."}
    assert rows(record(field)) == [f"| `one` | string | `{shown}` | This \\| that. |"]


def test_types_of_one_name_that_differ_are_refused() -> None:
    types = _Types("a.v1")
    rows(record({"name": "one", "type": COLOUR}), types)
    rows(record({"name": "two", "type": COLOUR}), types)
    with pytest.raises(ValueError, match=r"a\.v1\.Colour is not the same in every topic"):
        rows(record({"name": "three", "type": COLOUR | {"symbols": ["UNKNOWN"]}}), types)


def test_fields_command_prints_the_page_and_tells_a_file_that_differs(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(app, ["schemas", "fields"]).stdout == f"{PAGE}\n"
    assert run(app, ["schemas", "fields", "--check", str(KEPT)]).exit_code == 0
    other = tmp_path / "fields.md"
    other.write_text(PAGE)
    told = run(app, ["schemas", "fields", "--check", str(other)])
    assert told.exit_code == 1
    assert f"Write it anew: qbo-bridge schemas fields > {other}" in told.stderr


def test_events_page_tells_of_every_topic() -> None:
    assert {topic for topic in (*TOPICS, DEAD_LETTERS) if f"`{topic}`" not in EVENTS} == set()


@pytest.mark.parametrize("kind", [Cause, ConnectionState, CustomerChange, ImportState, ReviewRequest, SyncState])
def test_events_page_explains_every_value_that_a_reader_acts_on(kind: type[StrEnum]) -> None:
    assert {member.value for member in kind} - set(re.findall(r"`(\w+)`", EVENTS)) == set()


def test_events_page_names_no_field_that_there_is_not() -> None:
    known = {name for topic in TOPICS for name in named(versions(topic)[-1].schema)}
    written = set(re.findall(r"`((?!ce_)[a-z]+(?:_[a-z]+)+)`", EVENTS))
    assert sorted(written - known - NO_FIELDS) == []
