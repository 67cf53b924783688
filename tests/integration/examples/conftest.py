"""The two examples for other teams as their own programs, and what they are given."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.kafka import KafkaRecords
from consumers.reading import Fetched
from deploy.local.folders import PROJECT
from deploy.local.topics import create_topics
from schemas.codec import Codec
from schemas.events.quickbooks import Cause, Customer, Invoice, InvoicePaid, QbEnvelope, ReviewRequest
from schemas.versions import newest_text

PAID, PAYMENT = "qb.invoice.paid", "payment.completed"
EXAMPLES = PROJECT / "docs" / "examples"
SCHEMAS = PROJECT / "schemas"
AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PATIENCE_SECONDS = 60
SCHEMA_ID = 7


@dataclass(slots=True)
class StandIn:
    """A schema registry that knows one schema by its id, and gives that id to whoever registers one."""

    text: str = ""
    url: str = ""
    registered: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def registry() -> Iterator[StandIn]:
    stand_in = StandIn(newest_text(PAID))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == f"/schemas/ids/{SCHEMA_ID}":
                self.answer(200, {"schema": stand_in.text})
            elif self.path.startswith("/schemas/ids/"):
                self.answer(404, {"error_code": 40403, "message": "Schema not found"})
            else:
                self.answer(404, {"error_code": 404, "message": "HTTP 404 Not Found"})

        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stand_in.registered.append((self.path, told["schema"]))
            self.answer(200, {"id": SCHEMA_ID})

        def answer(self, status: int, told: Mapping[str, Any]) -> None:
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """A test looks at what the example did instead."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield stand_in
        server.shutdown()
        thread.join()


@dataclass(slots=True, kw_only=True)
class Reviews:
    """A review service of a test's own: its topic of one partition, so that records come in order, and its memory."""

    bootstrap_servers: str
    topic: str
    folder: Path

    def publish(self, *values: bytes | None) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "enable.idempotence": True})
        for value in values:
            producer.produce(self.topic, key=b"loc_1", value=value)
        assert producer.flush(PATIENCE_SECONDS) == 0

    def command(self, *options: str) -> list[str]:
        ours = ["--bootstrap-servers", self.bootstrap_servers, "--topic", self.topic, "--group", self.topic]
        return [
            sys.executable, str(EXAMPLES / "review_service.py"), *ours,
            "--schemas", str(SCHEMAS), "--seen", str(self.folder / "seen.sqlite"), *options,
        ]  # fmt: skip

    def asked(self, *options: str, count: int) -> list[str]:
        """Run it until it asked so often, end it in order, and return every line that it printed."""
        with (
            (self.folder / "stderr").open("w") as errors,
            subprocess.Popen(self.command(*options), stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(count)]
            process.send_signal(signal.SIGTERM)
            lines += process.stdout.readlines()
            assert process.wait(PATIENCE_SECONDS) == 0, self.errors()
        return [line.rstrip("\n") for line in lines]

    def errors(self) -> list[str]:
        return (self.folder / "stderr").read_text().splitlines()


@pytest.fixture
def reviews(bootstrap_servers: str, topic_prefix: str, tmp_path: Path) -> Reviews:
    topic = f"{topic_prefix}{PAID}"
    create_topics(bootstrap_servers, {topic: 1})
    return Reviews(bootstrap_servers=bootstrap_servers, topic=topic, folder=tmp_path)


def paid(name: str, *, review: ReviewRequest = ReviewRequest.SEND) -> InvoicePaid:
    """An invoice of somebody of this name; the name makes the event's id too."""
    return InvoicePaid(
        envelope=QbEnvelope(
            event_id=f"ev_{name}",
            event_type=PAID,
            tenant_id="loc_1",
            realm_id="4620816365",
            entity_id="130",
            entity_version=AT,
            occurred_at=AT,
            cause=Cause.CHANGED,
        ),
        invoice=Invoice(
            invoice_id="130",
            doc_number=f"INV-{name}",
            txn_date=date(2026, 11, 24),
            currency="USD",
            total=Decimal("98.25"),
            tax_total=Decimal("8.25"),
            balance=Decimal(0),
        ),
        customer=Customer(customer_id="58", display_name=name, email=f"{name}@example.com"),
        first_paid_invoice=True,
        review_request=review,
    )


def single_object(event: InvoicePaid) -> bytes:
    return Codec().encode(event)


def confluent(event: InvoicePaid, schema_id: int = SCHEMA_ID) -> bytes:
    return b"\x00" + schema_id.to_bytes(4, "big") + single_object(event)[10:]


def line(name: str) -> str:
    return f"Ask {name} <{name}@example.com> about invoice INV-{name}, 98.25 USD, tenant loc_1"


@dataclass(slots=True, kw_only=True)
class Payments:
    """publish_payment.py, and what came of it on a topic of the test's own."""

    bootstrap_servers: str
    topic: str

    def run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        ours = ["--bootstrap-servers", self.bootstrap_servers, "--topic", self.topic, "--schemas", str(SCHEMAS)]
        command = [sys.executable, str(EXAMPLES / "publish_payment.py"), *ours, "--tenant", "loc_ü", *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)

    def publish(self, *options: str) -> str:
        done = self.run(*options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fetched(self, count: int) -> Sequence[Fetched]:
        records = KafkaRecords({"bootstrap.servers": self.bootstrap_servers, "group.id": self.topic}, [self.topic])
        found: list[Fetched] = []
        try:
            while len(found) < count:
                found += records.fetch()
        finally:
            records.close()
        return found


@pytest.fixture
def payments(bootstrap_servers: str, topic_prefix: str) -> Payments:
    topic = f"{topic_prefix}{PAYMENT}"
    create_topics(bootstrap_servers, {topic: 1})
    return Payments(bootstrap_servers=bootstrap_servers, topic=topic)
