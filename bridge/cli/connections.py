"""Connections: connect a company, see how each stands, pause, resume, disconnect."""

import asyncio
import sys
import webbrowser
from typing import Annotated, Any

import typer
from cryptography.fernet import InvalidToken

from bridge.bootstrap import oauth_app, open_core
from bridge.cli.common import AsJson, fail, load_settings, run_async, show
from bridge.consent import Connected, ConsentRefused, accept, ask, callback_server, prepare
from bridge.settings import Settings
from bridge.store.connections import Connection, ConnectionRefused, ConnectionStore
from bridge.store.standings import WatchStanding, watch_standings
from mapping.from_qbo.company import findings
from qbo_client.errors import QBOError
from qbo_client.oauth import ClientInvalid, OAuthApp, OAuthError, OAuthUnavailable
from schemas.events.quickbooks import ConnectionState

app = typer.Typer(help="Companies that are connected.", no_args_is_help=True)

Tenant = Annotated[str, typer.Argument(help="The CRM's location id.")]
ImportInvoices = Annotated[
    bool | None,
    typer.Option("--import-invoices/--no-import-invoices", help="Bring earlier QuickBooks invoices to the CRM."),
]
ReviewRequests = Annotated[
    bool | None,
    typer.Option("--review-requests/--no-review-requests", help="Ask for a review after a first paid invoice."),
]


@app.command("connect")
def connect(
    tenant: Tenant,
    *,
    import_invoices: ImportInvoices = None,
    review_requests: ReviewRequests = None,
    browser: Annotated[bool, typer.Option(help="Open the consent page in a browser.")] = True,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the consent.")] = 600,
) -> None:
    """Connect a QuickBooks company, or connect it again: consent in a browser, then preflight in words.

    Connected again, a toggle that is not named stays as it was.
    """
    settings = load_settings()
    try:
        connected = run_async(_connect(settings, tenant, import_invoices, review_requests, browser, wait))
    except (ConsentRefused, ConnectionRefused, OAuthError) as error:
        raise fail(str(error)) from None
    except QBOError as error:
        raise fail(f"Connected, but preflight failed; the bridge tries again by itself. {error}") from None
    except OSError as error:
        raise fail(f"Nothing can listen for the consent at {settings.qbo_redirect_uri}: {error}") from None
    print(f"connected: tenant {connected.tenant_id}, company {connected.realm_id}")
    print(f"  - Earlier invoices are {'' if connected.import_invoices else 'not '}brought to the CRM.")
    print(f"  - Reviews are {'' if connected.review_requests else 'not '}asked for after a first paid invoice.")
    for sentence in findings(connected.company) if connected.company else ():
        print(f"  - {sentence}")


async def _connect(
    settings: Settings, tenant: str, import_invoices: bool | None, review_requests: bool | None, browser: bool,
    wait: float,
) -> Connected:  # fmt: skip
    app_ = await asyncio.to_thread(oauth_app, settings)
    async with open_core(settings) as core, callback_server(settings.qbo_redirect_uri) as arrived:
        url = await ask(core, app_, tenant_id=tenant, import_invoices=import_invoices, review_requests=review_requests)
        print(f"Give consent here:\n{url}", flush=True)
        if browser:
            await asyncio.to_thread(webbrowser.open, url)
        try:
            callback = await asyncio.wait_for(arrived, timeout=wait)
        except TimeoutError:
            raise ConsentRefused(f"No consent came within {wait:.0f} seconds. Start again.") from None
        return await prepare(core, app_, *await accept(core, app_, callback))


def preflight(tenant: Tenant) -> None:
    """Read the company anew (tax codes, items, accounts, closed books) and say in words what was found."""
    settings = load_settings()
    try:
        connected = run_async(_preflight(settings, tenant))
    except (LookupError, OAuthError, QBOError) as error:
        raise fail(str(error)) from None
    for sentence in findings(connected.company) if connected.company else ():
        print(f"  - {sentence}")
    if not connected.read_now:
        raise fail(
            "This is what was known before: no process came to read the company anew within a minute. The next one "
            "that works on it will; `connections list` says whether that fails."
        )


