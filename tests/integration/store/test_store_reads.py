"""The meter: what is read is added up by company and month, and the month's end is told from the last week's pace."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from bridge.metrics import Metrics
from bridge.store.reads import ReadMeter
from bridge.store.survey import Survey
from tests.integration.store.books import REALM, Books

OTHER = "463"


@pytest.fixture
def meter(books: Books) -> ReadMeter:
    return ReadMeter(books.pool)


async def read_on_days(books: Books, realm: str, *, days: int, reads: int) -> None:
    """Let a company have been read so often on each of so many days, today the last."""
    query = (
        "INSERT INTO metered_reads (day, realm_id, reads)"
        " SELECT (now() AT TIME ZONE 'UTC')::date - n, %s, %s FROM generate_series(0, %s) AS n"
    )
    await books.do(query, realm, reads, days - 1)


async def test_reads_of_a_day_add_up_whoever_counts_them(books: Books, meter: ReadMeter) -> None:
    await asyncio.gather(*(meter.add(Counter({REALM: 2, OTHER: 1})) for _ in range(5)))
    await meter.add({})
    rows = await books.rows("SELECT realm_id, reads FROM metered_reads ORDER BY realm_id")
    assert [(row["realm_id"], row["reads"]) for row in rows] == [(REALM, 10), (OTHER, 5)]
    assert (await meter.month()).so_far == 15


async def test_company_costs_what_it_was_read_for_at_the_pace_of_its_last_week(books: Books, meter: ReadMeter) -> None:
    await books.connect()
    await books.connect("loc_2", OTHER)
    await read_on_days(books, REALM, days=40, reads=70)
    (today,) = await books.column("SELECT extract(day FROM now() AT TIME ZONE 'UTC')::int")
    first, second = await meter.companies()
    assert (first["this_month"], first["per_day"]) == (70 * today, 70.0)
    assert (second["this_month"], second["per_day"]) == (0, 0.0)


async def test_what_is_not_connected_any_more_is_still_counted_in_all(books: Books, meter: ReadMeter) -> None:
    await read_on_days(books, REALM, days=1, reads=30)
    assert await meter.companies() == []
    assert (await meter.month()).so_far == 30


async def test_forecast_goes_on_at_the_pace_of_the_last_week(books: Books, meter: ReadMeter) -> None:
    await read_on_days(books, REALM, days=40, reads=240)
    (now,) = await books.column("SELECT now() AT TIME ZONE 'UTC'")
    next_month = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    days_left = (next_month - now) / timedelta(days=1)
    month = await meter.month()
    assert month.forecast - month.so_far == pytest.approx(240 * days_left, abs=1)
    metrics = Metrics()
    await Survey(books.pool, metrics).take()
    shown = metrics.registry.get_sample_value("qbo_bridge_quickbooks_month_metered_reads", {"figure": "forecast"})
    assert shown == pytest.approx(month.forecast, abs=1)


async def test_nothing_was_read_yet(meter: ReadMeter) -> None:
    month = await meter.month()
    assert (month.so_far, month.forecast) == (0, 0)
