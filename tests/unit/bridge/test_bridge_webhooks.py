"""Reception of webhooks over HTTP: who is refused, what is taken, and that the answer waits for nothing."""

import asyncio
import base64
import gzip
import hmac
import io
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import simplejson
from structlog.testing import capture_logs

from bridge.health import Address
from bridge.hints import Hints
from bridge.metrics import Metrics
from bridge.webhooks import PATH, Reception, webhook_server
from tests.unit.bridge.memory_hints import MemoryStore, StillClock, counted, fates, until

NEW, OLD = "b5771f19b12d", "db4bcdb9f08b"
MOST = 2 * 1024 * 1024
Logs = list[MutableMapping[str, Any]]


def signature(body: bytes, token: str = NEW) -> str:
    return base64.b64encode(hmac.digest(token.encode(), body, "sha256")).decode()


def cloud(identifier: str = "58", **changes: Any) -> dict[str, Any]:
    event = {"type": "qbo.customer.updated.v1", "time": "2026-10-07T19:59:07Z", "intuitaccountid": "1"}
    return {**event, "intuitentityid": identifier, **changes}


def legacy(*identifiers: str) -> dict[str, Any]:
    told = {"name": "Invoice", "operation": "Update", "lastUpdated": "2026-10-05T14:42:19-0700"}
    entities = [told | {"id": identifier} for identifier in identifiers]
    return {"eventNotifications": [{"realmId": "2", "dataChangeEvent": {"entities": entities}}]}


def packed(payload: Any) -> bytes:
    return simplejson.dumps(payload).encode()


@dataclass(slots=True, kw_only=True)
class Desk:
    address: Address
    http: aiohttp.ClientSession
    store: MemoryStore
    metrics: Metrics
    logs: Logs

    async def post(
        self, body: Any, *, token: str = NEW, signed: str | None = None, headers: Mapping[str, str] | None = None
    ) -> int:
        """Post a body with its signature, or the one that is given; return the status."""
        headers = {"intuit-signature": signature(body, token) if signed is None else signed, **(headers or {})}
        data = io.BytesIO(body) if isinstance(body, bytes) else body
        async with self.http.post(f"{self.address.url}{PATH}", data=data, headers=headers) as answer:
            assert await answer.read() == b""
            return answer.status

    @property
    def outcomes(self) -> dict[str, float]:
        return counted(self.metrics, "qbo_bridge_webhook_requests_total")

    def logged(self, event: str) -> Logs:
        return [log for log in self.logs if log["event"] == event]


@asynccontextmanager
async def opened(*, arrive_seconds: float = 30.0) -> AsyncIterator[Desk]:
    store, metrics = MemoryStore(), Metrics()
    hints = Hints(store, StillClock(), metrics, want=lambda _: None)
    reception = Reception(hints, [NEW, OLD], metrics, arrive_seconds=arrive_seconds)
    running = asyncio.create_task(hints.run())
    with capture_logs() as logs:
        async with webhook_server(reception, host="127.0.0.1", port=0) as address, aiohttp.ClientSession() as http:
            yield Desk(address=address, http=http, store=store, metrics=metrics, logs=logs)
    running.cancel()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as desk:
        yield desk


