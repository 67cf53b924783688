"""Intents and what followed them, committed in groups: each item's epoch is checked, row by row."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import simplejson
from psycopg.types.json import Jsonb

from bridge.store.copies import DELETE_COPY, UPSERT_COPY, copy_values, is_copied
from bridge.store.database import Connection, Pool, session
from bridge.store.events import connection_changed
from bridge.store.lanes import Lease, fence
from bridge.store.many import many
from bridge.store.outbox import OutboxRow, add_to_outbox, shard_of
from consumers.effects import Decided, Effects, Parked, Refused, Unanswered, Written
from consumers.intents import Intent, Link
from consumers.keys import invoice_key
from consumers.outcomes import UNANSWERED, Attention, Done, Waiting, state_of
from consumers.ports import LaneLost, WritesStopped
from consumers.records import Row
from consumers.standing import told
from mapping.from_qbo.customer import made_fields, written_fields
from qbo_client.writes import Operation
from schemas.codec import Codec
from schemas.events.quickbooks import SyncStatus

_INTENT = """
INSERT INTO intent (realm_id, tenant_id, inbox_id, crm_kind, crm_id, currency, number, operation, entity,
                    body, request_id, remember, keys)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
-- PostgreSQL may have committed and died before it could say so: the same group is then committed again.
ON CONFLICT (realm_id, request_id) DO NOTHING
"""

_CLOSE = """
UPDATE intent SET state = %s, answer_code = %s, answer_detail = %s, intuit_tid = %s, attempts = attempts + 1,
       closed_at = now()
 WHERE realm_id = %s AND request_id = %s
"""

_KEEP_OPEN = """
UPDATE intent SET state = %s, attempts = attempts + 1, due_at = %s WHERE realm_id = %s AND request_id = %s
"""

# What a day brought no answer to is before a person, row and intent together; a retry takes up both.
_ASK_A_PERSON = """
UPDATE inbox SET state = 'attention', cause = %s, message = %s, decided_at = now(), claims = 0, ran_alone = false
 WHERE id = %s AND state IN ('pending', 'waiting')
RETURNING id, tenant_id, topic, event_id, payload, content_hash, entity_kind, entity_id, contact_id,
          entity_version, occurred_at, received_at, appended_at, attempts, claims, ran_alone
"""
# The row that waited for this answer can go on at once.
_RELEASE_ROW = "UPDATE inbox SET due_at = now() WHERE id = %s AND state = 'waiting'"

_LINK = """
INSERT INTO link (realm_id, crm_kind, crm_id, currency, tenant_id, qbo_kind, qbo_id, sync_token, doc_number,
                  last_sent, source_hash, entity_version, occurred_at, origin, discrepancy, belongs_to)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (realm_id, tenant_id, crm_kind, crm_id, currency) DO UPDATE SET
    qbo_kind = excluded.qbo_kind, qbo_id = excluded.qbo_id, sync_token = excluded.sync_token,
    doc_number = excluded.doc_number, last_sent = excluded.last_sent, source_hash = excluded.source_hash,
    entity_version = excluded.entity_version, occurred_at = excluded.occurred_at,
    origin = CASE WHEN link.origin = 'skipped' THEN excluded.origin ELSE link.origin END,
    discrepancy = excluded.discrepancy, belongs_to = excluded.belongs_to, updated_at = now()
"""
_UNLINK = """
DELETE FROM link WHERE realm_id = %s AND tenant_id = %s AND crm_kind = %s AND crm_id = %s AND currency = %s
"""
# What waited for this very object goes on the moment it is in the books.
_RELEASE_WAITING = "UPDATE inbox SET due_at = now() WHERE tenant_id = %s AND waits_for = %s AND state = 'waiting'"

_DECIDE = """
UPDATE inbox SET state = %s, result = %s, cause = %s, message = %s, trace = %s, due_at = coalesce(%s, due_at),
       waits_for = %s, attempts = attempts + %s, claims = 0, ran_alone = false, decided_at = now()
 WHERE id = %s
"""

# It carries the full state: what waited or needed attention about an older one is settled by it.
_SUPERSEDE = """
UPDATE inbox SET state = 'done', result = 'superseded', cause = NULL, message = NULL, decided_at = now()
 WHERE tenant_id = %s AND entity_kind = %s AND entity_id = %s AND entity_version < %s
   AND state IN ('waiting', 'attention') AND id <> %s
   AND NOT EXISTS (SELECT 1 FROM intent n WHERE n.inbox_id = inbox.id AND n.state IN ('open', 'attention'))
