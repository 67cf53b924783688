"""A bad deploy halts ingest before it drains a topic into the dead letters."""

from collections.abc import Iterable

import pytest

from consumers.dead_letters import DeadLetterLimit, DeadLetterWatch, TooManyDeadLetters

LIMIT = DeadLetterLimit(share=0.2, of_latest=10, run=4)


def seen(records: Iterable[bool], limit: DeadLetterLimit = LIMIT) -> DeadLetterWatch:
    watch = DeadLetterWatch(limit)
    for readable in records:
        watch.saw(readable=readable)
    return watch


def test_run_below_the_limit_goes_on() -> None:
    seen([False] * 3 + [True] + [False] * 3)


def test_run_at_the_limit_halts() -> None:
    with pytest.raises(TooManyDeadLetters, match="4 records in a row"):
        seen([True] + [False] * 4)


def test_share_at_the_limit_goes_on() -> None:
    seen([True, False, True, True, True, False, True, True, True, True] * 5)


def test_share_over_the_limit_halts() -> None:
    with pytest.raises(TooManyDeadLetters, match="3 of the latest 10"):
        seen([True] * 7 + [False, True, False, True, False])


def test_share_counts_only_once_enough_records_were_seen() -> None:
    seen([False, True, False, True, False, True])


def test_share_forgets_what_is_long_past() -> None:
    seen([False, True, False] + [True] * 9 + [False, False])


def test_readable_record_never_halts() -> None:
    watch = seen([False, True, False, True, False, True, True, True, True])
    watch.saw(readable=True)
    with pytest.raises(TooManyDeadLetters):
        watch.saw(readable=False)
