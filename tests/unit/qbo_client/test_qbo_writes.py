from decimal import Decimal

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from qbo_client.writes import Operation, Write, dump

KNOWN = '{"Id":"17","SyncToken":"0"}'
BODIES = {Operation.CREATE: "{}", Operation.UPDATE: KNOWN, Operation.VOID: KNOWN, Operation.DELETE: KNOWN}


@pytest.mark.parametrize(
    ("entity", "operation", "path", "query"),
    [
        ("SalesReceipt", Operation.CREATE, "salesreceipt", {}),
        ("SalesReceipt", Operation.UPDATE, "salesreceipt", {}),
        ("SalesReceipt", Operation.DELETE, "salesreceipt", {"operation": "delete"}),
        ("SalesReceipt", Operation.VOID, "salesreceipt", {"operation": "update", "include": "void"}),
        ("Payment", Operation.VOID, "payment", {"operation": "update", "include": "void"}),
        ("Invoice", Operation.VOID, "invoice", {"operation": "void"}),
        ("Customer", Operation.UPDATE, "customer", {}),
    ],
)
def test_write_has_the_form_of_its_entity_and_operation(
    entity: str, operation: Operation, path: str, query: dict[str, str]
) -> None:
    write = Write(entity=entity, operation=operation, body=BODIES[operation], request_id="a" * 50)
    assert write.path == path
    assert write.query == {**query, "requestid": "a" * 50}


@pytest.mark.parametrize("entity", ["CreditMemo", "RefundReceipt", "Customer"])
def test_write_void_without_known_form_is_refused(entity: str) -> None:
    with pytest.raises(ValueError, match="no known way to void"):
        Write(entity=entity, operation=Operation.VOID, body="{}", request_id="r")


@pytest.mark.parametrize("request_id", ["", "a" * 51, "a b", "a&b", "é", "a\n"])
def test_write_request_id_that_quickbooks_would_not_keep_is_refused(request_id: str) -> None:
    with pytest.raises(ValueError, match="request id"):
        Write(entity="Customer", operation=Operation.CREATE, body="{}", request_id=request_id)


@pytest.mark.parametrize("entity", ["", "customer", "Customer/1", "Customer?x=y", "Customer\n"])
def test_write_entity_that_is_no_name_is_refused(entity: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        Write(entity=entity, operation=Operation.CREATE, body="{}", request_id="r")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("337.50", "337.50"),
        ("0", "0"),
        ("0.00", "0.00"),
        ("-0.00", "0.00"),
        ("1E+2", "100"),
        ("1E-9", "0.000000001"),
        ("-12.30", "-12.30"),
        ("123456789012345.67", "123456789012345.67"),
    ],
)
def test_dump_decimal_is_a_plain_number(amount: str, text: str) -> None:
    assert dump({"TotalAmt": Decimal(amount)}) == f'{{"TotalAmt":{text}}}'


def test_dump_is_one_text_whatever_the_order_of_keys() -> None:
    first = {"b": [{"z": True, "a": None}], "a": (1, "é'\"\n")}
    second = {"a": [1, "é'\"\n"], "b": ({"a": None, "z": True},)}
    assert dump(first) == dump(second) == '{"a":[1,"é\'\\"\\n"],"b":[{"a":null,"z":true}]}'


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_dump_decimal_that_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        dump({"TotalAmt": Decimal(amount)})


@pytest.mark.parametrize("value", [1.5, float("nan"), object(), {1, 2}, b"x"])
def test_dump_value_without_exact_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="exact form"):
        dump({"Line": [{"Amount": value}]})


def test_dump_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="no name"):
        dump({"Line": {1: "x"}})


def test_dump_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        dump({"DisplayName": "\ud800"})


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
def test_dump_every_amount_is_read_back_to_the_last_digit(amount: Decimal) -> None:
    text = dump({"Amount": amount})
    assert "e" not in text.lower().replace("amount", "")
    assert simplejson.loads(text, parse_float=Decimal, parse_int=Decimal)["Amount"] == amount
