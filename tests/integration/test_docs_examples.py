"""The two examples for other teams, run as they would run them, on a real Kafka."""

import ast
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.kafka import KafkaRecords
from consumers.reading import Fetched, read
from consumers.records import Arrived
from deploy.local.folders import PROJECT
from deploy.local.ports import free_ports
from deploy.local.topics import create_topics
from schemas.codec import Codec
from schemas.events.crm import PaymentCompleted
from schemas.events.quickbooks import Cause, Customer, Invoice, InvoicePaid, QbEnvelope, ReviewRequest
from schemas.registry import Registry
from schemas.versions import fingerprint_of, newest_text
from tests.unit.schemas.by_hand import body

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


@pytest.mark.parametrize("name", ["review_service.py", "publish_payment.py"])
def test_example_is_short_and_needs_nothing_of_ours(name: str) -> None:
    source = (EXAMPLES / name).read_text()
    assert len(source.splitlines()) < 60
    nodes = list(ast.walk(ast.parse(source)))
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    packages = {module.partition(".")[0] for module in imported}
    assert packages - sys.stdlib_module_names == {"confluent_kafka", "fastavro"}


def test_review_service_asks_what_it_is_told_in_both_wire_forms(reviews: Reviews, registry: StandIn) -> None:
    reviews.publish(
        single_object(paid("Ann")),
        confluent(paid("Ben")),
        single_object(paid("Cem", review=ReviewRequest.OFF)),
        confluent(paid("Dan", review=ReviewRequest.NOT_FIRST)),
        single_object(paid("Eve", review=ReviewRequest.UNKNOWN)),
        confluent(paid("Zoe")),
    )
    assert reviews.asked("--registry", registry.url, count=3) == [line("Ann"), line("Ben"), line("Zoe")]
    assert reviews.errors() == []


def test_review_service_asks_once_for_an_event_whatever_is_repeated(reviews: Reviews) -> None:
    first, second, third = (single_object(paid(name)) for name in ("Ann", "Ben", "Cem"))
    reviews.publish(first, first, second)
    assert reviews.asked(count=2) == [line("Ann"), line("Ben")]
    reviews.publish(first, third)
    assert reviews.asked(count=1) == [line("Cem")], "after a restart"
    reviews.publish(single_object(paid("Zoe")))
    assert reviews.asked("--group", f"{reviews.topic}.new", count=1) == [line("Zoe")], "with all of it read again"


def test_review_service_goes_on_behind_what_it_committed(reviews: Reviews) -> None:
    reviews.publish(single_object(paid("Ann")))
    assert reviews.asked(count=1) == [line("Ann")]
    (reviews.folder / "seen.sqlite").unlink()
    reviews.publish(single_object(paid("Zoe")))
    assert reviews.asked(count=1) == [line("Zoe")]


def test_review_service_says_of_unreadable_records_that_they_are_and_goes_on(
    reviews: Reviews, registry: StandIn
) -> None:
    good = single_object(paid("Ann"))
    unreadable = [
        None, b"", b"\x00", b"\xc3\x01", b'{"this is": "JSON"}',
        good[:-9], good[:10], b"\xc3\x01" + b"\xff" * 8 + good[10:],
        b"\x00" + SCHEMA_ID.to_bytes(4, "big") + b"\xff" * 40, confluent(paid("Ben"), schema_id=8),
    ]  # fmt: skip
    reviews.publish(*unreadable, good)
    assert reviews.asked("--registry", registry.url, count=1) == [line("Ann")]
    told = reviews.errors()
    assert [said.split()[:4] for said in told] == [["no", "event:", "0", str(n)] for n in range(len(unreadable))]


def test_review_service_without_a_registry_leaves_its_form_aside(reviews: Reviews) -> None:
    reviews.publish(confluent(paid("Ann")), single_object(paid("Zoe")))
    assert reviews.asked(count=1) == [line("Zoe")]
    assert len(reviews.errors()) == 1