"""

# Told only when the standing really changed, and never by a state of the record older than the newest decided.
_TELL = """
WITH before AS (
    SELECT realm_id, state, cause, quickbooks FROM standing
     WHERE tenant_id = %(tenant)s AND record_type = %(type)s AND record_id = %(record)s),
decided AS (
    INSERT INTO standing (tenant_id, record_type, record_id, realm_id, state, cause, message, quickbooks,
                          entity_version)
    VALUES (%(tenant)s, %(type)s, %(record)s, %(realm)s, %(state)s, %(cause)s, %(message)s, %(quickbooks)s,
            %(version)s)
    ON CONFLICT (tenant_id, record_type, record_id) DO UPDATE SET
        realm_id = excluded.realm_id, state = excluded.state, cause = excluded.cause,
        message = excluded.message, quickbooks = excluded.quickbooks,
        entity_version = excluded.entity_version, changed_at = now()
    WHERE standing.entity_version < excluded.entity_version
       OR standing.entity_version = excluded.entity_version
      AND (standing.realm_id, standing.state, standing.cause, standing.quickbooks)
          IS DISTINCT FROM (excluded.realm_id, excluded.state, excluded.cause, excluded.quickbooks)
    RETURNING realm_id, state, cause, quickbooks)
INSERT INTO outbox (shard, topic, key, event_id, payload)
SELECT %(shard)s, 'qb.sync.status', %(tenant)s, %(event)s, %(payload)s FROM decided
 WHERE NOT EXISTS (SELECT 1 FROM before
                    WHERE (before.realm_id, before.state, before.cause, before.quickbooks)
                          IS NOT DISTINCT FROM (decided.realm_id, decided.state, decided.cause, decided.quickbooks))
"""

# Whoever judges customers that are not known yet holds them back meanwhile (see `bridge.store.recall`). The mode is
# the one that lets everybody write how far the watch has come.
_BESIDE_NEWS = """
SELECT FROM watch w JOIN unnest(%s::text[], %s::text[]) AS ours (realm_id, tenant_id)
    ON (w.realm_id, w.tenant_id) = (ours.realm_id, ours.tenant_id)
 ORDER BY w.realm_id, w.tenant_id FOR KEY SHARE OF w
"""
# The CRM knows what the bridge writes on its behalf: that part of a customer is no news when a poll shows it.
KNOW_CUSTOMER = """
INSERT INTO known_customer (realm_id, tenant_id, qbo_id, fields)
SELECT v.realm_id, v.tenant_id, v.qbo_id, v.fields
  FROM (VALUES (%s::text, %s::text, %s::text, %s::jsonb, %s::boolean)) AS v (realm_id, tenant_id, qbo_id, fields, made)
 -- One that was found may still have to be told: only what was made here is known as a whole.
 WHERE v.made OR EXISTS (SELECT FROM known_customer k
                          WHERE (k.realm_id, k.tenant_id, k.qbo_id) = (v.realm_id, v.tenant_id, v.qbo_id))
    ON CONFLICT (realm_id, tenant_id, qbo_id) DO UPDATE SET fields = known_customer.fields || excluded.fields
"""

_PARK = """
UPDATE connection SET state = %s, cause = %s, message = %s
 WHERE tenant_id = %s AND realm_id = %s AND state = 'connected'
