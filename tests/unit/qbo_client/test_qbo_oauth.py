import asyncio
import base64
import logging
import os
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest
import simplejson

from qbo_client.loopback import as_https, as_written, check
from qbo_client.oauth import (
    ClientInvalid,
    Endpoints,
    Grant,
    GrantInvalid,
    OAuthApp,
    OAuthError,
    OAuthUnavailable,
    discover,
)
from tests.unit.qbo_client.vendor import Reply, Reset, Vendor, ok

T = TypeVar("T")

TOKENS = {
    "access_token": "ACCESS-SECRET",
    "token_type": "bearer",
    "expires_in": 3600,
    "refresh_token": "REFRESH-SECRET",
    "x_refresh_token_expires_in": 8726400,
}


def refusal(status: int = 400, **fields: str) -> Reply:
    return Reply(status=status, body=simplejson.dumps(fields).encode(), headers={"intuit_tid": "1-no"})


@pytest.fixture
def endpoints(vendor: Vendor) -> Endpoints:
    return Endpoints(
        authorize=f"{vendor.base_url}/connect/oauth2",
        token=f"{vendor.base_url}/oauth2/v1/tokens/bearer",
        revoke=f"{vendor.base_url}/v2/oauth2/tokens/revoke",
    )


@pytest.fixture
def app(endpoints: Endpoints) -> OAuthApp:
    return OAuthApp(
        client_id="client",
        client_secret="CLIENT-SECRET",
        redirect_uri="http://localhost:1/callback",
        endpoints=endpoints,
    )


async def blocking(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


def test_authorize_url_asks_for_accounting_with_our_state(app: OAuthApp, endpoints: Endpoints) -> None:
    url = app.authorize_url("the-state")
    assert url.startswith(f"{endpoints.authorize}?")
    assert parse_qs(urlsplit(url).query) == {
        "response_type": ["code"],
        "client_id": ["client"],
        "redirect_uri": ["http://localhost:1/callback"],
        "scope": ["com.intuit.quickbooks.accounting"],
        "state": ["the-state"],
    }


async def test_exchange_sends_the_code_as_intuit_wants_it(app: OAuthApp, vendor: Vendor) -> None:
    vendor.answers(ok({**TOKENS, "x_refresh_token_hard_expires_in": 157680000}))
    grant = await blocking(lambda: app.exchange("the-code"))
    assert grant == Grant(
        access_token="ACCESS-SECRET",
        refresh_token="REFRESH-SECRET",
        expires_in=3600,
        refresh_expires_in=8726400,
        refresh_hard_expires_in=157680000,
    )
    [seen] = vendor.seen
    assert (seen.method, seen.path) == ("POST", "/oauth2/v1/tokens/bearer")
    assert parse_qs(seen.body.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["the-code"],
        "redirect_uri": ["http://localhost:1/callback"],
    }
    basic = base64.b64encode(b"client:CLIENT-SECRET").decode()
    assert seen.headers["Authorization"] == f"Basic {basic}"
    assert seen.headers["Accept"] == "application/json"
    assert seen.headers["x-include-refresh-token-hard-expires-in"] == "true"


async def test_refresh_sends_the_refresh_token(app: OAuthApp, vendor: Vendor) -> None:
    vendor.answers(ok(TOKENS))
    grant = await blocking(lambda: app.refresh("the-old-one"))
    assert (grant.refresh_token, grant.refresh_hard_expires_in) == ("REFRESH-SECRET", None)
    [seen] = vendor.seen
    assert parse_qs(seen.body.decode()) == {"grant_type": ["refresh_token"], "refresh_token": ["the-old-one"]}
    assert seen.headers["Authorization"].startswith("Basic ")
    assert seen.headers["x-include-refresh-token-hard-expires-in"] == "true"


async def test_revoke_posts_the_token_as_json(app: OAuthApp, vendor: Vendor) -> None:
    vendor.answers(Reply())
    await blocking(lambda: app.revoke("REFRESH-SECRET"))
    [seen] = vendor.seen
    assert (seen.method, seen.path) == ("POST", "/v2/oauth2/tokens/revoke")
    assert simplejson.loads(seen.body) == {"token": "REFRESH-SECRET"}
    assert seen.headers["Authorization"].startswith("Basic ")
    assert seen.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "kind", "error"),
    [
        (refusal(error="invalid_grant"), GrantInvalid, "invalid_grant"),
        (refusal(error="invalid_grant", error_description="Token invalid"), GrantInvalid, "invalid_grant"),
        (refusal(error="invalid_client"), ClientInvalid, "invalid_client"),
        (refusal(401, error="invalid_client"), ClientInvalid, "invalid_client"),
        (refusal(401), ClientInvalid, None),
        (refusal(error="invalid_request"), OAuthError, "invalid_request"),
        (refusal(error="unsupported_grant_type"), OAuthError, "unsupported_grant_type"),
        (Reply(status=400, body=b"<html>"), OAuthError, None),
    ],
)
async def test_refresh_refused_says_whose_fault_it_is(
    app: OAuthApp, vendor: Vendor, answer: Reply, kind: type[OAuthError], error: str | None
) -> None:
    vendor.answers(answer)
    with pytest.raises(OAuthError) as caught:
        await blocking(lambda: app.refresh("REFRESH-SECRET"))
    assert type(caught.value) is kind
    assert (caught.value.error, caught.value.retryable) == (error, False)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(status=500, headers={"intuit_tid": "1-x"}),
        Reply(status=503, body=b"<html>busy</html>"),
        Reply(status=429),
        Reply(status=400, body=b"{broken"),
        Reply(status=302, headers={"Location": "/elsewhere"}),
        Reply(body=b"<html>Welcome</html>"),
        Reply(body=b""),
        ok({"access_token": "ACCESS-SECRET", "token_type": "bearer"}),
        ok({**TOKENS, "expires_in": "soon"}),
        ok({**TOKENS, "x_refresh_token_expires_in": None}),
        ok([TOKENS]),
        Reset(),
    ],
)
async def test_refresh_without_usable_answer_may_be_tried_again(
    app: OAuthApp, vendor: Vendor, answer: Reply | Reset
) -> None:
    vendor.answers(answer)
    with pytest.raises(OAuthUnavailable) as caught:
        await blocking(lambda: app.refresh("REFRESH-SECRET"))
    assert caught.value.retryable
    assert "SECRET" not in str(caught.value)
    assert len(vendor.seen) == 1


