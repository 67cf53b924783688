import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from bridge.store.database import Pool, open_pool, session
from bridge.store.migrate import migrate
from deploy.local.stack import LocalStack
from tests.integration.watch.company import WatchedCompany, watched_company

_TABLES = """
SELECT string_agg(quote_ident(tablename), ', ') AS names FROM pg_tables
 WHERE schemaname = 'public' AND tablename <> 'migration'
"""


@pytest.fixture(scope="session")
def watch_database(stack: LocalStack) -> Iterator[str]:
    """A migrated database for all of these tests: they are many, and making one takes longer than most of them."""
    if stack.postgres:
        stack.postgres.start()  # A test before may have left it stopped.
    name = f"test_{uuid.uuid4().hex[:16]}"
    url = stack.create_database(name)
    asyncio.run(migrate(url))
    yield url
    if stack.postgres:
        stack.postgres.start()
    stack.drop_database(name)


@pytest.fixture
async def pool(stack: LocalStack, watch_database: str) -> AsyncIterator[Pool]:
    """An empty database."""
    if stack.postgres:
        stack.postgres.start()
    async with open_pool(watch_database, size=4) as pool:
        async with session(pool) as connection:
            row = await (await connection.execute(_TABLES)).fetchone()
            assert row is not None
            await connection.execute(f"TRUNCATE {row['names']} RESTART IDENTITY CASCADE".encode())
        yield pool


@pytest.fixture
async def company(pool: Pool) -> WatchedCompany:
    """A US company that was connected and of which nothing was read yet."""
    return await watched_company(pool)
