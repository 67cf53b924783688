import http.server
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploy.local.containers import engine_answers, kafka_environment
from deploy.local.databases import database_at
from deploy.local.kafka import embedded_properties, render_properties
from deploy.local.stack import Choice, Source, choose


class Engine(http.server.BaseHTTPRequestHandler):
    """As much of a Docker engine as answers a ping."""

    def do_GET(self) -> None:
        body = b"OK" if self.path.endswith("_ping") else b'{"ApiVersion": "1.50", "MinAPIVersion": "1.24"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def engine() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"tcp://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_engine_that_answers_is_seen(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine)
    assert engine_answers()


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:9", "unix:///nowhere/docker.sock"])
def test_engine_that_is_not_there_is_none(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert not engine_answers()


@pytest.mark.parametrize(
    ("environment", "engine_there", "expected"),
    [
        ({"DATABASE_URL": "postgresql://x"}, True, Choice(source=Source.GIVEN, address="postgresql://x")),
        ({"DATABASE_URL": "postgresql://x"}, False, Choice(source=Source.GIVEN, address="postgresql://x")),
        ({"DATABASE_URL": ""}, True, Choice(source=Source.CONTAINER)),
        ({"KAFKA_BOOTSTRAP_SERVERS": "x:1"}, True, Choice(source=Source.CONTAINER)),
        ({}, False, Choice(source=Source.EMBEDDED)),
    ],
)
def test_choice_by_environment_and_engine_is_made(
    environment: Mapping[str, str], engine_there: bool, expected: Choice
) -> None:
    assert choose(environment, "DATABASE_URL", lambda: engine_there) == expected


def test_choice_given_address_never_asks_the_engine() -> None:
    def asked() -> bool:
        raise AssertionError

    assert choose({"DATABASE_URL": "x"}, "DATABASE_URL", asked).source is Source.GIVEN


def test_properties_embedded_listen_on_loopback_alone() -> None:
    properties = embedded_properties(logs=Path("/data"), port=1, controller_port=2)
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1"
    assert properties["log.dirs"] == "/data"
    assert properties["auto.create.topics.enable"] == "false"


def test_properties_rendered_escape_backslashes() -> None:
    assert render_properties({"a.b": "c", "log.dirs": "/odd\\name"}) == "a.b=c\nlog.dirs=/odd\\\\name\n"


def test_properties_of_the_container_follow_the_image() -> None:
    environment = kafka_environment("docker.test:29000")
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://docker.test:29000"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert environment["KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS"] == "0"


@pytest.mark.parametrize(
    ("admin_url", "expected"),
    [
        ("postgresql://u:p@127.0.0.1:5/postgres", "postgresql://u:p@127.0.0.1:5/mine"),
        ("postgresql://u@/postgres?host=/run/x", "postgresql://u@/mine?host=/run/x"),
        ("postgresql://u@h/postgres?sslmode=require", "postgresql://u@h/mine?sslmode=require"),
        ("postgresql://h", "postgresql://h/mine"),
    ],
)
def test_database_url_of_another_database_keeps_the_rest(admin_url: str, expected: str) -> None:
    assert database_at(admin_url, "mine") == expected
