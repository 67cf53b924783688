from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.errors import LocalStackError


def database_at(admin_url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    scheme, netloc, _, query, _ = urlsplit(admin_url)
    return urlunsplit((scheme, netloc, f"/{name}", query, ""))


def create_database(admin_url: str, name: str) -> str:
    """Make an empty database and return its URL. Raises LocalStackError."""
    _run(admin_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return database_at(admin_url, name)


def drop_database(admin_url: str, name: str) -> None:
    """Drop the database if it is there, ending whoever is connected to it. Raises LocalStackError."""
    _run(admin_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(admin_url: str, statement: sql.Composed) -> None:
    try:
        with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        raise LocalStackError(
            f"PostgreSQL refused ({error}). The user of DATABASE_URL must be allowed to make databases."
        ) from error
    except psycopg.Error as error:
        raise LocalStackError(f"PostgreSQL refused: {error}. Is its server running?") from error