async def _preflight(settings: Settings, tenant: str) -> Connected:
    app_ = await asyncio.to_thread(oauth_app, settings)
    async with open_core(settings) as core:
        for connection in await core.connections.all():
            if connection.tenant_id == tenant and connection.state == "connected":
                return await prepare(core, app_, tenant, connection.realm_id)
    raise LookupError(f"Tenant {tenant} has no company that is connected.")


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """Show every connection and how it stands."""
    settings = load_settings()

    async def work() -> None:
        async with open_core(settings) as core:
            standings = await watch_standings(core.pool)
            found = await core.connections.all()
        rows = [_listed(one, standings.get((one.tenant_id, one.realm_id))) for one in found]
        columns = (
            *("tenant", "company", "name", "country", "currency", "state", "polled_at", "import"),
            *("cause", "what_to_do"),
        )
        show(
            rows,
            columns,
            as_json=as_json,
            empty="No company is connected. `qbo-bridge connections connect TENANT`",
        )

    run_async(work())


def _listed(connection: Connection, watch: WatchStanding | None) -> dict[str, Any]:
    """Return a connection as it is shown. Trouble with polls stands where there is no worse."""
    company = connection.company
    failing = watch is not None and watch.failure is not None and connection.cause is None
    row = {
        "tenant": connection.tenant_id,
        "company": connection.realm_id,
        "name": company.name if company else None,
        "country": company.country if company else None,
        "currency": company.home_currency if company else None,
        "state": connection.state,
        "cause": "polls_fail" if failing else connection.cause,
        "what_to_do": f"Tried again by itself. {watch.failure}" if failing and watch else connection.message,
        "books_since": connection.sync_from,
        "consent_until": connection.refresh_expires_at,
        "import_invoices": connection.import_invoices,
        "review_requests": connection.review_requests,
    }
    if watch is None:
        return row
    return row | {
        "polled_at": watch.polled_at,
        "polls_fail_since": watch.failing_since,
        "import": watch.import_in_words(),
        "import_state": watch.import_state,
        "import_done": watch.import_done,
        "import_total": watch.import_total,
        "import_left_seconds": watch.import_left_seconds,
        "customers_told": watch.customers_told,
        "history_counted": watch.history_counted,
        "webhook_at": watch.announced_at,
        "missed_by_webhooks_at": watch.unannounced_at,
    }


@app.command("pause")
def pause(tenant: Tenant) -> None:
    """Stop working on this tenant's company; its events are stored and wait."""
    resume = f"Somebody paused it: `qbo-bridge connections resume {tenant}` goes on."
    _set(tenant, ConnectionState.PAUSED, of=("connected",), cause="paused_by_operator", message=resume)


@app.command("resume")
def resume(tenant: Tenant) -> None:
    """Go on with a paused company; what waited is applied in order."""
    _set(tenant, ConnectionState.CONNECTED, of=("paused",), cause=None)


@app.command("disconnect")
def disconnect(tenant: Tenant) -> None:
    """End the connection and revoke its consent. Events of this tenant are no longer stored."""
    settings = load_settings()

    async def work() -> bool:
        app_ = await asyncio.to_thread(oauth_app, settings)
        async with open_core(settings) as core:
            found = [c for c in await core.connections.all() if c.tenant_id == tenant and c.state != "disconnected"]
            for connection in found:
                await _revoke(core.connections, app_, tenant, connection.realm_id)
            return await core.connections.set_state(
                tenant,
                ConnectionState.DISCONNECTED,
                of=("connected", "paused", "reconnect_needed"),
                cause="disconnected_by_operator",
            )

    try:
        changed = run_async(work())
    except OAuthError as error:
        raise fail(f"The consent could not be revoked: {error}") from None
    except InvalidToken:
        raise fail(
            "The consent could not be revoked: its tokens cannot be decrypted. Put the key they were stored under back "
            "into QBO_BRIDGE_TOKEN_KEYS, or connect the company again first."
        ) from None
    if not changed:
        raise fail(f"Tenant {tenant} has no connection.")
    print(f"{tenant}: disconnected")


async def _revoke(store: ConnectionStore, app_: OAuthApp, tenant: str, realm_id: str) -> None:
    """End the consent at Intuit. One that Intuit refuses was ended before, by the user in QuickBooks or by time."""
    tokens = await store.tokens(tenant, realm_id)
    try:
        await asyncio.to_thread(app_.revoke, tokens.refresh_token)
    except (ClientInvalid, OAuthUnavailable):
        raise
    except OAuthError as error:
        print(f"The consent had ended already. {error}", file=sys.stderr)


def _set(
    tenant: str, state: ConnectionState, *, of: tuple[str, ...], cause: str | None, message: str | None = None
) -> None:
    settings = load_settings()

    async def work() -> bool:
        async with open_core(settings) as core:
            return await core.connections.set_state(tenant, state, of=of, cause=cause, message=message)

    if not run_async(work()):
        raise fail(f"Tenant {tenant} has no connection that is {' or '.join(of)}.")
    print(f"{tenant}: {state.value.lower()}")
