"""What an operator asks of the store, and the few things an operator changes in it."""

from collections.abc import Sequence
from typing import Any

from bridge.store.database import Pool, session
from bridge.store.lanes import wake

_ATTENTION = """
SELECT i.tenant_id AS tenant, i.entity_kind AS kind, i.entity_id AS record, i.cause, i.message AS what_to_do,
       i.event_id AS event, i.attempts, i.decided_at AS since, i.trace
  FROM inbox i
 WHERE i.state = 'attention' AND (%(tenant)s::text IS NULL OR i.tenant_id = %(tenant)s)
   AND (%(cause)s::text IS NULL OR i.cause = %(cause)s)
 ORDER BY i.cause, i.id LIMIT %(limit)s
"""
_RETRY = """
UPDATE inbox SET state = 'pending', cause = NULL, message = NULL, trace = NULL, due_at = now(), attempts = 0,
       claims = 0, ran_alone = false
 WHERE state = 'attention' AND cause <> 'event_id_reused'
   AND (%(tenant)s::text IS NULL OR tenant_id = %(tenant)s)
   AND (%(cause)s::text IS NULL OR cause = %(cause)s) AND (%(record)s::text IS NULL OR entity_id = %(record)s)
RETURNING id, tenant_id
"""
# An answer that nobody has is not brought about by deciding anew: the intent itself is taken up again.
_REOPEN = "UPDATE intent SET state = 'open', due_at = now() WHERE state = 'attention' AND inbox_id = ANY(%s)"

_STORY_EVENTS = """
SELECT topic, event_id, state, result, cause, message, attempts, entity_version, received_at, decided_at
  FROM inbox WHERE tenant_id = %s AND entity_id = %s ORDER BY entity_version, id
"""
_STORY_INTENTS = """
SELECT n.operation, n.entity, n.state, n.attempts, n.request_id, n.answer_code, n.answer_detail, n.intuit_tid,
       n.created_at, n.closed_at
  FROM intent n JOIN inbox i ON i.id = n.inbox_id WHERE i.tenant_id = %s AND i.entity_id = %s ORDER BY n.id
"""
_STORY_STANDING = "SELECT * FROM standing WHERE tenant_id = %s AND record_id = %s"

_DEAD = """
SELECT id, topic, partition, kafka_offset AS "offset", reason, detail, arrived_at AS since,
       octet_length(value) AS bytes FROM dead_letter ORDER BY id DESC LIMIT %s
"""
_STATES = """
SELECT tenant_id AS tenant, topic, state, coalesce(result, cause) AS why, count(*) AS records,
       min(received_at) AS oldest
  FROM inbox WHERE (%(tenant)s::text IS NULL OR tenant_id = %(tenant)s)
 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


class OperationStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def attention(self, *, tenant: str | None, cause: str | None, limit: int) -> Sequence[dict[str, Any]]:
        return await self._rows(_ATTENTION, {"tenant": tenant, "cause": cause, "limit": limit})

    async def retry(self, *, tenant: str | None, cause: str | None, record: str | None) -> int:
        """Put records that need attention back to work and wake their lanes; return how many."""
        params = {"tenant": tenant, "cause": cause, "record": record}
        async with session(self._pool) as connection, connection.transaction():
            rows = await (await connection.execute(_RETRY, params)).fetchall()
            await connection.execute(_REOPEN, [[row["id"] for row in rows]])
            await wake(connection, sorted({row["tenant_id"] for row in rows}))
        return len(rows)

    async def story(self, tenant: str, record: str) -> dict[str, Sequence[dict[str, Any]]]:
        """Return everything about one CRM record: where it stands, its events, its writes and their answers."""
        return {
            "standing": await self._rows(_STORY_STANDING, [tenant, record]),
            "events": await self._rows(_STORY_EVENTS, [tenant, record]),
            "writes": await self._rows(_STORY_INTENTS, [tenant, record]),
        }

    async def dead_letters(self, *, limit: int) -> Sequence[dict[str, Any]]:
        return await self._rows(_DEAD, [limit])

    async def states(self, *, tenant: str | None) -> Sequence[dict[str, Any]]:
        return await self._rows(_STATES, {"tenant": tenant})

    async def stop_writes(self, reason: str) -> None:
        query = (
            "INSERT INTO stop_writes (reason) VALUES (%s) ON CONFLICT (single) DO UPDATE SET reason = excluded.reason"
        )
        async with session(self._pool) as connection:
            await connection.execute(query, [reason])

    async def writes_stopped(self) -> str | None:
        """Return why an operator stopped all writes; None when they go on."""
        rows = await self._rows("SELECT reason FROM stop_writes", None)
        return str(rows[0]["reason"]) if rows else None

    async def allow_writes(self) -> bool:
        async with session(self._pool) as connection:
            return (await connection.execute("DELETE FROM stop_writes")).rowcount == 1

    async def _rows(self, query: str, params: Any) -> Sequence[dict[str, Any]]:
        async with session(self._pool) as connection:
            return await (await connection.execute(query.encode(), params)).fetchall()
