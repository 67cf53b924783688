"""Leases: which process works on which company, and the fence that keeps a late one from committing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from bridge.store.database import Connection, Pool, session

_CLAIM = """
UPDATE lane SET owner = %(owner)s, epoch = lane.epoch + 1,
       leased_until = clock_timestamp() + make_interval(secs => %(seconds)s),
       -- An orderly hand-back left the budget for the next owner; after a lapse nobody knows what was used.
       budget = CASE WHEN lane.owner IS NULL THEN lane.budget END
  FROM (SELECT l.realm_id, l.owner IS NOT NULL AS lapsed
          FROM lane l
          JOIN connection c ON c.realm_id = l.realm_id AND c.tenant_id = l.tenant_id AND c.state = 'connected'
         WHERE (l.owner IS NULL OR l.leased_until < clock_timestamp())
           AND (l.due_at <= clock_timestamp() OR l.realm_id = ANY(%(wanted)s))
           AND (%(only_wanted)s = false OR l.realm_id = ANY(%(wanted)s))
         ORDER BY l.due_at NULLS LAST
         LIMIT %(limit)s
           FOR UPDATE OF l SKIP LOCKED) AS free
 WHERE lane.realm_id = free.realm_id
RETURNING lane.realm_id, lane.tenant_id, lane.epoch, free.lapsed, lane.budget AS left_budget, lane.preflight_asked
"""

# Rows are locked in one order everywhere, so that renewals, fences and wake-ups cannot deadlock.
_RENEW = """
UPDATE lane SET leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
  FROM (SELECT l.realm_id FROM lane l
          JOIN unnest(%(realms)s::text[], %(epochs)s::bigint[]) AS held (realm_id, epoch)
            ON held.realm_id = l.realm_id AND held.epoch = l.epoch
          -- Paused, parked or disconnected: whoever works on it finds out here, and stops.
          JOIN connection c ON c.realm_id = l.realm_id AND c.tenant_id = l.tenant_id AND c.state = 'connected'
         WHERE l.owner = %(owner)s
         ORDER BY l.realm_id FOR UPDATE OF l) AS mine
 WHERE lane.realm_id = mine.realm_id
RETURNING lane.realm_id, lane.preflight_asked
"""

_ASK_PREFLIGHT = "UPDATE lane SET preflight_asked = true, due_at = clock_timestamp() WHERE realm_id = %s"
_PREFLIGHT_DONE = "UPDATE lane SET preflight_asked = false WHERE realm_id = %s AND epoch = %s"

_LOCK = "SELECT 1 FROM lane WHERE realm_id = %(realm)s AND owner = %(owner)s AND epoch = %(epoch)s FOR UPDATE"

# A second statement, so that its snapshot sees what ingest committed while the lock was waited for.
_RELEASE = """
UPDATE lane SET owner = NULL, leased_until = NULL, budget = %(budget)s,
       -- Nothing to come and no rest: not due at all.
       due_at = (SELECT CASE WHEN min(due) IS NOT NULL OR %(rest)s::float8 > 0
                        THEN greatest(min(due), clock_timestamp() + make_interval(secs => %(rest)s)) END FROM (
           SELECT min(i.due_at) AS due FROM inbox i
            WHERE i.tenant_id = lane.tenant_id AND i.state IN ('pending', 'waiting')
           UNION ALL
           SELECT min(n.due_at) FROM intent n
            WHERE n.realm_id = lane.realm_id AND n.tenant_id = lane.tenant_id AND n.state = 'open'
           UNION ALL
           SELECT clock_timestamp() WHERE lane.preflight_asked
           UNION ALL
           -- A hint hurries no poll that failed.
           SELECT greatest(min(h.due_at), max(CASE WHEN w.failures > 0 THEN w.poll_at END)) FROM hint h
             JOIN watch w ON (w.realm_id, w.tenant_id) = (lane.realm_id, lane.tenant_id)
            WHERE h.realm_id = lane.realm_id
           UNION ALL
           SELECT CASE WHEN NOT w.customers_told OR w.history_since IS NOT NULL
                         OR w.import_state = 'not_requested' AND c.import_invoices
                       THEN least(w.history_at, w.poll_at) ELSE w.poll_at END
             FROM connection c JOIN watch w ON (w.realm_id, w.tenant_id) = (c.realm_id, c.tenant_id)
            WHERE c.realm_id = lane.realm_id AND c.tenant_id = lane.tenant_id
           UNION ALL
           -- It could not even be begun.
           SELECT clock_timestamp() + interval '10 seconds' WHERE NOT EXISTS (
               SELECT FROM watch w WHERE (w.realm_id, w.tenant_id) = (lane.realm_id, lane.tenant_id))) AS next)
 WHERE realm_id = %(realm)s
"""

_WAKE = """
UPDATE lane SET due_at = least(coalesce(lane.due_at, clock_timestamp()), clock_timestamp())
  FROM (SELECT realm_id FROM lane WHERE tenant_id = ANY(%(tenants)s) ORDER BY realm_id FOR UPDATE) AS woken
 WHERE lane.realm_id = woken.realm_id
