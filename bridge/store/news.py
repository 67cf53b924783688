"""News of QuickBooks, judged and stored in one transaction: cursor, copies, what is known, outbox rows."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from bridge.store.copies import DELETE_COPY, UPSERT_COPY, copy_values
from bridge.store.database import Connection, Pool, session
from bridge.store.events import connection_changed
from bridge.store.lanes import Lease, fence
from bridge.store.many import many
from bridge.store.outbox import OutboxRow, add_to_outbox
from bridge.store.recall import recall
from consumers.ports import LaneLost
from producers.memory import Ask, Decide, Progress, TakenIn
from schemas.codec import Codec
from schemas.events.quickbooks import ConnectionState, InvoiceImported, InvoicePaid

_CUSTOMER = """
INSERT INTO known_customer (realm_id, tenant_id, qbo_id, fields, gone) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (realm_id, tenant_id, qbo_id) DO UPDATE SET fields = excluded.fields, gone = excluded.gone
"""
_INVOICE = """
INSERT INTO known_invoice (realm_id, tenant_id, qbo_id, customer_id, total, payments, changed_at, open, paid, paid_told,
                           imported)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (realm_id, tenant_id, qbo_id) DO UPDATE SET
       customer_id = excluded.customer_id, total = excluded.total, payments = excluded.payments,
       changed_at = excluded.changed_at, open = excluded.open, paid = excluded.paid, paid_told = excluded.paid_told,
       imported = excluded.imported
"""
_TOLD_INVOICE = """
INSERT INTO told_invoice (realm_id, tenant_id, doc_number, txn_date, total, qbo_id) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""
_HAS_PAID = "INSERT INTO has_paid (realm_id, tenant_id, kind, who) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"

# The links follow a merge. What was sent to the customer that is no more says nothing of the other, which is a
# person's unless the bridge made that one, too.
_LINKS_FOLLOW = """
UPDATE link SET qbo_id = %(survivor)s, sync_token = NULL, updated_at = now(),
       last_sent = (coalesce(link.last_sent, '{}') - 'DisplayName') || '{"chosen": "merged in QuickBooks"}',
       origin = CASE WHEN link.origin = 'made' AND NOT EXISTS (
                      SELECT FROM link other
                       WHERE (other.realm_id, other.tenant_id, other.qbo_kind, other.qbo_id, other.origin)
                           = (%(realm)s, %(tenant)s, 'Customer', %(survivor)s, 'made'))
                     THEN 'found' ELSE link.origin END
 WHERE realm_id = %(realm)s AND tenant_id = %(tenant)s AND qbo_kind = 'Customer' AND qbo_id = %(gone)s
"""
_PAYER_FOLLOWS = """
INSERT INTO has_paid (realm_id, tenant_id, kind, who)
SELECT realm_id, tenant_id, kind, %(survivor)s FROM has_paid
 WHERE realm_id = %(realm)s AND tenant_id = %(tenant)s AND kind = 'customer' AND who = %(gone)s
    ON CONFLICT DO NOTHING
"""
_INVOICES_FOLLOW = """
UPDATE known_invoice SET customer_id = %(survivor)s
 WHERE realm_id = %(realm)s AND tenant_id = %(tenant)s AND customer_id = %(gone)s
"""

_KEY = "realm_id = %s AND entity = %s AND qbo_id = %s AND operation = %s AND deleted_id = %s"
# One that arrived meanwhile is about something newer.
_ANSWERED = f"DELETE FROM hint WHERE {_KEY} AND arrived_at <= %s"  # noqa: S608 - built from the constant above only
_LATER = "UPDATE hint SET tries = tries + 1, due_at = now() + make_interval(secs => %s)"
_LOOK_AGAIN = f"{_LATER} WHERE {_KEY} AND arrived_at <= %s"

_PROGRESS = """
UPDATE watch SET
       customers_since = coalesce(%(customers_since)s, customers_since),
       invoices_since = coalesce(%(invoices_since)s, invoices_since),
       customers_read = customers_read OR %(customers_read)s,
       customers_told = customers_told OR %(customers_told)s,
       history_since = CASE WHEN NOT %(history_ended)s THEN coalesce(%(history_since)s, history_since) END,
       history_counted = history_counted OR %(history_ended)s,
       import_state = CASE WHEN %(import_ended)s THEN 'done'
                           WHEN %(import_until)s::timestamptz IS NOT NULL THEN 'running' ELSE import_state END,
       import_began_at = CASE WHEN %(import_until)s::timestamptz IS NOT NULL THEN now() ELSE import_began_at END,
       import_until = coalesce(%(import_until)s, import_until),
       import_done = import_done + %(imported)s,
       -- What the bridge had made itself was counted and is not imported.
       import_total = CASE WHEN %(import_ended)s THEN import_done + %(imported)s
                           ELSE coalesce(%(import_total)s, import_total) END,
       polled_at = CASE WHEN %(polled)s THEN now() ELSE polled_at END,
       poll_at = CASE WHEN %(poll_in_seconds)s::float8 IS NULL THEN poll_at
                      ELSE now() + make_interval(secs => %(poll_in_seconds)s::float8) END,
       unannounced_at = greatest(unannounced_at, %(unannounced_at)s),
       hour_polls = CASE WHEN NOT %(polled)s THEN hour_polls
                           WHEN hour_began_at > now() - interval '1 hour' THEN hour_polls + 1 ELSE 1 END,
       hour_began_at = CASE WHEN %(polled)s AND hour_began_at <= now() - interval '1 hour' THEN now()
                              ELSE hour_began_at END,
       -- A poll that went well says nothing of the history, nor the other way round.
       failures = CASE WHEN %(polled)s THEN 0 ELSE failures END,
       history_failures = CASE WHEN %(polled)s OR %(piece)s THEN history_failures ELSE 0 END,
       failure = CASE WHEN %(piece)s OR CASE WHEN %(polled)s THEN history_failures ELSE failures END > 0
                      THEN failure END,
       failing_since = CASE WHEN %(piece)s OR CASE WHEN %(polled)s THEN history_failures ELSE failures END > 0
                            THEN failing_since END
 WHERE realm_id = %(realm)s AND tenant_id = %(tenant)s
"""
_STANDING = """
SELECT company ->> 'name' AS company_name, review_requests FROM connection WHERE tenant_id = %s AND realm_id = %s
"""

