import asyncio
from decimal import Decimal

import aiohttp
import pytest

from qbo_client.budget import Budget
from qbo_client.client import QBOClient
from qbo_client.errors import (
    CompanyUnavailable,
    DuplicateNumber,
    InvalidData,
    StaleObject,
    Throttled,
    Unauthorized,
    Uncertain,
    Unreachable,
)
from qbo_client.writes import Operation
from tests.unit.qbo_client.conftest import MakeClient
from tests.unit.qbo_client.vendor import (
    REALM,
    Hang,
    Record,
    Reply,
    Reset,
    SkippingClock,
    Tokens,
    Vendor,
    fault,
    ok,
    receipt,
    unauthorized,
    write,
)


async def test_send_leaves_as_stored(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(receipt(TotalAmt=Decimal("337.50"), Balance=0))
    answer = await client.send(write())
    [seen] = vendor.seen
    assert (seen.method, seen.path) == ("POST", f"/v3/company/{REALM}/salesreceipt")
    assert seen.query == {"requestid": "r-1", "minorversion": "75"}
    assert seen.body == b'{"TotalAmt":337.50}'
    assert seen.headers["Authorization"] == "Bearer first"
    assert seen.headers["Accept"] == seen.headers["Content-Type"] == "application/json"
    assert (answer.intuit_tid, answer.time) == ("1-ok", "2026-11-24T01:00:00.000-08:00")
    assert str(answer.entity["TotalAmt"]) == "337.50"
    assert answer.entity["Balance"] == Decimal(0)


async def test_send_void_has_its_own_form(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(ok({"SalesReceipt": {"Id": "17"}}))
    answer = await client.send(write(Operation.VOID))
    assert vendor.seen[0].query == {
        "operation": "update",
        "include": "void",
        "requestid": "r-1",
        "minorversion": "75",
    }
    assert answer.time is None


async def test_send_tells_metrics_about_the_attempt(client: QBOClient, vendor: Vendor, record: Record) -> None:
    vendor.answers(receipt())
    await client.send(write())
    [exchange] = record.exchanges
    assert (exchange.operation, exchange.entity, exchange.outcome) == ("create", "SalesReceipt", "ok")
    assert (exchange.status, exchange.metered, exchange.intuit_tid) == (200, False, "1-ok")
    assert record.sends == [30.0]


@pytest.mark.parametrize(
    "unclear",
    [
        Reset(),
        fault("10000", 500),
        Reply(status=502, body=b"<html>Bad gateway</html>"),
        Reply(status=503),
        Reply(status=504),
        Reply(status=403, body=b"<html>Proxy</html>"),
        Reply(status=302, headers={"Location": "/elsewhere"}),
        Reply(body=b"<html>Welcome to this hotel</html>"),
        Reply(body=b""),
        ok({"SalesReceipt": {"SyncToken": "0"}}),
        ok({"Invoice": {"Id": "1"}}),
    ],
)
async def test_send_without_definite_answer_is_repeated_verbatim(
    client: QBOClient, vendor: Vendor, record: Record, unclear: Reply | Reset
) -> None:
    vendor.answers(unclear, unclear, receipt())
    assert (await client.send(write())).entity["Id"] == "17"
    assert len(vendor.seen) == 3
    assert {(seen.path, seen.query["requestid"], seen.body) for seen in vendor.seen} == {
        (f"/v3/company/{REALM}/salesreceipt", "r-1", b'{"TotalAmt":337.50}')
    }
    assert record.sends == [30.0] * 3
    assert record.outcomes == ["uncertain", "uncertain", "ok"]


async def test_send_never_answered_is_uncertain_after_three(
    client: QBOClient, vendor: Vendor, clock: SkippingClock
) -> None:
    vendor.answers(*[Reply(status=504, headers={"intuit_tid": "1-gw"})] * 3)
    with pytest.raises(Uncertain) as caught:
        await client.send(write())
    assert len(vendor.seen) == 3
    assert (caught.value.status, caught.value.intuit_tid) == (504, "1-gw")
    assert [0.25 <= clock.slept[0] <= 0.5, 0.5 <= clock.slept[1] <= 1.0] == [True, True]


async def test_send_timing_out_is_uncertain_and_repeated(make_client: MakeClient, vendor: Vendor) -> None:
    vendor.answers(Hang(), receipt())
    assert (await make_client(vendor.base_url, 0.2).send(write())).entity["Id"] == "17"
    assert len(vendor.seen) == 2


async def test_send_duplicate_request_id_is_uncertain_at_once(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(fault("600"))
    with pytest.raises(Uncertain) as caught:
        await client.send(write())
    assert (caught.value.code, len(vendor.seen)) == ("600", 1)


async def test_send_failing_to_connect_is_unreachable(make_client: MakeClient, closed_url: str, record: Record) -> None:
    with pytest.raises(Unreachable) as caught:
        await make_client(closed_url, 30.0).send(write())
    assert record.outcomes == ["retry"] * 3
    assert caught.value.retryable


async def test_send_that_never_gets_a_connection_is_unreachable(
    vendor: Vendor, budget: Budget, clock: SkippingClock, tokens: Tokens
) -> None:
    vendor.answers(Hang())
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http:

        def client(timeout: float) -> QBOClient:
            return QBOClient(
                http=http,
                base_url=vendor.base_url,
                realm_id=REALM,
                tokens=tokens,
                budget=budget,
                clock=clock,
                timeout=timeout,
            )

        holding = asyncio.create_task(client(30.0).send(write()))
        await vendor.arrived.wait()
        with pytest.raises(Unreachable):
            await client(0.1).send(write())
        assert len(vendor.seen) == 1
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("6000", InvalidData), ("5010", StaleObject), ("6140", DuplicateNumber), ("6190", CompanyUnavailable)],
)
async def test_send_refused_is_not_repeated(
    client: QBOClient, vendor: Vendor, code: str, kind: type[Exception]
) -> None:
    vendor.answers(fault(code))
    with pytest.raises(kind) as caught:
        await client.send(write())
    assert len(vendor.seen) == 1
    assert str(caught.value).startswith(f"{code} intuit_tid=1-no")
    assert not getattr(caught.value, "maybe_written")  # noqa: B009 -- the class varies.


async def test_send_refused_after_silence_says_that_it_may_be_written(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(Reset(), fault("6140"))
    with pytest.raises(DuplicateNumber) as caught:
        await client.send(write())
    assert caught.value.maybe_written


@pytest.mark.parametrize("kept_out", [fault("3001", 429), fault("6190"), fault("3100", 403)])
async def test_send_kept_out_after_silence_stays_uncertain(client: QBOClient, vendor: Vendor, kept_out: Reply) -> None:
    vendor.answers(Reset(), kept_out)
    with pytest.raises(Uncertain) as caught:
        await client.send(write())
    assert caught.value.code in {"3001", "6190", "3100"}
    assert len(vendor.seen) == 2


async def test_send_refused_token_after_silence_stays_uncertain(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(Reset(), unauthorized(), unauthorized())
    with pytest.raises(Uncertain):
        await client.send(write())


async def test_send_throttled_raises_at_once_and_cools_everyone_down(
    client: QBOClient, vendor: Vendor, budget: Budget, clock: SkippingClock
) -> None:
    vendor.answers(fault("3001", 429))
    with pytest.raises(Throttled) as caught:
        await client.send(write())
    assert (caught.value.retry_after, len(vendor.seen), clock.slept) == (60.0, 1, [])
    assert budget.cooling_until is not None
    assert (budget.cooling_until - clock.now()).total_seconds() == 60.0


async def test_send_throttled_honours_retry_after(client: QBOClient, vendor: Vendor, clock: SkippingClock) -> None:
    vendor.answers(fault("3001", 403, **{"Retry-After": "17"}), receipt())
    with pytest.raises(Throttled) as caught:
        await client.send(write())
    assert caught.value.retry_after == 17.0
    await client.send(write())
    assert sum(clock.slept) == pytest.approx(17.0)


async def test_send_refused_token_is_renewed_once(
    client: QBOClient, vendor: Vendor, tokens: Tokens, record: Record
) -> None:
    vendor.answers(unauthorized(), receipt())
    await client.send(write())
    assert tokens.rejected == ["first"]
    assert [seen.headers["Authorization"] for seen in vendor.seen] == ["Bearer first", "Bearer renewed-1"]
    assert {(seen.query["requestid"], seen.body) for seen in vendor.seen} == {("r-1", b'{"TotalAmt":337.50}')}
    assert record.outcomes == ["token", "ok"]
    assert record.sends == [30.0, 30.0]


async def test_send_refused_token_twice_is_unauthorized(client: QBOClient, vendor: Vendor, tokens: Tokens) -> None:
    vendor.answers(unauthorized(), unauthorized("renewed-1"))
    with pytest.raises(Unauthorized) as caught:
        await client.send(write())
    assert (tokens.rejected, len(vendor.seen)) == (["first"], 2)
    assert "renewed-1" not in str(caught.value)


async def test_send_held_back_does_not_leave(
    make_client: MakeClient, vendor: Vendor, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LeaseTooShort(Exception):
        pass

    class Refusing(list[float]):
        def append(self, value: float) -> None:
            raise LeaseTooShort(value)

    record.sends = Refusing()
    with pytest.raises(LeaseTooShort):
        await make_client(vendor.base_url, 30.0).send(write())
    assert (vendor.seen, record.exchanges) == ([], [])


async def test_send_cancelled_gives_its_slot_back(
    client: QBOClient, vendor: Vendor, record: Record, clock: SkippingClock
) -> None:
    vendor.answers(*[Hang()] * 10, *[receipt()] * 10)
    sending = [asyncio.create_task(client.send(write())) for _ in range(10)]
    while len(vendor.seen) < 10:
        await vendor.arrived.wait()
        vendor.arrived.clear()
    waiting = asyncio.create_task(client.send(write()))
    await asyncio.sleep(0)
    for task in sending:
        task.cancel()
    assert [type(one) for one in await asyncio.gather(*sending, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 10
    assert (await waiting).entity["Id"] == "17"
    assert record.outcomes == ["cancelled"] * 10 + ["ok"]