async def test_exchange_used_code_is_grant_invalid(app: OAuthApp, vendor: Vendor) -> None:
    vendor.answers(refusal(error="invalid_grant"))
    with pytest.raises(GrantInvalid) as caught:
        await blocking(lambda: app.exchange("used"))
    assert caught.value.intuit_tid == "1-no"


async def test_revoke_refused_is_raised(app: OAuthApp, vendor: Vendor) -> None:
    vendor.answers(Reply(status=400))
    with pytest.raises(OAuthError, match="HTTP 400"):
        await blocking(lambda: app.revoke("x"))


def test_refresh_without_connection_is_unavailable(closed_url: str) -> None:
    dead = Endpoints(authorize=closed_url, token=closed_url, revoke=closed_url)
    app = OAuthApp(client_id="c", client_secret="s", redirect_uri="http://localhost:1/", endpoints=dead)
    with pytest.raises(OAuthUnavailable):
        app.refresh("x")
    with pytest.raises(OAuthUnavailable):
        app.revoke("x")


async def test_discover_reads_where_the_pages_are(vendor: Vendor, endpoints: Endpoints) -> None:
    document = {
        "authorization_endpoint": endpoints.authorize,
        "token_endpoint": endpoints.token,
        "revocation_endpoint": endpoints.revoke,
        "scopes_supported": ["openid"],
    }
    vendor.answers(ok(document))
    assert await blocking(lambda: discover(f"{vendor.base_url}/.well-known/x/")) == endpoints
    assert vendor.seen[0].headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ok({"authorization_endpoint": "https://a.example/"}), OAuthError),
        (
            ok(
                {
                    "authorization_endpoint": "https://a.example/",
                    "token_endpoint": "http://b.example/",
                    "revocation_endpoint": "https://c.example/",
                }
            ),
            OAuthError,
        ),
        (ok([]), OAuthUnavailable),
        (Reply(body=b"<html>"), OAuthUnavailable),
        (Reply(status=503), OAuthUnavailable),
        (Reply(status=404), OAuthError),
    ],
)
async def test_discover_document_of_no_use_is_an_error(vendor: Vendor, answer: Reply, kind: type[OAuthError]) -> None:
    vendor.answers(answer)
    with pytest.raises(OAuthError) as caught:
        await blocking(lambda: discover(vendor.base_url))
    assert type(caught.value) is kind


def test_secrets_are_not_in_any_repr(app: OAuthApp) -> None:
    grant = Grant(access_token="SECRET", refresh_token="SECRET", expires_in=1, refresh_expires_in=2)
    assert "SECRET" not in repr(app)
    assert "SECRET" not in repr(grant)


async def test_secrets_are_in_no_log_even_at_debug(
    app: OAuthApp, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vendor.answers(ok(TOKENS), ok(TOKENS))
    await blocking(lambda: app.exchange("CODE-SECRET"))
    await blocking(lambda: app.refresh("REFRESH-SECRET"))
    assert "SECRET" not in caplog.text


def test_plain_http_is_not_allowed_to_the_whole_process(app: OAuthApp) -> None:
    app.authorize_url("state")
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ


async def test_loopback_is_not_reached_through_a_proxy(
    app: OAuthApp, vendor: Vendor, closed_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", closed_url)
    monkeypatch.setenv("HTTP_PROXY", closed_url)
    vendor.answers(ok(TOKENS))
    grant = await blocking(lambda: app.refresh("x"))
    assert grant.expires_in == 3600


@pytest.mark.parametrize(
    "url",
    [
        "https://oauth.example/x",
        "http://localhost:8080/x",
        "http://127.0.0.1/x",
        "http://127.9.9.9",
        "http://[::1]:1/x",
    ],
)
def test_address_that_is_safe_passes(url: str) -> None:
    check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://oauth.example/x",
        "http://127.0.0.1.example/x",
        "http://localhost.example",
        "http://10.0.0.1/",
        "ftp://localhost/",
        "https:///x",
        "",
    ],
)
def test_address_that_is_unsafe_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be https"):
        check(url)
    with pytest.raises(ValueError, match="must be https"):
        Endpoints(authorize=url, token="https://a.example", revoke="https://a.example")


@pytest.mark.parametrize("url", ["http://localhost:1/a?b=https://c", "https://x.example/a"])
def test_address_disguised_for_oauthlib_comes_back_as_written(url: str) -> None:
    assert as_https(url).startswith("https://")
    assert as_written(as_https(url), url) == url
