"""The event contract: is it still compatible, and is the registry told."""

import typer

from bridge.cli.common import fail, load_settings
from schemas.compatibility import check_all
from schemas.errors import SchemaError
from schemas.topics import TOPICS

app = typer.Typer(help="The event contract.", no_args_is_help=True)


@app.command("check")
def check() -> None:
    """Prove that every schema is FULL_TRANSITIVE compatible with every earlier version kept here."""
    findings = check_all()
    for finding in findings:
        print(finding)
    if findings:
        raise fail(f"{len(findings)} incompatible changes: old and new records could not all be read.")
    print(f"{len(TOPICS)} topics: every version is compatible with every other (FULL_TRANSITIVE)")


@app.command("register")
def register() -> None:
    """Register the newest schemas, and have the registry refuse changes that are not FULL_TRANSITIVE."""
    settings = load_settings()
    if settings.schema_registry_url is None:
        raise fail("QBO_BRIDGE_SCHEMA_REGISTRY_URL is not set: there is no registry to register with.", 2)
    from schemas.registry import Registry

    registry = Registry(str(settings.schema_registry_url))
    for topic in TOPICS:
        try:
            schema_id = registry.register(topic)
            registry.require_full_transitive(topic)
        except SchemaError as error:
            raise fail(f"{topic}: {error}") from None
        print(f"{topic}: id {schema_id}")
