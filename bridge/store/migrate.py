"""Migrations: numbered SQL files, each applied once, in order, in a transaction of its own."""

from importlib import resources

from psycopg import AsyncConnection
from psycopg.sql import SQL

#: One deployer at a time; any number unlikely to be used by another program in this database.
_ADVISORY_LOCK = 7_302_514_877


class MigrationError(Exception):
    """The database was migrated by a newer or another release than this one."""


def migrations() -> list[tuple[str, str]]:
    """Every migration of this release as (name, SQL), in order."""
    folder = resources.files("bridge.store") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(f.name.removesuffix(".sql"), f.read_text(encoding="utf-8")) for f in files]


async def migrate(url: str) -> list[str]:
    """Bring the database to this release and return the names applied now.

    Safe to run from many processes at once: an advisory lock lets one work and the others wait.
    """
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("SET lock_timeout = '30s'")
        await connection.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        applied = await _applied(connection)
        return [name for name, sql in migrations() if name not in applied and await _apply(connection, name, sql)]


async def pending(url: str) -> list[str]:
    """Return names of migrations this release has and the database has not."""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        applied = await _applied(connection)
    return [name for name, _ in migrations() if name not in applied]


async def _applied(connection: AsyncConnection) -> set[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    names = {row[0] for row in await (await connection.execute("SELECT name FROM migration")).fetchall()}
    if unknown := names - {name for name, _ in migrations()}:
        raise MigrationError(
            f"The database holds migrations this release does not know ({', '.join(sorted(unknown))}). "
            "Run the newer release, or point DATABASE_URL at another database."
        )
    return names


async def _apply(connection: AsyncConnection, name: str, sql: str) -> bool:
    async with connection.transaction():
        await connection.execute(SQL(sql))
        await connection.execute("INSERT INTO migration (name) VALUES (%s)", [name])
    return True
