"""The whole of OAuth against the emulator: discovery, consent, exchange, refresh, revoke."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web

from qbo_client.emulator.app import build_runner
from qbo_client.emulator.grants import HARD_LIFE, Rotation
from qbo_client.emulator.world import World
from qbo_client.oauth import ClientInvalid, GrantInvalid, OAuthApp, OAuthError, discover

CALLBACK = "http://localhost:8000/callback"

T = TypeVar("T")


async def blocking(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


@pytest.fixture
def world() -> World:
    world = World(client_id="app", client_secret="secret")
    world.authority.rotation = Rotation.ALWAYS
    world.add_company("us")
    return world


@pytest.fixture
async def base_url(world: World) -> AsyncIterator[str]:
    runner = build_runner(world)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def app(base_url: str) -> OAuthApp:
    endpoints = await blocking(lambda: discover(f"{base_url}/.well-known/openid_sandbox_configuration"))
    return OAuthApp(client_id="app", client_secret="secret", redirect_uri=CALLBACK, endpoints=endpoints)


async def consent(app: OAuthApp, realm_id: str, state: str) -> dict[str, str]:
    """What a person does in the browser, and what comes back."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(app.authorize_url(state)).query).items()}
    form = {**asked, "realm_id": realm_id, "action": "connect"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(app.endpoints.authorize, data=form, allow_redirects=False) as got,
    ):
        location = got.headers["Location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def test_consent_brings_tokens_that_are_refreshed_until_they_are_revoked(world: World, app: OAuthApp) -> None:
    [realm_id] = world.companies
    came_back = await consent(app, realm_id, "the-state")
    assert (came_back["state"], came_back["realmId"]) == ("the-state", realm_id)
    first = await blocking(lambda: app.exchange(came_back["code"]))
    assert first.refresh_hard_expires_in == pytest.approx(HARD_LIFE.total_seconds(), abs=60)
    second = await blocking(lambda: app.refresh(first.refresh_token))
    assert second.refresh_token != first.refresh_token
    assert second.refresh_hard_expires_in is not None
    assert world.authority.grant_of(second.access_token) is not None
    await blocking(lambda: app.revoke(second.refresh_token))
    assert world.authority.grant_of(second.access_token) is None
    with pytest.raises(GrantInvalid):
        await blocking(lambda: app.refresh(second.refresh_token))


async def test_code_is_exchanged_once(world: World, app: OAuthApp) -> None:
    [realm_id] = world.companies
    code = (await consent(app, realm_id, "s"))["code"]
    await blocking(lambda: app.exchange(code))
    with pytest.raises(GrantInvalid):
        await blocking(lambda: app.exchange(code))


async def test_wrong_secret_is_no_dead_grant(world: World, app: OAuthApp) -> None:
    [realm_id] = world.companies
    code = (await consent(app, realm_id, "s"))["code"]
    wrong = OAuthApp(client_id="app", client_secret="x", redirect_uri=CALLBACK, endpoints=app.endpoints)
    with pytest.raises(ClientInvalid):
        await blocking(lambda: wrong.exchange(code))
    # The mistake has used nothing up.
    assert (await blocking(lambda: app.exchange(code))).expires_in == 3600


async def test_revoke_of_a_token_that_is_none_is_an_error(app: OAuthApp) -> None:
    with pytest.raises(OAuthError):
        await blocking(lambda: app.revoke("RT1-nobody"))
