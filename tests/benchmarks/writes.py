"""How many QuickBooks writes a second one process makes when each answer takes 150 ms."""

import time
from dataclasses import replace

from deploy.local.demo.crm import US, clock_now, trade
from deploy.local.demo.publish import publish
from tests.benchmarks.bench import Bench, Figure, Product, resident_megabytes

COMPANIES = 40
LATENCY_SECONDS = 0.15
CONTACTS = 12
SALES = 120
GOAL = 250
_WRITES = "SELECT count(*) FROM intent WHERE state = 'done'"


def run(bench: Bench) -> list[Figure]:
    with bench.product(companies=COMPANIES, latency=LATENCY_SECONDS) as product:
        process, _ = product.start()
        product.until(lambda: product.one("SELECT count(*) FROM connection WHERE company IS NULL") == 0)
        now = clock_now()
        shops = [replace(US, tenant_id=tenant) for tenant in product.tenants]
        traded = [trade(shop, contacts=CONTACTS, sales=SALES, seed=n, now=now) for n, shop in enumerate(shops)]
        events = [event for published in traded for event in published.events]
        publish(bench.stack.bootstrap_servers, events, seed=1, topic_prefix=product.prefix)
        rate = _rate(product)
        memory = resident_megabytes(process.pid)
        throttled = _throttled(product)
    return [
        Figure(
            name=f"QuickBooks writes/s, {COMPANIES} companies, {LATENCY_SECONDS * 1000:.0f} ms an answer",
            shown=f"{rate:,.0f}",
            goal=f"at least {GOAL}",
            reached=rate >= GOAL,
        ),
        Figure(name="answers 429 on the way", shown=str(throttled), goal="0", reached=throttled == 0),
        Figure(name="memory while writing, MB", shown=f"{memory:.0f}", goal="under 200", reached=memory < 200),
    ]


def _rate(product: Product) -> float:
    """Count between the first tenth and the ninth tenth, so that neither start nor end is measured."""
    whole = COMPANIES * SALES
    began = product.until(lambda: product.one(_WRITES) > whole // 10)
    first = product.one(_WRITES)
    began = time.monotonic()
    ended = product.until(lambda: product.one(_WRITES) > whole * 9 // 10)
    return float(product.one(_WRITES) - first) / (ended - began)


def _throttled(product: Product) -> int:
    found = 0
    for realm_id in product.tenants.values():
        requests = product.quickbooks.control(f"/companies/{realm_id}/statistics")["requests"]
        found += sum(one["count"] for one in requests if one["status"] == 429)
    return found
