"""How fast one process moves events from Kafka into the inbox."""

from dataclasses import replace

from confluent_kafka import Producer

from deploy.local.demo.crm import US, clock_now, trade
from schemas.codec import Codec
from tests.benchmarks.bench import Bench, Figure, resident_megabytes

EVENTS = 40_000
TENANTS = 40
GOAL = 5_000


def run(bench: Bench) -> list[Figure]:
    with bench.product(companies=TENANTS, latency=0) as product:
        _publish(product.prefix, bench.stack.bootstrap_servers, list(product.tenants))
        process, _ = product.start("ingest")
        began = product.until(lambda: product.one("SELECT count(*) FROM inbox") > 0)
        first = product.one("SELECT count(*) FROM inbox")
        ended = product.until(lambda: product.one("SELECT count(*) FROM inbox") == EVENTS)
        rate = (EVENTS - first) / (ended - began)
        memory = resident_megabytes(process.pid)
    return [
        Figure(name="ingest, events/s", shown=f"{rate:,.0f}", goal=f"at least {GOAL:,}", reached=rate >= GOAL),
        Figure(name="memory while ingesting, MB", shown=f"{memory:.0f}", goal="under 200", reached=memory < 200),
    ]


def _publish(prefix: str, bootstrap_servers: str, tenants: list[str]) -> None:
    """Sales and contacts half and half, each with an id of its own, before anything is measured."""
    codec = Codec()
    producer = Producer({"bootstrap.servers": bootstrap_servers, "enable.idempotence": True, "linger.ms": 20})
    each = EVENTS // len(tenants)
    for number, tenant in enumerate(tenants):
        shop = replace(US, tenant_id=tenant)
        events = trade(shop, contacts=each // 2, sales=each, seed=number, now=clock_now()).events[:each]
        for event in events:
            topic = prefix + event.envelope.event_type
            producer.produce(topic, key=tenant.encode(), value=codec.encode(event))
        producer.poll(0)
    assert producer.flush(60) == 0
