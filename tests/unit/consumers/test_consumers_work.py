"""What an event is worth when its record was written before."""

from datetime import timedelta
from typing import Any

import pytest

from consumers.intents import Link
from consumers.outcomes import Attention, Done, Outcome, Result
from consumers.work import LastWrite, after_writing, unless_known
from tests.unit.consumers.build import T0, contact_event, draft, link, row_of

SECOND = timedelta(seconds=1)
UNCHANGED, SUPERSEDED = Done(Result.UNCHANGED), Done(Result.SUPERSEDED)


def arrived(*, hash_: bytes = b"other", version: timedelta = timedelta(0), occurred: timedelta = timedelta(0)) -> Any:
    return row_of(contact_event(), content_hash=hash_, entity_version=T0 + version, occurred_at=T0 + occurred)


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (arrived(hash_=b"sent"), UNCHANGED),
        (arrived(hash_=b"sent", version=SECOND), UNCHANGED),
        (arrived(hash_=b"sent", version=-SECOND), UNCHANGED),
        (arrived(version=SECOND), None),
        (arrived(version=SECOND, occurred=-SECOND), None),
        (arrived(version=-SECOND), SUPERSEDED),
        (arrived(version=-SECOND, occurred=SECOND), SUPERSEDED),
        (arrived(occurred=SECOND), None),
        (arrived(occurred=-SECOND), SUPERSEDED),
        (arrived(), None),
    ],
    ids=[
        "same content",
        "same content, newer version",
        "same content, older version",
        "newer",
        "newer but occurred earlier",
        "older",
        "older but occurred later",
        "equal version, occurred later",
        "equal version, occurred earlier",
        "equal version and moment, other content",
    ],
)
def test_unless_known_compares_content_then_version_then_moment(row: Any, outcome: Outcome | None) -> None:
    assert unless_known(link(), row) == outcome


@pytest.mark.parametrize("known", [None, link(version=None)])
def test_unless_known_record_without_version_is_worked_on(known: Link | None) -> None:
    assert unless_known(known, arrived(hash_=b"sent")) is None


def test_unless_known_falls_back_to_the_version_where_no_moment_is_stored() -> None:
    known = link(occurred_at=None)
    assert unless_known(known, arrived(occurred=-SECOND)) == SUPERSEDED
    assert unless_known(known, arrived(occurred=SECOND)) is None


def test_unless_known_same_content_with_other_totals_stays_before_a_person() -> None:
    outcome = unless_known(link(discrepancy="TotalAmt should be 49.00 and is 49.01"), arrived(hash_=b"sent"))
    assert isinstance(outcome, Attention)
    assert outcome.cause == "totals_differ"
    assert "TotalAmt should be 49.00 and is 49.01" in outcome.message


def test_unless_known_newer_state_is_worked_on_in_spite_of_other_totals() -> None:
    assert unless_known(link(discrepancy="TotalAmt ..."), arrived(version=SECOND)) is None


def test_after_writing_equal_totals_give_what_was_planned() -> None:
    assert after_writing(LastWrite(draft(), Done(Result.CREATED)), link()) == Done(Result.CREATED)


def test_after_writing_other_totals_outrank_what_was_planned() -> None:
    outcome = after_writing(LastWrite(draft(), Done(Result.CREATED)), link(discrepancy="TotalTax ..."))
    assert isinstance(outcome, Attention)
    assert outcome.cause == "totals_differ"
