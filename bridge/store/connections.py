"""Connections and their tokens, encrypted at rest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from bridge.store.database import Pool, session
from bridge.store.events import connection_changed
from bridge.store.outbox import OutboxRow, add_to_outbox
from consumers.outcomes import printable
from mapping.company import Company, from_json
from mapping.settings import Settings, settings_to_json
from schemas.codec import Codec
from schemas.events.quickbooks import ConnectionState

_UPSERT = """
INSERT INTO connection (tenant_id, realm_id, state, sync_from, import_invoices, review_requests,
                        access_token, access_expires_at, refresh_token, refresh_expires_at, refresh_fingerprint)
VALUES (%(tenant)s, %(realm)s, 'connected', %(now)s, coalesce(%(import)s::boolean, false),
        coalesce(%(review)s::boolean, false), %(access)s, %(access_until)s, %(refresh)s, %(refresh_until)s,
        %(fingerprint)s)
ON CONFLICT (tenant_id, realm_id) DO UPDATE SET
    state = 'connected', cause = NULL, message = NULL,
    import_invoices = coalesce(%(import)s::boolean, connection.import_invoices),
    review_requests = coalesce(%(review)s::boolean, connection.review_requests), access_token = excluded.access_token,
    access_expires_at = excluded.access_expires_at, refresh_token = excluded.refresh_token,
    refresh_expires_at = excluded.refresh_expires_at, refresh_fingerprint = excluded.refresh_fingerprint,
    connected_at = excluded.sync_from
RETURNING company ->> 'name' AS company_name, review_requests
"""

# The lane is due a little later, in case whoever connected dies before it has run preflight itself.
_LANE = """
INSERT INTO lane (realm_id, tenant_id, due_at) VALUES (%(realm)s, %(tenant)s, now() + interval '20 seconds')
ON CONFLICT (realm_id) DO UPDATE SET tenant_id = excluded.tenant_id, due_at = excluded.due_at
"""

# Who connects again without the import wants it no longer.
_END_IMPORT = """
UPDATE watch SET import_state = 'not_requested', import_done = 0, import_total = NULL, import_until = NULL,
       history_since = CASE WHEN NOT history_counted THEN history_since END
 WHERE realm_id = %(realm)s AND tenant_id = %(tenant)s AND import_state = 'running' AND %(import)s::boolean IS false
"""

# Who asks for it again has those imported that never were: of the time between, or since.
_IMPORT_AGAIN = """
UPDATE watch SET import_state = 'not_requested'
 WHERE realm_id = %(realm)s AND tenant_id = %(tenant)s AND import_state = 'done' AND %(import)s::boolean
"""

_SWAP = """
UPDATE connection SET access_token = %(access)s, access_expires_at = %(access_until)s,
       refresh_token = %(refresh)s, refresh_expires_at = %(refresh_until)s, refresh_fingerprint = %(fingerprint)s
 WHERE tenant_id = %(tenant)s AND realm_id = %(realm)s AND refresh_fingerprint = %(exchanged)s
"""

_SET_STATE = """
UPDATE connection SET state = %s, cause = %s, message = %s WHERE tenant_id = %s AND state = ANY(%s)
RETURNING realm_id, company ->> 'name' AS company_name, review_requests
"""

# Settings of a company that preflight has never read would be lost with its first reading.
_SET_SETTINGS = """
UPDATE connection SET company = jsonb_set(company, '{settings}', %s)
 WHERE tenant_id = %s AND realm_id = %s AND company IS NOT NULL
