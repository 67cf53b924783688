"""QuickBooks' clock is not ours, and not every answer tells its time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mapping.from_qbo.customer import last_updated
from qbo_client.changes import Changes
from tests.integration.store.effects import groups_of
from tests.integration.watch.company import WatchedCompany, changed
from tests.integration.watch.paying import begun, hold, paid_ids
from tests.integration.watch.writing import OwnHand


async def told(company: WatchedCompany) -> list[tuple[str, str]]:
    return changed(await company.customers_told())


@pytest.mark.parametrize("seconds", [-3600, 3600])
async def test_quickbooks_clock_that_is_an_hour_away_from_ours(company: WatchedCompany, seconds: int) -> None:
    company.world.clock.advance(seconds)
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    old = company.invoice(amy)
    company.pays(old)
    time.forward(minutes=10)
    await begun(company)
    time.forward(seconds=30)
    new = company.customer("Eve")
    invoice = company.invoice(new["Id"])
    await company.webhook("Customer", new["Id"], "created", at=last_updated(new))
    await company.settle()
    assert await told(company) == [("CREATED", "Eve")]
    time.forward(minutes=4)
    company.edits("Customer", amy, CompanyName="Amy Ltd")
    company.pays(invoice)
    for _ in range(3):
        await company.poll()
        time.forward(minutes=4)
    assert await told(company) == [("CREATED", "Eve"), ("UPDATED", "Amy")]
    assert await paid_ids(company) == [invoice["Id"]]
    state = await company.state()
    assert time.moment - state.customers_since < timedelta(minutes=10)


@pytest.mark.parametrize("seconds", [-3600, 3600])
async def test_echoes_and_open_writes_under_a_clock_that_is_an_hour_away(company: WatchedCompany, seconds: int) -> None:
    company.world.clock.advance(seconds)
    await begun(company)
    async with groups_of(company.pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        amy = await hand.writes("ct_1", DisplayName="Amy")
        company.reads()
        await company.webhook("Customer", amy["Id"], "created", at=last_updated(amy))
        await company.settle()
        assert company.reads() == []
        await hand.sends(await hand.intends("ct_2", DisplayName="Eve"))
        await company.poll()
        state = await company.state()
    assert 25 < state.poll_in <= 30
    assert await told(company) == []


def without_time(company: WatchedCompany) -> None:
    changes = type(company.client).changes

    async def timeless(*values: Any) -> Changes:
        return replace(await changes(company.client, *values), taken_at=None)

    vars(company.client)["changes"] = timeless


async def test_answers_without_a_time_lose_nothing_and_repeat_nothing(company: WatchedCompany) -> None:
    amy = company.customer("Amy")["Id"]
    await begun(company)
    before = (await company.state()).customers_since
    without_time(company)
    for number in range(3):
        company.edits("Customer", amy, CompanyName=f"Amy {number}")
        await company.poll()
        await company.poll()
    assert [event.customer.company_name for event in await company.customers_told()] == ["Amy 0", "Amy 1", "Amy 2"]
    assert (await company.state()).customers_since == before
    del vars(company.client)["changes"]
    company.world.clock.advance(600)
    await company.poll()
    assert (await company.state()).customers_since > before
    assert len(await told(company)) == 3


async def test_company_that_never_gives_a_time_is_begun_by_our_own_clock(company: WatchedCompany) -> None:
    without_time(company)
    amy = company.customer("Amy")["Id"]
    await begun(company)
    assert abs((await company.state()).began_at - datetime.now(UTC)) < timedelta(minutes=1)
    company.edits("Customer", amy, CompanyName="Amy Ltd")
    await company.poll()
    assert await told(company) == [("UPDATED", "Amy")]
