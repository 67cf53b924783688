"""The contract as an AsyncAPI document, made from the Avro files: for the tools of the teams on either side."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import simplejson

from schemas.registry import subject_of
from schemas.topics import DEAD_LETTERS, INBOUND, OUTBOUND, TOPICS
from schemas.versions import versions

Json = dict[str, Any]

_DISTRIBUTION = "qbo-bridge"
_AVRO = "application/vnd.apache.avro;version=1.9.0"
_KAFKA = {"bindingVersion": "0.5.0"}
_DEAD_LETTER = "DeadLetter"

_ABOUT = """\
What a CRM and QBO Bridge tell each other on Kafka, as the bridge sees it: it receives the CRM's events and sends \
those from QuickBooks. docs/events.md says what each event means.

A value is Avro in one of two forms, told apart by the first byte: single-object encoding (C3 01, the schema's \
CRC-64-AVRO fingerprint little-endian, the body), or, with a schema registry, Confluent's wire format (00, the \
schema's id in four bytes, the body). Events come at least once and in order per key; equal event ids are the same \
event. On a cluster that installations share, each topic has the prefix of its installation."""
_TAGS = {
    "CRM to QuickBooks": "What the CRM tells the bridge.",
    "QuickBooks to CRM": "What the bridge tells the CRM and others.",
    "operations": "For whoever operates the bridge.",
}
_CLOUD_EVENT = {
    "ce_specversion": "Version of CloudEvents.",
    "ce_id": "The record's event_id.",
    "ce_type": "The topic without a prefix.",
    "ce_source": "Who published it; qbo-bridge if it was the bridge.",
    "ce_time": "When its publisher stored it.",
    "ce_subject": "The record's tenant_id.",
    "content-type": "What the value is.",
}
_DEAD_LETTER_HEADERS = {
    "dead_letter_origin": "Topic, partition and offset it came from, slashes between.",
    "dead_letter_reason": "Stable code, explained in docs/operations.md.",
    "dead_letter_detail": "What is wrong with it, in words.",
}
#: By these a status leads back to the CRM's event.
_CORRELATED: Mapping[str, str] = dict.fromkeys(INBOUND, "/envelope/event_id") | {"qb.sync.status": "/source_event_id"}


def text() -> str:
    """Return the document as JSON; equal Avro files and an equal release give equal text."""
    return simplejson.dumps(document(), indent=1)  # As the Avro files are.


def document() -> Json:
    """Return the document: every topic, and where the bridge puts what it cannot read."""
    names = {topic: str(versions(topic)[-1].schema["name"]) for topic in TOPICS} | {DEAD_LETTERS: _DEAD_LETTER}
    messages = {names[topic]: _message(topic) for topic in TOPICS} | {_DEAD_LETTER: _dead_letter()}
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/avro",
        "servers": {"kafka": _server()},
        "channels": {topic: _channel(topic, name) for topic, name in names.items()},
        "operations": {f"{_action(topic)}{name}": _operation(topic, name) for topic, name in names.items()},
        "components": {"messages": messages, "schemas": {"CloudEvent": _cloud_event()}},
    }


def _info() -> Json:
    told = metadata.metadata(_DISTRIBUTION)
    return {
        "title": "QBO Bridge",
        "version": told["Version"],
        "description": _ABOUT,
        "license": {"name": told["License-Expression"]},
        "tags": [{"name": name, "description": meaning} for name, meaning in _TAGS.items()],
    }


def _server() -> Json:
    brokers = {"default": "localhost:9092", "description": "One broker or several, commas between."}
    return {"host": "{bootstrapServers}", "protocol": "kafka", "variables": {"bootstrapServers": brokers}}


def _channel(topic: str, message: str) -> Json:
    return {
        "address": topic,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "tags": _tags(topic),
    }


def _action(topic: str) -> str:
    """Return the bridge's own part in a topic."""
    return "receive" if topic in INBOUND else "send"


def _operation(topic: str, message: str) -> Json:
    group = {"groupId": {"type": "string", "default": _DISTRIBUTION}} if topic in INBOUND else {}
    return {
        "action": _action(topic),
        "channel": {"$ref": f"#/channels/{topic}"},
        "summary": f"The bridge {'reads' if topic in INBOUND else 'publishes'} {topic}.",
        "messages": [{"$ref": f"#/channels/{topic}/messages/{message}"}],
        "bindings": {"kafka": group | _KAFKA},
    }


def _message(topic: str) -> Json:
    kept = versions(topic)
    newest, says = kept[-1], kept[-1].schema["doc"]
    return {
        "name": newest.name,
        "title": newest.schema["name"],
        "summary": says.partition(". ")[0].removesuffix(".") + ".",
        "description": says,
        "contentType": "application/avro",
        "headers": {"allOf": [{"$ref": "#/components/schemas/CloudEvent"}, _constant("ce_type", topic)]},
        **_correlation(topic),
        "payload": {"schemaFormat": _AVRO, "schema": newest.schema},
        "tags": _tags(topic),
        "bindings": _keyed("tenant_id, as UTF-8."),
        "x-registry-subject": subject_of(topic),
        "x-single-object-fingerprints": {f"v{one.number}": one.fingerprint.hex() for one in kept},
    }


def _correlation(topic: str) -> Json:
    return {"correlationId": {"location": f"$message.payload#{_CORRELATED[topic]}"}} if topic in _CORRELATED else {}


def _dead_letter() -> Json:
    return {
        "name": _DEAD_LETTER,
        "title": _DEAD_LETTER,
        "summary": "A record that is no event of its topic.",
        "description": "The bytes as they came; none if there were none, or too many to be sent on with headers.",
        "contentType": "application/octet-stream",
        "headers": _texts(_DEAD_LETTER_HEADERS),
        "payload": {"type": ["string", "null"], "format": "binary"},
        "tags": _tags(DEAD_LETTERS),
        "bindings": _keyed("As it came; the origin if it had none."),
    }


def _cloud_event() -> Json:
    schema = _texts(_CLOUD_EVENT)
    schema["description"] = "CloudEvents' Kafka binding, binary mode. It mirrors the record, which is the truth."
    schema["properties"]["ce_specversion"]["const"] = "1.0"
    schema["properties"]["ce_time"]["format"] = "date-time"
    schema["properties"]["content-type"]["const"] = "application/avro"
    return schema


def _texts(meanings: Mapping[str, str]) -> Json:
    """Return the schema of an object whose properties are texts, all of them required."""
    properties = {name: {"type": "string", "description": meaning} for name, meaning in meanings.items()}
    return {"type": "object", "required": list(meanings), "properties": properties}


def _constant(name: str, value: str) -> Json:
    return {"properties": {name: {"const": value}}}


def _keyed(key: str) -> Json:
    return {"kafka": {"key": {"type": "string", "description": key}} | _KAFKA}


def _tags(topic: str) -> list[Json]:
    to_bridge, from_bridge, operations = _TAGS
    return [{"name": to_bridge if topic in INBOUND else from_bridge if topic in OUTBOUND else operations}]
