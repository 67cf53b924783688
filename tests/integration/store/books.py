"""A database as a test fills it and looks into it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet

from bridge.store.connections import ConnectionStore, Tokens
from bridge.store.database import Pool, session
from bridge.store.inbox import InboxStore
from bridge.store.lanes import LaneStore, Lease
from consumers.reading import Fetched, read
from consumers.records import Arrived, Row
from schemas.codec import Codec
from schemas.events.quickbooks import ConnectionChanged, ConnectionState, SyncStatus
from tests.unit.consumers.build import contact_event

CODEC = Codec()
KEY = Fernet.generate_key().decode()
REALM, TENANT = "462", "loc_1"
DEAD_TOPIC = "qbo-bridge.dead-letter"


def tokens(name: str = "first") -> Tokens:
    ends = datetime(2030, 1, 1, tzinfo=UTC)
    return Tokens(
        access_token=f"access-{name}", access_expires_at=ends, refresh_token=f"refresh-{name}", refresh_expires_at=ends
    )


def arrived(contact: str = "ct_1", minute: int = 0, *, tenant: str = TENANT, offset: int = 0, **fields: Any) -> Arrived:
    """An event as ingest hands it on; fields are the contact's."""
    event = contact_event(contact, minute, **fields)
    event = replace(event, envelope=replace(event.envelope, tenant_id=tenant))
    record = Fetched(
        topic="contact.active", partition=0, offset=offset, key=b"k", value=CODEC.encode(event), headers=[],
        appended_ms=None,
    )  # fmt: skip
    found = read(record, CODEC, topic="contact.active")
    assert isinstance(found, Arrived)
    return found


class Books:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.inbox = InboxStore(pool)
        self.connections = ConnectionStore(pool, CODEC, [KEY])

    def lanes(self, owner: str = "me", *, lease_seconds: float = 60.0) -> LaneStore:
        return LaneStore(self.pool, owner=owner, lease_seconds=lease_seconds)

    async def connect(self, tenant: str = TENANT, realm: str = REALM) -> None:
        await self.connections.connect(
            tenant_id=tenant, realm_id=realm, tokens=tokens(), import_invoices=False, review_requests=False
        )

    async def receive(self, *events: Arrived) -> None:
        await self.inbox.receive(events, [], DEAD_TOPIC)

    async def lease(self, realm: str = REALM, owner: str = "me") -> Lease:
        (lease,) = await self.lanes(owner).claim(limit=1, wanted=[realm], only_wanted=True)
        return lease

    async def working(self, *events: Arrived) -> tuple[Lease, list[Row]]:
        """Connect, receive, claim and take: a lane with these rows in hand."""
        await self.connect()
        await self.receive(*events)
        lease = await self.lease()
        return lease, await self.inbox.take(lease, in_hand=[], limit=100)

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with session(self.pool) as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()

    async def do(self, query: str, *values: Any) -> None:
        async with session(self.pool) as connection:
            await connection.execute(query.encode(), values)

    async def column(self, query: str, *values: Any) -> list[Any]:
        return [next(iter(row.values())) for row in await self.rows(query, *values)]

    async def lapse(self, realms: Sequence[str] = (REALM,)) -> None:
        """Let the leases end as if their time had passed."""
        past = timedelta(seconds=-1)
        await self.do("UPDATE lane SET leased_until = now() + %s WHERE realm_id = ANY(%s)", past, list(realms))

    async def told(self) -> list[SyncStatus | ConnectionChanged]:
        """Return what the outbox tells the CRM, oldest first, but for the news of connecting."""
        rows = await self.rows("SELECT topic, payload FROM outbox WHERE framed ORDER BY id")
        events = [CODEC.decode(row["topic"], row["payload"]) for row in rows]
        news = [event for event in events if isinstance(event, SyncStatus | ConnectionChanged)]
        assert len(news) == len(events)
        return [event for event in news if event.state is not ConnectionState.CONNECTED]
