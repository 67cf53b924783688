"""The access token of one lane, kept with its connection: stored before it is used."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography.fernet import InvalidToken

from bridge.store.connections import ConnectionStore, Tokens
from bridge.store.database import Away
from qbo_client.clock import Clock
from qbo_client.oauth import ClientInvalid, Grant, OAuthApp
from qbo_client.tokens import StoredTokens

log = structlog.get_logger(__name__)

_AWAY_SECONDS = 0.5


class LaneTokens(StoredTokens):
    """Satisfies `qbo_client.client.TokenSource`."""

    def __init__(self, *, store: ConnectionStore, app: OAuthApp, clock: Clock, tenant_id: str, realm_id: str) -> None:
        connection = _OfConnection(store=store, clock=clock, tenant_id=tenant_id, realm_id=realm_id)
        super().__init__(store=connection, app=app, clock=clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfConnection:
    """Satisfies `qbo_client.tokens.TokenStore`."""

    store: ConnectionStore
    clock: Clock
    tenant_id: str
    realm_id: str

    async def load(self) -> Tokens:
        try:
            return await self.store.tokens(self.tenant_id, self.realm_id)
        except InvalidToken as error:
            detail = "the stored tokens cannot be decrypted: put the key they were stored under back"
            raise ClientInvalid(f"{detail} into QBO_BRIDGE_TOKEN_KEYS") from error

    async def swap(self, grant: Grant, *, exchanged: str) -> bool:
        renewed = tokens_of(grant, self.clock.now())
        while True:
            try:
                kept = await self.store.swap_tokens(self.tenant_id, self.realm_id, exchanged=exchanged, tokens=renewed)
            except Away as error:
                log.warning("tokens_wait_for_postgresql", realm_id=self.realm_id, error=str(error))
                await self.clock.sleep(_AWAY_SECONDS)
            else:
                log.info("tokens_renewed", realm_id=self.realm_id, stored=kept)
                return kept


def tokens_of(grant: Grant, now: datetime) -> Tokens:
    """Return a grant's tokens with the moments they end at."""
    return Tokens(
        access_token=grant.access_token,
        access_expires_at=now + timedelta(seconds=grant.expires_in),
        refresh_token=grant.refresh_token,
        refresh_expires_at=now + timedelta(seconds=grant.refresh_expires_in),
    )