@pytest.mark.parametrize("trouble", ["nobody", "a proxy's page"])
def test_review_service_loses_nothing_while_the_registry_is_away(
    reviews: Reviews, registry: StandIn, trouble: str
) -> None:
    reviews.publish(single_object(paid("Ann")), confluent(paid("Ben")))
    wrong = f"{registry.url}/elsewhere" if trouble == "a proxy's page" else f"http://127.0.0.1:{free_ports(1)[0]}"
    done = subprocess.run(
        reviews.command("--registry", wrong), capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (done.returncode, done.stdout.splitlines()) == (1, [line("Ann")])
    assert done.stderr.startswith("The registry does not say")
    assert reviews.asked("--registry", registry.url, count=1) == [line("Ben")]


def test_review_service_reads_old_and_new_writers(reviews: Reviews) -> None:
    schemas = reviews.folder / "schemas"
    shutil.copytree(SCHEMAS, schemas)
    newer = json.loads(newest_text(PAID))
    newer["fields"].append({"name": "stars", "type": ["null", "long"], "default": None})
    for file in (schemas / f"{PAID}.avsc", schemas / "versions" / PAID / "v99.avsc"):
        file.write_text(json.dumps(newer))
    event = paid("Zoe")
    told = {name: getattr(event, name) for name in event.__slots__} | {"stars": None}
    reviews.publish(single_object(paid("Ann")), b"\xc3\x01" + fingerprint_of(newer) + body(told, newer))
    assert reviews.asked("--schemas", str(schemas), count=2) == [line("Ann"), line("Zoe")]


def test_review_service_ends_by_itself_when_nothing_comes_for_long(reviews: Reviews) -> None:
    assert subprocess.run(reviews.command("--until-idle", "1"), check=True, timeout=PATIENCE_SECONDS).returncode == 0


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


@dataclass(frozen=True, slots=True)
class OneSchema:
    """The registry as our codec sees it."""

    text: str

    def schema(self, schema_id: int) -> Any:
        return json.loads(self.text) if schema_id == SCHEMA_ID else None

    def schema_id(self, topic: str) -> int:
        raise NotImplementedError(topic)


def taken_in(fetched: Fetched, codec: Codec) -> tuple[Arrived, PaymentCompleted]:
    """What ingest makes of a record."""
    arrived = read(fetched, codec, topic=PAYMENT)
    assert isinstance(arrived, Arrived), arrived
    event = codec.decode(PAYMENT, arrived.payload)
    assert isinstance(event, PaymentCompleted)
    return arrived, event


def check_sums(event: PaymentCompleted) -> None:
    """What the contract demands of a document's figures."""
    totals = event.totals
    extras = totals.tax_total + totals.shipping_total + totals.surcharge_total + totals.tip_total
    assert totals.sub_total - totals.discount_total + extras == totals.total == event.payment.amount
    assert totals.amount_paid + totals.amount_due == totals.total
    assert sum(one.line_amount for one in event.lines) == totals.sub_total
    assert all(one.quantity * one.unit_amount == one.line_amount for one in event.lines)


def test_published_payment_is_one_that_ingest_takes_in(payments: Payments) -> None:
    told = payments.publish(
        "--amount", "1234.05", "--currency", "GBP", "--name", "Zoë Müller", "--email", "zoe@example.com",
        "--transaction", "tx_1", "--paid-at", "2026-11-24T23:30:00.123-06:00",
    )  # fmt: skip
    (fetched,) = payments.fetched(1)
    arrived, event = taken_in(fetched, Codec())
    assert (arrived.tenant_id, arrived.entity_id, event.envelope.event_type) == ("loc_ü", "tx_1", PAYMENT)
    assert (event.payment.amount, event.totals.currency) == (Decimal("1234.05"), "GBP")
    assert (event.contact.display_name, event.contact.email) == ("Zoë Müller", "zoe@example.com")
    assert event.payment.paid_at == event.envelope.occurred_at == datetime(2026, 11, 25, 5, 30, 0, 123_000, tzinfo=UTC)
    assert event.payment.txn_date == date(2026, 11, 24), "the day where it was paid"
    check_sums(event)
    assert all(fact in told for fact in (arrived.event_id, "1234.05 GBP", "tx_1"))


def test_published_payment_has_the_contracts_key_and_headers(payments: Payments) -> None:
    payments.publish("--amount", "10")
    (fetched,) = payments.fetched(1)
    envelope = taken_in(fetched, Codec())[1].envelope
    assert fetched.key == "loc_ü".encode()
    headers = {name: value.decode() for name, value in fetched.headers}
    assert datetime.fromisoformat(headers.pop("ce_time")) == envelope.occurred_at
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": envelope.event_id,
        "ce_type": PAYMENT,
        "ce_source": "crm",
        "ce_subject": "loc_ü",
        "content-type": "application/avro",
    }


def test_published_payment_in_the_registrys_form_says_the_same(payments: Payments, registry: StandIn) -> None:
    facts = ("--amount", "0.1", "--transaction", "tx_1", "--paid-at", "2026-11-24T08:00:00Z")
    payments.publish(*facts)
    payments.publish(*facts, "--registry", registry.url)
    single, framed = payments.fetched(2)
    assert (framed.value or b"")[:5] == b"\x00" + SCHEMA_ID.to_bytes(4, "big")
    ((path, schema),) = registry.registered
    assert (path, json.loads(schema)) == (f"/subjects/{PAYMENT}-value/versions", json.loads(newest_text(PAYMENT)))
    codec = Codec(OneSchema(schema))
    assert replace(taken_in(framed, codec)[0], offset=0, appended_at=None) == replace(
        taken_in(single, codec)[0], offset=0, appended_at=None
    )


def test_published_payment_with_the_same_facts_is_the_same_event(payments: Payments) -> None:
    facts = {"--amount": "10.00", "--transaction": "tx_1", "--paid-at": "2026-11-24T08:00:00+00:00"}
    other = {"--amount": "10.01", "--transaction": "tx_2", "--paid-at": "2026-11-24T08:00:01+00:00"}
    changed = [facts, *(facts | {name: value} for name, value in other.items())]
    for options in [*changed, facts]:
        payments.publish(*(word for pair in options.items() for word in pair))
    *different, again = (taken_in(one, Codec())[0] for one in payments.fetched(5))
    assert len({one.event_id for one in different}) == len(different)
    assert (again.event_id, again.content_hash) == (different[0].event_id, different[0].content_hash)


def test_payment_that_kafka_does_not_take_is_told(payments: Payments) -> None:
    done = replace(payments, topic="no/topic").run("--amount", "10.00")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Kafka did not take it: ")


@pytest.mark.registry
def test_examples_agree_with_us_about_a_real_registry(reviews: Reviews, payments: Payments, registry_url: str) -> None:
    payments.publish("--amount", "10.00", "--registry", registry_url)
    (fetched,) = payments.fetched(1)
    with Registry(registry_url) as registry:
        codec = Codec(registry)
        check_sums(taken_in(fetched, codec)[1])
        told = [codec.wire(PAID, single_object(paid(name))) for name in ("Ann", "Zoe")]
    unknown = confluent(paid("Ben"), schema_id=0x7FFFFFFF)
    reviews.publish(told[0], unknown, told[1])
    assert reviews.asked("--registry", registry_url, count=2) == [line("Ann"), line("Zoe")]
    assert len(reviews.errors()) == 1
