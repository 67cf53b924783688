"""How far a company is watched, and the hints of webhooks. Satisfies `producers.ports.WatchStore` with `news.py`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.store.database import Connection, Pool, session
from bridge.store.lanes import Lease, fence
from bridge.store.many import many
from bridge.store.news import take_in
from consumers.ports import LaneLost
from mapping.from_qbo.customer import known_fields
from producers.memory import Ask, Decide, Row
from producers.watched import Hint, Step, Watched
from schemas.codec import Codec

_LOOK = """
SELECT w.began_at, w.customers_since, w.invoices_since, w.customers_read,
       w.customers_told, w.history_since, w.history_counted,
       w.import_state = 'running' AS import_running,
       c.import_invoices AND w.import_state = 'not_requested' AS import_wanted,
       w.import_until, w.import_done, w.import_total, w.announced_at, w.unannounced_at, w.failures,
       w.history_failures,
       CASE WHEN w.hour_began_at > now() - interval '1 hour' THEN w.hour_polls ELSE 0 END AS hour_polls,
       coalesce(extract(epoch FROM clock_timestamp() - w.polled_at), 1e9)::float8 AS polled_ago,
       extract(epoch FROM w.history_at - clock_timestamp())::float8 AS history_in,
       extract(epoch FROM w.poll_at - clock_timestamp())::float8 AS poll_in,
       extract(epoch FROM h.due_at - clock_timestamp())::float8 AS hint_in,
       coalesce(extract(epoch FROM clock_timestamp() - h.arrived_at), 0)::float8 AS hint_age,
       c.review_requests, coalesce(c.company ->> 'home_currency', '') AS home_currency
  FROM watch w
  JOIN connection c ON (c.realm_id, c.tenant_id) = (w.realm_id, w.tenant_id)
  LEFT JOIN LATERAL (SELECT min(due_at) AS due_at,
                            min(arrived_at) FILTER (WHERE due_at <= clock_timestamp()) AS arrived_at
                       FROM hint WHERE hint.realm_id = w.realm_id) AS h ON true
 WHERE w.realm_id = %s AND w.tenant_id = %s
"""

_BEGIN = """
INSERT INTO watch (realm_id, tenant_id, began_at, customers_since, invoices_since)
VALUES (%(realm)s, %(tenant)s, %(at)s, %(since)s, %(since)s)
    ON CONFLICT (realm_id, tenant_id) DO NOTHING
"""

# Our own writes come back as events, whose second may be the next one. A Payment of ours is not dropped: it may have
# paid an invoice, which is news.
_ECHOES = """
SELECT h.entity, h.qbo_id, h.operation, h.at, CASE h.entity WHEN 'Customer' THEN c.body END AS customer, k.fields
  FROM hint h
  JOIN local_copy c ON (c.realm_id, c.qbo_kind, c.qbo_id) = (h.realm_id, h.entity, h.qbo_id)
  LEFT JOIN known_customer k ON (k.realm_id, k.tenant_id, k.qbo_id) = (h.realm_id, %(tenant)s, h.qbo_id)
                            AND h.entity = 'Customer' AND NOT k.gone
 WHERE h.realm_id = %(realm)s AND h.entity IN ('Customer', 'Invoice') AND h.operation IN ('created', 'updated')
   AND c.written_until >= date_trunc('second', h.at) - interval '1 second'
"""
_DROP_ECHO = "DELETE FROM hint WHERE realm_id = %s AND entity = %s AND qbo_id = %s AND operation = %s AND at <= %s"
# It may be the echo of a write whose answer is on its way. Not for long: that answer may never come.
_WAIT_FOR_ANSWERS = """
UPDATE hint h SET due_at = now() + interval '1 second'
 WHERE h.realm_id = %s AND h.due_at <= now() AND h.arrived_at > now() - interval '15 seconds'
   AND EXISTS (SELECT FROM intent n
                WHERE n.realm_id = h.realm_id AND n.state = 'open' AND n.entity = h.entity
                  AND CASE n.operation WHEN 'create' THEN h.operation = 'created'
                                       ELSE n.body::jsonb ->> 'Id' = h.qbo_id END)
