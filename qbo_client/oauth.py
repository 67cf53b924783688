"""Intuit's OAuth 2.0. Everything here blocks: callers on an event loop run it in a thread."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from oauthlib.oauth2 import OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from qbo_client.loopback import as_https, as_written, check, open_loopback
from qbo_client.oauth_errors import ClientInvalid, GrantInvalid, OAuthError, OAuthUnavailable

__all__ = [
    "PRODUCTION_DISCOVERY",
    "SANDBOX_DISCOVERY",
    "ClientInvalid",
    "Endpoints",
    "Grant",
    "GrantInvalid",
    "OAuthApp",
    "OAuthError",
    "OAuthUnavailable",
]

#: Where Intuit says where its pages are, for `discover`. The key pair decides which companies can be reached.
PRODUCTION_DISCOVERY = "https://developer.intuit.com/.well-known/openid_configuration"
SANDBOX_DISCOVERY = "https://developer.intuit.com/.well-known/openid_sandbox_configuration"

ACCOUNTING_SCOPE = "com.intuit.quickbooks.accounting"

#: Connecting, reading; in seconds. A refresh that hangs holds up its whole company.
_TIMEOUT = (10.0, 30.0)

#: Without it Intuit does not say when the chain of refresh tokens ends for good (five years after consent).
_HARD_EXPIRY = {"x-include-refresh-token-hard-expires-in": "true"}
_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    **_HARD_EXPIRY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where Intuit's OAuth pages are. Raises ValueError for plain http to anywhere but this machine."""

    authorize: str
    token: str
    revoke: str

    def __post_init__(self) -> None:
        for url in (self.authorize, self.token, self.revoke):
            check(url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token answer gives; lifetimes in seconds from that answer. Store it before it is used.

    The refresh token may or may not differ from the one before: always store the one given here.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    refresh_expires_in: int
    #: When a person must consent again whatever is done; None if Intuit does not say.
    refresh_hard_expires_in: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthApp:
    """This application as registered with Intuit.

    Errors: GrantInvalid (code or refresh token is dead: connect again), ClientInvalid (client id or secret is
    wrong: a mistake of configuration, no company is to blame), OAuthUnavailable (no usable answer, try again
    with the same token), OAuthError for everything else.
    """

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    endpoints: Endpoints

    def authorize_url(self, state: str) -> str:
        """Return the page where the user consents; `state` comes back with the code and must be checked."""
        with self._session(scope=[ACCOUNTING_SCOPE]) as session:
            url, _ = session.authorization_url(as_https(self.endpoints.authorize), state=state)
        return as_written(str(url), self.endpoints.authorize)

    def exchange(self, code: str) -> Grant:
        """Trade the callback's code for tokens; a code works once."""
        with self._session() as session:
            return _grant(
                lambda: session.fetch_token(
                    as_https(self.endpoints.token),
                    code=code,
                    auth=self._auth,
                    timeout=_TIMEOUT,
                    headers=dict(_HEADERS),
                )
            )

    def refresh(self, refresh_token: str) -> Grant:
        """Trade a refresh token for new tokens. One at a time: two at once may kill the grant."""
        with self._session() as session:
            return _grant(
                lambda: session.refresh_token(
                    as_https(self.endpoints.token),
                    refresh_token=refresh_token,
                    auth=self._auth,
                    timeout=_TIMEOUT,
                    headers=dict(_HEADERS),
                )
            )

    def revoke(self, token: str) -> None:
        """End the whole grant of an access or a refresh token."""
        with self._session() as session:
            _answered(
                lambda: session.post(
                    as_https(self.endpoints.revoke),
                    json={"token": token},
                    auth=self._auth,
                    timeout=_TIMEOUT,
                    headers={"Accept": "application/json"},
                )
            )

    @property
    def _auth(self) -> HTTPBasicAuth:
        return HTTPBasicAuth(self.client_id, self.client_secret)

    def _session(self, scope: list[str] | None = None) -> OAuth2Session:
        # These libraries write tokens and secrets to their debug logs.
        for library in ("requests_oauthlib", "oauthlib"):
            logging.getLogger(library).setLevel(logging.INFO)
        session = OAuth2Session(self.client_id, redirect_uri=self.redirect_uri, scope=scope)
        open_loopback(session, self.endpoints.token, self.endpoints.revoke)
        session.max_redirects = 0  # Tokens go where the configuration says and nowhere else.
        for kind in ("access_token_response", "refresh_token_response"):
            session.register_compliance_hook(kind, _usable)
        return session


def discover(url: str) -> Endpoints:
    """Read Intuit's discovery document; raises OAuthUnavailable or OAuthError."""
    check(url)
    with requests.Session() as session:
        session.max_redirects = 0
        session.headers["Accept"] = "application/json"
        open_loopback(session, url)
        document = _json(_answered(lambda: session.get(as_https(url), timeout=_TIMEOUT)))
    try:
        return Endpoints(
            authorize=document["authorization_endpoint"],
            token=document["token_endpoint"],
            revoke=document["revocation_endpoint"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OAuthError(f"the discovery document at {url} is of no use: {error}") from error


def _grant(ask: Callable[[], Any]) -> Grant:
    try:
        token = ask()
        return Grant(
            access_token=str(token["access_token"]),
            refresh_token=str(token["refresh_token"]),
            expires_in=int(token["expires_in"]),
            refresh_expires_in=int(token["x_refresh_token_expires_in"]),
            refresh_hard_expires_in=_seconds(token.get("x_refresh_token_hard_expires_in")),
        )
    except requests.RequestException as error:
        raise _unreachable(error) from None
    except (OAuth2Error, KeyError, TypeError, ValueError) as error:
        # The text of such errors can quote the answer, tokens included.
        raise OAuthUnavailable(f"the token answer is of no use ({type(error).__name__})") from None


def _answered(ask: Callable[[], requests.Response]) -> requests.Response:
    try:
        response = ask()
    except requests.RequestException as error:
        raise _unreachable(error) from None
    return _usable(response)


def _usable(response: requests.Response) -> requests.Response:
    """Return the answer if it is a good one; raise what it means otherwise."""
    if response.ok:
        return response
    intuit_tid = response.headers.get("intuit_tid")
    if response.status_code >= requests.codes.server_error or response.status_code in {
        requests.codes.request_timeout,
        requests.codes.too_many_requests,
    }:
        raise OAuthUnavailable(f"Intuit answered {response.status_code}", intuit_tid=intuit_tid)
    raise _refusal(response, intuit_tid)


def _refusal(response: requests.Response, intuit_tid: str | None) -> OAuthError:
    document = _json(response) if response.text.lstrip().startswith("{") else {}
    error = str(document.get("error") or "")
    description = str(document.get("error_description") or "")
    kinds: Mapping[str, type[OAuthError]] = {"invalid_grant": GrantInvalid, "invalid_client": ClientInvalid}
    usual = ClientInvalid if response.status_code == requests.codes.unauthorized else OAuthError
    said = ": ".join(filter(None, (error or f"HTTP {response.status_code}", description[:200])))
    return kinds.get(error, usual)(f"Intuit refused: {said}", error=error or None, intuit_tid=intuit_tid)


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError as error:
        raise OAuthUnavailable("the answer is not JSON") from error
    if not isinstance(document, dict):
        raise OAuthUnavailable("the answer is not a JSON object")
    return document


def _unreachable(error: requests.RequestException) -> OAuthUnavailable:
    return OAuthUnavailable(f"no answer from Intuit ({type(error).__name__})")


def _seconds(value: object) -> int | None:
    return None if value is None else int(str(value))
