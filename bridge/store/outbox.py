"""The outbox: rows written in the transaction that made them true, sent by the relay afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from psycopg.types.json import Jsonb

from bridge.store.database import Connection, Pool, session
from producers.ports import Unsent

#: Each shard is relayed by one process at a time. Fixed: it is stored with every row.
SHARDS = 8

_ADD = """
INSERT INTO outbox (shard, topic, key, event_id, payload, headers, framed)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""

_UNSENT = """
SELECT id, topic, key, event_id, payload, headers, framed, created_at FROM outbox
 WHERE sent_at IS NULL AND shard = ANY(%(shards)s) AND topic || chr(31) || key <> ALL(%(held)s)
 ORDER BY id LIMIT %(limit)s
"""

_DELAY = "SELECT extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS age, count(*) AS unsent FROM outbox WHERE sent_at IS NULL"  # noqa: E501


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    topic: str
    key: str
    event_id: str
    payload: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: True: an event in single-object encoding, to be framed for the wire. False: bytes that leave as they are.
    framed: bool = True


def shard_of(key: str) -> int:
    return crc32(key.encode()) % SHARDS


async def add_to_outbox(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Add rows in the caller's transaction."""
    values = [
        (
            shard_of(row.key),
            row.topic,
            row.key,
            row.event_id,
            row.payload,
            Jsonb(dict(row.headers)),
            row.framed,
        )
        for row in rows
    ]
    async with connection.cursor() as cursor:
        await cursor.executemany(_ADD, values)


class OutboxStore:
    """Satisfies `producers.ports.Outbox`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def unsent(self, shards: Sequence[int], *, held: Sequence[str], limit: int) -> list[Unsent]:
        """Return unsent rows of these shards in order, leaving out topics and keys held back (joined by U+001F)."""
        params = {"shards": list(shards), "held": list(held), "limit": limit}
        async with session(self._pool) as connection:
            return [Unsent(**row) for row in await (await connection.execute(_UNSENT, params)).fetchall()]

    async def mark_sent(self, ids: Sequence[int]) -> None:
        async with session(self._pool) as connection:
            await connection.execute("UPDATE outbox SET sent_at = now() WHERE id = ANY(%s)", [list(ids)])

    async def backlog(self) -> tuple[int, float]:
        """Return how many rows are unsent and the age of the oldest in seconds."""
        async with session(self._pool) as connection:
            row = await (await connection.execute(_DELAY)).fetchone()
        return (int(row["unsent"]), float(row["age"] or 0)) if row else (0, 0.0)
