"""The dataclasses say what the Avro files say, field by field: they cannot drift apart."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from schemas.events import crm, quickbooks
from schemas.topics import INBOUND, OUTBOUND, TOPICS
from schemas.versions import versions

LOGICAL = {"decimal": Decimal, "timestamp-millis": datetime, "date": date}
PRIMITIVE = {"string": str, "boolean": bool, "long": int}
#: QuickBooks' envelope is another than the CRM's; in Python it has a name of its own.
RENAMED = {"QbEnvelope": "Envelope"}


def differences(kind: Any, schema: Any, named: dict[str, Any], path: str) -> Iterator[str]:
    if isinstance(schema, list):
        assert schema[0] == "null"
        if NoneType not in get_args(kind):
            yield f"{path}: {kind} cannot be None"
        kind, schema = next(one for one in get_args(kind) if one is not NoneType), schema[1]
    schema = named.get(schema, schema) if isinstance(schema, str) else schema
    if isinstance(schema, str):
        expected: Any = PRIMITIVE[schema]
    elif "logicalType" in schema:
        expected = LOGICAL[schema["logicalType"]]
    elif schema["type"] == "array":
        if get_origin(kind) is not tuple:
            yield f"{path}: {kind} is no tuple"
        yield from differences(get_args(kind)[0], schema["items"], named, f"{path}[]")
        return
    else:
        named[schema["name"]] = schema
        yield from differences_of_named(kind, schema, named, path)
        return
    if kind is not expected:
        yield f"{path}: {kind} is not {expected}"


def differences_of_named(kind: Any, schema: Any, named: dict[str, Any], path: str) -> Iterator[str]:
    if RENAMED.get(kind.__name__, kind.__name__) != schema["name"]:
        yield f"{path}: {kind.__name__} is not {schema['name']}"
    if schema["type"] == "enum":
        assert issubclass(kind, StrEnum)
        if [(one.name, one.value) for one in kind] != [(symbol, symbol) for symbol in schema["symbols"]]:
            yield f"{path}: other symbols"
        return
    assert is_dataclass(kind)
    ours = {field.name: field for field in fields(kind)}
    if list(ours) != [field["name"] for field in schema["fields"]]:
        yield f"{path}: other fields, or in another order"
    hints = get_type_hints(kind)
    for field in schema["fields"]:
        here = f"{path}.{field['name']}"
        yield from differences(hints[field["name"]], field["type"], named, here)
        if default_of(ours[field["name"]]) != field.get("default", MISSING):
            yield f"{here}: other default"


def default_of(field: Field[Any]) -> Any:
    return [] if field.default == () else field.default


@pytest.mark.parametrize("topic", TOPICS)
def test_event_every_field_is_the_schemas(topic: str) -> None:
    assert list(differences(TOPICS[topic], versions(topic)[-1].schema, {}, topic)) == []


@pytest.mark.parametrize("kind", [one for m in (crm, quickbooks) for one in vars(m).values() if is_dataclass(one)])
def test_event_type_is_frozen_slotted_and_keyword_only(kind: Any) -> None:
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)
    assert all(field.kw_only for field in fields(kind))


def test_topics_every_schema_has_a_direction() -> None:
    assert len(TOPICS) == 9
    assert {topic.startswith("qb.") for topic in OUTBOUND} == {True}
    assert {topic.startswith("qb.") for topic in INBOUND} == {False}


def test_agreement_a_drifted_type_is_found() -> None:
    schema = versions("contact.active")[-1].schema
    assert "other fields" in " ".join(differences(crm.InvoiceSent, schema | {"fields": schema["fields"][:1]}, {}, "x"))
    drifted = schema | {"fields": [*schema["fields"][:3], {"name": "website", "type": "string"}, schema["fields"][4]]}
    assert list(differences(crm.ContactActive, drifted, {}, "x")) == [
        "x.website: str | None is not <class 'str'>",
        "x.website: other default",
    ]
