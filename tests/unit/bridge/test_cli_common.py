"""What all commands print alike."""

import json

import pytest

from bridge.cli.common import at_most, show

ROWS = [{"record": f"tx_{number}"} for number in range(3)]


def test_at_most_with_one_row_more_says_that_there_are_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert at_most(2, ROWS) == ROWS[:2]
    assert "more than these 2: --limit" in capsys.readouterr().err


def test_at_most_with_all_rows_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert at_most(3, ROWS) == ROWS
    assert capsys.readouterr().err == ""


def test_show_piped_folds_no_column(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    show([{"what_to_do": "x" * 150}], ("what_to_do",), as_json=False, empty="")
    assert capsys.readouterr().out.splitlines() == ["what to do".ljust(150), "x" * 150]


def test_show_as_json_holds_what_the_table_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"cause": "bug", "trace": "Traceback"}], ("cause",), as_json=True, empty="")
    assert json.loads(capsys.readouterr().out) == [{"cause": "bug", "trace": "Traceback"}]
