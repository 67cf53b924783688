"""Whether memory stays flat: one process decides 100,000 events, most of them older states of the same contacts."""

from dataclasses import replace
from datetime import timedelta

from confluent_kafka import Producer

from deploy.local.demo.crm import US, clock_now, trade
from schemas.codec import Codec
from schemas.events.crm import ContactActive
from tests.benchmarks.bench import Bench, Figure, Product, resident_megabytes

TENANTS, CONTACTS, STATES = 10, 100, 100
EVENTS = TENANTS * CONTACTS * STATES
MOST_GROWTH = 1.25
_DECIDED = "SELECT count(*) FROM inbox WHERE state IN ('done', 'skipped', 'attention')"


def run(bench: Bench) -> list[Figure]:
    with bench.product(companies=TENANTS, latency=0) as product:
        process, _ = product.start()
        for part in range(STATES // 10):
            _publish(bench, product, range(part * 10, part * 10 + 10))
            wanted = (part + 1) * EVENTS // 10
            product.until(lambda wanted=wanted: product.one(_DECIDED) >= wanted)  # type: ignore[misc]
            if part == 1:
                early = resident_megabytes(process.pid)
        late = resident_megabytes(process.pid)
    return [
        Figure(
            name=f"memory after {EVENTS:,} events against {EVENTS // 5:,}",
            shown=f"{late / early:.2f} ({early:.0f} and {late:.0f} MB)",
            goal=f"at most {MOST_GROWTH}",
            reached=late / early <= MOST_GROWTH,
        )
    ]


def _publish(bench: Bench, product: Product, states: range) -> None:
    codec, now = Codec(), clock_now()
    producer = Producer({"bootstrap.servers": bench.stack.bootstrap_servers, "enable.idempotence": True})
    for tenant in product.tenants:
        known = trade(replace(US, tenant_id=tenant), contacts=CONTACTS, sales=0, seed=1, now=now).events[:CONTACTS]
        for event in known:
            assert isinstance(event, ContactActive)
            for state in states:
                about = event.envelope
                at = about.entity_version + timedelta(seconds=state)
                about = replace(about, event_id=f"{about.event_id}_{state}", entity_version=at, occurred_at=at)
                value = codec.encode(replace(event, envelope=about))
                producer.produce(f"{product.prefix}contact.active", key=tenant.encode(), value=value)
        producer.poll(0)
    assert producer.flush(60) == 0
