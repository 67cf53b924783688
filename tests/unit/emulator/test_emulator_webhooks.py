import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import simplejson
from aiohttp import web

from qbo_client.emulator.webhooks import signature
from tests.unit.emulator.driver import Books, control, line

RECEIPT = {"Line": [line("12.50")]}
SOON = 30.0  # A generous limit, not a pause: each wait ends with the post it waits for.


@dataclass(slots=True)
class Post:
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return simplejson.loads(self.body)

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(one["type"], one["intuitentityid"]) for one in self.told]


@dataclass(slots=True)
class Receiver:
    """An application that answers webhooks as it is told, 200 where it is told nothing."""

    url: str = ""
    posts: asyncio.Queue[Post] = field(default_factory=asyncio.Queue)
    statuses: list[int] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.posts.put_nowait(Post(dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def next(self) -> Post:
        return await asyncio.wait_for(self.posts.get(), SOON)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


async def listen(books: Books, receiver: Receiver, **other: Any) -> None:
    await control(books, "webhooks", {"url": receiver.url, "verifier": "token", "gather_seconds": 0, **other})


async def state(books: Books) -> Any:
    async with books.session.get(f"{books.base_url}/emulator/webhooks") as got:
        return await got.json()


async def failed(books: Books, times: int) -> Any:
    """The state once so many attempts have failed; the clock must not be put forward before."""
    async with asyncio.timeout(SOON):
        shown = await state(books)
        while shown["failed_attempts"] < times:
            shown = await state(books)
    return shown


async def test_webhook_is_a_signed_array_of_cloud_events(us: Books, receiver: Receiver) -> None:
    await listen(us, receiver)
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    post = await receiver.next()
    expected = base64.b64encode(hmac.new(b"token", post.body, hashlib.sha256).digest()).decode()
    assert post.headers["intuit-signature"] == expected
    assert post.headers["Content-Type"] == "application/cloudevents-batch+json"
    (event,) = post.told
    assert (event["specversion"], event["type"]) == ("1.0", "qbo.customer.created.v1")
    assert (event["intuitentityid"], event["intuitaccountid"], event["data"]) == (amy["Id"], us.realm_id, {})
    assert event["source"].startswith("intuit.")
    assert event["time"].endswith("Z")


async def test_webhook_in_the_older_shape_groups_entities_by_company(us: Books, gb: Books, receiver: Receiver) -> None:
    await listen(us, receiver, shape="legacy", gather_seconds=3600)
    for books in (us, gb, us):
        await books.made(
            "SalesReceipt", RECEIPT if books is us else {**RECEIPT, "GlobalTaxCalculation": "NotApplicable"}
        )
    await control(us, "clock", {"advance_seconds": 3601})
    post = await receiver.next()
    assert post.headers["Content-Type"] == "application/json"
    first, second = post.told["eventNotifications"]
    assert (first["realmId"], second["realmId"]) == (us.realm_id, gb.realm_id)
    told = first["dataChangeEvent"]["entities"]
    assert [(one["name"], one["operation"]) for one in told] == [("SalesReceipt", "Create")] * 2
    assert told[0]["lastUpdated"][-5:] in {"-0700", "-0800"}


async def test_webhook_tells_each_operation_and_the_word_for_void_is_a_setting(us: Books, receiver: Receiver) -> None:
    made = await us.made("SalesReceipt", RECEIPT)
    await listen(us, receiver, void_word="voided")
    handle = {"Id": made["Id"], "sparse": True}
    await us.made("SalesReceipt", {**handle, "SyncToken": "0", "PrivateNote": "n"})
    assert (await receiver.next()).events == [("qbo.salesreceipt.updated.v1", made["Id"])]
    await us.call("POST", f"salesreceipt/{made['Id']}/send", params={"sendTo": "amy@example.com"})
    assert (await receiver.next()).events == [("qbo.salesreceipt.emailed.v1", made["Id"])]
    await us.made("SalesReceipt", {**handle, "SyncToken": "2"}, operation="update", include="void")
    assert (await receiver.next()).events == [("qbo.salesreceipt.voided.v1", made["Id"])]
    await listen(us, receiver, void_word="void", shape="legacy", zulu=True)
    await us.made("SalesReceipt", {**handle, "SyncToken": "3"}, operation="delete")
    (notified,) = (await receiver.next()).told["eventNotifications"]
    (entity,) = notified["dataChangeEvent"]["entities"]
    assert entity["operation"] == "Delete"
    assert entity["lastUpdated"].endswith(".000Z")


async def test_webhook_of_a_merge_names_the_id_that_is_no_more(us: Books, receiver: Receiver) -> None:
    kept, lost = [(await us.made("Customer", {"DisplayName": name}))["Id"] for name in ("Amy", "Amy M")]
    await listen(us, receiver)
    await us.control("person/merge", {"keep": kept, "lose": lost})
    (event,) = (await receiver.next()).told
    assert (event["type"], event["intuitentityid"]) == ("qbo.customer.merged.v1", kept)
    assert event["data"] == {"deletedId": lost}


async def test_webhook_of_a_payment_tells_of_its_invoice_and_not_of_the_customer(us: Books, receiver: Receiver) -> None:
    amy = (await us.made("Customer", {"DisplayName": "Amy"}))["Id"]
    invoice = (await us.made("Invoice", {**RECEIPT, "CustomerRef": {"value": amy}}))["Id"]
    await listen(us, receiver, gather_seconds=3600)
    link = {"Amount": 5, "LinkedTxn": [{"TxnType": "Invoice", "TxnId": invoice}]}
    payment = await us.made("Payment", {"CustomerRef": {"value": amy}, "TotalAmt": 5, "Line": [link]})
    await control(us, "clock", {"advance_seconds": 3601})
    told = (await receiver.next()).events
    assert sorted(told) == [("qbo.invoice.updated.v1", invoice), ("qbo.payment.created.v1", payment["Id"])]


async def test_webhooks_are_silent_on_reads_on_no_change_and_on_tax_codes(us: Books, receiver: Receiver) -> None:
    await listen(us, receiver)
    await us.control("tax-codes", {"name": "Five", "rates": {"Five": "5"}})
    await us.rows("Item")
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    await us.made("Customer", amy)
    assert (await receiver.next()).events == [("qbo.customer.created.v1", amy["Id"])]
    assert (await state(us))["waiting"] == 0


async def test_webhook_refused_is_tried_again_by_the_ladder_and_holds_later_ones_back(
    us: Books, receiver: Receiver
) -> None:
    receiver.statuses = [500, 403, 302, 200]
    await listen(us, receiver)
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    first = await receiver.next()
    bob = await us.made("Customer", {"DisplayName": "Bob"})
    for times, seconds in enumerate((10, 20, 30), start=1):
        assert (await failed(us, times))["waiting"] == 2
        await control(us, "clock", {"advance_seconds": seconds - 5})
        assert receiver.posts.empty()
        await control(us, "clock", {"advance_seconds": 6})
        assert (await receiver.next()).body == first.body
    assert first.events == [("qbo.customer.created.v1", amy["Id"])]
    assert (await receiver.next()).events == [("qbo.customer.created.v1", bob["Id"])]


async def test_webhook_to_nobody_waits_until_somebody_listens(us: Books, receiver: Receiver) -> None:
    await listen(us, receiver)
    await control(us, "webhooks", {"url": "http://127.0.0.1:9/hook"})
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    await failed(us, 1)
    await control(us, "webhooks", {"url": receiver.url})
    await control(us, "clock", {"advance_seconds": 11})
    assert (await receiver.next()).events == [("qbo.customer.created.v1", amy["Id"])]


async def test_webhooks_stopped_are_forgotten(us: Books, receiver: Receiver) -> None:
    await listen(us, receiver, gather_seconds=3600)
    await us.made("Customer", {"DisplayName": "Amy"})
    async with us.session.delete(f"{us.base_url}/emulator/webhooks") as got:
        assert (await got.json())["waiting"] == 0
    await us.made("Customer", {"DisplayName": "Bob"})
    await listen(us, receiver, gather_seconds=0)
    eve = await us.made("Customer", {"DisplayName": "Eve"})
    assert (await receiver.next()).events == [("qbo.customer.created.v1", eve["Id"])]


async def test_webhook_faults_drop_duplicate_and_reorder(us: Books, receiver: Receiver) -> None:
    await listen(us, receiver, gather_seconds=3600)
    for fault in ({"kind": "drop"}, {"kind": "duplicate"}, {"kind": "reorder", "seed": 1}):
        await control(us, "webhooks/faults", fault)
    made = [(await us.made("Customer", {"DisplayName": name}))["Id"] for name in "ABCDEFG"]
    await control(us, "clock", {"advance_seconds": 3601})
    first, second = await receiver.next(), await receiver.next()
    assert first.body == second.body
    told = [identifier for _, identifier in first.events]
    assert told != made[1:]
    assert sorted(told) == made[1:]
    assert (await state(us))["dropped"] == 1


async def test_webhooks_travel_a_hundred_at_most(us: Books, receiver: Receiver) -> None:
    await listen(us, receiver, gather_seconds=3600, most_events=2)
    for name in "ABC":
        await us.made("Customer", {"DisplayName": name})
    await control(us, "clock", {"advance_seconds": 3601})
    assert [len((await receiver.next()).events) for _ in range(2)] == [2, 1]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("webhooks", {"url": "https://example.com/hook"}),
        ("webhooks", {"url": "http://10.0.0.1/hook"}),
        ("webhooks", {"url": "ftp://localhost/hook"}),
        ("webhooks", {"url": "http://localhost.example.com/hook"}),
        ("webhooks", {"shape": "round"}),
        ("webhooks", {"void_word": "avoid"}),
        ("webhooks", {"verifier": ""}),
        ("webhooks", {"colour": "red"}),
        ("webhooks/faults", {"kind": "lose"}),
        ("webhooks/faults", {"kind": "drop", "count": 0}),
    ],
)
async def test_webhooks_that_make_no_sense_are_refused(us: Books, path: str, body: dict[str, Any]) -> None:
    async with us.session.post(f"{us.base_url}/emulator/{path}", json=body) as got:
        assert got.status == 400
        assert (await got.json())["error"]


def test_signature_is_the_base64_of_a_keyed_sha256() -> None:
    # Computed by `printf '{}' | openssl dgst -sha256 -hmac token -binary | base64`.
    assert signature("token", b"{}") == "XIiql8QmhU+4+U3rWh8gKlN4kc7Zua6cmbwdMyPSfVM="
