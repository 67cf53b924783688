from collections.abc import Mapping
from typing import Any

import pytest

from schemas.compatibility import Finding, check, check_all, drift, unreadable
from schemas.versions import newest_text, version, versions

COLOUR = {"type": "enum", "name": "Colour", "symbols": ["UNKNOWN", "RED"], "default": "UNKNOWN"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 19, "scale": 4}
INNER = {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "int"}]}


def record(*fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "namespace": "n", "fields": list(fields), **more}


def of(kind: Any, **more: Any) -> dict[str, Any]:
    return record({"name": "f", "type": kind, **more})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (record(), of(["null", "string"], default=None)),
        (of("string", default="x"), record()),
        (of("int"), of("int", doc="Said better.")),
        (of(COLOUR), of(COLOUR | {"symbols": ["UNKNOWN", "RED", "BLUE"]})),
        (of(COLOUR), of(COLOUR | {"symbols": ["RED", "UNKNOWN"]})),
        (of("string"), of({"type": "string", "avro.java.string": "String"})),
        (of(["null", "string"]), of(["string", "null"])),
        (of(MONEY), of(MONEY)),
        (
            record({"name": "a", "type": "int"}, {"name": "b", "type": "int"}),
            record({"name": "b", "type": "int"}, {"name": "a", "type": "int"}),
        ),
        (of({"type": "array", "items": INNER}), of({"type": "array", "items": INNER})),
    ],
)
def test_change_that_both_sides_can_read_is_none(before: Any, after: Any) -> None:
    assert unreadable(before, after) == unreadable(after, before) == []


@pytest.mark.parametrize(
    ("written", "read", "found"),
    [
        (record(), of("string"), "field f has no default"),
        (record(), of(["null", "string"]), "field f has no default"),
        (of("string"), of("int"), "field f was string and is int"),
        (of("long"), of("int"), "field f was long and is int"),
        (of(["null", "string"], default=None), of("string"), "field f may be null, which is none of string"),
        (of("string"), of(["null", "int"]), "field f may be string, which is none of null or int"),
        (of(MONEY), of(MONEY | {"scale": 2}), "field f was bytes (decimal 19 4) and is bytes (decimal 19 2)"),
        (of(MONEY), of(MONEY | {"precision": 9}), "field f was bytes (decimal 19 4) and is bytes (decimal 9 4)"),
        (of(MONEY), of("bytes"), "field f was bytes (decimal 19 4) and is bytes"),
        (
            of(["null", MONEY]),
            of(["null", MONEY | {"scale": 2}]),
            "field f was bytes (decimal 19 4) and is bytes (decimal 19 2)",
        ),
        (
            of({"type": "long", "logicalType": "timestamp-millis"}),
            of("long"),
            "field f was long (timestamp-millis) and is long",
        ),
        (
            of({"type": "int", "logicalType": "date"}),
            of({"type": "int", "logicalType": "time-millis"}),
            "field f was int (date) and is int (time-millis)",
        ),
        (
            of({"type": "enum", "name": "E", "symbols": ["A", "B"]}),
            of({"type": "enum", "name": "E", "symbols": ["A"]}),
            "field f has no default for B",
        ),
        (of(COLOUR), of(COLOUR | {"name": "Color"}), "field f was named n.Colour and is n.Color"),
        (record(name="R"), record(name="S"), "the record was named n.R and is n.S"),
        (record(), record(namespace="m"), "the record was named n.R and is m.R"),
        (
            of({"type": "array", "items": "string"}),
            of({"type": "array", "items": "int"}),
            "field f[] was string and is int",
        ),
        (of({"type": "map", "values": "long"}), of({"type": "map", "values": "int"}), "field f[] was long and is int"),
        (
            of({"type": "fixed", "name": "F", "size": 2}),
            of({"type": "fixed", "name": "F", "size": 3}),
            "field f had 2 bytes and has 3",
        ),
        (
            of(INNER),
            of(INNER | {"fields": [*INNER["fields"], {"name": "y", "type": "int"}]}),
            "field f.y has no default",
        ),
        (
            of(["null", INNER]),
            of(["null", INNER | {"fields": [*INNER["fields"], {"name": "y", "type": "int"}]}]),
            "field f.y has no default",
        ),
        (record({"name": "old", "type": "int"}), record({"name": "new", "type": "int"}), "field new has no default"),
    ],
)
def test_change_that_a_reader_cannot_live_with_is_found(written: Any, read: Any, found: str) -> None:
    assert unreadable(written, read) == [found]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("int", "long"),
        ("int", "float"),
        ("int", "double"),
        ("long", "float"),
        ("long", "double"),
        ("float", "double"),
        ("string", "bytes"),
        ("bytes", "string"),
    ],
)
def test_promotion_is_read_as_the_specification_has_it(written: str, read: str) -> None:
    assert unreadable(of(written), of(read)) == []


