from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbo_client.query import Value, literal, name, where


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Amy's Bird Sanctuary", r"'Amy\'s Bird Sanctuary'"),
        ("back\\slash", r"'back\\slash'"),
        ("\\'", r"'\\\''"),
        ("M&S 50%", "'M&S 50%'"),
        ("", "''"),
        (Decimal("300.00"), "'300.00'"),
        (Decimal("1E+3"), "'1000'"),
        (True, "true"),
        (False, "false"),
        (date(2026, 11, 1), "'2026-11-01'"),
        (datetime(2026, 11, 1, 12, 30, tzinfo=UTC), "'2026-11-01T12:30:00+00:00'"),
        (datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=-8))), "'2026-11-01T00:00:00-08:00'"),
    ],
)
def test_literal_is_quoted_as_recorded(value: Value, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "\t", "\x7f", "\x85", "\ud800"])
def test_literal_control_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        literal(text)


def test_literal_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        literal(datetime(2026, 11, 1))  # noqa: DTZ001 -- the point.


@pytest.mark.parametrize("value", [1.5, 7, None, b"x"])
def test_literal_other_types_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot stand"):
        literal(value)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_literal_text_cannot_leave_its_quotes(text: str) -> None:
    inner = literal(text)[1:-1]
    unescaped, escaping = [], False
    for character in inner:
        assert escaping or character != "'"
        if escaping or character != "\\":
            unescaped.append(character)
        escaping = character == "\\" and not escaping
    assert not escaping
    assert "".join(unescaped) == text


@pytest.mark.parametrize(
    ("field", "op", "value", "text"),
    [
        ("DisplayName", "=", "O'Neil", r"DisplayName = 'O\'Neil'"),
        ("DisplayName", "LIKE", "O%", "DisplayName LIKE 'O%'"),
        ("Active", "IN", [True, False], "Active IN (true, false)"),
        ("Id", "IN", ("1", "2"), "Id IN ('1', '2')"),
        ("TotalAmt", ">=", Decimal("1.10"), "TotalAmt >= '1.10'"),
        (
            "MetaData.LastUpdatedTime",
            ">",
            datetime(2026, 1, 1, tzinfo=UTC),
            "MetaData.LastUpdatedTime > '2026-01-01T00:00:00+00:00'",
        ),
    ],
)
def test_where_is_one_condition(field: str, op: str, value: Value | list[Value], text: str) -> None:
    assert where(field, op, value) == text


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("Name", "!=", "x"),
        ("Name", "OR", "x"),
        ("Name", "in", ["x"]),
        ("Name = 'x' AND Id", "=", "x"),
        ("", "=", "x"),
        ("Id", "IN", "1"),
        ("Id", "=", ["1"]),
        ("Id", "IN", []),
    ],
)
def test_where_what_is_no_condition_is_refused(field: str, op: str, value: Value | list[Value]) -> None:
    with pytest.raises(ValueError, match=r"operator|name|IN"):
        where(field, op, value)


def test_name_is_returned_as_it_is() -> None:
    assert name("MetaData.CreateTime") == "MetaData.CreateTime"
