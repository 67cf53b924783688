import statistics
from typing import Any

import aiohttp
import pytest

from qbo_client.emulator.faults import Faults, Target
from qbo_client.emulator.latency import Latency
from tests.unit.emulator.driver import Books, control

AMY = {"DisplayName": "Amy"}


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "begins", "applied"),
    [
        ("html_502", 502, "text/html", "<html>", False),
        ("html_200_after", 200, "text/html", "<html>", True),
        ("xml_429", 429, "application/xml", "<?xml", False),
        ("xml_500_after", 500, "application/xml", "<?xml", True),
        ("empty_200_after", 200, "application/json", "", True),
        ("empty_503", 503, "application/json", "", False),
        ("fault_in_200", 200, "application/json", '{"Fault"', False),
        ("fault_in_200_after", 200, "application/json", '{"Fault"', True),
        ("throttled_403", 403, "application/json", '{"Fault"', False),
    ],
)
async def test_fault_answers_in_the_shape_asked_for(
    us: Books, kind: str, status: int, content_type: str, begins: str, applied: bool
) -> None:
    await control(us, "faults", {"kind": kind, "retry_after": 3})
    reply = await us.post("Customer", AMY)
    assert reply.status == status
    assert reply.headers["Content-Type"].startswith(content_type)
    assert reply.headers["Retry-After"] == "3"
    assert reply.text.startswith(begins)
    assert (reply.text == "") == (begins == "")
    assert len(await us.rows("Customer")) == int(applied)


@pytest.mark.parametrize(("status", "code"), [(401, "3200"), (403, "3100")])
async def test_fault_of_the_gateway_has_its_own_envelope(us: Books, status: int, code: str) -> None:
    await control(us, "faults", {"kind": f"status_{status}"})
    reply = await us.query("select * from Item")
    assert (reply.status, reply.body["fault"]["error"][0]["code"]) == (status, code)


@pytest.mark.parametrize("kind", ["throttled_403", "status_429"])
async def test_throttle_is_told_by_its_code_whatever_the_status(us: Books, kind: str) -> None:
    await control(us, "faults", {"kind": kind})
    assert (await us.query("select * from Item")).code == "3001"


async def test_xml_throttle_carries_the_code_of_a_throttle(us: Books) -> None:
    await control(us, "faults", {"kind": "xml_429"})
    assert '<Error code="3001">' in (await us.query("select * from Item")).text


@pytest.mark.parametrize(("kind", "status", "applied"), [("revoke", 401, False), ("revoke_after", 200, True)])
async def test_fault_ends_the_grant_just_before_or_behind_the_write(
    us: Books, gb: Books, kind: str, status: int, applied: bool
) -> None:
    await control(us, "faults", {"kind": kind, "realm_id": us.realm_id, "operation": "write"})
    assert (await us.post("Customer", AMY)).status == status
    assert (await us.query("select * from Item")).status == 401
    assert (await gb.query("select * from Item")).status == 200
    url = f"{us.base_url}/emulator/companies/{us.realm_id}/objects/customer"
    async with us.session.get(url) as got:
        assert len((await got.json())["Customer"]) == int(applied)


async def test_fault_chooses_by_operation(us: Books) -> None:
    await control(us, "faults", {"kind": "status_500", "operation": "query"})
    assert (await us.post("Customer", AMY)).status == 200
    assert (await us.query("select * from Customer")).status == 500


async def test_fault_without_end_is_cleared_by_hand(us: Books) -> None:
    await control(us, "faults", {"kind": "status_500", "count": None})
    assert {(await us.query("select * from Item")).status for _ in range(5)} == {500}
    async with us.session.delete(f"{us.base_url}/emulator/faults") as got:
        assert got.status == 200
    assert (await us.query("select * from Item")).status == 200


async def test_fault_on_the_token_endpoint_takes_time_of_its_own(us: Books) -> None:
    await control(us, "latency", {"seconds": 600, "of": "token"})
    assert (await us.query("select * from Item")).status == 200
    with pytest.raises(TimeoutError):
        await us.session.post(f"{us.base_url}/oauth2/v1/tokens/bearer", timeout=aiohttp.ClientTimeout(total=0.2))


def struck(seed: int, *, skip: int = 0) -> list[bool]:
    faults = Faults()
    faults.add({"kind": "status_500", "count": None, "probability": 0.3, "seed": seed, "skip": skip})
    return [faults.take(Target()) is not None for _ in range(1000)]


def test_fault_by_chance_is_drawn_again_by_its_seed() -> None:
    assert struck(1) == struck(1) != struck(2)
    assert 250 < sum(struck(1)) < 350


def test_fault_passes_over_as_many_as_told() -> None:
    assert struck(1, skip=5) == [False] * 5 + struck(1)[:-5]


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "status_500", "probability": 2},
        {"kind": "status_500", "probability": "often"},
        {"kind": "status_999"},
        {"kind": "timeout"},
        {"kind": "status_500", "count": "many"},
    ],
)
def test_fault_that_makes_no_sense_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Faults().add(asked)


def test_latency_is_distributed_as_asked_and_drawn_again_by_its_seed() -> None:
    drawn = [Latency(0.2, 1.5, seed=7).draw() for _ in range(3)]
    assert len(set(drawn)) == 1
    latency = Latency(0.2, 1.5, seed=7)
    many = [latency.draw() for _ in range(20_000)]
    percents = statistics.quantiles(many, n=100)
    assert percents[49] == pytest.approx(0.2, rel=0.05)
    assert percents[98] == pytest.approx(1.5, rel=0.1)


def test_latency_without_a_p99_is_always_the_same() -> None:
    latency = Latency(0.25)
    assert {latency.draw() for _ in range(5)} == {0.25}


@pytest.mark.parametrize(
    "asked", [{}, {"seconds": -1}, {"p50": 0, "p99": 1}, {"p50": 2, "p99": 1}, {"seconds": 1, "p50": 1}, {"mean": 1}]
)
def test_latency_that_makes_no_sense_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Latency.asked(asked)
