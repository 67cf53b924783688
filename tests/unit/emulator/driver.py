"""Speaks plain HTTP to a running emulator, as any client would."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import simplejson


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        return simplejson.loads(self.text, use_decimal=True)

    @property
    def code(self) -> str:
        """The code of a fault in the capital-F envelope."""
        return str(self.body["Fault"]["Error"][0]["code"])

    @property
    def element(self) -> str | None:
        element: str | None = self.body["Fault"]["Error"][0].get("element")
        return element


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One company, by its realm and a token for it."""

    session: aiohttp.ClientSession
    base_url: str
    realm_id: str
    token: str

    async def call(self, method: str, path: str, **options: Any) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        url = f"{self.base_url}/v3/company/{self.realm_id}/{path}"
        async with self.session.request(method, url, headers=headers | options.pop("headers", {}), **options) as got:
            return Reply(status=got.status, text=await got.text(), headers=got.headers)

    async def post(self, entity: str, body: Mapping[str, Any], **params: str) -> Reply:
        text = simplejson.dumps(body, use_decimal=True)
        return await self.call("POST", entity.lower(), data=text, params=params)

    async def made(self, entity: str, body: Mapping[str, Any], **params: str) -> dict[str, Any]:
        reply = await self.post(entity, body, **params)
        assert reply.status == 200, reply.text
        made: dict[str, Any] = reply.body[entity]
        return made

    async def query(self, select: str) -> Reply:
        return await self.call("GET", "query", params={"query": select})

    async def rows(self, entity: str, rest: str = "") -> list[dict[str, Any]]:
        reply = await self.query(f"SELECT * FROM {entity} {rest}")
        assert reply.status == 200, reply.text
        rows: list[dict[str, Any]] = reply.body["QueryResponse"].get(entity, [])
        return rows

    async def id_of(self, entity: str, name: str) -> str:
        (row,) = await self.rows(entity, f"WHERE Name = '{name}'")
        return str(row["Id"])

    async def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POSTs to this company's part of the control API."""
        return await control(self, f"companies/{self.realm_id}/{path}", body or {})

    async def statistics(self) -> Any:
        url = f"{self.base_url}/emulator/companies/{self.realm_id}/statistics"
        async with self.session.get(url) as got:
            return await got.json()


async def control(books: Books, path: str, body: Mapping[str, Any]) -> Any:
    text = simplejson.dumps(body, use_decimal=True)
    async with books.session.post(f"{books.base_url}/emulator/{path}", data=text) as got:
        assert got.status == 200, await got.text()
        return simplejson.loads(await got.text(), use_decimal=True)


def line(amount: str, *, quantity: str = "", price: str = "", tax_code: str = "", **detail: Any) -> dict[str, Any]:
    given: dict[str, Any] = dict(detail)
    if quantity:
        given["Qty"] = Decimal(quantity)
    if price:
        given["UnitPrice"] = Decimal(price)
    if tax_code:
        given["TaxCodeRef"] = {"value": tax_code}
    return {"Amount": Decimal(amount), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": given}


def callback(location: str) -> dict[str, str]:
    """What a redirect back to the application carries."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
