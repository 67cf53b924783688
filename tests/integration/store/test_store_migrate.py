"""The schema, from nothing and again."""

import asyncio

import psycopg
import pytest

from bridge.store.migrate import MigrationError, migrate, migrations, pending


async def test_migrate_twice_applies_everything_once(database_url: str) -> None:
    names = [name for name, _ in migrations()]
    assert await pending(database_url) == names
    assert await migrate(database_url) == names
    assert (await migrate(database_url), await pending(database_url)) == ([], [])


async def test_migrate_from_several_processes_at_once_applies_everything_once(database_url: str) -> None:
    applied = await asyncio.gather(*(migrate(database_url) for _ in range(4)))
    assert sorted(name for names in applied for name in names) == [name for name, _ in migrations()]


async def test_migrate_database_of_a_newer_release_is_refused_by_name(database_url: str) -> None:
    await migrate(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO migration (name) VALUES ('9999_from_the_future')")
    with pytest.raises(MigrationError, match="9999_from_the_future"):
        await migrate(database_url)
    with pytest.raises(MigrationError, match="newer release"):
        await pending(database_url)