"""
_DUE_HINTS = """
SELECT entity, qbo_id, operation, deleted_id, at, arrived_at, tries FROM hint
 WHERE realm_id = %s AND due_at <= now() ORDER BY arrived_at
"""

_UNTOLD = """
SELECT c.body FROM local_copy c
 WHERE c.realm_id = %(realm)s AND c.qbo_kind = 'Customer' AND NOT EXISTS (
       SELECT FROM known_customer k
        WHERE (k.realm_id, k.tenant_id, k.qbo_id) = (c.realm_id, %(tenant)s, c.qbo_id))
 ORDER BY c.qbo_id LIMIT %(limit)s
"""
_KNOWN_IDS = "SELECT qbo_id FROM known_customer WHERE realm_id = %s AND tenant_id = %s AND NOT gone"
_STILL_KNOWN = f"{_KNOWN_IDS} AND qbo_id = ANY(%s)"
_COPIED_IDS = "SELECT qbo_id FROM local_copy WHERE realm_id = %s AND qbo_kind = %s ORDER BY qbo_id"
_COPIED = "SELECT qbo_id FROM local_copy WHERE realm_id = %s AND qbo_kind = %s AND qbo_id = ANY(%s)"
_PAID = "SELECT qbo_id FROM known_invoice WHERE realm_id = %s AND tenant_id = %s AND qbo_id = ANY(%s) AND paid"
# A person may have moved one of them elsewhere: a merge takes all that are left.
_MOVED = """
SELECT DISTINCT ON (k.customer_id) k.customer_id, now.customer_id AS moved_to
  FROM known_invoice k JOIN unnest(%s::text[], %s::text[]) AS now (qbo_id, customer_id) ON now.qbo_id = k.qbo_id
 WHERE k.realm_id = %s AND k.tenant_id = %s AND k.customer_id <> now.customer_id AND now.customer_id <> ''
 GROUP BY k.customer_id, now.customer_id
 ORDER BY k.customer_id, count(*) DESC, max(k.qbo_id) DESC
"""
# Of invoices it is known whose they were; of other documents, by whose events they were booked.
_DOCUMENTS = """
(SELECT 'Invoice' AS kind, k.qbo_id FROM known_invoice k
  WHERE k.realm_id = %(realm)s AND k.tenant_id = %(tenant)s AND k.customer_id = %(customer)s
  ORDER BY k.qbo_id DESC LIMIT 3)
UNION ALL
(SELECT l.qbo_kind, l.qbo_id FROM link l
  WHERE l.realm_id = %(realm)s AND l.tenant_id = %(tenant)s AND l.origin <> 'skipped'
    AND l.qbo_kind = ANY('{SalesReceipt,Payment,RefundReceipt}')
    AND EXISTS (SELECT FROM inbox i
                  JOIN link c ON (c.realm_id, c.tenant_id, c.crm_kind, c.crm_id, c.qbo_kind, c.qbo_id)
                               = (l.realm_id, l.tenant_id, 'contact', i.contact_id, 'Customer', %(customer)s)
                 WHERE (i.tenant_id, i.entity_kind, i.entity_id) = (l.tenant_id, l.crm_kind, l.crm_id))
  ORDER BY l.linked_at DESC LIMIT 3)
"""
_POLL_FAILED = """
UPDATE watch SET failure = %s, failing_since = coalesce(failing_since, now()), failures = failures + 1,
       poll_at = now() + make_interval(secs => %s)
 WHERE realm_id = %s AND tenant_id = %s
"""
_HISTORY_FAILED = """
UPDATE watch SET failure = %s, failing_since = coalesce(failing_since, now()),
       history_failures = history_failures + 1, history_at = now() + make_interval(secs => %s)
 WHERE realm_id = %s AND tenant_id = %s
