"""What an authority hands out and remembers, and the policies by which it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

ACCESS_TOKEN_LIFE = timedelta(hours=1)
REFRESH_TOKEN_LIFE = timedelta(days=101)
HARD_LIFE = timedelta(days=5 * 365)
CODE_LIFE = timedelta(minutes=5)
ROTATION_AGE = timedelta(hours=24)


class Rotation(Enum):
    """When a refresh hands out a new refresh token."""

    DAILY = "daily"  # Once the token is a day old, as Intuit does.
    ALWAYS = "always"  # At every refresh: what a client must withstand at worst.


class Overlap(Enum):
    """What becomes of a refresh that arrives while another one of the same token is under way."""

    TOLERATED = "tolerated"
    ONE_FAILS = "one_fails"  # invalid_grant for the later one; the first goes on.
    ENDS_GRANT = "ends_grant"  # Taken for misuse: the fresh tokens are revoked too.


# Not frozen: whoever lets an exception through may write its traceback.
@dataclass(slots=True, kw_only=True, eq=False)
class OAuthRefused(Exception):
    error: str
    description: str | None = None
    status: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What an authorization code stands for; each code is good for one exchange."""

    realm_id: str
    client_id: str
    redirect_uri: str
    scope: str
    expires: datetime
    nonce: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Grant:
    """One connection of an application to a company."""

    realm_id: str
    client_id: str
    scope: str
    consented: datetime
    refresh_token: str
    rotated: datetime
    refreshed: datetime
    access_tokens: list[str] = field(default_factory=list)
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    grant: Grant
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_in: int
    refresh_hard_expires_in: int
    realm_id: str
    scope: str
    nonce: str | None = None


def plain(one: Consent | Grant) -> dict[str, Any]:
    """As JSON."""
    values = {each.name: getattr(one, each.name) for each in fields(one)}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def consent_from(saved: Mapping[str, Any]) -> Consent:
    return Consent(**_timed(saved, "expires"))


def grant_from(saved: Mapping[str, Any]) -> Grant:
    told = {name: value for name, value in saved.items() if name != "retired"}
    timed = _timed(told, "consented", "rotated", "refreshed")
    return Grant(**{**timed, "access_tokens": list(saved["access_tokens"])})


def _timed(saved: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {**saved, **{name: datetime.fromisoformat(saved[name]) for name in names}}
