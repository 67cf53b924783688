from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from qbo_client.emulator.grants import HARD_LIFE
from qbo_client.emulator.oauth_routes import AUTHORIZE, REVOKE, TOKEN, USERINFO
from qbo_client.emulator.world import World
from tests.unit.emulator.driver import Books, callback, control

CALLBACK = "http://localhost:8000/callback?tenant=7"
APP = aiohttp.encode_basic_auth("app", "secret")
ASKED = {
    "client_id": "app",
    "response_type": "code",
    "scope": "com.intuit.quickbooks.accounting openid",
    "redirect_uri": CALLBACK,
    "state": "s&1",
}


async def consent(books: Books, *, action: str = "connect", **other: str) -> dict[str, str]:
    form = {**ASKED, "realm_id": books.realm_id, "action": action, **other}
    async with books.session.post(books.base_url + AUTHORIZE, data=form, allow_redirects=False) as got:
        assert got.status == 302
        assert got.headers["Location"].startswith(CALLBACK + "&")
        return callback(got.headers["Location"])


async def token(
    books: Books, form: Mapping[str, str], *, app: str = APP, hard: bool = False
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": app}
    if hard:
        headers["x-include-refresh-token-hard-expires-in"] = "true"
    async with books.session.post(books.base_url + TOKEN, data=form, headers=headers) as got:
        return got.status, await got.json()


async def exchange(books: Books, code: str, **other: str) -> tuple[int, dict[str, Any]]:
    return await token(books, {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **other})


async def refresh(books: Books, refresh_token: str, *, hard: bool = False) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return await token(books, form, hard=hard)


async def connected(books: Books) -> dict[str, Any]:
    status, tokens = await exchange(books, (await consent(books))["code"])
    assert status == 200
    return tokens


def holding(books: Books, access_token: str, realm_id: str = "") -> Books:
    return Books(
        session=books.session,
        base_url=books.base_url,
        realm_id=realm_id or books.realm_id,
        token=access_token,
    )


@pytest.mark.parametrize("name", ["openid_sandbox_configuration", "openid_configuration"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_discovery_names_endpoints_on_the_same_host(us: Books, name: str, slash: str) -> None:
    async with us.session.get(f"{us.base_url}/.well-known/{name}{slash}") as got:
        document = await got.json()
    assert document["token_endpoint"] == us.base_url + TOKEN
    assert document["revocation_endpoint"] == us.base_url + REVOKE


async def test_consent_page_offers_each_company_and_both_buttons(us: Books, gb: Books) -> None:
    async with us.session.get(us.base_url + AUTHORIZE, params=ASKED) as got:
        text = await got.text()
    assert us.realm_id in text
    assert gb.realm_id in text
    assert 'value="connect"' in text
    assert 'value="cancel"' in text
    assert "EMULATOR" in text


async def test_connect_returns_code_state_and_realm_and_the_code_buys_tokens(us: Books) -> None:
    answered = await consent(us)
    assert (answered["state"], answered["realmId"]) == ("s&1", us.realm_id)
    status, tokens = await exchange(us, answered["code"])
    assert status == 200
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 3600)
    assert "x_refresh_token_hard_expires_in" not in tokens
    reply = await holding(us, tokens["access_token"]).call("GET", f"companyinfo/{us.realm_id}")
    assert reply.body["CompanyInfo"]["Country"] == "US"


async def test_cancel_returns_access_denied(us: Books) -> None:
    assert await consent(us, action="cancel") == {"tenant": "7", "error": "access_denied", "state": "s&1"}


async def test_unknown_scope_returns_invalid_scope(us: Books) -> None:
    params = {**ASKED, "scope": "everything"}
    async with us.session.get(us.base_url + AUTHORIZE, params=params, allow_redirects=False) as got:
        assert callback(got.headers["Location"])["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "other"}, {"redirect_uri": "https://elsewhere.example/"}, {"redirect_uri": ""}],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unregistered_application_or_address_is_never_redirected_to(
    us: Books, wrong: dict[str, str], method: str
) -> None:
    asked = {**ASKED, "realm_id": us.realm_id, "action": "connect", **wrong}
    where = {"params": asked} if method == "GET" else {"data": asked}
    async with us.session.request(method, us.base_url + AUTHORIZE, allow_redirects=False, **where) as got:  # type: ignore[arg-type]
        assert got.status == 400


def test_registered_redirect_uri_must_match_exactly() -> None:
    world = World(client_id="app", client_secret="secret", redirect_uris=("http://localhost:1/cb",))
    assert world.authority.may_return_to("http://localhost:1/cb")
    assert not world.authority.may_return_to("http://localhost:1/cb/")


async def test_code_used_twice_is_invalid_grant(us: Books) -> None:
    code = (await consent(us))["code"]
    assert (await exchange(us, code))[0] == 200
    status, body = await exchange(us, code)
    assert (status, body["error"]) == (400, "invalid_grant")


async def test_code_with_another_redirect_uri_is_invalid_grant(us: Books) -> None:
    code = (await consent(us))["code"]
    status, body = await exchange(us, code, redirect_uri="http://localhost/other")
    assert (status, body["error"]) == (400, "invalid_grant")


async def test_wrong_secret_is_invalid_client(us: Books) -> None:
    status, body = await token(us, {"grant_type": "refresh_token"}, app=aiohttp.encode_basic_auth("app", "wrong"))
    assert (status, body) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "RT1-nobody"}, "invalid_grant"),
    ],
)
async def test_token_request_that_is_wrong_gets_its_error(us: Books, form: dict[str, str], error: str) -> None:
    status, body = await token(us, form)
    assert (status, body["error"]) == (400, error)