"""


class CompanyWatchStore:
    """One company's watch, under one lease."""

    def __init__(self, pool: Pool, codec: Codec, lease: Lease) -> None:
        self._pool = pool
        self._codec = codec
        self._lease = lease
        self._key = (lease.realm_id, lease.tenant_id)

    async def look(self) -> Watched | None:
        rows = await self._rows(_LOOK, *self._key)
        return Watched(**rows[0]) if rows else None

    async def begin(self, began_at: datetime, *, since: datetime) -> None:
        """Begin to watch, if the lane is still held; the first poll asks from `since`. Raises LaneLost."""
        async with session(self._pool) as connection, connection.transaction():
            await self._fence(connection)
            realm, tenant = self._key
            await connection.execute(_BEGIN, {"realm": realm, "tenant": tenant, "at": began_at, "since": since})

    async def hints(self) -> list[Hint]:
        """Return the hints that are due. Raises LaneLost.

        The lane is locked first: whoever stores hints of several companies does so, too.
        """
        realm = [self._lease.realm_id]
        async with session(self._pool) as connection, connection.transaction():
            await self._fence(connection)
            await self._drop_echoes(connection)
            await connection.execute(_WAIT_FOR_ANSWERS, realm)
            return [Hint(**row) for row in await (await connection.execute(_DUE_HINTS, realm)).fetchall()]

    async def _drop_echoes(self, connection: Connection) -> None:
        realm, tenant = self._key
        rows = await (await connection.execute(_ECHOES, {"realm": realm, "tenant": tenant})).fetchall()
        echoes = [(realm, one["entity"], one["qbo_id"], one["operation"], one["at"]) for one in rows if _is_echo(one)]
        await many(connection, _DROP_ECHO, echoes)

    async def _fence(self, connection: Connection) -> None:
        if not await fence(connection, [(self._lease.realm_id, self._lease.epoch)]):
            raise LaneLost(self._lease.realm_id)

    async def untold_customers(self, limit: int) -> list[Row]:
        realm, tenant = self._key
        return [row["body"] for row in await self._rows(_UNTOLD, realm=realm, tenant=tenant, limit=limit)]

    async def known_customer_ids(self) -> frozenset[str]:
        return frozenset(row["qbo_id"] for row in await self._rows(_KNOWN_IDS, *self._key))

    async def still_known(self, customer_ids: Sequence[str]) -> frozenset[str]:
        if not customer_ids:
            return frozenset()
        return frozenset(row["qbo_id"] for row in await self._rows(_STILL_KNOWN, *self._key, list(customer_ids)))

    async def copied_ids(self, kind: str) -> list[str]:
        return [row["qbo_id"] for row in await self._rows(_COPIED_IDS, self._lease.realm_id, kind)]

    async def missing(self, kind: str, ids: Sequence[str]) -> list[str]:
        there = {row["qbo_id"] for row in await self._rows(_COPIED, self._lease.realm_id, kind, list(ids))}
        return [one for one in ids if one not in there]

    async def not_yet_paid(self, invoice_ids: Sequence[str]) -> frozenset[str]:
        paid = {row["qbo_id"] for row in await self._rows(_PAID, *self._key, list(invoice_ids))}
        return frozenset(invoice_ids) - paid

    async def moved_away(self, owners: Mapping[str, str]) -> dict[str, str]:
        rows = await self._rows(_MOVED, list(owners), list(owners.values()), *self._key)
        return {row["customer_id"]: row["moved_to"] for row in rows}

    async def documents_of(self, customer_id: str) -> list[tuple[str, str]]:
        realm, tenant = self._key
        rows = await self._rows(_DOCUMENTS, realm=realm, tenant=tenant, customer=customer_id)
        return [(row["kind"], row["qbo_id"]) for row in rows]

    async def take_in(self, ask: Ask, decide: Decide) -> None:
        """Recall, decide and store in one transaction. Raises LaneLost."""
        await take_in(self._pool, self._codec, self._lease, ask, decide)

    async def failed(self, step: Step, why: str, *, again_in_seconds: float) -> None:
        """Note a failure, if the lane is still held. Raises LaneLost."""
        query = _POLL_FAILED if step is Step.POLL else _HISTORY_FAILED
        async with session(self._pool) as connection, connection.transaction():
            await self._fence(connection)
            await connection.execute(query, [why, again_in_seconds, *self._key])

    async def _rows(self, query: str, *values: Any, **named: Any) -> list[dict[str, Any]]:
        async with session(self._pool) as connection:
            return await (await connection.execute(query.encode(), named or values)).fetchall()


def _is_echo(hint: Mapping[str, Any]) -> bool:
    """Whether a hint about what we wrote tells nothing else: our answer may have shown a person's edit before it."""
    return hint["customer"] is None or known_fields(hint["customer"]) == hint["fields"]
