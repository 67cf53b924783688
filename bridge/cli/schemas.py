"""The event contract: is it still compatible, is the registry told, and what other teams read of it."""

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.common import fail, load_settings
from schemas.asyncapi import text
from schemas.compatibility import check_all
from schemas.errors import SchemaError
from schemas.fields import page
from schemas.topics import TOPICS

app = typer.Typer(help="The event contract.", no_args_is_help=True)

Kept = Annotated[
    Path | None,
    typer.Option("--check", exists=True, dir_okay=False, help="Print nothing; fail if this file says otherwise."),
]


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


@app.command("asyncapi")
def asyncapi(check: Kept = None) -> None:
    """Print the contract as an AsyncAPI document, made from the Avro files."""
    _print_or_compare(text(), check, "asyncapi")


@app.command("fields")
def fields(check: Kept = None) -> None:
    """Print the page of all events' fields, made from the Avro files."""
    _print_or_compare(page(), check, "fields")


def _print_or_compare(made: str, kept: Path | None, command: str) -> None:
    if kept is None:
        print(made)
    elif kept.read_text(encoding="utf-8") != f"{made}\n":
        raise fail(f"{kept} is not what the Avro files say. Write it anew: qbo-bridge schemas {command} > {kept}")