_ENCODED_AT_ONCE = 10


async def take_in(pool: Pool, codec: Codec, lease: Lease, ask: Ask, decide: Decide) -> None:
    """Recall what is asked about, have it decided on, and store what follows. Raises LaneLost."""
    async with session(pool) as connection, connection.transaction():
        if not await fence(connection, [(lease.realm_id, lease.epoch)], connected=True):
            raise LaneLost(lease.realm_id)
        taken = decide(await recall(connection, lease, ask))
        await _store(connection, lease, taken)
        await _tell(connection, codec, lease, taken)


async def _store(connection: Connection, lease: Lease, taken: TakenIn) -> None:
    key = {"realm": lease.realm_id, "tenant": lease.tenant_id}
    await many(connection, _CUSTOMER, _customers(lease, taken))
    for gone, survivor in taken.merged.items():
        for query in (_LINKS_FOLLOW, _PAYER_FOLLOWS, _INVOICES_FOLLOW):
            await connection.execute(query.encode(), {**key, "gone": gone, "survivor": survivor})
    await many(connection, _INVOICE, _invoices(lease, taken))
    await many(connection, _TOLD_INVOICE, _told_invoices(lease, taken))
    await many(connection, _HAS_PAID, [(lease.realm_id, lease.tenant_id, *payer) for payer in sorted(taken.paid_by)])
    await many(connection, DELETE_COPY, sorted((lease.realm_id, *one) for one in taken.dropped))
    dropped = set(taken.dropped)
    kept = [one for one in taken.copies if (one[0], str(one[1]["Id"])) not in dropped]
    await many(
        connection,
        UPSERT_COPY,
        sorted((copy_values(lease.realm_id, *one) for one in kept), key=lambda values: values[:3]),
    )
    await _hints(connection, lease, taken)
    await connection.execute(_PROGRESS.encode(), {**key, **_progress(taken.progress)})


async def _hints(connection: Connection, lease: Lease, taken: TakenIn) -> None:
    def key(hint: Any) -> tuple[str, ...]:
        return (lease.realm_id, hint.entity, hint.qbo_id, hint.operation, hint.deleted_id)

    await many(connection, _ANSWERED, [(*key(hint), hint.arrived_at) for hint in taken.answered])
    await many(connection, _LOOK_AGAIN, [(wait, *key(hint), hint.arrived_at) for hint, wait in taken.unanswered])


async def _tell(connection: Connection, codec: Codec, lease: Lease, taken: TakenIn) -> None:
    rows = await _told(codec, lease, taken)
    if taken.tell_import:
        rows.append(await _import_standing(connection, codec, lease))
    if rows:
        await add_to_outbox(connection, rows)


async def _told(codec: Codec, lease: Lease, taken: TakenIn) -> list[OutboxRow]:
    """Encode the events, and let others have their turn in between: many take longer than webhooks may wait."""
    rows = []
    for number, (topic, event) in enumerate(taken.events):
        if number % _ENCODED_AT_ONCE == 0:
            await asyncio.sleep(0)
        envelope = event.envelope  # type: ignore[union-attr]  # what is watched is told in an envelope
        payload = codec.encode(event)
        rows.append(OutboxRow(topic=topic, key=lease.tenant_id, event_id=envelope.event_id, payload=payload))
    return rows


async def _import_standing(connection: Connection, codec: Codec, lease: Lease) -> OutboxRow:
    row = await (await connection.execute(_STANDING, [lease.tenant_id, lease.realm_id])).fetchone() or {}
    event = await connection_changed(
        connection, tenant_id=lease.tenant_id, realm_id=lease.realm_id, state=ConnectionState.CONNECTED,
        at=datetime.now(UTC), **row,
    )  # fmt: skip
    return OutboxRow(
        topic="qb.connection.changed", key=lease.tenant_id, event_id=event.event_id, payload=codec.encode(event)
    )


def _customers(lease: Lease, taken: TakenIn) -> list[tuple[Any, ...]]:
    values = sorted(taken.customers.items())
    return [(lease.realm_id, lease.tenant_id, one, Jsonb(dict(known.fields)), known.gone) for one, known in values]


def _invoices(lease: Lease, taken: TakenIn) -> list[tuple[Any, ...]]:
    return [
        (lease.realm_id, lease.tenant_id, one.qbo_id, one.customer_id, one.total, list(one.payments),
         one.changed_at, one.open, one.paid, one.paid_told, one.imported)
        for _, one in sorted(taken.invoices.items())
    ]  # fmt: skip


def _told_invoices(lease: Lease, taken: TakenIn) -> list[tuple[Any, ...]]:
    told = [event.invoice for _, event in taken.events if isinstance(event, InvoicePaid | InvoiceImported)]
    return sorted(
        (lease.realm_id, lease.tenant_id, one.doc_number or "", one.txn_date, one.total, one.invoice_id) for one in told
    )


def _progress(progress: Progress) -> Mapping[str, Any]:
    return {name: getattr(progress, name) for name in Progress.__slots__}