RETURNING lane.realm_id
"""

_FENCE = """
SELECT l.realm_id, l.epoch FROM lane l
  JOIN unnest(%(realms)s::text[], %(epochs)s::bigint[]) AS held (realm_id, epoch)
    ON held.realm_id = l.realm_id AND held.epoch = l.epoch
 WHERE l.leased_until > clock_timestamp()
   AND (NOT %(connected)s OR EXISTS (
       SELECT 1 FROM connection c
        WHERE c.realm_id = l.realm_id AND c.tenant_id = l.tenant_id AND c.state = 'connected'))
 ORDER BY l.realm_id
   FOR SHARE OF l
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One claim of one lane. Its epoch is the fence for whatever is committed under it."""

    realm_id: str
    tenant_id: str
    epoch: int
    lapsed: bool = False
    budget: Mapping[str, Any] | None = None
    preflight_asked: bool = False


class LaneStore:
    def __init__(self, pool: Pool, *, owner: str, lease_seconds: float) -> None:
        self._pool = pool
        self._owner = owner
        self._lease_seconds = lease_seconds

    async def claim(self, *, limit: int, wanted: Sequence[str] = (), only_wanted: bool = False) -> list[Lease]:
        """Take up to `limit` free lanes that are due (oldest first) or wanted, skipping what others hold."""
        params = {
            "owner": self._owner,
            "seconds": self._lease_seconds,
            "limit": limit,
            "wanted": list(wanted),
            "only_wanted": only_wanted,
        }
        async with session(self._pool) as connection:
            rows = await (await connection.execute(_CLAIM, params)).fetchall()
        return [_lease(row) for row in rows]

    async def renew(self, leases: Iterable[Lease]) -> dict[str, bool]:
        """Extend all leases by one statement; return the realms still held, and whether preflight was asked of each."""
        held = list(leases)
        params = {
            "owner": self._owner,
            "seconds": self._lease_seconds,
            "realms": [lease.realm_id for lease in held],
            "epochs": [lease.epoch for lease in held],
        }
        async with session(self._pool) as connection:
            rows = await (await connection.execute(_RENEW, params)).fetchall()
        return {row["realm_id"]: row["preflight_asked"] for row in rows}

    async def ask_preflight(self, realm_id: str) -> None:
        """Have the company read anew by whoever holds its lane, now or next."""
        async with session(self._pool) as connection:
            await connection.execute(_ASK_PREFLIGHT, [realm_id])

    async def preflight_is_asked(self, realm_id: str) -> bool:
        async with session(self._pool) as connection:
            cursor = await connection.execute("SELECT preflight_asked FROM lane WHERE realm_id = %s", [realm_id])
            row = await cursor.fetchone()
        return bool(row and row["preflight_asked"])

    async def preflight_done(self, lease: Lease) -> None:
        async with session(self._pool) as connection:
            await connection.execute(_PREFLIGHT_DONE, [lease.realm_id, lease.epoch])

    async def release(self, lease: Lease, *, budget: Mapping[str, Any], rest_seconds: float = 0) -> None:
        """Give a lane back in order: due when its next row is, with what is left of its budget.

        `rest_seconds`: it is not due before, whatever waits; for a lane that could not be worked.
        """
        params = {
            "realm": lease.realm_id,
            "owner": self._owner,
            "epoch": lease.epoch,
            "budget": Jsonb(dict(budget)),
            "rest": rest_seconds,
        }
        async with session(self._pool) as connection, connection.transaction():
            if (await connection.execute(_LOCK, params)).rowcount:
                await connection.execute(_RELEASE, params)

    async def others_wait(self) -> bool:
        """Tell whether a company is due that nobody holds."""
        query = """
            SELECT EXISTS (SELECT 1 FROM lane l
                JOIN connection c ON c.realm_id = l.realm_id AND c.tenant_id = l.tenant_id
                 AND c.state = 'connected'
                WHERE l.due_at <= clock_timestamp() AND (l.owner IS NULL OR l.leased_until < clock_timestamp()))
                AS waiting"""
        async with session(self._pool) as connection:
            row = await (await connection.execute(query)).fetchone()
        return bool(row and row["waiting"])


async def wake(connection: Connection, tenants: Sequence[str]) -> tuple[str, ...]:
    """Make the tenants' lanes due now, in the caller's transaction; return their realms."""
    rows = await (await connection.execute(_WAKE, {"tenants": list(tenants)})).fetchall()
    return tuple(row["realm_id"] for row in rows)


async def fence(
    connection: Connection, claims: Iterable[tuple[str, int]], *, connected: bool = False
) -> set[tuple[str, int]]:
    """Return which (realm, epoch) still hold their lane, and keep them so until the transaction ends.

    `connected`: only those whose company is connected. Answers are committed whatever its standing is.
    """
    wanted = sorted(set(claims))
    params = {
        "realms": [realm for realm, _ in wanted],
        "epochs": [epoch for _, epoch in wanted],
        "connected": connected,
    }
    rows = await (await connection.execute(_FENCE, params)).fetchall()
    return {(row["realm_id"], row["epoch"]) for row in rows}


def _lease(row: Mapping[str, Any]) -> Lease:
    return Lease(
        realm_id=row["realm_id"],
        tenant_id=row["tenant_id"],
        epoch=row["epoch"],
        lapsed=row["lapsed"],
        budget=row["left_budget"],
        preflight_asked=row["preflight_asked"],
    )
