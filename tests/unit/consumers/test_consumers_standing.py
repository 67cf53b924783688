"""What the CRM is told about a record, and when nothing is."""

from datetime import timedelta

import pytest

from consumers.outcomes import Attention, Done, Outcome, Result, Skipped, Waiting, state_of
from consumers.standing import told
from schemas.codec import Codec
from schemas.events.quickbooks import RecordType, Reference, SyncState, SyncStatus
from tests.unit.consumers.build import T0, contact_event, link, row_of, sale_event

NOW = T0 + timedelta(hours=1)
ROW = row_of(sale_event())
DUE = NOW + timedelta(minutes=5)


def told_of(outcome: Outcome) -> SyncStatus:
    status = told(ROW, outcome, [link(doc_number="R-1")], at=NOW)
    assert status is not None
    return status


@pytest.mark.parametrize(
    ("outcome", "state", "stored"),
    [
        (Done(Result.CREATED), SyncState.SYNCED, "done"),
        (Done(Result.UPDATED), SyncState.SYNCED, "done"),
        (Done(Result.UNCHANGED), SyncState.SYNCED, "done"),
        (Skipped("not_live", "Test mode."), SyncState.SKIPPED, "skipped"),
        (Waiting("throttled", "Slow down.", DUE), SyncState.WAITING, "waiting"),
        (Attention("books_closed", "Reopen.", "a trace"), SyncState.NEEDS_ATTENTION, "attention"),
    ],
)
def test_told_each_outcome_gives_its_state(outcome: Outcome, state: SyncState, stored: str) -> None:
    status = told_of(outcome)
    assert (status.state, state_of(outcome)) == (state, stored)
    assert status.cause == getattr(outcome, "cause", None)
    assert status.message == getattr(outcome, "message", None)
    assert status.retry_at == getattr(outcome, "due", None)


def test_told_names_record_version_event_and_object() -> None:
    status = told_of(Done(Result.CREATED))
    assert (status.record_type, status.record_id, status.tenant_id) == (RecordType.PAYMENT, "tx_77", ROW.tenant_id)
    assert (status.entity_version, status.source_event_id) == (ROW.entity_version, ROW.event_id)
    assert status.quickbooks == (Reference(type="SalesReceipt", id="17", doc_number="R-1"),)
    assert Codec().decode("qb.sync.status", Codec().encode(status)) == status


def test_told_of_a_contact_without_link_names_no_object() -> None:
    status = told(row_of(contact_event()), Done(Result.CREATED), [], at=NOW)
    assert status is not None
    assert (status.record_type, status.quickbooks) == (RecordType.CONTACT, ())


def test_told_superseded_says_nothing() -> None:
    assert told(ROW, Done(Result.SUPERSEDED), [], at=NOW) is None


def test_told_event_id_is_the_same_for_the_same_news_only() -> None:
    skipped = Skipped("not_live", "Test mode.")
    again, later = told_of(skipped), told(ROW, skipped, [], at=NOW + timedelta(seconds=1))
    assert later is not None
    ids = {told_of(skipped).event_id, again.event_id, later.event_id, told_of(Skipped("zero_amount", "")).event_id}
    assert len(ids) == 3
