"""Running, migrating, and the keys for the tokens at rest."""

from typing import Annotated

import typer
from cryptography.fernet import Fernet
from psycopg import OperationalError

from bridge.cli.common import fail, load_settings, run_async
from bridge.process import NotMigrated, NoVerifierToken, Role, roles_of
from bridge.process import run as run_process
from bridge.store.migrate import MigrationError
from bridge.store.migrate import migrate as migrate_database
from producers.relay import SenderBroken
from qbo_client.oauth import OAuthError


def run(
    role: Annotated[
        list[Role] | None,
        typer.Option(help="What this process does; repeat it. Default: all, webhooks where a verifier token is set."),
    ] = None,
) -> None:
    """Run the bridge until SIGTERM, then drain and hand its companies back."""
    settings = load_settings()
    try:
        run_async(run_process(settings, roles_of(settings, role or [])))
    except (NoVerifierToken, NotMigrated, MigrationError) as error:
        raise fail(str(error), 2) from None
    except OperationalError as error:
        raise fail(f"PostgreSQL does not answer at DATABASE_URL: {error}") from None
    except SenderBroken as error:
        raise fail(f"Kafka's producer is broken, and the process ended to be started anew: {error}") from None
    except OAuthError as error:
        raise fail(f"Intuit's discovery document cannot be read: {error}") from None


def migrate() -> None:
    """Bring the database to this release."""
    settings = load_settings()
    try:
        applied = run_async(migrate_database(settings.database_url.get_secret_value()))
    except MigrationError as error:
        raise fail(str(error), 2) from None
    except OperationalError as error:
        raise fail(f"PostgreSQL does not answer at DATABASE_URL: {error}") from None
    print(f"applied: {', '.join(applied)}" if applied else "nothing to apply: the database is up to date")


def new_key() -> None:
    """Print a new key for QBO_BRIDGE_TOKEN_KEYS. Put it first; keep the old ones behind it, after a comma."""
    print(Fernet.generate_key().decode())


def add_to(app: typer.Typer) -> None:
    app.command("run")(run)
    app.command("migrate")(migrate)
    app.command("new-key")(new_key)
