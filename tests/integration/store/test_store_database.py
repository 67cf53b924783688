"""Which failures of PostgreSQL are a reason to wait."""

import pytest

from bridge.store.database import Away, open_pool, session


async def test_session_on_a_server_that_is_read_only_is_away(database_url: str) -> None:
    """So is one that another has just taken over from; what it refuses is no fault of the row."""
    async with open_pool(database_url, size=1) as pool:
        async with session(pool) as connection:
            await connection.execute("SET default_transaction_read_only = on")
        with pytest.raises(Away, match="read-only"):
            async with session(pool) as connection:
                await connection.execute("CREATE TABLE anything (id int)")
