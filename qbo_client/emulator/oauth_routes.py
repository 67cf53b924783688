"""Intuit's OAuth 2.0 endpoints over HTTP, on the same base URL as the API."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from qbo_client.emulator import pages, wire
from qbo_client.emulator.gateway import Gateway
from qbo_client.emulator.grants import OAuthRefused, Tokens
from qbo_client.emulator.identity import Identity, userinfo
from qbo_client.emulator.world import ACCOUNTING, World

AUTHORIZE = "/connect/oauth2"
TOKEN = "/oauth2/v1/tokens/bearer"
REVOKE = "/v2/oauth2/tokens/revoke"
USERINFO = "/v1/openid_connect/userinfo"
ISSUER = "/op/v1"
JWKS = f"{ISSUER}/jwks"
DISCOVERY = ("/.well-known/openid_sandbox_configuration", "/.well-known/openid_configuration")
_HARD_EXPIRY_HEADER = "x-include-refresh-token-hard-expires-in"
_SCOPES = frozenset({ACCOUNTING, "com.intuit.quickbooks.payment", "openid", "profile", "email", "phone", "address"})


class OAuthRoutes:
    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway
        self._identity = Identity()

    def routes(self) -> list[web.RouteDef]:
        discovery = [
            web.get(path + slash, self.discovery, allow_head=False) for path in DISCOVERY for slash in ("", "/")
        ]
        return [
            *discovery,
            web.get(AUTHORIZE, self.ask),
            web.post(AUTHORIZE, self.decide),
            web.post(TOKEN, self.token),
            web.post(REVOKE, self.revoke),
            web.get(USERINFO, self.userinfo),
            web.get(JWKS, self.jwks),
        ]

    async def discovery(self, request: web.Request) -> web.Response:
        base = _base(request)
        return _json(
            {
                "issuer": base + ISSUER,
                "authorization_endpoint": base + AUTHORIZE,
                "token_endpoint": base + TOKEN,
                "userinfo_endpoint": base + USERINFO,
                "revocation_endpoint": base + REVOKE,
                "jwks_uri": base + JWKS,
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile", "address", "phone"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
            }
        )

    async def ask(self, request: web.Request) -> web.Response:
        """The consent page. A wrong application or address is shown, never redirected to."""
        problem = self._problem(request.query)
        if problem:
            return pages.problem("Sorry, but this cannot be connected", problem, status=400)
        if request.query.get("response_type") != "code":
            return _back(request.query, {"error": "unsupported_response_type"})
        if not set(request.query.get("scope", "").split()) <= _SCOPES or not request.query.get("scope"):
            return _back(request.query, {"error": "invalid_scope"})
        return pages.consent(self._world.companies.values(), request.query)

    async def decide(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        problem = self._problem(form)
        if problem:
            return pages.problem("Sorry, but this cannot be connected", problem, status=400)
        realm_id = form.get("realm_id", "")
        if form.get("action") != "connect" or realm_id not in self._world.companies:
            return _back(form, {"error": "access_denied"})
        code = self._world.authority.consent(
            realm_id=realm_id,
            client_id=form["client_id"],
            redirect_uri=form["redirect_uri"],
            scope=form.get("scope", ACCOUNTING),
            nonce=form.get("nonce"),
        )
        return _back(form, {"code": code, "realmId": realm_id})

    def _problem(self, asked: Mapping[str, str]) -> str | None:
        if not self._world.authority.knows_client(asked.get("client_id", "")):
            return "The client_id is not known here."
        if not self._world.authority.may_return_to(asked.get("redirect_uri", "")):
            return "The redirect_uri query parameter value is invalid. Make sure it is registered for this app."
        return None

    async def token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}

        with self._world.authority.under_way(form.get("refresh_token", "")) as overlapping:

            async def effect() -> web.Response:
                try:
                    client_id = self._authenticated(request, form)
                    tokens = self._issue(client_id, form, overlapping=overlapping)
                except OAuthRefused as refused:
                    return _refused(refused)
                return _json(self._shown(request, client_id, tokens))

            return await self._gateway.guarded(request, effect, self._world.behaviour.token_latency)

    def _shown(self, request: web.Request, client_id: str, tokens: Tokens) -> dict[str, Any]:
        body = _token_body(tokens, hard=request.headers.get(_HARD_EXPIRY_HEADER) == "true")
        if "openid" in tokens.scope.split():
            issuer, now = _base(request) + ISSUER, self._world.clock.now()
            body["id_token"] = self._identity.token(issuer=issuer, audience=client_id, tokens=tokens, now=now)
        return body

    def _authenticated(self, request: web.Request, form: Mapping[str, str]) -> str:
        client_id = _client(request, form)
        self._world.authority.authenticate(client_id, _secret(request, form))
        return client_id

    def _issue(self, client_id: str, form: Mapping[str, str], *, overlapping: bool) -> Tokens:
        authority, grant_type = self._world.authority, form.get("grant_type", "")
        if grant_type == "authorization_code":
            _require(form, "code", "redirect_uri")
            return authority.exchange(client_id=client_id, code=form["code"], redirect_uri=form["redirect_uri"])
        if grant_type == "refresh_token":
            _require(form, "refresh_token")
            return authority.refresh(client_id=client_id, refresh_token=form["refresh_token"], overlapping=overlapping)
        raise OAuthRefused(error="unsupported_grant_type" if grant_type else "invalid_request")

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Takes JSON as documented, and a form, as OAuth has it."""
        if request.content_type == "application/json":
            sent = wire.loads(await request.read())
        else:
            sent = {name: str(value) for name, value in (await request.post()).items()}

        async def effect() -> web.Response:
            try:
                self._authenticated(request, {})
                self._world.authority.revoke(str(sent.get("token", "")))
            except OAuthRefused as refused:
                return _refused(refused)
            return web.Response()

        return await self._gateway.guarded(request, effect, self._world.behaviour.token_latency)

    async def userinfo(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        grant = self._world.authority.grant_of(token)
        if grant is None or "openid" not in grant.scope.split():
            return web.Response(status=401)
        return _json(userinfo(grant.scope))

    async def jwks(self, _request: web.Request) -> web.Response:
        return _json(self._identity.jwks())


def _base(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _token_body(tokens: Tokens, *, hard: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "access_token": tokens.access_token,
        "token_type": "bearer",
        "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh_token,
        "x_refresh_token_expires_in": tokens.refresh_expires_in,
    }
    if hard:
        body["x_refresh_token_hard_expires_in"] = tokens.refresh_hard_expires_in
    return body


def _basic(request: web.Request) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _client(request: web.Request, form: Mapping[str, str]) -> str:
    return _basic(request)[0] or form.get("client_id", "")


def _secret(request: web.Request, form: Mapping[str, str]) -> str:
    return _basic(request)[1] or form.get("client_secret", "")


def _require(form: Mapping[str, str], *names: str) -> None:
    for name in names:
        if not form.get(name):
            raise OAuthRefused(error="invalid_request", description=f"{name} is missing")


def _back(asked: Mapping[str, str], answer: Mapping[str, str]) -> web.Response:
    """To the application, with its state as it sent it."""
    target = asked["redirect_uri"]
    state = {"state": asked["state"]} if "state" in asked else {}
    joint = "&" if urlsplit(target).query else "?"
    return web.Response(status=302, headers={"Location": f"{target}{joint}{urlencode({**answer, **state})}"})


def _json(body: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.Response(status=status, text=wire.dumps(body), content_type="application/json")


def _refused(refused: OAuthRefused) -> web.Response:
    body = {"error": refused.error}
    if refused.description:
        body["error_description"] = refused.description
    return _json(body, refused.status)
