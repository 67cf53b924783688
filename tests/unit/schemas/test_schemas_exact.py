"""What cannot be written exactly is refused, with the field's path; nothing is rounded on the way out."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Codec
from schemas.errors import ValueOutOfRange
from schemas.events.crm import PaymentCompleted, PaymentMethod
from schemas.events.quickbooks import ConnectionChanged, ConnectionState, CustomerChange
from schemas.exact import decimal_bytes, decimal_from, shortest
from tests.unit.schemas.made import example

CODEC = Codec()
PAYMENT = example("payment_us_tip_surcharge_coupon")[1]
assert isinstance(PAYMENT, PaymentCompleted)


def paying(**changed: Any) -> PaymentCompleted:
    assert isinstance(PAYMENT, PaymentCompleted)
    return replace(PAYMENT, payment=replace(PAYMENT.payment, **changed))


def written_and_read(event: PaymentCompleted) -> PaymentCompleted:
    found = CODEC.decode("payment.completed", CODEC.encode(event))
    assert isinstance(found, PaymentCompleted)
    return found


@pytest.mark.parametrize(
    "amount",
    [
        "0",
        "-0",
        "0.01",
        "-0.0001",
        "1E+2",
        "-12E-3",
        "100.50000000",
        "0E-50",
        "1." + "0" * 80,
        "999999999999999.9999",
        "-999999999999999.9999",
        "-0.0128",
    ],
)
def test_decimal_that_fits_is_written_to_the_last_digit(amount: str) -> None:
    assert written_and_read(paying(amount=Decimal(amount))).payment.amount == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("13.4", "13.40"),
        ("100", "100.00"),
        ("0", "0.00"),
        ("-0.5000", "-0.50"),
        ("0.0128", "0.0128"),
        ("1.125", "1.125"),
    ],
)
def test_decimal_that_was_read_is_shown_as_a_person_writes_it(amount: str, shown: str) -> None:
    assert str(written_and_read(paying(amount=Decimal(amount))).payment.amount) == shown


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("0.00001", "more than 4 decimals"),
        ("-19.99995", "more than 4 decimals"),
        ("1E-5", "more than 4 decimals"),
        ("1E-400", "more than 4 decimals"),
        ("1000000000000000", "more than 19 digits"),
        ("-1E+15", "more than 19 digits"),
        ("1E+400", "more than 19 digits"),
        ("1E+999999", "more digits"),
        ("1." + "0" * 80 + "1", "more digits"),
        ("NaN", "no amount"),
        ("sNaN", "no amount"),
        ("Infinity", "no amount"),
        ("-Infinity", "no amount"),
    ],
)
def test_decimal_that_does_not_fit_is_refused(amount: str, why: str) -> None:
    with pytest.raises(ValueOutOfRange, match=why) as raised:
        CODEC.encode(paying(amount=Decimal(amount)))
    assert raised.value.field == "PaymentCompleted.payment.amount"


def test_decimal_in_a_list_is_refused_with_its_index() -> None:
    assert isinstance(PAYMENT, PaymentCompleted)
    lines = (PAYMENT.lines[0], replace(PAYMENT.lines[0], quantity=Decimal("0.0000001")))
    with pytest.raises(ValueOutOfRange) as raised:
        CODEC.encode(replace(PAYMENT, lines=lines))
    assert raised.value.field == "PaymentCompleted.lines[1].quantity"


@given(st.integers(-(10**19) + 1, 10**19 - 1))
def test_decimal_both_ways_is_the_same(unscaled: int) -> None:
    value = Decimal(f"{unscaled}E-4")
    raw = decimal_bytes(value, "x", precision=19, scale=4)
    assert raw == shortest(unscaled)
    assert decimal_from(raw, 4) == value


@given(st.integers(-(2**100), 2**100))
def test_shortest_bytes_cannot_be_shorter(number: int) -> None:
    raw = shortest(number)
    assert int.from_bytes(raw, "big", signed=True) == number
    assert len(raw) == 1 or int.from_bytes(raw[1:], "big", signed=True) != number


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"amount": 12.5}, "no Decimal"),
        ({"amount": 12}, "no Decimal"),
        ({"amount": None}, "no Decimal"),
        ({"paid_at": datetime(2025, 3, 1)}, "no datetime with a time zone"),  # noqa: DTZ001 - that is the point
        ({"paid_at": date(2025, 3, 1)}, "no datetime with a time zone"),
        ({"paid_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))}, "no year of the calendar"),
        ({"txn_date": datetime(2025, 3, 1, tzinfo=UTC)}, "no date"),
        ({"txn_date": "2025-03-01"}, "no date"),
        ({"transaction_id": None}, "no text"),
        ({"transaction_id": "\ud800"}, "lone surrogate"),
        ({"provider": b"stripe"}, "no text"),
        ({"method": "CARD"}, "none of its symbols"),
        ({"method": CustomerChange.MERGED}, "none of its symbols"),
    ],
)
def test_value_of_another_type_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueOutOfRange, match=why) as raised:
        CODEC.encode(paying(**changed))
    assert raised.value.field == f"PaymentCompleted.payment.{next(iter(changed))}"


@pytest.mark.parametrize("value", [0, None, "false"])
def test_boolean_of_another_type_is_refused(value: Any) -> None:
    assert isinstance(PAYMENT, PaymentCompleted)
    with pytest.raises(ValueOutOfRange, match="neither True nor False"):
        CODEC.encode(replace(PAYMENT, envelope=replace(PAYMENT.envelope, live_mode=value)))


@pytest.mark.parametrize("count", [2**63, -(2**63) - 1, True, 1.0])
def test_count_beyond_a_long_is_refused(count: Any) -> None:
    event = ConnectionChanged(
        event_id="e", tenant_id="t", occurred_at=datetime(2025, 3, 1, tzinfo=UTC), state=ConnectionState.CONNECTED
    )
    with pytest.raises(ValueOutOfRange, match="no whole number of 64 bits"):
        CODEC.encode(replace(event, import_done=count))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (datetime(2025, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC), datetime(2025, 3, 1, 12, 0, 0, 999_000, tzinfo=UTC)),
        (datetime(1960, 3, 1, 12, 0, 0, 1_999, tzinfo=UTC), datetime(1960, 3, 1, 12, 0, 0, 1_000, tzinfo=UTC)),
        (datetime(2025, 3, 1, 12, tzinfo=timezone(timedelta(hours=-5))), datetime(2025, 3, 1, 17, tzinfo=UTC)),
    ],
)
def test_instant_is_written_to_the_millisecond_in_utc(written: datetime, read: datetime) -> None:
    found = written_and_read(paying(paid_at=written)).payment.paid_at
    assert found == read
    assert found.utcoffset() == timedelta(0)


def test_enum_of_a_known_symbol_is_written() -> None:
    assert written_and_read(paying(method=PaymentMethod.CHECK)).payment.method is PaymentMethod.CHECK
