"""The inbox: accepted once, taken in hand by a lane, decided in the outcome's transaction (`outcomes.py`)."""

from collections.abc import Collection, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from bridge.store.database import Connection, Pool, session
from bridge.store.lanes import Lease, wake
from bridge.store.outbox import OutboxRow, add_to_outbox
from consumers.records import Arrived, DeadLetter, Received, Row

_COLUMNS = (
    "tenant_id", "topic", "event_id", "content_hash", "payload", "partition", "kafka_offset", "appended_at",
    "entity_kind", "entity_id", "contact_id", "entity_version", "occurred_at",
)  # fmt: skip
_TYPES = (
    "text", "text", "text", "bytea", "bytea", "int", "bigint", "timestamptz",
    "text", "text", "text", "timestamptz", "timestamptz",
)  # fmt: skip
_ARRAYS = ", ".join(f"%s::{kind}[]" for kind in _TYPES)
_NAMES = ", ".join(_COLUMNS)

# Whether a tenant is connected is asked in the statement that stores its events, never cached; it also says
# who was, because a second statement would see who connected or disconnected in between.
_STORE = f"""
WITH connected AS MATERIALIZED (
    SELECT DISTINCT tenant_id FROM connection WHERE tenant_id = ANY(%s) AND state <> 'disconnected'),
stored AS (
    INSERT INTO inbox ({_NAMES}, state)
    SELECT {", ".join("e." + name for name in _COLUMNS)}, 'pending'
      FROM unnest({_ARRAYS}) WITH ORDINALITY AS e ({_NAMES}, position)
     WHERE e.tenant_id IN (SELECT tenant_id FROM connected)
     ORDER BY e.position
        ON CONFLICT (tenant_id, topic, event_id) DO NOTHING
    RETURNING tenant_id, topic, event_id)
SELECT tenant_id, topic, event_id FROM stored UNION ALL SELECT tenant_id, NULL, NULL FROM connected
"""  # noqa: S608 - built from the constants above only

_STORED_HASHES = """
SELECT i.tenant_id, i.topic, i.event_id, i.content_hash
  FROM inbox i JOIN unnest(%s::text[], %s::text[], %s::text[]) AS e (tenant_id, topic, event_id)
    ON (i.tenant_id, i.topic, i.event_id) = (e.tenant_id, e.topic, e.event_id)
"""

_REUSED = f"""
INSERT INTO inbox ({_NAMES}, state, cause, message, decided_at)
SELECT {", ".join("e." + name for name in _COLUMNS)}, 'attention', 'event_id_reused',
       'The CRM sent another content under an event id that was used before. Publish it again under an id '
       'of its own if it is meant.', now()
  FROM unnest({_ARRAYS}) AS e ({_NAMES})
    ON CONFLICT (tenant_id, topic, event_id) DO NOTHING
RETURNING id
"""  # noqa: S608

_DEAD = """
INSERT INTO dead_letter (topic, partition, kafka_offset, key, value, headers, reason, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (topic, partition, kafka_offset, digest) DO NOTHING
RETURNING id
"""

_TAKE = """
UPDATE inbox SET claims = inbox.claims + 1
  FROM (SELECT id FROM inbox
         WHERE tenant_id = %(tenant)s AND state IN ('pending', 'waiting') AND due_at <= clock_timestamp()
           AND id <> ALL(%(in_hand)s)
         ORDER BY due_at, id LIMIT %(limit)s) AS due
 WHERE inbox.id = due.id
   AND EXISTS (SELECT 1 FROM lane l JOIN connection c ON c.realm_id = l.realm_id AND c.tenant_id = l.tenant_id
                WHERE l.realm_id = %(realm)s AND l.epoch = %(epoch)s AND l.leased_until > clock_timestamp()
                  AND c.state = 'connected')
RETURNING EXISTS (SELECT 1 FROM inbox newer
           WHERE newer.tenant_id = inbox.tenant_id AND newer.entity_kind = inbox.entity_kind
             AND newer.entity_id = inbox.entity_id AND newer.cause IS DISTINCT FROM 'event_id_reused'
             AND (newer.entity_version, newer.occurred_at) > (inbox.entity_version, inbox.occurred_at)) AS superseded,
          inbox.id, tenant_id, topic, event_id, payload, content_hash, entity_kind, entity_id, contact_id,
          entity_version, occurred_at, received_at, appended_at, attempts, claims, ran_alone
"""

_DEPTH = """
SELECT coalesce(sum(least(n, %(cap)s)), 0)::bigint AS depth FROM (
    SELECT count(*) AS n FROM inbox i
      JOIN connection c ON c.tenant_id = i.tenant_id AND c.state = 'connected'
     WHERE i.state = 'pending' GROUP BY i.tenant_id) AS per_tenant
"""


_LARGEST_FORWARDED = 900_000