"""


class ConnectionRefused(Exception):
    """This tenant or this company is connected otherwise already; the sentence says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A connection's tokens in the clear; they leave memory only encrypted."""

    access_token: str = field(repr=False)
    access_expires_at: datetime
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An authorised company of a tenant."""

    tenant_id: str
    realm_id: str
    state: str
    cause: str | None
    message: str | None
    company: Company | None
    sync_from: datetime
    import_invoices: bool
    review_requests: bool
    refresh_expires_at: datetime | None


class ConnectionStore:
    def __init__(self, pool: Pool, codec: Codec, keys: list[str]) -> None:
        self._pool = pool
        self._codec = codec
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    async def connect(
        self, *, tenant_id: str, realm_id: str, tokens: Tokens, import_invoices: bool | None,
        review_requests: bool | None,
    ) -> None:  # fmt: skip
        """Store a consent with its tokens and tell the CRM. Reconnecting a company keeps its first date.

        A toggle that is None stays as it was; at first it is off.
        Raises ConnectionRefused when the tenant has another company, or the company another tenant.
        """
        now = datetime.now(UTC)
        params = self._token_params(tenant_id, realm_id, tokens)
        params |= {"now": now, "import": import_invoices, "review": review_requests}
        try:
            async with session(self._pool) as connection, connection.transaction():
                row = await (await connection.execute(_UPSERT, params)).fetchone() or {}
                await connection.execute(_LANE, params)
                await connection.execute(_END_IMPORT, params)
                await connection.execute(_IMPORT_AGAIN, params)
                event = await connection_changed(
                    connection,
                    tenant_id=tenant_id,
                    realm_id=realm_id,
                    state=ConnectionState.CONNECTED,
                    at=now,
                    **row,
                )
                await add_to_outbox(connection, [self._outbox(event.tenant_id, event.event_id, event)])
        except UniqueViolation as error:
            raise ConnectionRefused(_refusal(error, tenant_id, realm_id)) from error

    async def set_settings(self, tenant_id: str, realm_id: str, settings: Settings) -> bool:
        """Store what a connection chose about its books; return False where preflight has not run yet."""
        values = [Jsonb(settings_to_json(settings)), tenant_id, realm_id]
        async with session(self._pool) as connection:
            return (await connection.execute(_SET_SETTINGS, values)).rowcount == 1

    async def set_state(
        self,
        tenant_id: str,
        state: ConnectionState,
        *,
        of: tuple[str, ...],
        cause: str | None = None,
        message: str | None = None,
    ) -> bool:
        """Change the standing of the tenant's connection if it is in one of the states `of`; tell the CRM."""
        now = datetime.now(UTC)
        values = [state.value.lower(), cause, message, tenant_id, list(of)]
        async with session(self._pool) as connection, connection.transaction():
            row = await (await connection.execute(_SET_STATE, values)).fetchone()
            if row is None:
                return False
            event = await connection_changed(
                connection, tenant_id=tenant_id, state=state, cause=cause, message=message, at=now, **row
            )
            await add_to_outbox(connection, [self._outbox(tenant_id, event.event_id, event)])
            await connection.execute("UPDATE lane SET due_at = now() WHERE realm_id = %s", [row["realm_id"]])
        return True

    async def note(self, tenant_id: str, realm_id: str, cause: str, message: str) -> None:
        """Say beside a connection that goes on what its trouble is."""
        query = "UPDATE connection SET cause = %s, message = %s WHERE tenant_id = %s AND realm_id = %s"
        async with session(self._pool) as connection:
            await connection.execute(query, [cause, printable(message), tenant_id, realm_id])

    async def tokens(self, tenant_id: str, realm_id: str) -> Tokens:
        """Return the stored tokens. Raises LookupError when the company is not connected."""
        query = "SELECT * FROM connection WHERE tenant_id = %s AND realm_id = %s AND refresh_token IS NOT NULL"
        async with session(self._pool) as connection:
            row = await (await connection.execute(query, [tenant_id, realm_id])).fetchone()
        if row is None:
            raise LookupError(f"company {realm_id} is not connected for tenant {tenant_id}")
        return Tokens(
            access_token=self._fernet.decrypt(bytes(row["access_token"])).decode(),
            access_expires_at=row["access_expires_at"],
            refresh_token=self._fernet.decrypt(bytes(row["refresh_token"])).decode(),
            refresh_expires_at=row["refresh_expires_at"],
        )

    async def swap_tokens(self, tenant_id: str, realm_id: str, *, exchanged: str, tokens: Tokens) -> bool:
        """Store new tokens if the refresh token that was exchanged for them is still the stored one."""
        params = self._token_params(tenant_id, realm_id, tokens) | {"exchanged": _fingerprint(exchanged)}
        async with session(self._pool) as connection:
            return (await connection.execute(_SWAP, params)).rowcount == 1

    async def get(self, tenant_id: str, realm_id: str) -> Connection:
        """Return one connection. Raises LookupError when there is none."""
        query = "SELECT * FROM connection WHERE tenant_id = %s AND realm_id = %s"
        async with session(self._pool) as connection:
            row = await (await connection.execute(query, [tenant_id, realm_id])).fetchone()
        if row is None:
            raise LookupError(f"no connection of tenant {tenant_id} with company {realm_id}")
        return _connection(row)

    async def all(self) -> list[Connection]:
        async with session(self._pool) as connection:
            rows = await (await connection.execute("SELECT * FROM connection ORDER BY tenant_id, realm_id")).fetchall()
        return [_connection(row) for row in rows]

    async def ask_consent(
        self, *, nonce: str, tenant_id: str, import_invoices: bool | None, review_requests: bool | None
    ) -> None:
        """Remember that consent was asked for: the answer is accepted once, within ten minutes."""
        query = """
            INSERT INTO consent (nonce, tenant_id, import_invoices, review_requests, expires_at)
            VALUES (%s, %s, %s, %s, now() + interval '10 minutes')"""
        async with session(self._pool) as connection:
            await connection.execute(query, [nonce, tenant_id, import_invoices, review_requests])

    async def take_consent(self, nonce: str) -> Mapping[str, Any] | None:
        """Return what was asked for under this nonce, once; None when it was used, is too old or never was."""
        query = "DELETE FROM consent WHERE nonce = %s AND expires_at > now() RETURNING *"
        async with session(self._pool) as connection:
            return await (await connection.execute(query, [nonce])).fetchone()

    def _token_params(self, tenant_id: str, realm_id: str, tokens: Tokens) -> dict[str, Any]:
        return {
            "tenant": tenant_id,
            "realm": realm_id,
            "access": self._fernet.encrypt(tokens.access_token.encode()),
            "access_until": tokens.access_expires_at,
            "refresh": self._fernet.encrypt(tokens.refresh_token.encode()),
            "refresh_until": tokens.refresh_expires_at,
            "fingerprint": _fingerprint(tokens.refresh_token),
        }

    def _outbox(self, key: str, event_id: str, event: Any) -> OutboxRow:
        return OutboxRow(topic="qb.connection.changed", key=key, event_id=event_id, payload=self._codec.encode(event))


def _fingerprint(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()


def _refusal(error: UniqueViolation, tenant_id: str, realm_id: str) -> str:
    if error.diag.constraint_name == "connection_one_company_per_tenant":
        return f"Tenant {tenant_id} is connected to another company. Disconnect that one first."
    return f"Company {realm_id} is connected for another tenant. Disconnect it there first."


def _connection(row: Mapping[str, Any]) -> Connection:
    same = ("tenant_id", "realm_id", "state", "cause", "message", "sync_from", "import_invoices", "review_requests",
            "refresh_expires_at")  # fmt: skip
    company = from_json(row["company"]) if row["company"] else None
    return Connection(company=company, **{name: row[name] for name in same})
