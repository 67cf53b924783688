"""What the bridge adds between Kafka's append of an event and the request leaving, when nothing else is to do."""

import statistics
import time
from dataclasses import replace

from confluent_kafka import Producer

from deploy.local.demo.crm import US, clock_now, trade
from schemas.codec import Codec
from tests.benchmarks.bench import Bench, Figure

EVENTS = 60
PAUSE_SECONDS = 0.3
GOAL_MILLISECONDS = 50
_DELAYS = """
SELECT array_agg((extract(epoch FROM n.created_at - i.appended_at) * 1000)::float8) FROM intent n
  JOIN inbox i ON i.id = n.inbox_id
"""


def run(bench: Bench) -> list[Figure]:
    """Measure to the intent's commit, after which the request leaves with nothing in between but the budget."""
    with bench.product(companies=1, latency=0) as product:
        product.start()
        product.until(lambda: product.one("SELECT count(*) FROM connection WHERE company IS NULL") == 0)
        (tenant,) = product.tenants
        codec = Codec()
        events = trade(replace(US, tenant_id=tenant), contacts=EVENTS, sales=0, seed=1, now=clock_now()).events
        producer = Producer({"bootstrap.servers": bench.stack.bootstrap_servers})
        for event in events[:EVENTS]:
            topic = product.prefix + event.envelope.event_type
            producer.produce(topic, key=tenant.encode(), value=codec.encode(event))
            producer.flush()
            time.sleep(PAUSE_SECONDS)
        product.until(lambda: product.one("SELECT count(*) FROM intent") == EVENTS)
        delays = sorted(product.one(_DELAYS))
    median = statistics.median(delays)
    slow = delays[int(len(delays) * 0.95)]
    return [
        Figure(
            name="added delay when idle, p50, ms",
            shown=f"{median:.0f} (p95 {slow:.0f})",
            goal=f"under {GOAL_MILLISECONDS}",
            reached=median < GOAL_MILLISECONDS,
        )
    ]