@pytest.mark.parametrize("content_type", ["application/json", "application/cloudevents-batch+json", "text/plain", ""])
async def test_signed_body_of_either_shape_is_taken_whatever_its_content_type(desk: Desk, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert await desk.post(packed([cloud("58"), cloud("59")]), headers=headers) == 200
    assert await desk.post(packed(legacy("60", "61")), headers=headers) == 200
    await until(lambda: len(desk.store.ids) == 4)
    assert sorted((one.realm_id, one.entity, one.id) for group in desk.store.groups for one in group) == [
        ("1", "Customer", "58"), ("1", "Customer", "59"), ("2", "Invoice", "60"), ("2", "Invoice", "61"),
    ]  # fmt: skip
    assert (desk.outcomes, fates(desk.metrics)) == ({"accepted": 2}, {"hint": 4})


async def test_signature_with_any_of_the_tokens_is_good(desk: Desk) -> None:
    body = packed([cloud()])
    assert [await desk.post(body, token=token) for token in (NEW, OLD, "another")] == [200, 200, 403]


@pytest.mark.parametrize("signed", ["", "1234", "é", signature(packed([cloud()]))[:-2], signature(b"other")])
async def test_bad_signature_is_refused_and_nothing_is_taken(desk: Desk, signed: str) -> None:
    assert await desk.post(packed([cloud()]), signed=signed) == 403
    assert await desk.post(packed([cloud("59")])) == 200
    await until(lambda: desk.store.ids)
    assert (desk.store.ids, desk.outcomes) == (["59"], {"bad_signature": 1, "accepted": 1})
    (log,) = desk.logged("webhook_refused")
    assert log["log_level"] == "warning"


async def test_missing_signature_is_refused(desk: Desk) -> None:
    async with desk.http.post(f"{desk.address.url}{PATH}", data=packed([cloud()])) as answer:
        assert answer.status == 403
    assert (desk.outcomes, desk.logged("webhook_refused")) == ({"bad_signature": 1}, [])


async def test_signature_is_over_the_very_bytes(desk: Desk) -> None:
    body = packed([cloud()])
    for other in (body + b"\n", body.replace(b", ", b","), body.replace(b"58", b"59"), b""):
        assert await desk.post(other, signed=signature(body)) == 403
    assert desk.store.asked == 0


async def test_signature_is_over_the_bytes_as_they_came_also_if_they_are_compressed(desk: Desk) -> None:
    plain = packed([cloud()])
    small = gzip.compress(plain)
    headers = {"Content-Encoding": "gzip"}
    assert await desk.post(small, signed=signature(plain), headers=headers) == 403
    assert await desk.post(small, headers=headers) == 200
    assert desk.outcomes == {"bad_signature": 1, "unreadable": 1}


async def test_body_up_to_two_mebibytes_is_taken(desk: Desk) -> None:
    body = packed([cloud()])
    body += b" " * (MOST - len(body))
    assert await desk.post(body) == 200
    await until(lambda: desk.store.ids)


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_that_is_larger_is_refused_before_its_signature_counts(desk: Desk, chunked: bool) -> None:
    async def in_chunks() -> AsyncIterator[bytes]:
        for _ in range(33):
            yield b" " * 65_536

    body: Any = in_chunks() if chunked else b" " * (MOST + 1)
    assert await desk.post(body, signed="irrelevant") == 413
    assert desk.outcomes == {"too_large": 1}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_allowed(desk: Desk, method: str) -> None:
    async with desk.http.request(method, f"{desk.address.url}{PATH}") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/readyz", f"{PATH}/"])
async def test_nothing_else_is_served_to_the_internet(desk: Desk, path: str) -> None:
    async with desk.http.get(f"{desk.address.url}{path}") as answer:
        assert answer.status == 404


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[", b"\xff", b"null"])
async def test_signed_body_of_no_known_shape_is_acknowledged_and_logged(desk: Desk, body: bytes) -> None:
    assert await desk.post(body, headers={"intuit-t-id": "1-abc"}) == 200
    assert (desk.outcomes, desk.store.asked) == ({"unreadable": 1}, 0)
    (log,) = desk.logged("webhook_unreadable")
    assert (log["log_level"], log["intuit_tid"], log["size"]) == ("error", "1-abc", len(body))


async def test_odd_events_are_acknowledged_and_logged_and_the_others_are_taken(desk: Desk) -> None:
    odd = [cloud("s3cr3t", type="com.example.x"), cloud("s3cr3t", time="soon"), *["x"] * 8]
    assert await desk.post(packed([cloud(), *odd, cloud("59")]), headers={"intuit-t-id": "1-abc"}) == 200
    await until(lambda: len(desk.store.ids) == 2)
    assert fates(desk.metrics) == {"hint": 2, "not_understood": 10}
    (log,) = desk.logged("webhook_events_not_understood")
    assert (log["log_level"], log["count"], len(log["first"]), log["intuit_tid"]) == ("error", 10, 3, "1-abc")
    assert log["first"][1] == "the time of event 3 is no time with a zone: 'soon'"
    assert "s3cr3t" not in str(desk.logs)


async def test_answer_does_not_wait_for_the_store(desk: Desk) -> None:
    desk.store.gate.clear()
    assert [await desk.post(packed([cloud(str(n))])) for n in range(20)] == [200] * 20
    desk.store.away = True
    desk.store.gate.set()
    assert await desk.post(packed([cloud("20")])) == 200
    assert desk.outcomes == {"accepted": 21}
    assert not desk.store.ids


async def test_body_that_does_not_arrive_in_time_is_given_up() -> None:
    async with opened(arrive_seconds=0.05) as desk, begun(desk) as (reader, _):
        assert (await reader.readline()).split()[1] == b"408"
        assert desk.outcomes == {"incomplete": 1}


async def test_body_without_a_signature_is_refused_before_it_is_read(desk: Desk) -> None:
    async with begun(desk, signs=False) as (reader, _):
        assert (await reader.readline()).split()[1] == b"403"
    assert desk.outcomes == {"bad_signature": 1}


async def test_sender_that_goes_away_is_no_trouble(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    async with begun(desk):
        pass
    await until(lambda: desk.outcomes)
    assert (desk.outcomes, caplog.records) == ({"incomplete": 1}, [])


async def test_body_that_is_broken_on_the_way_is_given_up() -> None:
    chunked = "Transfer-Encoding: chunked\r\nExpect: 100-continue"
    async with opened(arrive_seconds=0.05) as desk, begun(desk, chunked, b"") as (reader, writer):
        assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"100"
        writer.write(b"2\r\n[{\r\nno size\r\n")
        await until(lambda: desk.outcomes)
        assert desk.outcomes == {"incomplete": 1}


@asynccontextmanager
async def begun(
    desk: Desk, headers: str = "Content-Length: 100", body: bytes = b"[{", *, signs: bool = True
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Begin a request that does not end; hang up when the block is left."""
    reader, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
    signed = "intuit-signature: of something\r\n" if signs else ""
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: bridge\r\n{signed}{headers}\r\n\r\n".encode() + body)
    await writer.drain()
    yield reader, writer
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
