"""The role `webhooks`: the server that hears and the loop that stores, ended in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from bridge.bootstrap import Core
from bridge.hints import Hints
from bridge.store.hints import HintStore
from bridge.webhooks import PATH, Reception, webhook_server

log = structlog.get_logger(__name__)

_CANCEL_SECONDS = 1.0


class Receiving:
    """Belongs to a server that listens; closes it before the last hints are stored, so that these are the last."""

    def __init__(self, hints: Hints, server: AsyncExitStack, *, drain_seconds: float) -> None:
        self._hints = hints
        self._server = server
        self._drain_seconds = drain_seconds
        self._stopped = asyncio.get_running_loop().create_future()

    def stop(self) -> None:
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def run(self) -> None:
        """Store what is heard until stopped, then what is left, for as long as draining may take."""
        storing = asyncio.create_task(self._hints.run())
        await asyncio.wait({storing, self._stopped}, return_when=asyncio.FIRST_COMPLETED)
        await self._server.aclose()
        self._hints.stop()
        await asyncio.wait({storing}, timeout=self._drain_seconds)
        if storing.done():
            storing.result()
            return
        # What they told of is found by a later poll, but for which customer a merge took away.
        log.error("hints_not_stored", waiting=self._hints.waiting)
        while not storing.done():
            # Until Python 3.12 wait_for, by which psycopg's pool waits, may swallow one.
            storing.cancel()
            await asyncio.wait({storing}, timeout=_CANCEL_SECONDS)


@asynccontextmanager
async def open_receiving(core: Core, *, want: Callable[[tuple[str, ...]], None]) -> AsyncIterator[Receiving]:
    """Yield the role with its server listening. `want` is told of the companies that have something to do."""
    settings = core.settings
    hints = Hints(HintStore(core.pool), core.clock, core.metrics, want=want)
    reception = Reception(hints, settings.webhook_verifier_tokens, core.metrics)
    async with AsyncExitStack() as server:
        address = await server.enter_async_context(
            webhook_server(reception, host=settings.webhook_host, port=settings.webhook_port)
        )
        log.info("receiving_webhooks", url=f"{address.url}{PATH}")
        if settings.webhook_address_file is not None:
            settings.webhook_address_file.write_text(address.url, encoding="utf-8")
        yield Receiving(hints, server, drain_seconds=settings.drain_seconds)
