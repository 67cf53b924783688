"""The access token of one lane: renewed by the lane's owner only, stored before it is used."""

import asyncio
from datetime import datetime, timedelta

import structlog
from cryptography.fernet import InvalidToken

from bridge.store.connections import ConnectionStore, Tokens
from bridge.store.database import Away
from qbo_client.clock import Clock
from qbo_client.decisions import Decision
from qbo_client.errors import Unauthorized
from qbo_client.oauth import ClientInvalid, Grant, GrantInvalid, OAuthApp

log = structlog.get_logger(__name__)

#: Renewed this long before it ends, so that no request is sent with a token that dies on the way.
_EARLY = timedelta(minutes=5)
_AWAY_SECONDS = 0.5


class LaneTokens:
    """Satisfies `qbo_client.client.TokenSource`."""

    def __init__(self, *, store: ConnectionStore, app: OAuthApp, clock: Clock, tenant_id: str, realm_id: str) -> None:
        self._store = store
        self._app = app
        self._clock = clock
        self._tenant_id = tenant_id
        self._realm_id = realm_id
        self._tokens: Tokens | None = None
        self._renewing = asyncio.Lock()

    async def access_token(self) -> str:
        tokens = self._tokens or await self._load()
        if tokens.access_expires_at - self._clock.now() > _EARLY:
            return tokens.access_token
        return await self.renew(tokens.access_token)

    async def renew(self, rejected: str) -> str:
        """Exchange the refresh token, unless somebody has since the rejected token was read.

        Raises Unauthorized when QuickBooks no longer accepts the grant; OAuthUnavailable and ClientInvalid
        (a mistake in our settings, not the company's doing) pass through.
        """
        async with self._renewing:
            # Shielded: a refresh token that was exchanged and not stored is a connection lost.
            return await asyncio.shield(asyncio.ensure_future(self._renew(rejected)))

    async def _renew(self, rejected: str) -> str:
        tokens = await self._load()
        if tokens.access_token != rejected:
            return tokens.access_token
        try:
            grant = await asyncio.to_thread(self._app.refresh, tokens.refresh_token)
        except GrantInvalid as error:
            return await self._unless_swapped(tokens, error)
        kept = await self._store_until_there(tokens.refresh_token, tokens_of(grant, self._clock.now()))
        log.info("tokens_renewed", realm_id=self._realm_id, stored=kept)
        return (await self._load()).access_token

    async def _store_until_there(self, exchanged: str, renewed: Tokens) -> bool:
        while True:
            try:
                return await self._store.swap_tokens(
                    self._tenant_id, self._realm_id, exchanged=exchanged, tokens=renewed
                )
            except Away as error:
                log.warning("tokens_wait_for_postgresql", realm_id=self._realm_id, error=str(error))
                await self._clock.sleep(_AWAY_SECONDS)

    async def _unless_swapped(self, tried: Tokens, error: GrantInvalid) -> str:
        # Another process may have exchanged the same refresh token a moment before.
        now_stored = await self._load()
        if (now_stored.refresh_token, now_stored.access_token) != (tried.refresh_token, tried.access_token):
            return now_stored.access_token
        raise Unauthorized(status=400, code="invalid_grant", detail=str(error), decision=Decision.RECONNECT) from error

    async def _load(self) -> Tokens:
        try:
            self._tokens = await self._store.tokens(self._tenant_id, self._realm_id)
        except InvalidToken as error:
            detail = "the stored tokens cannot be decrypted: put the key they were stored under back"
            raise ClientInvalid(f"{detail} into QBO_BRIDGE_TOKEN_KEYS") from error
        return self._tokens


def tokens_of(grant: Grant, now: datetime) -> Tokens:
    """Return a grant's tokens with the moments they end at."""
    return Tokens(
        access_token=grant.access_token,
        access_expires_at=now + timedelta(seconds=grant.expires_in),
        refresh_token=grant.refresh_token,
        refresh_expires_at=now + timedelta(seconds=grant.refresh_expires_in),
    )
