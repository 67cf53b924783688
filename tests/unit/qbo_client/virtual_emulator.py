"""The emulator in virtual time: its own books and its own counting, without sockets."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from qbo_client.batcher import Batcher
from qbo_client.batches import BatchWrite
from qbo_client.budget import Budget, Limits
from qbo_client.client import QBOClient
from qbo_client.emulator.company import Company
from qbo_client.emulator.gateway import Gateway
from qbo_client.emulator.rest import Answer, Call
from qbo_client.emulator.traffic import Limits as Allowed
from qbo_client.emulator.traffic import Traffic
from qbo_client.emulator.world import World
from qbo_client.writes import Write
from tests.unit.qbo_client.emulated import Token
from tests.unit.qbo_client.virtual_time import VirtualClock
from tests.unit.qbo_client.virtual_vendor import DIRECT, Fate, Journey


@dataclass(kw_only=True)
class VirtualEmulator:
    """Stands where aiohttp's session does. Of the fates only those of whole requests happen."""

    world: World
    company: Company
    #: One for each request to come, in turn; what comes after them travels directly.
    journeys: deque[Journey] = field(default_factory=deque)
    statuses: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.traffic = Traffic(clock=asyncio.get_running_loop().time)
        self._gateway = Gateway(self.world)

    def request(self, method: str, url: URL, *, data: bytes | None, **_: object) -> "_Exchange":
        journey = self.journeys.popleft() if self.journeys else DIRECT
        segments = tuple(url.path.split("/")[4:])
        call = Call(method=method, segments=segments, params=dict(url.query), body=data or b"")
        return _Exchange(self, call, journey)

    async def serve(self, call: Call, journey: Journey) -> Answer:
        await asyncio.sleep(journey.outward)
        batch = call.operation == "batch"
        self.traffic.arrived(batch=batch)
        try:
            if journey.fate is Fate.LOST_BEFORE:
                raise aiohttp.ServerDisconnectedError
            answer = self._gateway._limited(self.company, call, self.traffic, "app")
            self.statuses[answer.status] += 1
            if journey.fate is Fate.LOST_AFTER:
                raise aiohttp.ServerDisconnectedError
            await asyncio.sleep(journey.back)
        finally:
            self.traffic.left()
        return answer


class _Exchange:
    def __init__(self, emulator: VirtualEmulator, call: Call, journey: Journey) -> None:
        self._emulator = emulator
        self._sent = (call, journey)
        self.headers = CIMultiDict({"intuit_tid": "1-virtual"})
        self.status = 0
        self._body = b""

    async def __aenter__(self) -> Self:
        answer = await self._emulator.serve(*self._sent)
        self.status, self._body = answer.status, answer.text.encode()
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read(self) -> bytes:
        return self._body


class Household:
    """One company of the emulator in virtual time, and all that one process has for it."""

    def __init__(
        self,
        *journeys: Journey,
        limits: Limits | None = None,
        allowed: Allowed | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.world = World(client_id="app", client_secret="secret")
        self.company = self.world.add_company("us")
        self.world.behaviour.limits = allowed or Allowed()
        self.emulator = VirtualEmulator(world=self.world, company=self.company, journeys=deque(journeys))
        self.budget = budget or Budget(limits or Limits(), VirtualClock())
        self.client = self.client_with(self.budget)
        self.stored: list[tuple[BatchWrite | None, tuple[Write, ...]]] = []
        self.batcher = Batcher(client=self.client, store=self.store)

    def client_with(self, budget: Budget) -> QBOClient:
        return QBOClient(
            http=cast("aiohttp.ClientSession", self.emulator),
            base_url="https://quickbooks.example",
            realm_id=self.company.realm_id,
            tokens=Token(token="t"),
            budget=budget,
            clock=VirtualClock(),
            rng=random.Random(7),
        )

    async def store(self, batch: BatchWrite | None, writes: Sequence[Write]) -> None:
        await asyncio.sleep(0.01)
        self.stored.append((batch, tuple(writes)))

    def standing(self, entity: str) -> list[dict[str, Any]]:
        return [dict(row.body) for row in self.company.table(entity)]
