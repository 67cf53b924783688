"""Hints that webhooks gave: what polls are to look for, and that the companies are due.

Each transaction locks lanes first, in one order, then hints, then watches: as whoever polls in a lane does. Whoever
has locked a lane has all hints of its company to himself.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.store.database import Connection, Pool, session
from bridge.store.wakeups import notify_within
from qbo_client.webhooks import Change

# It also says which companies are known: a second statement would see who disconnected in between.
_WAKE = """
UPDATE lane SET due_at = least(coalesce(lane.due_at, clock_timestamp()), clock_timestamp())
  FROM (SELECT l.realm_id FROM lane l
          JOIN connection c ON c.realm_id = l.realm_id AND c.tenant_id = l.tenant_id AND c.state <> 'disconnected'
         WHERE l.realm_id = ANY(%s)
         ORDER BY l.realm_id FOR UPDATE OF l) AS woken
 WHERE lane.realm_id = woken.realm_id
RETURNING lane.realm_id
"""

# The same hint again is looked for anew: what it tells of may have happened after the look before.
_ADD = """
INSERT INTO hint (realm_id, entity, qbo_id, operation, deleted_id, at)
SELECT realm_id, entity, qbo_id, operation, deleted_id, max(at)
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
       AS told (realm_id, entity, qbo_id, operation, deleted_id, at)
 GROUP BY realm_id, entity, qbo_id, operation, deleted_id
    ON CONFLICT (realm_id, entity, qbo_id, operation, deleted_id) DO UPDATE
   SET at = greatest(hint.at, excluded.at), arrived_at = now(), due_at = now(), tries = 0
"""

# Whether webhooks are proven is a matter of days: it is not written with each of them.
_ANNOUNCED = """
UPDATE watch SET announced_at = now()
  FROM (SELECT w.realm_id, w.tenant_id FROM watch w
          JOIN connection c ON c.realm_id = w.realm_id AND c.tenant_id = w.tenant_id AND c.state <> 'disconnected'
         WHERE w.realm_id = ANY(%s)
           AND (w.announced_at IS NULL OR w.announced_at < now() - interval '1 hour')
         ORDER BY w.realm_id FOR UPDATE OF w) AS heard
 WHERE (watch.realm_id, watch.tenant_id) = (heard.realm_id, heard.tenant_id)
"""

_CONNECTED = "SELECT realm_id FROM connection WHERE state <> 'disconnected' ORDER BY realm_id"

_ALL_DUE = """
UPDATE watch SET poll_at = now()
  FROM (SELECT w.realm_id, w.tenant_id FROM watch w
          JOIN connection c ON c.realm_id = w.realm_id AND c.tenant_id = w.tenant_id AND c.state <> 'disconnected'
         WHERE w.realm_id = ANY(%s)
         ORDER BY w.realm_id FOR UPDATE OF w) AS connected
 WHERE (watch.realm_id, watch.tenant_id) = (connected.realm_id, connected.tenant_id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of a group of hints."""

    #: Their companies that are connected, paused or to be reconnected.
    known_realms: frozenset[str]
    #: How many of the changes are of no such company. They are not stored.
    unknown: int


class HintStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, changes: Sequence[Change], heard: Collection[str] = ()) -> Stored:
        """Store hints of companies that are known, and wake their lanes, in one transaction.

        Of the companies in `heard`, and of those, it is noted that webhooks arrive.
        """
        async with session(self._pool) as connection, connection.transaction():
            known = await _wake(connection, {change.realm_id for change in changes})
            stored = [change for change in changes if change.realm_id in known]
            await _add(connection, stored)
            await connection.execute(_ANNOUNCED, [sorted(known.union(heard))])
        return Stored(known_realms=known, unknown=len(changes) - len(stored))

    async def everything_is_due(self) -> tuple[str, ...]:
        """Have every company polled now that is known; return them."""
        async with session(self._pool) as connection, connection.transaction():
            rows = await (await connection.execute(_CONNECTED)).fetchall()
            known = await _wake(connection, {row["realm_id"] for row in rows})
            await connection.execute(_ALL_DUE, [sorted(known)])
        return tuple(sorted(known))


async def _wake(connection: Connection, realms: set[str]) -> frozenset[str]:
    """Make the lanes due of the companies that are known, tell all processes, and return them."""
    if not realms:
        return frozenset()
    rows = await (await connection.execute(_WAKE, [sorted(realms)])).fetchall()
    known = frozenset(row["realm_id"] for row in rows)
    await notify_within(connection, sorted(known))
    return known


async def _add(connection: Connection, changes: Sequence[Change]) -> None:
    if not changes:
        return
    columns = zip(*((c.realm_id, c.entity, c.id, c.operation, c.deleted_id or "", c.at) for c in changes), strict=True)
    await connection.execute(_ADD, [list(column) for column in columns])
