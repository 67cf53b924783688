"""The example that publishes a payment, run as other teams would run it, on a real Kafka."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from consumers.reading import Fetched, read
from consumers.records import Arrived
from schemas.codec import Codec
from schemas.events.crm import PaymentCompleted
from schemas.registry import Registry
from schemas.versions import newest_text
from tests.integration.examples.conftest import (
    PAID,
    PAYMENT,
    SCHEMA_ID,
    Payments,
    Reviews,
    StandIn,
    confluent,
    line,
    paid,
    single_object,
)


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
