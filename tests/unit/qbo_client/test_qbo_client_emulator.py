"""The client against the emulator: what it writes is what the books then hold."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from qbo_client.budget import Budget, Limits
from qbo_client.client import QBOClient
from qbo_client.clock import SystemClock
from qbo_client.emulator.app import build_runner
from qbo_client.emulator.world import World
from qbo_client.errors import DuplicateName, ReferenceInvalid, StaleObject
from qbo_client.query import where
from qbo_client.writes import Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    token: str

    async def access_token(self) -> str:
        return self.token

    async def renew(self, rejected: str) -> str:
        raise AssertionError(f"{rejected} was good")


@pytest.fixture
async def books() -> AsyncIterator[QBOClient]:
    world = World(client_id="app", client_secret="secret")
    world.behaviour.throttling = False
    company = world.add_company("us")
    runner = build_runner(world)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    clock = SystemClock()
    async with aiohttp.ClientSession() as http:
        yield QBOClient(
            http=http,
            base_url=f"http://127.0.0.1:{runner.addresses[0][1]}",
            realm_id=company.realm_id,
            tokens=Token(token=world.connect(company).access_token),
            budget=Budget(Limits(per_second=1000, per_minute=10_000, all_per_minute=10_000), clock),
            clock=clock,
        )
    await runner.cleanup()


def sale(item_id: str) -> dict[str, Any]:
    detail = {"ItemRef": {"value": item_id}, "TaxCodeRef": {"value": "NON"}}
    line = {"Amount": Decimal("337.50"), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    return {"DocNumber": "77", "TxnDate": "2026-11-24", "Line": [line]}


async def made(books: QBOClient) -> dict[str, Any]:
    [item] = await books.query("SELECT * FROM Item WHERE Name = 'Services'")
    return dict((await books.send(Write.create("SalesReceipt", sale(item["Id"]), request_id="s-1"))).entity)


async def test_customer_is_created_changed_and_put_away(books: QBOClient) -> None:
    name = "Amy's \\ Böoks"
    create = Write.create("Customer", {"DisplayName": name, "Notes": "kept"}, request_id="c-1")
    customer = (await books.send(create)).entity
    assert (await books.send(create)).entity["Id"] == customer["Id"]
    known = {"Id": customer["Id"], "SyncToken": customer["SyncToken"]}
    away = (await books.send(Write.sparse_update("Customer", {**known, "Active": False}, request_id="c-2"))).entity
    assert (away["Active"], away["Notes"]) == (False, "kept")
    assert await books.query_all("Customer", where("Id", "=", customer["Id"])) == []
    everyone = where("Active", "IN", [True, False])
    assert [row["Id"] for row in await books.query_all("Customer", everyone)] == [customer["Id"]]
    with pytest.raises(StaleObject):
        await books.send(Write.sparse_update("Customer", {**known, "Notes": "x"}, request_id="c-3"))


async def test_customer_whose_name_is_taken_is_a_duplicate(books: QBOClient) -> None:
    await books.send(Write.create("Customer", {"DisplayName": "Amy"}, request_id="c-1"))
    with pytest.raises(DuplicateName):
        await books.send(Write.create("Customer", {"DisplayName": "Amy"}, request_id="c-2"))


async def test_receipt_is_voided_and_keeps_its_number(books: QBOClient) -> None:
    receipt = await made(books)
    assert str(receipt["TotalAmt"]) == "337.50"
    void = Write.void("SalesReceipt", receipt["Id"], receipt["SyncToken"], request_id="s-2")
    voided = (await books.send(void)).entity
    assert (voided["TotalAmt"], voided["DocNumber"]) == (Decimal(0), "77")
    assert "Voided" in voided["PrivateNote"]
    assert await books.count("SalesReceipt", where("DocNumber", "=", "77")) == 1


async def test_receipt_is_deleted_and_read_no_more(books: QBOClient) -> None:
    receipt = await made(books)
    delete = Write.delete("SalesReceipt", receipt["Id"], receipt["SyncToken"], request_id="s-2")
    assert (await books.send(delete)).entity["status"] == "Deleted"
    with pytest.raises(ReferenceInvalid):
        await books.read("SalesReceipt", receipt["Id"])