class InboxStore:
    """Satisfies `consumers.ports.Inbox`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def receive(self, events: Sequence[Arrived], dead: Sequence[DeadLetter], dead_topic: str) -> Received:
        """Store one batch in one transaction: events, dead letters with their outbox rows, lanes woken.

        Raises psycopg.Error when a row cannot be stored at all; the caller bisects.
        """
        async with session(self._pool) as connection, connection.transaction():
            stored, connected = await self._store(connection, events)
            repeated = _not_stored([e for e in events if e.tenant_id in connected], stored)
            reused_count = await self._store_reused(connection, await self._with_other_content(connection, repeated))
            dead_count = await self._bury(connection, dead, dead_topic)
            due = await wake(connection, sorted({key[0] for key in stored}))
        return Received(
            stored=len(stored),
            duplicates=sum(e.tenant_id in connected for e in events) - len(stored) - reused_count,
            reused_ids=reused_count,
            not_connected=sum(e.tenant_id not in connected for e in events),
            dead=dead_count,
            due_realms=due,
        )

    async def take(self, lease: Lease, *, in_hand: Sequence[int], limit: int) -> list[Row]:
        """Take due rows in hand, oldest first, counting the claim on each."""
        params = {
            "tenant": lease.tenant_id,
            "realm": lease.realm_id,
            "epoch": lease.epoch,
            "in_hand": list(in_hand),
            "limit": limit,
        }
        async with session(self._pool) as connection:
            rows = await (await connection.execute(_TAKE, params)).fetchall()
        return sorted((Row(**row) for row in rows), key=lambda row: row.id)

    async def put_back(self, rows: Sequence[Row]) -> None:
        """Hand rows back undecided and in order: a claim that ended so is no death."""
        query = "UPDATE inbox SET claims = greatest(claims - 1, 0), ran_alone = false WHERE id = ANY(%s)"
        async with session(self._pool) as connection:
            await connection.execute(query, [[row.id for row in rows]])

    async def mark_alone(self, row: Row) -> None:
        """Note, before it runs, that a suspect runs alone: if the process dies now, it was this row."""
        async with session(self._pool) as connection:
            await connection.execute("UPDATE inbox SET ran_alone = true WHERE id = %s", [row.id])

    async def next_due(self, tenant_id: str) -> float | None:
        """Return seconds until the tenant's next row is due; None when there is none."""
        query = """
            SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 AS seconds FROM inbox
             WHERE tenant_id = %s AND state IN ('pending', 'waiting')"""
        async with session(self._pool) as connection:
            row = await (await connection.execute(query, [tenant_id])).fetchone()
        return row["seconds"] if row else None

    async def depth(self, *, cap_per_tenant: int) -> int:
        """Count what can be worked on, each tenant up to a cap; parked, waiting and attention rows do not count."""
        async with session(self._pool) as connection:
            row = await (await connection.execute(_DEPTH, {"cap": cap_per_tenant})).fetchone()
        return int(row["depth"]) if row else 0

    async def _store(
        self, connection: Connection, events: Sequence[Arrived]
    ) -> tuple[set[tuple[str, str, str]], set[str]]:
        """Store the events of connected tenants; return the keys of what is new, and the tenants connected."""
        tenants = sorted({event.tenant_id for event in events})
        rows = await (await connection.execute(_STORE, [tenants, *_arrays(events)])).fetchall()
        stored = {(row["tenant_id"], row["topic"], row["event_id"]) for row in rows if row["event_id"] is not None}
        return stored, {row["tenant_id"] for row in rows if row["event_id"] is None}

    async def _with_other_content(self, connection: Connection, repeated: Sequence[Arrived]) -> list[Arrived]:
        if not repeated:
            return []
        keys = [list(column) for column in zip(*map(_key, repeated), strict=True)]
        rows = await (await connection.execute(_STORED_HASHES, keys)).fetchall()
        hashes = {(row["tenant_id"], row["topic"], row["event_id"]): row["content_hash"] for row in rows}
        return [event for event in repeated if hashes.get(_key(event)) != event.content_hash]

    async def _store_reused(self, connection: Connection, events: Sequence[Arrived]) -> int:
        if not events:
            return 0
        arrays = _arrays(events)
        # A row of its own, found again by any further delivery of the same content.
        arrays[2] = [f"{event.event_id}#{event.content_hash.hex()}" for event in events]
        return (await connection.execute(_REUSED, arrays)).rowcount

    async def _bury(self, connection: Connection, dead: Sequence[DeadLetter], dead_topic: str) -> int:
        count = 0
        for letter in dead:
            values = (letter.topic, letter.partition, letter.offset, letter.key, letter.value,
                      Jsonb(letter.headers), letter.reason, letter.detail)  # fmt: skip
            if (await connection.execute(_DEAD, values)).rowcount:
                count += 1
                await add_to_outbox(connection, [_dead_outbox(letter, dead_topic)])
        return count


def _not_stored(events: Sequence[Arrived], stored: Collection[tuple[str, str, str]]) -> list[Arrived]:
    """Return the events that made no row: of those with a stored id, all but the first."""
    unseen = set(stored)
    repeated = []
    for event in events:
        if (key := _key(event)) in unseen:
            unseen.discard(key)
        else:
            repeated.append(event)
    return repeated


def _key(event: Arrived) -> tuple[str, str, str]:
    return (event.tenant_id, event.topic, event.event_id)


def _arrays(events: Sequence[Arrived]) -> list[list[Any]]:
    names = [name if name != "kafka_offset" else "offset" for name in _COLUMNS]
    return [[getattr(event, name) for event in events] for name in names]


def _dead_outbox(letter: DeadLetter, topic: str) -> OutboxRow:
    origin = f"{letter.topic}/{letter.partition}/{letter.offset}"
    # What is near Kafka's limit could not be sent again with headers of our own: the table has its bytes.
    fits = letter.value is None or len(letter.value) <= _LARGEST_FORWARDED
    return OutboxRow(
        topic=topic,
        key=origin if letter.key is None else letter.key.decode("utf-8", "backslashreplace").replace("\x00", ""),
        event_id=origin,
        payload=letter.value if fits else None,
        headers={
            "dead_letter_origin": origin,
            "dead_letter_reason": letter.reason,
            "dead_letter_detail": letter.detail,
        },
        framed=False,
    )
