"""Our client at the emulator, over HTTP: a world of companies, and short ways to write into them."""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp

from qbo_client.budget import Budget, Limits
from qbo_client.calls import Exchange, TokenSource
from qbo_client.client import QBOClient
from qbo_client.clock import SystemClock
from qbo_client.emulator.company import Company
from qbo_client.emulator.traffic import Traffic
from qbo_client.emulator.world import World
from qbo_client.retries import RetryPolicy
from qbo_client.writes import Write

#: So high that nobody waits: for tests of anything but the limits.
NO_LIMITS = Limits(per_second=1000, per_minute=10_000, batches_per_minute=1000, all_per_minute=10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    token: str

    async def access_token(self) -> str:
        return self.token

    async def renew(self, rejected: str) -> str:
        raise AssertionError(f"{rejected} was good")


@dataclass(kw_only=True)
class Books:
    """One company of the emulator, and our client at it."""

    world: World
    company: Company
    client: QBOClient
    exchanges: list[Exchange]
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def traffic(self) -> Traffic:
        return self.world.traffic(self.company.realm_id)

    def fault(self, kind: str, **told: Any) -> None:
        self.world.faults.add({"kind": kind, "realm_id": self.company.realm_id, **told})

    def standing(self, entity: str) -> int:
        """How many there are, as the emulator knows."""
        return len(self.company.table(entity))

    def next_id(self) -> str:
        return f"test-{next(self._numbers)}"

    async def make(self, entity: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return (await self.client.send(Write.create(entity, body, request_id=self.next_id()))).entity

    async def customer(self, name: str = "Amy", **more: Any) -> str:
        return str((await self.make("Customer", {"DisplayName": name, **more}))["Id"])

    async def invoice(self, customer: str, amount: str, **more: Any) -> Mapping[str, Any]:
        return await self.make("Invoice", {"CustomerRef": {"value": customer}, "Line": [line(amount)], **more})

    async def payment(self, customer: str, total: str, *invoices: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self.make("Payment", payment(customer, total, *invoices))

    async def void(self, entity: str, known: Mapping[str, Any]) -> Mapping[str, Any]:
        write = Write.void(entity, known["Id"], known["SyncToken"], request_id=self.next_id())
        return (await self.client.send(write)).entity

    async def delete(self, entity: str, known: Mapping[str, Any]) -> Mapping[str, Any]:
        write = Write.delete(entity, known["Id"], known["SyncToken"], request_id=self.next_id())
        return (await self.client.send(write)).entity

    async def seen(self, entity: str, identifier: str) -> Mapping[str, Any]:
        return (await self.client.read(entity, identifier)).entity


def open_books(
    world: World,
    http: aiohttp.ClientSession,
    base_url: str,
    *,
    country: str = "us",
    limits: Limits = NO_LIMITS,
    tokens: TokenSource | None = None,
    company: Company | None = None,
) -> Books:
    company = company or world.add_company(country)
    clock = SystemClock()
    exchanges: list[Exchange] = []
    client = QBOClient(
        http=http,
        base_url=base_url,
        realm_id=company.realm_id,
        tokens=tokens or Token(token=world.connect(company).access_token),
        budget=Budget(limits, clock),
        clock=clock,
        observe=exchanges.append,
        retries=RetryPolicy(first_seconds=0.001),
        rng=random.Random(7),
    )
    return Books(world=world, company=company, client=client, exchanges=exchanges)


def line(amount: str, **detail: Any) -> dict[str, Any]:
    return {"Amount": Decimal(amount), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}


def payment(customer: str, total: str, *invoices: Mapping[str, Any]) -> dict[str, Any]:
    """Pays each invoice in full, as far as the lines go."""
    lines = [
        {"Amount": invoice["Balance"], "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
        for invoice in invoices
    ]
    return {"CustomerRef": {"value": customer}, "TotalAmt": Decimal(total), "Line": lines}


def known(entity: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return {"Id": entity["Id"], "SyncToken": entity["SyncToken"], **changes}