async def test_access_token_sent_as_refresh_token_says_so(us: Books) -> None:
    tokens = await connected(us)
    _, body = await refresh(us, tokens["access_token"])
    assert body == {"error": "invalid_grant", "error_description": "Incorrect Token type or clientID"}


async def test_refresh_within_a_day_gives_the_same_refresh_token_and_later_another(us: Books) -> None:
    tokens = await connected(us)
    _, soon = await refresh(us, tokens["refresh_token"])
    assert soon["refresh_token"] == tokens["refresh_token"]
    assert soon["access_token"] != tokens["access_token"]
    await control(us, "clock", {"advance_seconds": 25 * 3600})
    _, later = await refresh(us, tokens["refresh_token"])
    assert later["refresh_token"] != tokens["refresh_token"]
    assert await refresh(us, tokens["refresh_token"]) == (400, {"error": "invalid_grant"})


async def test_rotation_always_gives_another_refresh_token_each_time(us: Books) -> None:
    await control(us, "rotation", {"policy": "always"})
    tokens = await connected(us)
    _, second = await refresh(us, tokens["refresh_token"])
    assert second["refresh_token"] != tokens["refresh_token"]
    assert (await refresh(us, tokens["refresh_token"]))[0] == 400


async def test_hard_expiry_is_told_when_asked_and_ends_the_chain(us: Books) -> None:
    tokens = await connected(us)
    _, body = await refresh(us, tokens["refresh_token"], hard=True)
    assert 0 < HARD_LIFE.total_seconds() - body["x_refresh_token_hard_expires_in"] < 60
    current = tokens["refresh_token"]
    for _ in range(19):
        await control(us, "clock", {"advance_seconds": 96 * 24 * 3600})
        status, body = await refresh(us, current, hard=True)
        assert status == 200
        current = body["refresh_token"]
    assert body["x_refresh_token_expires_in"] == body["x_refresh_token_hard_expires_in"]
    await control(us, "clock", {"advance_seconds": 2 * 24 * 3600})
    assert (await refresh(us, current))[0] == 400


async def test_refresh_token_left_idle_too_long_is_invalid_grant(us: Books) -> None:
    tokens = await connected(us)
    await control(us, "clock", {"advance_seconds": 102 * 24 * 3600})
    assert (await refresh(us, tokens["refresh_token"]))[0] == 400


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_revoke_of_either_token_ends_the_grant(us: Books, which: str) -> None:
    tokens = await connected(us)
    for expected in (200, 400):
        sent = {"token": tokens[which]}
        async with us.session.post(us.base_url + REVOKE, json=sent, headers={"Authorization": APP}) as got:
            assert got.status == expected
    assert (await refresh(us, tokens["refresh_token"]))[0] == 400
    assert (await holding(us, tokens["access_token"]).query("select * from Item")).status == 401


async def test_user_info_needs_the_openid_scope(us: Books) -> None:
    tokens = await connected(us)
    for access_token, expected in ((tokens["access_token"], 200), (us.token, 401), ("none", 401)):
        headers = {"Authorization": f"Bearer {access_token}"}
        async with us.session.get(us.base_url + USERINFO, headers=headers) as got:
            assert got.status == expected


async def test_expired_access_token_is_401_in_the_lower_case_envelope(us: Books) -> None:
    await us.control("expire-access-tokens")
    reply = await us.query("select * from Item")
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="Intuit", error="invalid_token"'
    assert reply.body["fault"]["error"][0]["code"] == "3200"
    assert isinstance(reply.body["time"], int)


async def test_token_of_another_company_is_403_3100(us: Books, gb: Books) -> None:
    reply = await holding(us, us.token, realm_id=gb.realm_id).query("select * from Item")
    assert (reply.status, reply.body["fault"]["error"][0]["code"]) == (403, "3100")


async def test_disconnect_in_quickbooks_ends_every_grant_of_that_company_only(us: Books, gb: Books) -> None:
    tokens = await connected(us)
    assert await us.control("revoke") == {"grants_ended": 2}
    assert (await us.query("select * from Item")).status == 401
    assert await refresh(us, tokens["refresh_token"]) == (400, {"error": "invalid_grant"})
    assert (await gb.query("select * from Item")).status == 200


async def test_fault_on_the_token_endpoint_after_its_effect_has_rotated(us: Books) -> None:
    await control(us, "rotation", {"policy": "always"})
    tokens = await connected(us)
    await control(us, "faults", {"kind": "reset_after", "path_contains": "tokens/bearer"})
    with pytest.raises(aiohttp.ClientError):
        await refresh(us, tokens["refresh_token"])
    assert (await refresh(us, tokens["refresh_token"]))[0] == 400
