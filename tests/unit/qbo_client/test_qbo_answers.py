from decimal import Decimal

import pytest

from qbo_client.answers import Unreadable, count_of, entity_of, parse, rows_of, written_of


def test_parse_every_number_is_a_decimal() -> None:
    payload = parse(b'{"a":337.50,"b":0,"c":-1e2,"d":true,"e":"12"}')
    assert payload == {"a": Decimal("337.50"), "b": Decimal(0), "c": Decimal(-100), "d": True, "e": "12"}
    assert str(payload["a"]) == "337.50"
    assert [type(payload[key]) for key in "abc"] == [Decimal] * 3


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"[]", b'"x"', b"NaN", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":', b"[" * 100_000]
)
def test_parse_what_is_no_json_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(body)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_parse_reads_accents_in_either_encoding(encoding: str) -> None:
    assert parse('{"DisplayName":"Café"}'.encode(encoding)) == {"DisplayName": "Café"}


def test_rows_without_matches_are_none() -> None:
    assert rows_of({"QueryResponse": {}, "time": "x"}) == []


def test_rows_are_found_under_whatever_key() -> None:
    response = {"startPosition": Decimal(1), "Customer": [{"Id": "1"}], "maxResults": Decimal(1)}
    assert rows_of({"QueryResponse": response}) == [{"Id": "1"}]


def test_count_is_an_int() -> None:
    assert count_of({"QueryResponse": {"totalCount": Decimal(6)}}) == 6


@pytest.mark.parametrize("payload", [{}, {"QueryResponse": {}}, {"QueryResponse": {"totalCount": "6"}}])
def test_count_missing_is_unreadable(payload: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        count_of(payload)


@pytest.mark.parametrize("payload", [{}, {"Customer": None}, {"Customer": []}, {"Invoice": {"Id": "1"}}])
def test_entity_missing_is_unreadable(payload: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        entity_of(payload, "Customer")


def test_written_object_without_id_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no Id"):
        written_of({"Customer": {"DisplayName": "x"}}, "Customer")
