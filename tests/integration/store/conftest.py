from collections.abc import AsyncIterator

import pytest

from bridge.store.database import Pool, open_pool
from bridge.store.migrate import migrate
from tests.integration.store.books import Books
from tests.integration.store.effects import Groups, groups_of


@pytest.fixture
async def migrated(database_url: str) -> str:
    await migrate(database_url)
    return database_url


@pytest.fixture
async def pool(migrated: str) -> AsyncIterator[Pool]:
    async with open_pool(migrated, size=4) as pool:
        yield pool


@pytest.fixture
def books(pool: Pool) -> Books:
    return Books(pool)


@pytest.fixture
async def groups(pool: Pool) -> AsyncIterator[Groups]:
    async with groups_of(pool) as groups:
        yield groups
