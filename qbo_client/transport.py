"""One attempt: from a call to a reply or a typed error. Retrying is `retries.py`'s."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from qbo_client.answers import Unreadable, parse
from qbo_client.budget import Budget, Slot
from qbo_client.calls import JSON, Call, Exchange, Reply, TokenSource
from qbo_client.clock import Clock
from qbo_client.decisions import Decision
from qbo_client.errors import QBOError, Throttled, Unauthorized, Uncertain, Unreachable
from qbo_client.faults import THROTTLED_SECONDS, intuit_tid_of, raise_for_fault, redact
from qbo_client.turns import Share

MINOR_VERSION = "75"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """One company's way to QuickBooks."""

    http: aiohttp.ClientSession
    base_url: str
    realm_id: str
    tokens: TokenSource
    budget: Budget
    clock: Clock
    before_send: Callable[[float], None]
    observe: Callable[[Exchange], None]
    timeout: float

    async def attempt(self, call: Call, share: Share, extract: Callable[[Reply], T], held: Slot | None = None) -> T:
        """Send the call once, and once more with a new token if the token was refused.

        `held` is a slot that was reserved for it; without one it waits for its turn.
        Raises QBOError, and whatever the token source or `before_send` raise; then nothing has left.
        """
        async with held or self.budget.slot(share, batch=call.batch):
            token = await self.tokens.access_token()
            with suppress(Unauthorized):
                return await self._observed(call, token, extract)
        token = await self.tokens.renew(token)
        async with self.budget.slot(share, batch=call.batch):
            return await self._observed(call, token, extract)

    async def _observed(self, call: Call, token: str, extract: Callable[[Reply], T]) -> T:
        self.before_send(self.timeout)
        started = self.clock.monotonic()
        try:
            reply = await self._exchange(call, token)
            result = _extracted(reply, extract)
        except QBOError as error:
            if isinstance(error, Throttled):
                error.retry_after = error.retry_after or THROTTLED_SECONDS
                self.budget.throttled(error.retry_after)
            self._tell(call, started, outcome=error.decision.value, status=error.status, intuit_tid=error.intuit_tid)
            raise
        except asyncio.CancelledError:
            self._tell(call, started, outcome="cancelled")
            raise
        self._tell(call, started, outcome="ok", status=reply.status, intuit_tid=reply.intuit_tid)
        return result

    async def _exchange(self, call: Call, token: str) -> Reply:
        # Connecting gets its own, shorter time, so that what never connected is told from what got no answer.
        timeout = aiohttp.ClientTimeout(total=self.timeout, connect=self.timeout / 2)
        try:
            async with self.http.request(
                call.method,
                self._url(call),
                data=call.body,
                headers=_headers(call, token),
                timeout=timeout,
                allow_redirects=False,
                middlewares=(_once,),
            ) as response:
                return _reply(call, response.status, response.headers, await response.read(), token)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise Unreachable(redact(str(error), (token,))) from error
        except _LostError as error:
            raise Uncertain(redact(str(error).strip(), (token,))) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Uncertain(redact(f"{type(error).__name__} {error}".strip(), (token,))) from error

    def _url(self, call: Call) -> URL:
        path = f"{self.base_url.rstrip('/')}/v3/company/{quote(self.realm_id, safe='')}/{call.path}"
        query = urlencode({**call.query, "minorversion": MINOR_VERSION}, quote_via=quote)
        return URL(f"{path}?{query}", encoded=True)

    def _tell(
        self,
        call: Call,
        started: float,
        *,
        outcome: str,
        status: int | None = None,
        intuit_tid: str | None = None,
    ) -> None:
        self.observe(
            Exchange(
                operation=call.operation,
                entity=call.entity,
                outcome=outcome,
                status=status,
                seconds=self.clock.monotonic() - started,
                metered=0 if outcome == Decision.RETRY else call.reads,
                intuit_tid=intuit_tid,
            )
        )


class _LostError(aiohttp.ClientError):
    """A connection that stood broke before the answer came."""


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a read again by itself: it would leave unseen by the budget and uncounted."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _LostError(f"{type(error).__name__} {error}") from error


def _headers(call: Call, token: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}", "Accept": call.accept}
    return headers | ({"Content-Type": call.content_type} if call.content_type else {})


def _reply(call: Call, status: int, headers: Mapping[str, str], body: bytes, token: str) -> Reply:
    raise_for_fault(status, headers, body, secrets=(token,))
    intuit_tid = intuit_tid_of(headers)
    try:
        payload = parse(body) if call.accept == JSON else {}
        return Reply(payload=payload, body=body, status=status, intuit_tid=intuit_tid)
    except Unreadable as error:
        raise Uncertain(str(error), status=status, intuit_tid=intuit_tid) from error


def _extracted(reply: Reply, extract: Callable[[Reply], T]) -> T:
    try:
        return extract(reply)
    except Unreadable as error:
        raise Uncertain(str(error), status=reply.status, intuit_tid=reply.intuit_tid) from error
