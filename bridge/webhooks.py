"""Where Intuit tells what changed, on a server of its own: it is the one that the internet may reach.

Intuit waits three seconds for an answer, and holds back every later event behind one that is not acknowledged. So
nothing slow comes before the answer, and what is signed is answered 200 even where it is not understood.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum

import structlog
from aiohttp import web

from bridge.health import Address
from bridge.hints import Hints
from bridge.metrics import Metrics
from qbo_client.webhooks import SIGNATURE_HEADER, WebhookPayloadError, WebhookSignatureError, check, read_each

log = structlog.get_logger(__name__)

PATH = "/webhooks/quickbooks"

#: Intuit sends a hundred events at most, which is far less.
_MOST_BYTES = 2 * 1024 * 1024
_ARRIVE_SECONDS = 10.0
#: What is under way when the server closes is answered at once, or waits for bytes that may never come.
_CLOSE_SECONDS = 3.0
#: The name by which Intuit's support finds a notification.
_TID_HEADER = "intuit-t-id"
_FIRST = 3


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    #: Signed, but of no shape that is known.
    UNREADABLE = "unreadable"
    BAD_SIGNATURE = "bad_signature"
    TOO_LARGE = "too_large"
    #: The sender went away or took too long.
    INCOMPLETE = "incomplete"


_STATUS = {
    Outcome.ACCEPTED: 200,
    Outcome.UNREADABLE: 200,
    Outcome.BAD_SIGNATURE: 403,
    Outcome.TOO_LARGE: 413,
    Outcome.INCOMPLETE: 408,
}


class Reception:
    """Answers Intuit and hands what it told to `hints`. A request is ours if any of the tokens signed it."""

    def __init__(
        self, hints: Hints, tokens: Sequence[str], metrics: Metrics, *, arrive_seconds: float = _ARRIVE_SECONDS
    ) -> None:
        self._hints = hints
        self._tokens = tuple(tokens)
        self._metrics = metrics
        self._arrive_seconds = arrive_seconds

    async def answer(self, request: web.Request) -> web.Response:
        outcome = await self._outcome(request)
        self._metrics.webhook_requests.labels(outcome).inc()
        return web.Response(status=_STATUS[outcome])

    async def _outcome(self, request: web.Request) -> Outcome:
        if SIGNATURE_HEADER not in request.headers:
            return Outcome.BAD_SIGNATURE  # Anybody's: nothing of it is read, and it is counted only.
        try:
            async with asyncio.timeout(self._arrive_seconds):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return Outcome.TOO_LARGE
        except (OSError, web.RequestPayloadError):  # A TimeoutError is an OSError.
            return Outcome.INCOMPLETE
        if not self._is_signed(body, request.headers.get(SIGNATURE_HEADER)):
            return Outcome.BAD_SIGNATURE
        return self._understand(body, tid=request.headers.get(_TID_HEADER))

    def _is_signed(self, body: bytes, signature: str | None) -> bool:
        if any(_signed_with(token, body, signature) for token in self._tokens):
            return True
        log.warning("webhook_refused", size=len(body))
        return False

    def _understand(self, body: bytes, *, tid: str | None) -> Outcome:
        try:
            changes, odd = read_each(body)
        except WebhookPayloadError as error:
            log.error("webhook_unreadable", why=str(error), size=len(body), intuit_tid=tid)  # noqa: TRY400 - no trace
            return Outcome.UNREADABLE
        if odd:
            log.error("webhook_events_not_understood", count=len(odd), first=odd[:_FIRST], intuit_tid=tid)
            self._metrics.webhook_events.labels("not_understood").inc(len(odd))
        self._hints.take(changes)
        return Outcome.ACCEPTED


def _signed_with(token: str, body: bytes, signature: str | None) -> bool:
    try:
        check(body, signature, token)
    except WebhookSignatureError:
        return False
    return True


@asynccontextmanager
async def webhook_server(reception: Reception, *, host: str, port: int) -> AsyncIterator[Address]:
    """Listen until the block is left; by then everything that was taken is with the reception's hints."""
    app = web.Application(client_max_size=_MOST_BYTES)
    app.add_routes([web.post(PATH, reception.answer)])
    # What is signed is the bytes as they came, compressed or not.
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=_CLOSE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield Address(host=host, port=runner.addresses[0][1])
    finally:
        await runner.cleanup()
