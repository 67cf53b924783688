"""What a connection chose about its books: seen and changed."""

import asyncio
from dataclasses import replace
from typing import Annotated

import typer

from bridge.bootstrap import Core, oauth_app, open_core
from bridge.cli.common import AsJson, fail, load_settings, run_async, show
from bridge.consent import prepare
from bridge.settings import Settings as ProcessSettings
from bridge.store.connections import Connection
from mapping.setting_text import BadSetting, parse_setting, setting_texts
from qbo_client.errors import QBOError
from qbo_client.oauth import OAuthError


def settings(
    tenant: Annotated[str, typer.Argument(help="The CRM's location id.")],
    name: Annotated[str | None, typer.Argument(help="The setting to change, e.g. us_tax or tax_codes.20.")] = None,
    value: Annotated[str | None, typer.Argument(help="Its new value; '' brings the default back.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a connection chose about its books, or change one setting; what is booked already stays."""
    if (name is None) != (value is None):
        raise fail("To change a setting, name it and its new value. Without both, all are shown.", 2)
    process_settings = load_settings()
    try:
        texts = run_async(_settings(process_settings, tenant, name, value))
    except (LookupError, BadSetting) as error:
        raise fail(str(error.args[0]), 2 if isinstance(error, BadSetting) else 1) from None
    except (QBOError, OAuthError) as error:
        raise fail(f"It is set, and takes effect when the company is read anew, which failed now: {error}") from None
    rows = [{"setting": one, "value": text} for one, text in texts.items()]
    show(rows, ("setting", "value"), as_json=as_json, empty="")


async def _settings(process: ProcessSettings, tenant: str, name: str | None, value: str | None) -> dict[str, str]:
    async with open_core(process) as core:
        connection = await _connection(core, tenant)
        if name is not None and value is not None:
            connection = await _change(core, connection, name, value)
        assert connection.company is not None
        return setting_texts(connection.company.settings)


async def _connection(core: Core, tenant: str) -> Connection:
    found = [c for c in await core.connections.all() if c.tenant_id == tenant and c.state != "disconnected"]
    if not found:
        raise LookupError(f"Tenant {tenant} has no connection.")
    if found[0].company is None:
        raise LookupError(f"The company of {tenant} was not read yet. Run `qbo-bridge preflight {tenant}` first.")
    return found[0]


async def _change(core: Core, connection: Connection, name: str, value: str) -> Connection:
    """Store the setting, and have whoever works on the company take it up."""
    company = connection.company
    assert company is not None
    changed = parse_setting(company.settings, name, value)
    if not await core.connections.set_settings(connection.tenant_id, connection.realm_id, changed):
        raise LookupError(f"The company of {connection.tenant_id} was connected anew meanwhile. Try again.")
    if connection.state == "connected":
        app = await asyncio.to_thread(oauth_app, core.settings)
        await prepare(core, app, connection.tenant_id, connection.realm_id)
    return replace(connection, company=replace(company, settings=changed))
