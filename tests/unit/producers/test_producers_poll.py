"""How far a poll has come: cursors, hints, and when the next is due."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.memory import TakenIn
from producers.progress import Noted, Poll, close, is_overtaken, next_in
from producers.reading import Reading
from producers.watched import CUSTOMER, ENTITIES, INVOICE, PAYMENT, Hint, Watched, WatchPolicy
from tests.unit.producers.test_producers_watched import NOW, QUIET_STATE, hint

POLICY = WatchPolicy()
LONG_AGO = NOW - timedelta(hours=1)
WATCHED = replace(QUIET_STATE, customers_since=LONG_AGO, invoices_since=LONG_AGO)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def polled(*, watched: Watched = WATCHED, **reading: Any) -> Poll:
    read = Reading(**{"rows": {}, "taken_at": NOW, **reading})
    return Poll(reading=read, watched=watched, policy=POLICY, now=NOW, chance=1.0)


def closed(poll: Poll, noted: Noted | None = None) -> TakenIn:
    taken = TakenIn()
    close(taken, poll, noted or Noted())
    return taken


def since(taken: TakenIn) -> tuple[datetime | None, datetime | None]:
    return taken.progress.customers_since, taken.progress.invoices_since


def told(entity: str = CUSTOMER, ago: float = 0.0, **more: Any) -> Hint:
    return hint(entity=entity, qbo_id="7", operation="updated", at=NOW - seconds(ago), deleted_id="", **more)


@pytest.mark.parametrize(("whole", "overlap"), [(False, POLICY.overlap), (True, POLICY.short_overlap)])
def test_cursors_overlap_and_only_that_of_customers_little_after_all_were_compared(
    whole: bool, overlap: timedelta
) -> None:
    assert since(closed(polled(whole=whole))) == (NOW - overlap, NOW - POLICY.overlap)


def test_cursors_stay_where_an_answer_gives_no_time() -> None:
    assert since(closed(polled(taken_at=None))) == (None, None)


def test_invoices_have_no_cursor_before_their_history_was_counted() -> None:
    poll = polled(watched=replace(WATCHED, history_counted=False))
    assert since(closed(poll)) == (NOW - POLICY.overlap, None)


@given(
    asked=st.floats(-3600, 3600), waiting=st.lists(st.floats(-90_000, 3600), max_size=3),
    hints=st.lists(st.tuples(st.sampled_from(ENTITIES), st.floats(-90_000, 3600)), max_size=3), whole=st.booleans(),
)  # fmt: skip
def test_cursors_never_go_back_nor_past_what_is_still_to_be_seen(
    asked: float, waiting: Sequence[float], hints: Sequence[tuple[str, float]], whole: bool
) -> None:
    begin = NOW + seconds(asked)
    watched = replace(WATCHED, customers_since=begin, invoices_since=begin)
    noted = Noted(waiting={(INVOICE, str(number)): NOW + seconds(one) for number, one in enumerate(waiting)})
    taken = closed(polled(watched=watched, whole=whole, hints=[told(kind, ago=-one) for kind, one in hints]), noted)
    assert len(taken.unanswered) == len(hints)
    for cursor, kinds in zip(since(taken), ({CUSTOMER}, {INVOICE, PAYMENT}), strict=True):
        assert cursor is not None
        assert cursor >= begin
        to_be_seen = [one.at for one, _ in taken.unanswered if one.entity in kinds]
        assert all(cursor < moment for moment in (*noted.waiting.values(), *to_be_seen) if moment > begin)


def test_hint_holds_the_cursor_of_its_own_kind() -> None:
    for kind, held in ((CUSTOMER, 0), (INVOICE, 1), (PAYMENT, 1)):
        taken = closed(polled(whole=True, hints=[told(kind, ago=600)]))
        usual = (NOW - POLICY.short_overlap, NOW - POLICY.overlap)
        moved = since(taken)
        assert moved[held] == NOW - seconds(601)
        assert moved[1 - held] == usual[1 - held]


def test_hint_holds_nothing_of_its_own_where_its_row_is_known_to_wait() -> None:
    noted = Noted(waiting={(INVOICE, "7"): NOW})
    taken = closed(polled(hints=[told(INVOICE, ago=600)]), noted)
    assert len(taken.unanswered) == 1
    assert since(taken) == (NOW - POLICY.overlap,) * 2


def test_hint_of_before_the_cursor_holds_nothing() -> None:
    taken = closed(polled(hints=[told(ago=2 * 3600)]))
    assert len(taken.unanswered) == 1
    assert since(taken) == (NOW - POLICY.overlap,) * 2


def test_hint_that_was_looked_for_often_enough_holds_nothing() -> None:
    taken = closed(polled(hints=[told(ago=600, tries=len(POLICY.look_again_seconds))]))
    assert (len(taken.answered), since(taken)) == (1, (NOW - POLICY.overlap,) * 2)


def test_hint_whose_row_waits_is_kept_until_the_next_poll_whatever_was_tried() -> None:
    noted = Noted(waiting={(PAYMENT, "7"): NOW})
    taken = closed(polled(hints=[told(PAYMENT, tries=99)]), noted)
    assert [wait for _, wait in taken.unanswered] == [taken.progress.poll_in_seconds] == [30.0]


@pytest.mark.parametrize(
    ("ago", "wait"), [(-5, 30.0), (0, 30.0), (30, 30.0), (31, 31.0), (200, 200.0), (300, 240.0), (10**6, 240.0)]
)
def test_what_waits_is_looked_for_after_as_long_again_as_it_has_waited(ago: float, wait: float) -> None:
    assert next_in(polled(), Noted(waiting={(CUSTOMER, "1"): NOW - seconds(ago)})) == wait


@pytest.mark.parametrize(
    ("ago", "waits"), [(0, True), (300, True), (301, False), (10**8, False), (-300, True), (-301, False)]
)
def test_what_an_answer_of_ours_showed_is_expected_for_minutes(ago: float, waits: bool) -> None:
    """Longer than that, nothing is held for what may never come."""
    assert polled().may_catch_up(NOW - seconds(ago)) is waits


@pytest.mark.parametrize(
    ("ago", "polls", "again"), [(0.0, 0, True), (-2.0, 0, True), (1.0, 0, False), (0.0, POLICY.polls_at_once, False)]
)
def test_reading_is_made_again_at_once_where_our_answer_came_after_it(ago: float, polls: int, again: bool) -> None:
    one = (INVOICE, "1")
    noted = Noted(waiting={one: NOW - seconds(ago)}, outrun={one})
    assert is_overtaken(polled(watched=replace(WATCHED, hour_polls=polls)), noted) is again


def test_row_that_waits_for_an_answer_makes_no_reading_again_at_once() -> None:
    assert not is_overtaken(polled(), Noted(waiting={(INVOICE, "1"): NOW}))
