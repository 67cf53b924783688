"""Connecting a company: Intuit's consent, the callback, the exchange, and preflight in the company's own lane."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from aiohttp import web
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bridge.bootstrap import Core, Works, open_lane_works
from bridge.lanes.keeper import LaneWorker
from bridge.tokens import tokens_of
from mapping.company import Company
from qbo_client.oauth import OAuthApp

_STATE_LIVES_SECONDS = 600
_OTHER_PROCESS_SECONDS = 60.0
_LANE_HELD_SECONDS = 0.3
_BEHIND_PROXY = 8484


class ConsentRefused(Exception):
    """The person refused, or the answer is not one that was asked for; the sentence says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What Intuit's redirect carries."""

    state: str
    code: str | None
    realm_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    tenant_id: str
    realm_id: str
    #: None when another process runs preflight and had not finished in time.
    company: Company | None
    #: False when another process held the company's lane all the time: what is known may be out of date.
    read_now: bool
    import_invoices: bool
    review_requests: bool


async def ask(
    core: Core, app: OAuthApp, *, tenant_id: str, import_invoices: bool | None, review_requests: bool | None
) -> str:
    """Return the address where a person gives consent. Its state is signed, short-lived and used once.

    A toggle that is None stays as the connection has it.
    """
    nonce = secrets.token_urlsafe(24)
    await core.connections.ask_consent(
        nonce=nonce, tenant_id=tenant_id, import_invoices=import_invoices, review_requests=review_requests
    )
    return app.authorize_url(_fernet(core).encrypt(nonce.encode()).decode())


async def accept(core: Core, app: OAuthApp, callback: Callback) -> tuple[str, str]:
    """Exchange the code and store the connection; return (tenant_id, realm_id). Raises ConsentRefused."""
    asked = await core.connections.take_consent(_nonce(core, callback.state))
    if asked is None:
        raise ConsentRefused("This consent was used already or is too old. Start the connection again.")
    if callback.error or not callback.code or not callback.realm_id:
        raise ConsentRefused(f"QuickBooks gave no consent ({callback.error or 'no code'}). Start again to connect.")
    grant = await asyncio.to_thread(app.exchange, callback.code)
    await core.connections.connect(
        tenant_id=asked["tenant_id"],
        realm_id=callback.realm_id,
        tokens=tokens_of(grant, core.clock.now()),
        import_invoices=asked["import_invoices"],
        review_requests=asked["review_requests"],
    )
    return asked["tenant_id"], callback.realm_id


async def prepare(core: Core, app: OAuthApp, tenant_id: str, realm_id: str) -> Connected:
    """Have preflight run in the company's lane: here if the lane is free, else by the process that holds it.

    If neither came to it within a minute, the company is returned as it is known: None if its first preflight
    is still to come.
    """
    async with open_lane_works(core, app) as works:
        groups = [asyncio.ensure_future(group()) for group in works.groups]
        try:
            read_now = await _preflight(core, works, realm_id)
        finally:
            for group in groups:
                group.cancel()
            await works.lanes.count_reads()
    known = await core.connections.get(tenant_id, realm_id)
    return Connected(
        tenant_id=tenant_id, realm_id=realm_id, company=known.company, read_now=read_now,
        import_invoices=known.import_invoices, review_requests=known.review_requests,
    )  # fmt: skip


async def _preflight(core: Core, works: Works, realm_id: str) -> bool:
    """Return whether the company was read anew; if not in time, whoever works on it next will read it."""
    await works.store.ask_preflight(realm_id)
    until = core.clock.monotonic() + _OTHER_PROCESS_SECONDS
    while core.clock.monotonic() < until:
        ends_at = core.clock.monotonic() + core.settings.lease_seconds
        for lease in await works.store.claim(limit=1, wanted=[realm_id], only_wanted=True):
            budget = works.lanes.budget_of(lease)
            try:
                lane = await works.lanes.open(LaneWorker(lease, ends_at, ends_at), budget)
                await works.lanes.prepare(lane)
            finally:
                await works.store.release(lease, budget=budget.snapshot())
            return True
        await core.clock.sleep(_LANE_HELD_SECONDS)
        if not await works.store.preflight_is_asked(realm_id):
            return True
    return False


@asynccontextmanager
async def callback_server(redirect_uri: str) -> AsyncIterator["asyncio.Future[Callback]"]:
    """Listen where Intuit will redirect the browser; the future holds what it brought."""
    parts = urlsplit(redirect_uri)
    arrived: asyncio.Future[Callback] = asyncio.get_running_loop().create_future()

    async def receive(request: web.Request) -> web.Response:
        query = request.query
        if not arrived.done():
            arrived.set_result(
                Callback(
                    state=query.get("state", ""),
                    code=query.get("code"),
                    realm_id=query.get("realmId"),
                    error=query.get("error"),
                )
            )
        text = "You can close this window and go back to the terminal."
        return web.Response(text=f"<!doctype html><title>QBO Bridge</title><p>{text}", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get(parts.path or "/", receive)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", listening_port(parts)).start()
        yield arrived
    finally:
        await runner.cleanup()


def listening_port(redirect_uri: SplitResult) -> int:
    """Return where to listen. An https address is a proxy's, which ends TLS and passes on to one fixed port."""
    return _BEHIND_PROXY if redirect_uri.scheme == "https" else redirect_uri.port or 80


def _nonce(core: Core, state: str) -> str:
    try:
        return _fernet(core).decrypt(state.encode(), ttl=_STATE_LIVES_SECONDS).decode()
    except InvalidToken as error:
        raise ConsentRefused("This answer was not asked for by this bridge. Start the connection again.") from error


def _fernet(core: Core) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in core.settings.keys])
