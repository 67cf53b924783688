"""QuickBooks as a script of answers on a loopback port, and the small things a client is made of."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import simplejson
from aiohttp import web
from multidict import CIMultiDict

from qbo_client.calls import Exchange
from qbo_client.writes import Operation, Write

REALM = "4620816365"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Hang:
    """No answer as long as the test lasts."""


class Reset:
    """The connection is closed after the request was read, without an answer."""


Step = Reply | Hang | Reset


class Vendor:
    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.base_url = ""
        self.arrived = asyncio.Event()
        self.released = asyncio.Event()
        self._script: deque[Step] = deque()

    def answers(self, *steps: Step) -> None:
        self._script.extend(steps)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(
            Seen(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=CIMultiDict(request.headers),
                body=await request.read(),
            )
        )
        self.arrived.set()
        step = self._script.popleft()
        if isinstance(step, Hang):
            await self.released.wait()
            return web.Response(status=500)
        if isinstance(step, Reset):
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return web.Response(status=step.status, body=step.body, headers=step.headers)


def ok(payload: object, **headers: str) -> Reply:
    body = simplejson.dumps(payload, use_decimal=True).encode()
    return Reply(body=body, headers={"Content-Type": "application/json", "intuit_tid": "1-ok", **headers})


def receipt(**fields: object) -> Reply:
    return ok({"SalesReceipt": {"Id": "17", "SyncToken": "0", **fields}, "time": "2026-11-24T01:00:00.000-08:00"})


def fault(code: str, status: int = 400, **headers: str) -> Reply:
    error = {"Message": "Message", "Detail": f"Detail of {code}", "code": code, "element": ""}
    payload = {"Fault": {"Error": [error], "type": "ValidationFault"}, "time": "2026-11-24T01:00:00.000-08:00"}
    return Reply(status=status, body=simplejson.dumps(payload).encode(), headers={"intuit_tid": "1-no", **headers})


def unauthorized(token: str = "first") -> Reply:
    error = {
        "message": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
        "detail": f"Token expired: {token}",
        "code": "3200",
        "element": None,
    }
    payload = {"warnings": None, "fault": {"error": [error], "type": "AUTHENTICATION"}, "time": 1601391072830}
    return Reply(status=401, body=simplejson.dumps(payload).encode())


def write(operation: Operation = Operation.CREATE, entity: str = "SalesReceipt", request_id: str = "r-1") -> Write:
    known = "" if operation is Operation.CREATE else '"Id":"17","SyncToken":"0",'
    return Write(entity=entity, operation=operation, body=f'{{{known}"TotalAmt":337.50}}', request_id=request_id)


class SkippingClock:
    """Sleeping takes no time and puts the clock forward."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=sum(self.slept))

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Tokens:
    def __init__(self) -> None:
        self.rejected: list[str] = []

    async def access_token(self) -> str:
        return f"renewed-{len(self.rejected)}" if self.rejected else "first"

    async def renew(self, rejected: str) -> str:
        self.rejected.append(rejected)
        return f"renewed-{len(self.rejected)}"


class Record:
    """What the client told its surroundings."""

    def __init__(self) -> None:
        self.sends: list[float] = []
        self.exchanges: list[Exchange] = []

    @property
    def outcomes(self) -> list[str]:
        return [exchange.outcome for exchange in self.exchanges]
