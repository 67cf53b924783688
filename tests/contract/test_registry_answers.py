"""What a registry's answers mean, good and bad, over HTTP: only its own word is a verdict on a record or a schema."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.fernet import Fernet

from deploy.local.ports import free_ports
from deploy.local.product import command
from schemas.codec import Codec
from schemas.errors import Reason, RegistryRefused, RegistryUnavailable, Undecodable
from schemas.registry import Registry
from schemas.topics import TOPICS
from schemas.versions import newest_text

TOPIC = "contact.active"
NOT_FOUND = json.dumps({"error_code": 40403, "message": "Schema 1 not found"})


@dataclass(slots=True)
class Answers:
    """A server that gives one answer to everything, and keeps what it was asked."""

    status: int = 200
    text: str = "{}"
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def answers() -> Iterator[Answers]:
    given = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            given.asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(given.status)
            self.send_header("Content-Length", str(len(given.text.encode())))
            self.end_headers()
            self.wfile.write(given.text.encode())

        do_POST = do_PUT = do_GET  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """The test asks `asked` instead."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        given.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield given
        server.shutdown()
        thread.join()


@pytest.fixture
def registry(answers: Answers) -> Iterator[Registry]:
    with Registry(answers.url, basic_auth="user:secret") as opened:
        yield opened


def told(text: str, schema_type: str | None = None) -> str:
    return json.dumps({"schema": text} | ({"schemaType": schema_type} if schema_type else {}))


def test_schema_found_is_asked_for_once(answers: Answers, registry: Registry) -> None:
    answers.text = told(newest_text(TOPIC))
    assert registry.schema(1) == registry.schema(1) == json.loads(newest_text(TOPIC))
    assert [path.partition("?")[0] for path, _ in answers.asked] == ["/schemas/ids/1"]
    assert answers.asked[0][1] == "Basic dXNlcjpzZWNyZXQ="


def test_schema_the_registry_does_not_have_is_none(answers: Answers, registry: Registry) -> None:
    answers.status, answers.text = 404, NOT_FOUND
    assert registry.schema(1) is None


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (404, "<html>no such page</html>"),
        (404, json.dumps({"error_code": 404, "message": "HTTP 404 Not Found"})),
        (401, json.dumps({"error_code": 40101, "message": "Unauthorized"})),
        (403, json.dumps({"error_code": 40301, "message": "Forbidden"})),
        (429, "{}"),
        (500, json.dumps({"error_code": 50001, "message": "Error in the backend data store"})),
        (503, "away"),
        (200, "<html>a proxy's page</html>"),
    ],
)
def test_answer_that_is_not_the_registrys_word_is_a_reason_to_wait(
    answers: Answers, registry: Registry, status: int, text: str
) -> None:
    answers.status, answers.text = status, text
    with pytest.raises(RegistryUnavailable):
        registry.schema(1)
    with pytest.raises(RegistryUnavailable):
        registry.register(TOPIC)
    with pytest.raises(RegistryUnavailable):
        Codec(registry).decode(TOPIC, b"\x00\x00\x00\x00\x01abc")


def test_nobody_answering_is_a_reason_to_wait() -> None:
    with Registry(f"http://127.0.0.1:{free_ports(1)[0]}") as registry:
        with pytest.raises(RegistryUnavailable):
            registry.schema(1)
        with pytest.raises(RegistryUnavailable):
            registry.schema_id(TOPIC)
        with pytest.raises(RegistryUnavailable):
            registry.require_full_transitive(TOPIC)


def test_registry_that_answers_again_is_believed(answers: Answers, registry: Registry) -> None:
    answers.status = 503
    with pytest.raises(RegistryUnavailable):
        registry.schema(1)
    answers.status, answers.text = 200, told(newest_text(TOPIC))
    assert registry.schema(1) is not None


@pytest.mark.parametrize(
    "text", [told('syntax = "proto3";', "PROTOBUF"), told('{"type": "object"}', "JSON"), told("no JSON")]
)
def test_schema_that_is_not_avro_is_a_verdict(answers: Answers, registry: Registry, text: str) -> None:
    answers.text = text
    with pytest.raises(Undecodable) as raised:
        registry.schema(1)
    assert raised.value.reason == Reason.UNKNOWN_SCHEMA


@pytest.mark.parametrize("status", [409, 422])
def test_schema_refused_by_the_registry_is_told(answers: Answers, registry: Registry, status: int) -> None:
    answers.status, answers.text = status, json.dumps({"error_code": status, "message": "incompatible"})
    with pytest.raises(RegistryRefused, match=r"refuses contact\.active: .*incompatible"):
        registry.register(TOPIC)


def test_register_command_has_incompatible_changes_refused_from_then_on(answers: Answers) -> None:
    answers.text = json.dumps({"id": 7, "compatibility": "FULL_TRANSITIVE"})
    needed = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "QBO_BRIDGE_QBO_CLIENT_ID", "QBO_BRIDGE_QBO_CLIENT_SECRET")
    environment = {
        **dict.fromkeys(needed, "unused"),
        "QBO_BRIDGE_TOKEN_KEYS": Fernet.generate_key().decode(),
        "QBO_BRIDGE_SCHEMA_REGISTRY_URL": answers.url,
    }
    assert command(environment, "schemas", "register").splitlines() == [f"{topic}: id 7" for topic in TOPICS]
    asked = {path.partition("?")[0] for path, _ in answers.asked}
    assert {f"/config/{topic}-value" for topic in TOPICS} <= asked
