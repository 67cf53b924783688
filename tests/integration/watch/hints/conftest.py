from collections.abc import AsyncIterator

import pytest

from tests.integration.store.effects import groups_of
from tests.integration.watch.company import WatchedCompany
from tests.integration.watch.paying import begun, hold
from tests.integration.watch.writing import OwnHand


@pytest.fixture(autouse=True)
def still(company: WatchedCompany) -> None:
    """Let QuickBooks' clock stand still: a webhook gives the very moment that the object shows."""
    hold(company)


@pytest.fixture
async def hand(company: WatchedCompany) -> AsyncIterator[OwnHand]:
    await begun(company)
    company.reads()
    async with groups_of(company.pool) as groups:
        yield OwnHand(company=company, groups=groups)
