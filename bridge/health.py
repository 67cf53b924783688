"""Liveness and readiness that mean something, and the metrics endpoint, on one small HTTP server."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bridge.metrics import Metrics

#: Each check returns None when all is well, else a sentence.
Checks = Mapping[str, Callable[[], Awaitable[str | None]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server really listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@asynccontextmanager
async def http_server(*, host: str, port: int, metrics: Metrics, ready: Checks) -> AsyncIterator[Address]:
    """Serve `/healthz` (the event loop answers), `/readyz` (it can do its work) and `/metrics`."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        found = {name: await check() for name, check in ready.items()}
        trouble = {name: sentence for name, sentence in found.items() if sentence}
        status = {
            "status": "not ready" if trouble else "ready",
            "checks": {n: s or "ok" for n, s in found.items()},
        }
        return web.json_response(status, status=503 if trouble else 200)

    async def metrics_page(_: web.Request) -> web.Response:
        body = generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics_page)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield Address(host=host, port=runner.addresses[0][1])
    finally:
        await runner.cleanup()
