"""docs/asyncapi.json says what the Avro files and the code say, all of it and nothing else."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import simplejson
from typer.testing import CliRunner

from bridge.cli.main import app
from bridge.store.inbox import _dead_outbox
from consumers.records import DeadLetter
from deploy.local.folders import PROJECT
from producers.ports import Unsent
from producers.relay import cloud_event_headers
from schemas.asyncapi import document, text
from schemas.topics import DEAD_LETTERS, INBOUND, OUTBOUND, TOPICS
from schemas.versions import versions

DOCUMENT = document()
KEPT = PROJECT / "docs" / "asyncapi.json"


def resolved(reference: dict[str, str]) -> Any:
    found: Any = DOCUMENT
    for part in reference["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def message_of(topic: str) -> Any:
    (reference,) = DOCUMENT["channels"][topic]["messages"].values()
    return resolved(reference)


def test_asyncapi_document_kept_in_docs_is_the_one_that_is_made() -> None:
    assert KEPT.read_text() == f"{text()}\n", "qbo-bridge schemas asyncapi > docs/asyncapi.json"


def test_asyncapi_has_every_topic_under_its_own_address() -> None:
    addresses = {topic: channel["address"] for topic, channel in DOCUMENT["channels"].items()}
    assert addresses == {topic: topic for topic in (*TOPICS, DEAD_LETTERS)}


def test_asyncapi_bridge_receives_what_the_crm_tells_and_sends_the_rest() -> None:
    operations = DOCUMENT["operations"].values()
    assert [(one["action"], resolved(one["channel"])["address"]) for one in operations] == [
        *(("receive", topic) for topic in INBOUND),
        *(("send", topic) for topic in (*OUTBOUND, DEAD_LETTERS)),
    ]
    for one in operations:
        (reference,) = one["messages"]
        assert resolved(resolved(reference)) == message_of(resolved(one["channel"])["address"])


@pytest.mark.parametrize("topic", TOPICS)
def test_asyncapi_payload_is_the_newest_avro_schema(topic: str) -> None:
    message, kept = message_of(topic), versions(topic)
    assert message["payload"]["schema"] == kept[-1].schema
    assert message["x-single-object-fingerprints"] == {f"v{one.number}": one.fingerprint.hex() for one in kept}
    assert message["description"].startswith(message["summary"].removesuffix("."))


@pytest.mark.parametrize("topic", OUTBOUND)
def test_asyncapi_headers_fit_what_the_relay_sends(topic: str) -> None:
    at = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    row = Unsent(
        id=1, topic=topic, key="loc_1", event_id="ev_1", payload=b"", headers={}, framed=True, created_at=at
    )  # fmt: skip
    sent = cloud_event_headers(row)
    common, own = message_of(topic)["headers"]["allOf"]
    described = {**resolved(common)["properties"], **own["properties"]}
    assert set(sent) == set(described) == set(resolved(common)["required"])
    constants = {name: one["const"] for name, one in described.items() if "const" in one}
    assert constants == {name: sent[name] for name in ("ce_specversion", "ce_type", "content-type")}


def test_asyncapi_headers_of_a_dead_letter_fit_what_ingest_stores() -> None:
    letter = DeadLetter(
        topic="invoice.sent", partition=3, offset=51, key=None, value=b"{}", reason="unknown_form", detail="no Avro"
    )
    row = _dead_outbox(letter, DEAD_LETTERS)
    assert set(message_of(DEAD_LETTERS)["headers"]["properties"]) == set(row.headers)


@pytest.mark.parametrize("topic", TOPICS)
def test_asyncapi_correlation_leads_to_a_field_of_the_record(topic: str) -> None:
    correlation = message_of(topic).get("correlationId")
    assert (correlation is not None) == (topic in INBOUND or topic == "qb.sync.status")
    if correlation:
        kind: Any = versions(topic)[-1].schema
        for name in correlation["location"].removeprefix("$message.payload#/").split("/"):
            (kind,) = (field["type"] for field in kind["fields"] if field["name"] == name)
        assert kind in ("string", ["null", "string"])


def test_asyncapi_command_prints_the_document_and_tells_a_file_that_differs(tmp_path: Path) -> None:
    run = CliRunner().invoke
    printed = run(app, ["schemas", "asyncapi"])
    assert (printed.exit_code, simplejson.loads(printed.stdout)) == (0, DOCUMENT)
    assert run(app, ["schemas", "asyncapi", "--check", str(KEPT)]).exit_code == 0
    other = tmp_path / "asyncapi.json"
    other.write_text(text().replace("3.0.0", "2.6.0"))
    told = run(app, ["schemas", "asyncapi", "--check", str(other)])
    assert told.exit_code == 1
    assert f"Write it anew: qbo-bridge schemas asyncapi > {other}" in told.stderr
