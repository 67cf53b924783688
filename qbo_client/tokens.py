"""A company's tokens, renewed by whoever needs to and lost by nobody."""

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

from qbo_client.clock import Clock
from qbo_client.decisions import Decision
from qbo_client.errors import Unauthorized
from qbo_client.oauth import Grant, GrantInvalid, OAuthApp

#: Renewed this long before it ends, so that no request is sent with a token that dies on the way.
EARLY = timedelta(minutes=5)

#: How often, in seconds, it is looked whether another process has stored what it got for the same refresh token.
#: Between its answer and its storing lies one commit.
_LOOKS = (0.0, 0.25, 0.5, 1.0, 2.0)


class Kept(Protocol):
    """What is stored of a grant; moments with a zone."""

    @property
    def access_token(self) -> str: ...

    @property
    def access_expires_at(self) -> datetime: ...

    @property
    def refresh_token(self) -> str: ...


class TokenStore(Protocol):
    """Where one company's tokens are kept, for every process that calls it."""

    async def load(self) -> Kept: ...

    async def swap(self, grant: Grant, *, exchanged: str) -> bool:
        """Keep the grant in place of the one whose refresh token was exchanged for it, in one step.

        Return False, and change nothing, if another refresh token is kept by now. It must not give up while
        the store is away: what was exchanged and not kept is a connection lost.
        """
        ...


class StoredTokens:
    """A TokenSource that any number of processes may have of the same company.

    Within a process one renews at a time. Two processes may exchange the same refresh token: whoever is
    refused, or comes second to store, takes what the other one stored.
    """

    def __init__(self, *, store: TokenStore, app: OAuthApp, clock: Clock) -> None:
        self._store = store
        self._app = app
        self._clock = clock
        self._kept: Kept | None = None
        self._renewing = asyncio.Lock()

    async def access_token(self) -> str:
        kept = self._kept or await self._load()
        if self._lasts(kept):
            return kept.access_token
        return await self.renew(kept.access_token)

    async def renew(self, rejected: str) -> str:
        """Exchange the refresh token, unless somebody has since the rejected token was read.

        Raises Unauthorized (decision RECONNECT) when Intuit no longer accepts the grant; OAuthUnavailable and
        ClientInvalid (a mistake in the settings, not the company's doing) pass through.
        """
        async with self._renewing:
            # Shielded: a refresh token that was exchanged and not stored is a connection lost.
            return await asyncio.shield(asyncio.ensure_future(self._renew(rejected)))

    async def _renew(self, rejected: str) -> str:
        kept = await self._load()
        if kept.access_token != rejected and self._lasts(kept):
            return kept.access_token
        try:
            grant = await asyncio.to_thread(self._app.refresh, kept.refresh_token)
        except GrantInvalid as error:
            return await self._unless_swapped(kept, error)
        await self._store.swap(grant, exchanged=kept.refresh_token)
        return (await self._load()).access_token

    async def _unless_swapped(self, tried: Kept, error: GrantInvalid) -> str:
        # Another process may have exchanged the same refresh token a moment before, and be storing it now.
        for pause in _LOOKS:
            await self._clock.sleep(pause)
            kept = await self._load()
            if (kept.refresh_token, kept.access_token) != (tried.refresh_token, tried.access_token):
                return kept.access_token
        raise Unauthorized(status=400, code="invalid_grant", detail=str(error), decision=Decision.RECONNECT) from error

    def _lasts(self, kept: Kept) -> bool:
        return kept.access_expires_at - self._clock.now() > EARLY

    async def _load(self) -> Kept:
        self._kept = await self._store.load()
        return self._kept
