"""From a person's change in QuickBooks over Intuit's webhook to Kafka, in a company where nothing else is to do."""

import statistics
import time
from contextlib import closing

from bridge.webhooks import PATH
from deploy.local.demo.other_hand import CUSTOMER_TOPIC, Listener
from deploy.local.ports import free_ports
from deploy.local.product import QuickBooks
from tests.benchmarks.bench import Bench, Figure

CHANGES = 100
LATENCY_SECONDS = 0.15
GOAL_P50_SECONDS, GOAL_P99_SECONDS = 1.0, 2.0


def run(bench: Bench) -> list[Figure]:
    with bench.product(companies=1, latency=LATENCY_SECONDS) as product:
        product.environment |= {
            "QBO_BRIDGE_WEBHOOK_PORT": str(free_ports(1)[0]),
            "QBO_BRIDGE_WEBHOOK_VERIFIER_TOKEN": "bench",
            "QBO_BRIDGE_POLL_SECONDS": "3600",
        }
        product.start()
        url = f"http://127.0.0.1:{product.environment['QBO_BRIDGE_WEBHOOK_PORT']}{PATH}"
        product.quickbooks.control("/webhooks", {"url": url, "verifier": "bench"})
        product.until(lambda: product.one("SELECT count(*) FROM watch WHERE history_since IS NULL") == 1)
        (realm_id,) = product.tenants.values()
        listener = Listener(
            bootstrap_servers=bench.stack.bootstrap_servers, topics=[CUSTOMER_TOPIC], prefix=product.prefix
        )
        with closing(listener):
            delays = sorted(_seconds(product.quickbooks, realm_id, listener, number) for number in range(CHANGES))
    median, slow = statistics.median(delays), delays[int(len(delays) * 0.99)]
    return [
        Figure(
            name=f"change to Kafka by webhook, idle company, {LATENCY_SECONDS * 1000:.0f} ms an answer, p50, s",
            shown=f"{median:.2f} (p99 {slow:.2f})",
            goal=f"under {GOAL_P50_SECONDS:.0f} and {GOAL_P99_SECONDS:.0f}",
            reached=median < GOAL_P50_SECONDS and slow < GOAL_P99_SECONDS,
        )
    ]


def _seconds(quickbooks: QuickBooks, realm_id: str, listener: Listener, number: int) -> float:
    began = time.monotonic()
    entered = quickbooks.control(
        f"/companies/{realm_id}/person/enter",
        {"entity": "Customer", "object": {"DisplayName": f"Customer {number}"}},
    )["Customer"]
    return listener.seconds_until(CUSTOMER_TOPIC, lambda e: e.customer.customer_id == entered["Id"], since=began)
