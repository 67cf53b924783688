"""What the CRM is told about one of its records: `qb.sync.status`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from consumers.intents import Link
from consumers.outcomes import Attention, Done, Outcome, Result, Skipped, Waiting
from consumers.records import Row
from schemas.events.quickbooks import RecordType, Reference, SyncState, SyncStatus

_NAMESPACE = UUID("c1b2d0a4-2b1e-5d0f-9a77-5a0d3c1e8b42")
_TYPES = {"contact": RecordType.CONTACT, "payment": RecordType.PAYMENT, "invoice": RecordType.INVOICE}


def told(row: Row, outcome: Outcome, links: Sequence[Link], *, at: datetime) -> SyncStatus | None:
    """Return where the record stands; None when a newer state of it speaks for it."""
    if isinstance(outcome, Done) and outcome.result is Result.SUPERSEDED:
        return None
    state, cause, message, retry_at = _standing(outcome)
    return SyncStatus(
        event_id=_event_id(row, state, cause, at),
        tenant_id=row.tenant_id,
        occurred_at=at,
        record_type=_TYPES[row.entity_kind],
        record_id=row.entity_id,
        state=state,
        cause=cause,
        message=message,
        quickbooks=tuple(Reference(type=x.qbo_kind, id=x.qbo_id, doc_number=x.doc_number) for x in links if x.qbo_id),
        retry_at=retry_at,
        entity_version=row.entity_version,
        source_event_id=row.event_id,
    )


def _standing(outcome: Outcome) -> tuple[SyncState, str | None, str | None, datetime | None]:
    match outcome:
        case Done():
            return SyncState.SYNCED, None, outcome.note, None
        case Skipped():
            return SyncState.SKIPPED, outcome.cause, outcome.message, None
        case Waiting():
            return SyncState.WAITING, outcome.cause, outcome.message, outcome.due
        case Attention():
            return SyncState.NEEDS_ATTENTION, outcome.cause, outcome.message, None


def _event_id(row: Row, state: SyncState, cause: str | None, at: datetime) -> str:
    # The moment is part of it: a record may come to the same standing twice, and both are news.
    name = "\x1f".join((row.tenant_id, row.event_id, state.value, cause or "", at.isoformat()))
    return str(uuid5(_NAMESPACE, name))
