"""How many companies one process on one core keeps within five minutes, and what each of them costs in memory."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from cryptography.fernet import Fernet

from deploy.local.ports import free_ports
from deploy.local.product import Process, start
from tests.benchmarks.bench import Bench, Figure, Product, resident_megabytes

FEW, MANY = 2_000, 20_000
LATENCY_SECONDS = 0.15
WITHIN_SECONDS = 300
GOAL = 20_000
_POLLED = "SELECT count(*) FROM watch WHERE polled_at IS NOT NULL"
#: Companies that were connected long ago and wait for their next poll, spread over its interval.
_COMPANIES = """
WITH n AS (SELECT generate_series(1, {count}) AS n),
connected AS (
    INSERT INTO connection (tenant_id, realm_id, state, company, sync_from, access_token, access_expires_at,
                            refresh_token, refresh_fingerprint)
    SELECT 'loc_q' || n, (8000000000 + n)::text, 'connected', template.company, now(), '{token}'::bytea,
           now() + interval '1 day', '{token}'::bytea, sha256((n::text)::bytea)
      FROM n, (SELECT company FROM connection LIMIT 1) AS template),
laned AS (
    INSERT INTO lane (realm_id, tenant_id, due_at)
    SELECT (8000000000 + n)::text, 'loc_q' || n, now() - interval '1 minute' * random() FROM n)
INSERT INTO watch (realm_id, tenant_id, began_at, customers_since, invoices_since, customers_told, history_since,
                   history_counted, poll_at)
SELECT (8000000000 + n)::text, 'loc_q' || n, now(), now(), now(), true, NULL, true, now() - interval '1 minute'
  FROM n
"""


def run(bench: Bench) -> list[Figure]:
    few = _pass(bench, FEW)
    many = _pass(bench, MANY)
    kept = many[0] * WITHIN_SECONDS
    each = (many[1] - few[1]) * 1024 / (MANY - FEW)
    return [
        Figure(
            name=f"companies polled within 5 min, one core, {LATENCY_SECONDS * 1000:.0f} ms an answer",
            shown=f"{kept:,.0f} ({many[0]:.0f} polls/s)",
            goal=f"at least {GOAL:,}",
            reached=kept >= GOAL,
        ),
        Figure(
            name=f"memory while polling {MANY:,} companies, MB",
            shown=f"{many[1]:.0f} ({each:.1f} kB a company)",
            goal="under 400",
            reached=many[1] < 400,
        ),
    ]


def _pass(bench: Bench, count: int) -> tuple[float, float]:
    """Poll so many companies once; return polls a second and the process' memory in MB."""
    with bench.product(companies=1, latency=0) as product:
        warm, _ = product.start("sync")
        product.until(lambda: product.one("SELECT count(*) FROM watch WHERE history_counted") == 1)
        warm.stop()
        with _quiet(product) as base_url:
            product.environment["QBO_BRIDGE_QBO_BASE_URL"] = base_url
            token = Fernet(product.environment["QBO_BRIDGE_TOKEN_KEYS"]).encrypt(b"a token").decode()
            product.execute(_COMPANIES.format(count=count, token=token))
            process = _start_on_one_core(product)
            rate = _rate(product, count)
            memory = resident_megabytes(process.pid)
            process.stop()
    return rate, memory


def _rate(product: Product, count: int) -> float:
    """Count between the first tenth and the ninth tenth, so that neither start nor end is measured."""
    began = product.until(lambda: product.one(_POLLED) > count // 10)
    first = product.one(_POLLED)
    began = time.monotonic()
    ended = product.until(lambda: product.one(_POLLED) > count * 9 // 10, patience_seconds=900)
    return float(product.one(_POLLED) - first) / (ended - began)


def _start_on_one_core(product: Product) -> Process:
    """Start the bridge on the first core of those there are; what is started with it inherits that."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        process, _ = product.start("sync")
    finally:
        os.sched_setaffinity(0, cores)
    return process


@contextmanager
def _quiet(product: Product) -> Iterator[str]:
    (port,) = free_ports(1)
    arguments = ["--port", str(port), "--latency", str(LATENCY_SECONDS)]
    process = start("quiet", ["tests.benchmarks.quiet_quickbooks", *arguments], folder=product.folder)
    base_url = f"http://127.0.0.1:{port}"
    try:
        product.until(lambda: _answers(base_url))
        yield base_url
    finally:
        process.stop()


def _answers(base_url: str) -> bool:
    try:
        return requests.get(f"{base_url}/v3/company/1/cdc", timeout=5).ok
    except requests.ConnectionError:
        return False
