"""Never a 429 caused by us, under any mix, by the emulator's own counting."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from qbo_client.budget import Budget, Limits, Share
from qbo_client.emulator.traffic import Limits as Allowed
from qbo_client.emulator.world import World
from qbo_client.errors import Throttled
from qbo_client.writes import Write
from tests.unit.qbo_client.emulated import line, open_books
from tests.unit.qbo_client.virtual_emulator import Household
from tests.unit.qbo_client.virtual_time import START, VirtualClock, run
from tests.unit.qbo_client.virtual_vendor import Fate, Journey

_LOST = st.sampled_from([Fate.ANSWERED, Fate.ANSWERED, Fate.ANSWERED, Fate.LOST_BEFORE, Fate.LOST_AFTER])
JOURNEYS = st.lists(st.builds(Journey, outward=st.floats(0, 1.5), back=st.floats(0, 1.5), fate=_LOST), max_size=40)
ALLOWED = st.builds(
    Allowed,
    per_second=st.integers(1, 4),
    per_minute=st.integers(4, 30),
    batches_per_minute=st.integers(1, 4),
    combined_per_minute=st.integers(4, 40),
    batches_are_requests=st.booleans(),
)
KINDS = ("write", "batched", "query", "count", "changes", "read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    kind: str
    share: Share
    at: float


ASKED = st.lists(
    st.builds(Asked, kind=st.sampled_from(KINDS), share=st.sampled_from(Share), at=st.floats(0, 5)),
    min_size=1,
    max_size=60,
)


def ours(allowed: Allowed) -> Limits:
    """What the client is told of what the company allows."""
    return Limits(
        per_second=allowed.per_second,
        per_minute=allowed.per_minute,
        batches_per_minute=allowed.batches_per_minute,
        all_per_minute=allowed.combined_per_minute,
    )


def receipt(number: int) -> Write:
    body = {"DocNumber": f"R-{number}", "Line": [line("1.10")]}
    return Write.create("SalesReceipt", body, request_id=f"r-{number}")


async def ask(house: Household, asked: Asked, number: int) -> Any:
    await asyncio.sleep(asked.at)
    client = house.client.sharing(asked.share)
    match asked.kind:
        case "write":
            return await client.send(receipt(number))
        case "batched":
            return await house.batcher.send(receipt(number))
        case "query":
            return await client.query("SELECT * FROM Item")
        case "count":
            return await client.count("Customer")
        case "changes":
            return await client.changes(["Customer", "SalesReceipt"], START - timedelta(days=1))
    return await client.read("Item", "1")


async def all_of(house: Household, asked: list[Asked]) -> list[Any]:
    return await asyncio.gather(*(ask(house, one, number) for number, one in enumerate(asked)), return_exceptions=True)


@settings(max_examples=100)
@given(ALLOWED, JOURNEYS, ASKED)
def test_limits_are_kept_under_any_mix(allowed: Allowed, journeys: list[Journey], asked: list[Asked]) -> None:
    async def scene() -> None:
        house = Household(*journeys, limits=ours(allowed), allowed=allowed)
        results = await all_of(house, asked)
        assert house.emulator.statuses[429] == 0
        assert not [one for one in results if isinstance(one, Throttled)]
        numbers = [one["DocNumber"] for one in house.standing("SalesReceipt")]
        assert len(numbers) == len(set(numbers))

    run(scene())


def test_limits_of_intuit_are_kept_and_used_by_a_flood_of_everything() -> None:
    async def scene() -> None:
        house = Household()
        asked = [Asked(kind=kind, share=share, at=0.0) for kind in KINDS for share in Share for _ in range(60)]
        results = await all_of(house, asked)
        assert not [one for one in results if isinstance(one, BaseException)]
        traffic = house.emulator.traffic
        assert set(house.emulator.statuses) == {200}
        assert (traffic.seen_second.most, traffic.seen_minute.most) == (10, 500)
        assert traffic.seen_batches.most <= 40
        assert len(house.standing("SalesReceipt")) == len(KINDS[:2]) * len(Share) * 60

    run(scene())


def test_limits_hold_over_a_restart_that_knows_nothing() -> None:
    async def scene() -> None:
        house = Household()
        await all_of(house, [Asked(kind="query", share=Share.LIVE, at=0.0)] * 120)
        # A new process that has lost what the old one used, on the spot.
        house.client = house.client_with(Budget.empty(Limits(), VirtualClock()))
        await all_of(house, [Asked(kind="query", share=Share.LIVE, at=0.0)] * 450)
        assert set(house.emulator.statuses) == {200}

    run(scene())


async def test_limits_hold_in_earnest_over_http(
    emulator: World, emulator_url: str, http: aiohttp.ClientSession
) -> None:
    emulator.behaviour.throttling = True
    emulator.behaviour.limits = Allowed(per_second=20)
    books = open_books(emulator, http, emulator_url, limits=Limits(per_second=20, in_flight=8))
    writes = [books.make("SalesReceipt", {"Line": [line("1.00")]}) for _ in range(40)]
    reads = [books.client.query("SELECT * FROM Item") for _ in range(20)]
    await asyncio.gather(*writes, *reads)
    report = books.traffic.report()
    assert {row["status"] for row in report["requests"]} == {200}  # type: ignore[attr-defined]
    assert report["most_in_a_second"] == 20
    assert sum((row.body["TotalAmt"] for row in books.company.table("SalesReceipt")), Decimal(0)) == Decimal(40)