RETURNING company ->> 'name' AS company_name, review_requests
"""


#: Waits that are no failed try, however many there are.
_PLANNED_WAITS = frozenset({"writes_stopped", "waits_for_invoice", "waits_for_answer"})

Verdicts = list[Exception | None]


class OutcomeStore:
    """The two commits of every write: before it is sent, and after it is answered."""

    def __init__(self, pool: Pool, codec: Codec) -> None:
        self._pool = pool
        self._codec = codec

    async def commit_intents(self, items: Sequence[tuple[Lease, Intent]]) -> Verdicts:
        """Store intents in one transaction; those whose lane was lost, or all if writes are stopped, are not."""
        async with session(self._pool) as connection, connection.transaction():
            claims = ((lease.realm_id, lease.epoch) for lease, _ in items)
            held = await fence(connection, claims, connected=True)
            stopped = await _writes_stopped(connection)
            if not stopped:
                kept = [intent for lease, intent in items if (lease.realm_id, lease.epoch) in held]
                await many(connection, _INTENT, [_intent_values(intent) for intent in kept])
        return [stopped or _verdict(lease, held) for lease, _ in items]

    async def commit_effects(self, items: Sequence[tuple[Lease, Effects]]) -> Verdicts:
        """Store what followed: intent, link, local copy, inbox row, outbox rows, together for each item."""
        async with session(self._pool) as connection, connection.transaction():
            held = await fence(connection, ((lease.realm_id, lease.epoch) for lease, _ in items))
            kept = [(lease, effects) for lease, effects in items if (lease.realm_id, lease.epoch) in held]
            await self._answers(connection, kept)
            await self._decisions(connection, kept)
            for lease, effects in kept:
                if effects.parked:
                    await self._park(connection, lease, effects.parked)
        return [_verdict(lease, held) for lease, _ in items]

    async def _answers(self, connection: Connection, kept: Sequence[tuple[Lease, Effects]]) -> None:
        answers = [effects.answer for _, effects in kept if effects.answer]
        written = [a for a in answers if isinstance(a, Written)]
        await many(connection, _CLOSE, [_close_values(a) for a in answers if not isinstance(a, Unanswered)])
        await many(connection, _KEEP_OPEN, [_open_values(a) for a in answers if isinstance(a, Unanswered)])
        # Locked before links and copies are, in the order of whoever judges news.
        await self._know(connection, _customers(written))
        links = [(a.intent.realm_id, a.intent.tenant_id, a.link) for a in written]
        links += [(lease.realm_id, lease.tenant_id, e.link) for lease, e in kept if e.link]
        await self._store_links(connection, links)
        unlinked = [(a.intent.realm_id, a.intent.tenant_id, ref) for a in written for ref in a.intent.unlinks]
        unlinked += [(lease.realm_id, lease.tenant_id, ref) for lease, e in kept for ref in e.unlinks]
        await many(connection, _UNLINK, [(realm, tenant, r.kind, r.id, r.currency) for realm, tenant, r in unlinked])
        deleted = [a for a in written if a.intent.write.operation is Operation.DELETE]
        await many(connection, DELETE_COPY, [(a.intent.realm_id, a.link.qbo_kind, a.link.qbo_id) for a in deleted])
        copied = [a for a in written if is_copied(a.link.qbo_kind) and a not in deleted]
        await many(
            connection,
            UPSERT_COPY,
            sorted(
                (copy_values(a.intent.realm_id, a.link.qbo_kind, a.object, written=True) for a in copied),
                key=lambda values: values[:3],
            ),
        )
        closed = [a for a in answers if not isinstance(a, Unanswered)]
        await many(connection, _RELEASE_ROW, [(a.intent.inbox_id,) for a in closed])
        for lease, effects in kept:
            if isinstance(effects.answer, Unanswered) and effects.answer.attention:
                await self._ask_a_person(connection, lease, effects.answer.intent.inbox_id)

    async def _know(self, connection: Connection, customers: Sequence[Written]) -> None:
        if customers:
            realms, tenants = zip(*((a.intent.realm_id, a.intent.tenant_id) for a in customers), strict=True)
            await connection.execute(_BESIDE_NEWS, [list(realms), list(tenants)])
            await many(connection, KNOW_CUSTOMER, sorted(map(_known_values, customers), key=lambda v: v[:3]))

    async def _store_links(self, connection: Connection, links: Sequence[tuple[str, str, Link]]) -> None:
        await many(connection, _LINK, [_link_values(*link) for link in links])
        landed = [(tenant_id, invoice_key(link.ref.id)) for _, tenant_id, link in links if link.ref.kind == "invoice"]
        await many(connection, _RELEASE_WAITING, landed)

    async def _ask_a_person(self, connection: Connection, lease: Lease, inbox_id: int) -> None:
        values = (UNANSWERED.cause, UNANSWERED.message, inbox_id)
        found = await (await connection.execute(_ASK_A_PERSON, values)).fetchone()
        if found and (status := told(Row(**found), UNANSWERED, [], at=datetime.now(UTC))):
            await connection.execute(_TELL, self._tell_values(lease, status))

    async def _decisions(self, connection: Connection, kept: Sequence[tuple[Lease, Effects]]) -> None:
        decided = [(lease, effects.decided) for lease, effects in kept if effects.decided]
        await many(connection, _DECIDE, [_decide_values(d) for _, d in decided])
        done = [d.row for _, d in decided if not isinstance(d.outcome, Waiting)]
        await many(
            connection,
            _SUPERSEDE,
            [(r.tenant_id, r.entity_kind, r.entity_id, r.entity_version, r.id) for r in done],
        )
        told = [(lease, d.told) for lease, d in decided if d.told]
        await many(connection, _TELL, [self._tell_values(lease, status) for lease, status in told])

    async def _park(self, connection: Connection, lease: Lease, parked: Parked) -> None:
        values = (parked.state.value.lower(), parked.cause, parked.message, lease.tenant_id, lease.realm_id)
        row = await (await connection.execute(_PARK, values)).fetchone()
        if row:
            event = await connection_changed(
                connection, tenant_id=lease.tenant_id, realm_id=lease.realm_id, state=parked.state, cause=parked.cause,
                message=parked.message, at=datetime.now(UTC), **row,
            )  # fmt: skip
            payload = self._codec.encode(event)
            topic = "qb.connection.changed"
            await add_to_outbox(
                connection,
                [OutboxRow(topic=topic, key=lease.tenant_id, event_id=event.event_id, payload=payload)],
            )

    def _tell_values(self, lease: Lease, status: SyncStatus) -> dict[str, Any]:
        references = [{"type": r.type, "id": r.id, "doc_number": r.doc_number} for r in status.quickbooks]
        return {
            "tenant": status.tenant_id,
            "type": status.record_type.value,
            "record": status.record_id,
            "realm": lease.realm_id,
            "state": status.state.value,
            "cause": status.cause,
            "message": status.message,
            "quickbooks": Jsonb(references),
            "version": status.entity_version,
            "shard": shard_of(status.tenant_id),
            "event": status.event_id,
            "payload": self._codec.encode(status),
        }


async def _writes_stopped(connection: Connection) -> WritesStopped | None:
    row = await (await connection.execute("SELECT reason FROM stop_writes")).fetchone()
    return WritesStopped(row["reason"]) if row else None


def _verdict(lease: Lease, held: set[tuple[str, int]]) -> LaneLost | None:
    return None if (lease.realm_id, lease.epoch) in held else LaneLost(lease.realm_id)


def _intent_values(intent: Intent) -> tuple[Any, ...]:
    ref, write = intent.ref, intent.write
    return (
        intent.realm_id, intent.tenant_id, intent.inbox_id, ref.kind, ref.id, ref.currency, intent.number,
        write.operation.value, write.entity, write.body, write.request_id, Jsonb(dict(intent.remember)),
        list(intent.keys),
    )  # fmt: skip


def _close_values(answer: Written | Refused) -> tuple[Any, ...]:
    key = (answer.intent.realm_id, answer.intent.write.request_id)
    if isinstance(answer, Written):
        return ("done", None, None, answer.intuit_tid, *key)
    return ("refused", answer.code, answer.detail, answer.intuit_tid, *key)


def _open_values(answer: Unanswered) -> tuple[Any, ...]:
    state = "attention" if answer.attention else "open"
    return (state, answer.due, answer.intent.realm_id, answer.intent.write.request_id)


def _customers(written: Sequence[Written]) -> list[Written]:
    return [answer for answer in written if answer.intent.write.entity == "Customer"]


def _known_values(answer: Written) -> tuple[Any, ...]:
    """A write of ours tells the CRM nothing of the other fields: what a person changed there is still news."""
    intent = answer.intent
    made = intent.write.operation is Operation.CREATE
    body = simplejson.loads(intent.write.body, use_decimal=True)
    fields = made_fields(body, answer.object) if made else written_fields(body, answer.object)
    return (intent.realm_id, intent.tenant_id, answer.link.qbo_id, Jsonb(fields), made)


def _link_values(realm_id: str, tenant_id: str, link: Link) -> tuple[Any, ...]:
    ref = link.ref
    return (
        realm_id, ref.kind, ref.id, ref.currency, tenant_id, link.qbo_kind, link.qbo_id, link.sync_token,
        link.doc_number, Jsonb(dict(link.last_sent)) if link.last_sent is not None else None, link.source_hash,
        link.version, link.occurred_at, link.origin, link.discrepancy, link.belongs_to,
    )  # fmt: skip


def _decide_values(decided: Decided) -> tuple[Any, ...]:
    outcome = decided.outcome
    result = outcome.result.value if isinstance(outcome, Done) else None
    cause = None if isinstance(outcome, Done) else outcome.cause
    message = outcome.note if isinstance(outcome, Done) else outcome.message
    trace = outcome.trace if isinstance(outcome, Attention) else None
    due = outcome.due if isinstance(outcome, Waiting) else None
    waits_for = outcome.waits_for if isinstance(outcome, Waiting) else None
    tried = 0 if cause in _PLANNED_WAITS else 1
    return (state_of(outcome), result, cause, message, trace, due, waits_for, tried, decided.row.id)
