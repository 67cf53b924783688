"""Places in the history: a second, and how many of its invoices were read."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.history import Place, _pieces

NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def made(*seconds: int) -> list[dict[str, Any]]:
    return [
        {"Id": str(number), "MetaData": {"CreateTime": (NINE + timedelta(seconds=at)).isoformat()}}
        for number, at in enumerate(seconds)
    ]


@pytest.mark.parametrize(
    ("passed", "seconds", "second", "then"),
    [(0, [], 0, 0), (3, [], 0, 3), (0, [0], 0, 1), (3, [0, 0], 0, 5), (3, [0, 5], 5, 1), (3, [5, 5, 5], 5, 3)],
)
def test_place_counts_those_of_its_last_second(passed: int, seconds: list[int], second: int, then: int) -> None:
    place = Place(second=NINE, passed=passed).after(made(*seconds))
    assert place == Place(second=NINE + timedelta(seconds=second), passed=then)


@given(passed=st.integers(0, 999_999))
def test_place_is_stored_as_one_moment(passed: int) -> None:
    place = Place(second=NINE, passed=passed)
    assert Place.of(place.stored()) == place


@given(
    seconds=st.lists(st.integers(0, 20), max_size=130).map(sorted), passed=st.integers(0, 3), most=st.integers(1, 100)
)
def test_pieces_are_all_of_a_page_in_order(seconds: list[int], passed: int, most: int) -> None:
    rows = made(*seconds)
    pieces = list(_pieces(rows, Place(second=NINE, passed=passed), most))
    read = rows[1:] if passed else rows
    assert [row for piece in pieces for row in piece.rows] == read
    assert max(len(piece.rows) for piece in pieces) <= 25
    assert [piece.ended for piece in pieces] == [False] * (len(pieces) - 1) + [len(read) < most]
    for one, following in pairwise(pieces):
        assert (following.before, following.place) == (one.rows[-1], one.place.after(one.rows))
