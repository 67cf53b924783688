"""Who may call what: applications, consents, grants and their tokens. No HTTP here."""

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from qbo_client.emulator.clock import Clock
from qbo_client.emulator.grants import (
    ACCESS_TOKEN_LIFE,
    CODE_LIFE,
    HARD_LIFE,
    REFRESH_TOKEN_LIFE,
    ROTATION_AGE,
    Access,
    Consent,
    Grant,
    OAuthRefused,
    Overlap,
    Rotation,
    Tokens,
    consent_from,
    grant_from,
    plain,
)

__all__ = ["HARD_LIFE", "Authority", "Rotation"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Authority:
    """Holds the applications it knows, by id and secret, and where each may be sent back to.

    No redirect URI registered means any http address of the loopback: the emulator's default,
    wider than Intuit's exact match, so that a port chosen at run time works.
    """

    def __init__(self, *, clock: Clock, clients: Mapping[str, str], redirect_uris: tuple[str, ...]) -> None:
        self.rotation = Rotation.DAILY
        # How long a refresh token still works after another took its place.
        self.grace = timedelta()
        self.overlap = Overlap.TOLERATED
        # Counts what has happened, so that others can see that something has.
        self.changes = 0
        self._clock = clock
        self._clients = dict(clients)
        self._redirect_uris = frozenset(redirect_uris)
        self._codes: dict[str, Consent] = {}
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Grant] = {}
        self._retired: dict[str, tuple[Grant, datetime]] = {}
        self._grants: dict[str, list[Grant]] = {}
        self._under_way: Counter[str] = Counter()

    def register(self, client_id: str, secret: str) -> None:
        """Let one more application in, with limits and grants of its own."""
        self._clients[client_id] = secret

    def knows_client(self, client_id: str) -> bool:
        return client_id in self._clients

    def may_return_to(self, redirect_uri: str) -> bool:
        if self._redirect_uris:
            return redirect_uri in self._redirect_uris
        parts = urlsplit(redirect_uri)
        return parts.scheme == "http" and parts.hostname in _LOOPBACK

    def authenticate(self, client_id: str, secret: str) -> None:
        """Raises OAuthRefused invalid_client."""
        expected = self._clients.get(client_id)
        if expected is None or not secrets.compare_digest(expected, secret):
            raise OAuthRefused(error="invalid_client", status=401)

    def consent(self, *, realm_id: str, client_id: str, redirect_uri: str, scope: str, nonce: str | None = None) -> str:
        code = "AB1" + secrets.token_hex(22)
        self._codes[code] = Consent(
            realm_id=realm_id,
            client_id=client_id,
            redirect_uri=redirect_uri,
            scope=scope,
            expires=self._clock.now() + CODE_LIFE,
            nonce=nonce,
        )
        self.changes += 1
        return code

    def exchange(self, *, client_id: str, code: str, redirect_uri: str) -> Tokens:
        """Raises OAuthRefused invalid_grant for a code that is unknown, used, old or another's."""
        consent = self._codes.pop(code, None)
        if consent is None or consent.expires < self._clock.now():
            raise OAuthRefused(error="invalid_grant", description="Invalid authorization code")
        if (consent.client_id, consent.redirect_uri) != (client_id, redirect_uri):
            raise OAuthRefused(error="invalid_grant", description="Incorrect Token type or clientID")
        tokens = self.grant(realm_id=consent.realm_id, client_id=client_id, scope=consent.scope)
        return replace(tokens, nonce=consent.nonce)

    def grant(self, *, realm_id: str, client_id: str, scope: str) -> Tokens:
        now = self._clock.now()
        grant = Grant(
            realm_id=realm_id,
            client_id=client_id,
            scope=scope,
            consented=now,
            refresh_token=self._new_refresh_token(),
            rotated=now,
            refreshed=now,
        )
        self._refresh[grant.refresh_token] = grant
        self._grants.setdefault(realm_id, []).append(grant)
        return self._issue(grant)

    @contextmanager
    def under_way(self, refresh_token: str) -> Iterator[bool]:
        """Whether another refresh of this token is under way already; within, this one is."""
        overlapping = self._under_way[refresh_token] > 0
        self._under_way[refresh_token] += 1
        try:
            yield overlapping
        finally:
            self._under_way[refresh_token] -= 1

    def refresh(self, *, client_id: str, refresh_token: str, overlapping: bool = False) -> Tokens:
        """Raises OAuthRefused invalid_grant; a token that was rotated away is as dead as a revoked one."""
        grant = self._refresh.get(refresh_token) or self._in_grace(refresh_token)
        if grant is None or grant.client_id != client_id:
            known = refresh_token in self._access or grant is not None
            raise OAuthRefused(error="invalid_grant", description="Incorrect Token type or clientID" if known else None)
        now = self._clock.now()
        if grant.revoked or now > min(grant.refreshed + REFRESH_TOKEN_LIFE, grant.consented + HARD_LIFE):
            raise OAuthRefused(error="invalid_grant")
        if overlapping and self.overlap is not Overlap.TOLERATED:
            if self.overlap is Overlap.ENDS_GRANT:
                self._end(grant)
            raise OAuthRefused(error="invalid_grant")
        grant.refreshed = now
        if self.rotation is Rotation.ALWAYS or now - grant.rotated >= ROTATION_AGE:
            self._rotate(grant)
        return self._issue(grant)

    def _in_grace(self, refresh_token: str) -> Grant | None:
        grant, until = self._retired.get(refresh_token, (None, self._clock.now()))
        return grant if until > self._clock.now() else None

    def revoke(self, token: str) -> None:
        """Takes either token of a grant and ends the grant; raises OAuthRefused for an unknown one."""
        access = self._access.get(token)
        grant = access.grant if access else self._refresh.get(token)
        if grant is None or grant.revoked:
            raise OAuthRefused(error="invalid_request", description="Token invalid")
        self._end(grant)

    def disconnect(self, realm_id: str) -> int:
        """What a user does inside QuickBooks: every grant of the company ends. Returns how many did."""
        ended = [grant for grant in self._grants.pop(realm_id, ()) if not grant.revoked]
        for grant in ended:
            self._end(grant)
        return len(ended)

    def expire_access_tokens(self, realm_id: str) -> None:
        self.changes += 1
        now = self._clock.now()
        for grant in self._grants.get(realm_id, ()):
            for token in grant.access_tokens:
                self._access[token] = Access(grant=grant, expires=now)

    def grant_of(self, access_token: str) -> Grant | None:
        """The living grant behind an access token that has not expired."""
        access = self._access.get(access_token)
        if access is None or access.grant.revoked or access.expires <= self._clock.now():
            return None
        return access.grant

    def snapshot(self) -> dict[str, Any]:
        """All that is to survive a restart, as JSON."""
        grants = [grant for some in self._grants.values() for grant in some if not grant.revoked]
        return {
            "codes": {code: plain(consent) for code, consent in self._codes.items()},
            "grants": [
                {
                    **plain(grant),
                    "access_tokens": {token: self._access[token].expires.isoformat() for token in grant.access_tokens},
                    "retired": {
                        token: until.isoformat() for token, (of, until) in self._retired.items() if of is grant
                    },
                }
                for grant in grants
            ],
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Puts a snapshot back."""
        self._codes = {code: consent_from(one) for code, one in saved["codes"].items()}
        for one in saved["grants"]:
            grant = grant_from(one)
            self._grants.setdefault(grant.realm_id, []).append(grant)
            self._refresh[grant.refresh_token] = grant
            for token, expires in one["access_tokens"].items():
                self._access[token] = Access(grant=grant, expires=datetime.fromisoformat(expires))
            for token, until in one["retired"].items():
                self._retired[token] = (grant, datetime.fromisoformat(until))

    def _end(self, grant: Grant) -> None:
        self.changes += 1
        grant.revoked = True
        self._refresh.pop(grant.refresh_token, None)
        for token in grant.access_tokens:
            self._access.pop(token, None)

    def _rotate(self, grant: Grant) -> None:
        del self._refresh[grant.refresh_token]
        if self.grace:
            self._retired[grant.refresh_token] = (grant, self._clock.now() + self.grace)
        grant.refresh_token = self._new_refresh_token()
        grant.rotated = self._clock.now()
        self._refresh[grant.refresh_token] = grant

    def _issue(self, grant: Grant) -> Tokens:
        self.changes += 1
        now = self._clock.now()
        token = "eyJ" + secrets.token_urlsafe(60)
        self._drop_expired(grant, now)
        grant.access_tokens.append(token)
        self._access[token] = Access(grant=grant, expires=now + ACCESS_TOKEN_LIFE)
        hard = grant.consented + HARD_LIFE
        return Tokens(
            access_token=token,
            refresh_token=grant.refresh_token,
            expires_in=int(ACCESS_TOKEN_LIFE.total_seconds()),
            refresh_expires_in=int(min(REFRESH_TOKEN_LIFE, hard - now).total_seconds()),
            refresh_hard_expires_in=int((hard - now).total_seconds()),
            realm_id=grant.realm_id,
            scope=grant.scope,
        )

    def _drop_expired(self, grant: Grant, now: datetime) -> None:
        gone = [token for token in grant.access_tokens if self._access[token].expires <= now]
        for token in gone:
            del self._access[token]
            grant.access_tokens.remove(token)

    def _new_refresh_token(self) -> str:
        return "RT1-" + secrets.token_hex(23)
