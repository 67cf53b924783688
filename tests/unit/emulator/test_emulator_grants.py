"""What OAuth does beyond one consent and one refresh at a time."""

import asyncio
import base64
import json
from typing import Any

import aiohttp
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from qbo_client.emulator.oauth_routes import AUTHORIZE, JWKS, TOKEN, USERINFO
from tests.unit.emulator.driver import Books, callback, control

CALLBACK = "http://localhost:8000/callback"
APP = {"Authorization": aiohttp.encode_basic_auth("app", "secret")}


async def connected(books: Books, scope: str, **other: str) -> dict[str, Any]:
    asked = {"client_id": "app", "response_type": "code", "scope": scope, "redirect_uri": CALLBACK, **other}
    form = {**asked, "realm_id": books.realm_id, "action": "connect"}
    async with books.session.post(books.base_url + AUTHORIZE, data=form, allow_redirects=False) as got:
        code = callback(got.headers["Location"])["code"]
    bought = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    async with books.session.post(books.base_url + TOKEN, data=bought, headers=APP) as got:
        assert got.status == 200
        tokens: dict[str, Any] = await got.json()
        return tokens


async def refresh(books: Books, refresh_token: str) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    async with books.session.post(books.base_url + TOKEN, data=form, headers=APP) as got:
        return got.status, await got.json()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def published_key(books: Books) -> Any:
    async with books.session.get(books.base_url + JWKS) as got:
        (key,) = (await got.json())["keys"]
    n, e = (int.from_bytes(decoded(key[name]), "big") for name in ("n", "e"))
    return RSAPublicNumbers(e, n).public_key()


async def test_id_token_is_signed_with_the_published_key_and_names_company_and_app(us: Books) -> None:
    tokens = await connected(us, "com.intuit.quickbooks.accounting openid", nonce="n-1")
    signed, _, signature = tokens["id_token"].rpartition(".")
    key = await published_key(us)
    key.verify(decoded(signature), signed.encode(), PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(decoded(signature), b"other", PKCS1v15(), SHA256())
    claims = json.loads(decoded(signed.partition(".")[2]))
    assert (claims["iss"], claims["aud"]) == (f"{us.base_url}/op/v1", ["app"])
    assert (claims["realmid"], claims["nonce"]) == (us.realm_id, "n-1")
    assert claims["exp"] - claims["iat"] == 3600


async def test_id_token_is_not_given_to_whom_did_not_ask_for_it(us: Books) -> None:
    assert "id_token" not in await connected(us, "com.intuit.quickbooks.accounting")


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("openid", {"sub"}),
        ("openid email", {"sub", "email", "emailVerified"}),
        ("openid profile phone", {"sub", "givenName", "familyName", "phoneNumber", "phoneNumberVerified"}),
        ("openid address", {"sub", "address"}),
    ],
)
async def test_user_info_tells_what_the_scope_allows(us: Books, scope: str, claims: set[str]) -> None:
    tokens = await connected(us, scope)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    async with us.session.get(us.base_url + USERINFO, headers=headers) as got:
        assert set(await got.json()) == claims


async def test_rotated_token_goes_on_working_within_its_grace(us: Books) -> None:
    await control(us, "rotation", {"policy": "always", "grace_seconds": 60})
    first = (await connected(us, "com.intuit.quickbooks.accounting"))["refresh_token"]
    _, second = await refresh(us, first)
    status, third = await refresh(us, first)
    assert status == 200
    assert len({first, second["refresh_token"], third["refresh_token"]}) == 3
    await control(us, "clock", {"advance_seconds": 61})
    assert (await refresh(us, first))[0] == 400
    assert (await refresh(us, third["refresh_token"]))[0] == 200


async def taken(books: Books) -> None:
    """Returns once the fault that was set has met its request."""
    async with asyncio.timeout(30):
        while (await shown(books))["faults"]:
            pass


async def shown(books: Books) -> Any:
    async with books.session.get(f"{books.base_url}/emulator/faults") as got:
        return await got.json()


@pytest.mark.parametrize(
    ("overlap", "status", "lives"), [("tolerated", 200, True), ("one_fails", 400, True), ("ends_grant", 400, False)]
)
async def test_refresh_that_overlaps_another_does_as_the_switch_says(
    us: Books, overlap: str, status: int, lives: bool
) -> None:
    await control(us, "rotation", {"policy": "daily", "overlap": overlap})
    tokens = await connected(us, "com.intuit.quickbooks.accounting")
    await control(us, "faults", {"kind": "hang_before", "path_contains": "tokens/bearer"})
    first = asyncio.create_task(refresh(us, tokens["refresh_token"]))
    await taken(us)
    assert (await refresh(us, tokens["refresh_token"]))[0] == status
    first.cancel()
    held = Books(session=us.session, base_url=us.base_url, realm_id=us.realm_id, token=tokens["access_token"])
    assert (await held.query("select * from Item")).status == (200 if lives else 401)
