"""What is due next for a watched company, and how long nothing is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.watched import (
    CUSTOMER,
    ENTITIES,
    Hint,
    Step,
    Watched,
    WatchPolicy,
    Webhooks,
    merges_in,
    next_step,
    retry_seconds,
    seconds_until_due,
)

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
POLICY = WatchPolicy()
WEEK = POLICY.proof_lasts
QUIET_STATE = Watched(
    began_at=NOW, customers_since=NOW, invoices_since=NOW, customers_read=True, customers_told=True, history_since=None,
    history_counted=True, import_running=False, import_wanted=False, import_until=None, import_done=0,
    import_total=None, announced_at=None, unannounced_at=None, failures=0, history_failures=0,
    hour_polls=0, polled_ago=50.0, history_in=0.0, poll_in=100.0, hint_in=None, hint_age=0.0,
    review_requests=True, home_currency="USD",
)  # fmt: skip


def state(**changes: Any) -> Watched:
    return replace(QUIET_STATE, **changes)


def due(*, quiet: bool = True, **changes: Any) -> Step | None:
    return next_step(state(**changes), quiet=quiet, policy=POLICY)


def test_company_that_was_never_watched_is_begun() -> None:
    assert next_step(None, quiet=False, policy=POLICY) is Step.BEGIN


ORDER: list[tuple[dict[str, Any], Step | None]] = [
    ({}, None),
    ({"history_since": NOW}, Step.READ_HISTORY),
    ({"history_since": NOW, "import_wanted": True}, Step.BEGIN_IMPORT),
    ({"history_since": NOW, "import_wanted": True, "poll_in": 0.0}, Step.POLL),
    ({"history_since": NOW, "import_wanted": True, "hint_in": 0.0}, Step.POLL),
    ({"customers_told": False, "history_since": NOW, "poll_in": -5.0, "hint_in": -1.0}, Step.TELL_CUSTOMERS),
    ({"customers_told": False, "customers_read": False}, Step.READ_CUSTOMERS),
    ({"customers_told": False, "customers_read": False, "history_in": 5.0}, None),
    ({"customers_told": False, "history_failures": 1, "history_in": 5.0}, None),
    ({"history_since": NOW, "history_in": 5.0, "failures": 1, "poll_in": 5.0, "hint_in": -1.0}, None),
    ({"customers_told": False, "history_failures": 1, "history_in": -1.0, "poll_in": -1.0}, Step.TELL_CUSTOMERS),
    ({"failures": 3, "poll_in": -1.0}, Step.POLL),
    ({"hint_in": 0.1}, None),
]


@pytest.mark.parametrize(("changes", "step"), ORDER)
def test_most_urgent_step_comes_first(changes: dict[str, Any], step: Step | None) -> None:
    assert due(**changes) is step


@pytest.mark.parametrize(("age", "step"), [(0.0, None), (2.9, None), (3.0, Step.POLL), (60.0, Step.POLL)])
def test_hints_are_gathered_while_the_bridge_itself_writes(age: float, step: Step | None) -> None:
    assert due(quiet=False, hint_in=-0.1, hint_age=age) is step
    assert due(quiet=True, hint_in=-0.1, hint_age=age) is Step.POLL


def test_poll_that_is_due_is_not_put_off_by_our_own_writes() -> None:
    assert due(quiet=False, poll_in=0.0) is Step.POLL


REST: list[tuple[dict[str, Any], float]] = [
    ({"poll_in": 100.0}, 15.0),
    ({"poll_in": 7.0}, 7.0),
    ({"poll_in": -3.0}, 0.05),
    ({"poll_in": 100.0, "hint_in": 4.0}, 4.0),
    ({"poll_in": 2.0, "hint_in": 4.0}, 2.0),
    ({"poll_in": 100.0, "hint_in": -4.0}, 1.0),
    ({"poll_in": 100.0, "hint_in": 60.0}, 15.0),
    ({"poll_in": 100.0, "hint_in": 0.001}, 0.05),
]


@pytest.mark.parametrize(("changes", "seconds"), REST)
def test_rest_lasts_until_something_may_be_due(changes: dict[str, Any], seconds: float) -> None:
    assert seconds_until_due(state(**changes), POLICY) == seconds


@given(
    poll_in=st.floats(-1e6, 1e6), hint_in=st.none() | st.floats(-1e6, 1e6), age=st.floats(0, 1e6), quiet=st.booleans(),
    failures=st.integers(0, 5),
)  # fmt: skip
def test_rest_is_short_and_never_none_at_all(
    poll_in: float, hint_in: float | None, age: float, quiet: bool, failures: int
) -> None:
    """Whoever finds nothing due neither sleeps through what comes nor spins."""
    one = state(poll_in=poll_in, hint_in=hint_in, hint_age=age, failures=failures)
    assert 0.05 <= seconds_until_due(one, POLICY) <= POLICY.look_seconds
    if next_step(one, quiet=quiet, policy=POLICY) is None:
        assert poll_in > 0, "a poll that is due is made"


def test_retries_are_ever_rarer_up_to_a_quarter_of_an_hour() -> None:
    waits = [retry_seconds(failures, POLICY) for failures in range(9)]
    assert waits == [10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert retry_seconds(10**9, POLICY) == 900


PROOFS: list[tuple[timedelta | None, timedelta | None, bool]] = [
    (None, None, False),
    (timedelta(0), None, True),
    (WEEK - timedelta(seconds=1), None, True),
    (WEEK, None, False),
    (timedelta(0), timedelta(0), False),
    (timedelta(0), WEEK - timedelta(seconds=1), False),
    (timedelta(0), WEEK, True),
    (None, WEEK * 2, False),
    (timedelta(hours=-1), None, True),
    (timedelta(0), timedelta(hours=-1), False),
]


@pytest.mark.parametrize(("announced", "unannounced", "proven"), PROOFS)
def test_webhooks_are_proven_by_one_of_this_week_and_by_no_change_without_one(
    announced: timedelta | None, unannounced: timedelta | None, proven: bool
) -> None:
    at = [NOW - age if age is not None else None for age in (announced, unannounced)]
    webhooks = Webhooks(began_at=NOW - POLICY.proof_takes, announced_at=at[0], unannounced_at=at[1])
    assert webhooks.are_proven(NOW, POLICY) is proven
    assert webhooks.poll_seconds(NOW, POLICY) == (3600.0 if proven else 240.0)


def test_webhooks_are_not_proven_on_the_first_day() -> None:
    young = Webhooks(began_at=NOW - timedelta(hours=23), announced_at=NOW, unannounced_at=None)
    assert not young.are_proven(NOW, POLICY)
    assert young.poll_seconds(NOW, POLICY) == 240.0


def test_invoices_are_polled_once_their_history_was_counted() -> None:
    later = NOW + timedelta(days=1)
    before = state(history_counted=False, customers_since=later)
    assert (before.entities, before.since) == ((CUSTOMER,), later)
    after = state(customers_since=later)
    assert (after.entities, after.since) == (ENTITIES, NOW)


def hint(**changes: Any) -> Hint:
    plain = Hint(
        entity=CUSTOMER, qbo_id="2", operation="merged", deleted_id="1", at=NOW, arrived_at=NOW, tries=0
    )  # fmt: skip
    return replace(plain, **changes)


def test_merges_are_those_of_customers_that_name_who_is_no_more() -> None:
    others = [hint(entity="Item"), hint(operation="updated"), hint(deleted_id="")]
    assert merges_in([*others, hint(), hint(qbo_id="4", deleted_id="3")]) == {"1": "2", "3": "4"}


def test_history_that_failed_waits_for_its_own_time_and_the_poll_goes_on() -> None:
    """One failure must not keep the history, and the paid invoices that wait for it, from ever being read."""
    failed: dict[str, Any] = {"history_since": NOW, "history_failures": 1, "history_in": 10.0}
    assert due(**failed, poll_in=100.0) is None
    assert due(**failed, poll_in=0.0) is Step.POLL
    assert due(**{**failed, "history_in": 0.0}, poll_in=100.0) is Step.READ_HISTORY
    assert due(**{**failed, "history_in": 0.0}, poll_in=100.0, failures=3) is Step.READ_HISTORY


def test_poll_that_failed_is_hurried_by_no_hint() -> None:
    assert due(hint_in=-1.0, failures=1, poll_in=60.0) is None
    assert due(hint_in=-1.0, failures=1, poll_in=0.0) is Step.POLL


def test_hints_that_come_thick_and_fast_are_gathered() -> None:
    crowded: dict[str, Any] = {"hint_in": -1.0, "hour_polls": POLICY.polls_at_once}
    assert due(**crowded, polled_ago=POLICY.crowded_seconds - 1) is None
    assert due(**crowded, polled_ago=POLICY.crowded_seconds) is Step.POLL
    assert due(**{**crowded, "hour_polls": POLICY.polls_at_once - 1}, polled_ago=0.1) is Step.POLL