@pytest.mark.parametrize(("written", "read"), [("long", "int"), ("double", "float"), ("int", "string")])
def test_promotion_the_wrong_way_is_found(written: str, read: str) -> None:
    assert unreadable(of(written), of(read)) != []


def test_renamed_with_alias_is_read_forwards_only() -> None:
    before, after = record({"name": "old", "type": "int"}), record({"name": "new", "type": "int", "aliases": ["old"]})
    assert unreadable(before, after) == []
    assert unreadable(after, before) == ["field old has no default"]


def test_renamed_record_with_alias_is_read() -> None:
    assert unreadable(record(), record(name="S", aliases=["R"])) == []
    assert unreadable(record(), record(name="S", aliases=["n.R"])) == []


def test_type_defined_elsewhere_in_one_of_them_is_compared_by_what_it_is() -> None:
    """One schema defines a type in its first field, the other, where that is gone, in its second."""
    first = {"name": "a", "type": ["null", INNER], "default": None}
    before = record(first, {"name": "b", "type": "Inner"})
    after = record({"name": "b", "type": INNER | {"fields": [*INNER["fields"], {"name": "y", "type": "int"}]}})
    assert unreadable(before, record({"name": "b", "type": INNER})) == []
    assert unreadable(before, after) == ["field b.y has no default"]


def test_type_that_holds_itself_ends() -> None:
    tree = record({"name": "below", "type": {"type": "array", "items": "n.R"}, "default": []})
    assert unreadable(tree, tree) == []
    bigger = record(*tree["fields"], {"name": "y", "type": "int"})
    assert unreadable(tree, bigger) == ["field y has no default"]


def test_check_every_version_is_held_against_every_other() -> None:
    """Each step is fine, the first and the last are not: that is what transitive means."""
    one = record({"name": "f", "type": "int"})
    two = record()
    three = record({"name": "f", "type": "string", "default": ""})
    steps = [record({"name": "f", "type": "int", "default": 0}), two, three]
    found = list(check([version("t", n, schema) for n, schema in enumerate(steps, 1)]))
    assert [(one.written, one.read) for one in found] == [("v1", "v3"), ("v3", "v1")]
    assert list(check([version("t", 1, one)])) == []


def test_finding_says_who_cannot_read_what() -> None:
    finding = Finding(topic="contact.active", written="v1", read="v2", detail="field contact.nickname has no default")
    assert str(finding) == (
        "contact.active v1 -> v2: field contact.nickname has no default, so v1 records cannot be read"
    )


def test_check_all_finds_nothing_in_the_contract() -> None:
    assert check_all() == []


def test_drift_newest_file_changed_in_place_is_found() -> None:
    topic = "contact.active"
    assert list(drift(versions(topic), newest_text(topic))) == []
    (finding,) = drift(versions(topic), newest_text(topic).replace('"website"', '"web_site"'))
    assert "contact.active.avsc is not versions/contact.active/v1.avsc" in finding.detail
