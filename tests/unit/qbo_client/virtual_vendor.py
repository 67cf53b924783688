"""QuickBooks in virtual time: counts what arrives, writes every key once, and loses what it is told to lose."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

import aiohttp
import simplejson
from multidict import CIMultiDict
from yarl import URL


class Fate(Enum):
    ANSWERED = "answered"
    LOST_BEFORE = "lost before it was done"
    LOST_AFTER = "lost after it was done"
    THROTTLED = "throttled: one item of a batch, or a whole call"
    FORGOTTEN = "one item of a batch is not told of"
    REFUSED = "refused as a whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """How one request travels, in seconds each way, and what becomes of it."""

    outward: float = 0.1
    back: float = 0.1
    fate: Fate = Fate.ANSWERED


DIRECT = Journey()


@dataclass(kw_only=True)
class VirtualVendor:
    """Stands where aiohttp's session does. Writes are told apart by their DocNumber."""

    #: One for each request in turn; what comes after them travels directly.
    journeys: Sequence[Journey] = ()
    arrivals: list[float] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)
    most_inside: int = 0
    #: How often each DocNumber was written.
    written: Counter[str] = field(default_factory=Counter)
    #: Every body that came under a request id.
    bodies: dict[str, set[bytes]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    _inside: int = 0
    _asked: int = 0
    _known: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def request(self, _method: str, url: URL, *, data: bytes | None, **_: object) -> "_Exchange":
        journey = self.journeys[self._asked] if self._asked < len(self.journeys) else DIRECT
        self._asked += 1
        return _Exchange(self, url, data or b"", journey)

    async def serve(self, url: URL, body: bytes, journey: Journey) -> tuple[int, dict[str, Any]]:
        await asyncio.sleep(journey.outward)
        self._arrived(url, body)
        try:
            if journey.fate is Fate.LOST_BEFORE:
                raise aiohttp.ServerDisconnectedError
            answer = self._answer(url, body, journey.fate)
            if journey.fate is Fate.LOST_AFTER:
                raise aiohttp.ServerDisconnectedError
            await asyncio.sleep(journey.back)
        finally:
            self._inside -= 1
        return answer

    def _arrived(self, url: URL, body: bytes) -> None:
        now = asyncio.get_running_loop().time()
        self.arrivals.append(now)
        if url.name == "batch":
            self.batches.append(now)
            self.sizes.append(len(simplejson.loads(body)["BatchItemRequest"]))
        if "requestid" in url.query:
            self.bodies.setdefault(url.query["requestid"], set()).add(body)
        self._inside += 1
        self.most_inside = max(self.most_inside, self._inside)

    def _answer(self, url: URL, body: bytes, fate: Fate) -> tuple[int, dict[str, Any]]:
        if fate is Fate.REFUSED:
            return 400, refusal("2010")
        if url.name == "query":
            return 200, {"QueryResponse": {}}
        payload = simplejson.loads(body, use_decimal=True)
        if url.name == "batch":
            return 200, {"BatchItemResponse": self._items(url.query["requestid"], payload["BatchItemRequest"], fate)}
        if fate is Fate.THROTTLED:
            return 429, refusal("3001")
        return 200, self._once(url.query["requestid"], "", payload)

    def _items(self, request_id: str, items: list[dict[str, Any]], fate: Fate) -> list[dict[str, Any]]:
        first, *others = items
        answers = [{"bId": item["bId"], **self._once(request_id, item["bId"], item["SalesReceipt"])} for item in others]
        if fate is Fate.THROTTLED:
            return [*answers, {"bId": first["bId"], **refusal("3001")}]
        answer = {"bId": first["bId"], **self._once(request_id, first["bId"], first["SalesReceipt"])}
        return answers if fate is Fate.FORGOTTEN else [*answers, answer]

    def _once(self, request_id: str, b_id: str, receipt: dict[str, Any]) -> dict[str, Any]:
        key = (request_id, b_id)
        if key not in self._known:
            self.written[receipt["DocNumber"]] += 1
            self._known[key] = {"SalesReceipt": {**receipt, "Id": str(len(self._known) + 1), "SyncToken": "0"}}
        return self._known[key]


def refusal(code: str) -> dict[str, Any]:
    return {"Fault": {"Error": [{"Message": "No", "code": code}], "type": "ValidationFault"}}


class _Exchange:
    def __init__(self, vendor: VirtualVendor, url: URL, body: bytes, journey: Journey) -> None:
        self._vendor = vendor
        self._sent = (url, body, journey)
        self.headers = CIMultiDict({"intuit_tid": "1-virtual"})
        self.status = 0
        self._body = b""

    async def __aenter__(self) -> Self:
        self.status, payload = await self._vendor.serve(*self._sent)
        self._body = simplejson.dumps(payload, use_decimal=True).encode()
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read(self) -> bytes:
        return self._body


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most arrivals in any window of that length, both its ends included."""
    return max((sum(first <= one <= first + seconds for one in times) for first in times), default=0)
