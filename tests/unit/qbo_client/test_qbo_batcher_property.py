"""Whatever is asked and however it travels: no window is overrun, nothing is written twice, nobody is misled."""

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qbo_client.answers import Answer
from qbo_client.budget import Limits, Share
from qbo_client.errors import QBOError, RequestBug, Throttled, Uncertain
from tests.unit.qbo_client.virtual_house import House, receipt
from tests.unit.qbo_client.virtual_time import run
from tests.unit.qbo_client.virtual_vendor import Fate, Journey, most_within

SECONDS = st.floats(0, 2, allow_subnormal=False)
LIMITS = st.builds(
    Limits,
    per_second=st.integers(1, 4),
    per_minute=st.integers(5, 30),
    in_flight=st.integers(1, 4),
    batches_per_minute=st.integers(1, 4),
)
JOURNEYS = st.lists(
    st.builds(Journey, outward=st.floats(0, 0.9), back=st.floats(0, 0.9), fate=st.sampled_from(Fate)), max_size=25
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    at: float
    write: bool
    gives_up_after: float | None


ASKED = st.lists(
    st.builds(Asked, at=SECONDS, write=st.booleans(), gives_up_after=st.none() | SECONDS), min_size=1, max_size=40
)


async def ask(house: House, asked: Asked, number: int) -> Any:
    await asyncio.sleep(asked.at)
    async with asyncio.timeout(asked.gives_up_after):
        if asked.write:
            return await house.batcher.send(receipt(str(number)))
        return await house.client.sharing(Share.POLL).query("SELECT * FROM Item")


def check_books(house: House, number: str, result: Any) -> None:
    """What a caller was told agrees with what is in the books."""
    written = house.vendor.written[number]
    assert written <= 1
    if isinstance(result, Answer):
        assert (result.entity["DocNumber"], written) == (number, 1)
    elif isinstance(result, Throttled) or (isinstance(result, RequestBug) and not result.maybe_written):
        assert written == 0
    else:
        assert isinstance(result, Uncertain | RequestBug | TimeoutError)


@settings(max_examples=150)
@given(LIMITS, JOURNEYS, ASKED)
def test_batcher_whatever_is_asked_and_however_it_travels(
    limits: Limits, journeys: list[Journey], asked: list[Asked]
) -> None:
    async def scene() -> None:
        house = House(limits, *journeys)
        results = await asyncio.gather(
            *(ask(house, one, number) for number, one in enumerate(asked)), return_exceptions=True
        )
        await asyncio.sleep(200)  # Whoever gave up may have left something on its way.
        vendor = house.vendor
        assert most_within(vendor.arrivals, 1.0) <= limits.per_second
        assert most_within(vendor.arrivals, 60.0) <= limits.per_minute
        assert most_within(vendor.batches, 60.0) <= limits.batches_per_minute
        assert vendor.most_inside <= limits.in_flight
        assert all(len(bodies) == 1 for bodies in vendor.bodies.values())
        for number, (one, result) in enumerate(zip(asked, results, strict=True)):
            if one.write:
                check_books(house, str(number), result)
            else:
                assert isinstance(result, list | QBOError | TimeoutError)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert house.budget.free

    run(scene())
