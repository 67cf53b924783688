"""How soon Intuit has its answer while the same process works on the companies that it tells of."""

import asyncio
import base64
import hmac
import re
import time
from collections.abc import Iterator

import aiohttp
import requests
import simplejson

from tests.benchmarks.bench import Bench, Figure

COMPANIES = 40
REQUESTS, EVENTS, AT_ONCE = 2_000, 100, 4
OBJECTS = 500
GOAL_MILLISECONDS = 100
_TOKEN = "verifier-token"


def run(bench: Bench) -> list[Figure]:
    with bench.product(companies=COMPANIES, latency=0.05) as product:
        address = product.folder / "webhooks.address"
        product.environment |= {
            "QBO_BRIDGE_WEBHOOK_VERIFIER_TOKEN": _TOKEN,
            "QBO_BRIDGE_WEBHOOK_PORT": "0",
            "QBO_BRIDGE_WEBHOOK_ADDRESS_FILE": str(address),
        }
        _, metrics = product.start("webhooks", "sync")
        bodies = list(_bodies(list(product.tenants.values())))
        began = time.monotonic()
        answers = asyncio.run(_post(f"{address.read_text()}/webhooks/quickbooks", bodies))
        seconds = time.monotonic() - began
        product.until(lambda: _stored(metrics) == REQUESTS * EVENTS)
    median, slow = answers[len(answers) // 2], answers[len(answers) * 99 // 100]
    return [
        Figure(
            name=f"answer to a webhook of {EVENTS} events, p99, ms",
            shown=f"{slow:.0f} (p50 {median:.0f}, {REQUESTS / seconds:,.0f} requests/s)",
            goal=f"under {GOAL_MILLISECONDS}",
            reached=slow < GOAL_MILLISECONDS,
        )
    ]


def _bodies(realms: list[str]) -> Iterator[bytes]:
    """Every company in each request, and the same objects again and again: what a busy hour looks like."""
    for number in range(REQUESTS):
        told = range(number * EVENTS, (number + 1) * EVENTS)
        yield simplejson.dumps(
            [_event(realms[n % len(realms)], str(n // len(realms) % OBJECTS)) for n in told]
        ).encode()


def _event(realm_id: str, identifier: str) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"{realm_id}-{identifier}",
        "source": "intuit.abc=",
        "type": "qbo.invoice.updated.v1",
        "datacontenttype": "application/json",
        "time": "2026-10-07T19:59:07.034359333Z",
        "intuitentityid": identifier,
        "intuitaccountid": realm_id,
        "data": {},
    }


async def _post(url: str, bodies: list[bytes]) -> list[float]:
    """Return the milliseconds that each answer took, shortest first."""
    waiting, answers = iter(bodies), []

    async def sender(http: aiohttp.ClientSession) -> None:
        for body in waiting:
            signature = base64.b64encode(hmac.digest(_TOKEN.encode(), body, "sha256")).decode()
            began = time.perf_counter()
            async with http.post(url, data=body, headers={"intuit-signature": signature}) as answer:
                assert answer.status == 200
            answers.append((time.perf_counter() - began) * 1000)

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(sender(http) for _ in range(AT_ONCE)))
    return sorted(answers)


def _stored(metrics: str) -> int:
    """Count the events that became hints in the database."""
    page = requests.get(f"{metrics}/metrics", timeout=30).text
    found = re.search(r'^qbo_bridge_webhook_events_total{fate="hint"} (\S+)$', page, re.MULTILINE)
    return int(float(found[1])) if found else 0
