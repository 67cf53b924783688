"""One company in virtual time: its budget, its client, its batcher, and what was stored for it."""

import asyncio
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

import aiohttp

from qbo_client.answers import Answer
from qbo_client.batcher import Batcher
from qbo_client.batches import BatchWrite
from qbo_client.budget import Budget, Limits
from qbo_client.client import QBOClient
from qbo_client.writes import Write
from tests.unit.qbo_client.vendor import Tokens
from tests.unit.qbo_client.virtual_time import VirtualClock
from tests.unit.qbo_client.virtual_vendor import Journey, VirtualVendor


def receipt(number: str) -> Write:
    return Write.create("SalesReceipt", {"DocNumber": number, "TotalAmt": Decimal("1.10")}, request_id=f"r-{number}")


class House:
    def __init__(self, limits: Limits | None = None, *journeys: Journey) -> None:
        self.vendor = VirtualVendor(journeys=journeys)
        self.budget = Budget(limits or Limits(), VirtualClock())
        self.stored: list[tuple[BatchWrite | None, list[str]]] = []
        self.client = QBOClient(
            http=cast("aiohttp.ClientSession", self.vendor),
            base_url="https://quickbooks.example",
            realm_id="1",
            tokens=Tokens(),
            budget=self.budget,
            clock=VirtualClock(),
            rng=random.Random(7),
        )
        self.batcher = Batcher(client=self.client, store=self.store)

    async def store(self, batch: BatchWrite | None, writes: Sequence[Write]) -> None:
        await asyncio.sleep(0.01)
        assert batch is None or batch.request_id not in self.vendor.bodies
        self.stored.append((batch, [write.request_id for write in writes]))

    async def all(self, *numbers: str) -> list[Any]:
        return await asyncio.gather(*(self.batcher.send(receipt(one)) for one in numbers), return_exceptions=True)


def docs(results: Sequence[Any]) -> list[str]:
    return [result.entity["DocNumber"] if isinstance(result, Answer) else type(result).__name__ for result in results]
