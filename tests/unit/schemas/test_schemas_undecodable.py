import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import Codec
from schemas.errors import Reason, Undecodable
from schemas.events.common import Address
from schemas.events.crm import ContactActive, Envelope, Party
from schemas.exact import DAYS, MILLIS, shortest
from schemas.versions import versions
from tests.unit.schemas.by_hand import varint
from tests.unit.schemas.made import EXAMPLES, example

CODEC = Codec()
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
CONTACT = ContactActive(
    envelope=Envelope(
        event_id="e-1", event_type="contact.active", tenant_id="t", entity_id="c", entity_version=NOON, occurred_at=NOON
    ),
    contact=Party(contact_id="c", email="köln@example.com", address=Address(city="Köln")),
    tags=("a", "b"),
)
GOOD = CODEC.encode(CONTACT)
PAYMENT_TOPIC, PAYMENT = example("payment_us_tip_surcharge_coupon")


def reason_of(topic: str, payload: bytes | None) -> Reason:
    with pytest.raises(Undecodable) as raised:
        CODEC.decode(topic, payload)
    with pytest.raises(Undecodable):
        CODEC.accept(topic, payload)
    assert raised.value.detail
    return Reason(raised.value.reason)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, Reason.EMPTY),
        (b"", Reason.EMPTY),
        (b"{}", Reason.UNKNOWN_FORM),
        (b"\xc3", Reason.UNKNOWN_FORM),
        (b"\xc3\x02" + GOOD[2:], Reason.UNKNOWN_FORM),
        (b"\x01" + GOOD[1:], Reason.UNKNOWN_FORM),
        (b"\xc3\x01" + bytes(8) + GOOD[10:], Reason.UNKNOWN_SCHEMA),
        (b"\xc3\x01", Reason.TRUNCATED),
        (GOOD[:9], Reason.TRUNCATED),
        (GOOD[:10], Reason.TRUNCATED),
        (GOOD[:-1], Reason.TRUNCATED),
        (GOOD + b"\x00", Reason.TRAILING_BYTES),
        (GOOD + GOOD, Reason.TRAILING_BYTES),
        (GOOD.replace("Köln".encode(), b"K\xff\xfeln"), Reason.NOT_UTF8),
        (GOOD.replace("Köln".encode(), b"\xed\xa0\x80ln"), Reason.NOT_UTF8),
        (b"\x00", Reason.TRUNCATED),
        (b"\x00\x00\x00\x01", Reason.TRUNCATED),
        (b"\x00\x00\x00\x00\x07" + GOOD[10:], Reason.NO_REGISTRY),
    ],
)
def test_payload_that_is_no_event_says_why(payload: bytes | None, reason: Reason) -> None:
    assert reason_of("contact.active", payload) is reason


def test_payload_framed_for_a_registry_says_what_to_configure() -> None:
    with pytest.raises(Undecodable, match=r"schema id 7 and no registry is configured; set the schema registry's URL"):
        CODEC.decode("contact.active", b"\x00\x00\x00\x00\x07" + GOOD[10:])


def test_payload_of_another_topic_is_refused() -> None:
    assert reason_of("invoice.sent", GOOD) is Reason.WRONG_TOPIC
    # The bodies of these two begin alike, and one is a prefix of the other.
    sent, updated = CODEC.encode(example("invoice_updated_us_void")[1]), versions("invoice.sent")[-1].fingerprint
    assert reason_of("invoice.updated", b"\xc3\x01" + updated + sent[10:]) is Reason.WRONG_TOPIC


@pytest.mark.parametrize("name", EXAMPLES)
def test_payload_cut_anywhere_is_refused(name: str) -> None:
    topic, event = example(name)
    whole = CODEC.encode(event)
    for length in range(len(whole)):
        with pytest.raises(Undecodable):
            CODEC.read(topic, whole[:length])


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(at=st.integers(10, len(GOOD) - 1), what=st.binary(min_size=1, max_size=9), drop=st.integers(0, 3))
def test_payload_damaged_anywhere_is_refused_or_canonical_never_a_crash(at: int, what: bytes, drop: int) -> None:
    with contextlib.suppress(Undecodable):
        accepted = CODEC.accept("contact.active", GOOD[:at] + what + GOOD[at + drop :])
        assert CODEC.encode(CODEC.event("contact.active", accepted.record)) == accepted.canonical


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(noise=st.binary(max_size=200), topic=st.sampled_from(["contact.active", "payment.completed", "invoice.sent"]))
def test_payload_of_noise_is_refused_never_a_crash(noise: bytes, topic: str) -> None:
    with contextlib.suppress(Undecodable):
        CODEC.accept(topic, b"\xc3\x01" + versions(topic)[-1].fingerprint + noise)


def test_payload_announcing_more_than_it_holds_is_refused() -> None:
    """A length of 2^40 or 2^62 items must cost neither memory nor time."""
    head = GOOD[:10]
    assert reason_of("contact.active", head + varint(2**40) + b"x") is Reason.TRUNCATED
    assert reason_of("contact.active", GOOD[:-6] + varint(2**62)) in {Reason.TRUNCATED, Reason.DAMAGED}
    assert reason_of("contact.active", head + varint(-5) + b"x" * 50) in {Reason.TRUNCATED, Reason.DAMAGED}


def with_amount(raw: bytes) -> bytes:
    """The payment, its refunded amount replaced by these bytes."""
    return bytes_replaced(lambda record: record["payment"].update(amount_refunded=raw))


def bytes_replaced(change: Callable[[dict[str, Any]], None]) -> bytes:
    record = CODEC.read(PAYMENT_TOPIC, CODEC.encode(PAYMENT))
    change(record)
    return CODEC.canonical(PAYMENT_TOPIC, record)


@pytest.mark.parametrize("unscaled", [10**19 - 1, -(10**19) + 1, 0, -1, -128, 127, 128, -129, 2**56, -(2**56)])
def test_decimal_to_the_end_of_its_precision_is_read_exactly(unscaled: int) -> None:
    event = CODEC.decode(PAYMENT_TOPIC, with_amount(shortest(unscaled)))
    assert event.payment.amount_refunded == Decimal(f"{unscaled}E-4")  # type: ignore[union-attr]  # the payment's


@pytest.mark.parametrize("unscaled", [10**19, -(10**19), 2**64, -(2**64), 2**200])
def test_decimal_beyond_its_precision_is_refused(unscaled: int) -> None:
    payload = with_amount(shortest(unscaled))
    assert reason_of(PAYMENT_TOPIC, payload) is Reason.DECIMAL_OUT_OF_RANGE
    with pytest.raises(Undecodable, match=r"payment\.amount_refunded has more than 19 digits"):
        CODEC.read(PAYMENT_TOPIC, payload)


@pytest.mark.parametrize("unscaled", [10**18 - 1, -(10**18) + 1])
def test_quantity_to_the_end_of_its_precision_is_read_exactly(unscaled: int) -> None:
    payload = bytes_replaced(lambda record: record["lines"][0].update(quantity=shortest(unscaled)))
    event = CODEC.decode(PAYMENT_TOPIC, payload)
    assert event.lines[0].quantity == Decimal(f"{unscaled}E-6")  # type: ignore[union-attr]  # the payment's


@pytest.mark.parametrize("unscaled", [10**18, -(10**18), 2**62])
def test_quantity_beyond_its_precision_is_refused(unscaled: int) -> None:
    """Eight bytes can hold it, as they can hold what fits."""
    payload = bytes_replaced(lambda record: record["lines"][0].update(quantity=shortest(unscaled)))
    with pytest.raises(Undecodable, match=r"lines\[\]\.quantity has more than 18 digits"):
        CODEC.read(PAYMENT_TOPIC, payload)


def test_decimal_of_no_bytes_is_zero_and_settled() -> None:
    """Some writers send zero as no bytes at all."""
    assert CODEC.accept(PAYMENT_TOPIC, with_amount(b"")).canonical == with_amount(b"\x00")


@pytest.mark.parametrize("millis", [MILLIS[0] - 1, MILLIS[1] + 1, 2**63 - 1, -(2**63)])
def test_instant_beyond_the_calendar_is_refused(millis: int) -> None:
    payload = bytes_replaced(lambda record: record["payment"].update(paid_at=millis))
    assert reason_of(PAYMENT_TOPIC, payload) is Reason.TIME_OUT_OF_RANGE


@pytest.mark.parametrize("days", [DAYS[0] - 1, DAYS[1] + 1, 2**31 - 1])
def test_day_beyond_the_calendar_is_refused(days: int) -> None:
    payload = bytes_replaced(lambda record: record["payment"].update(txn_date=days))
    assert reason_of(PAYMENT_TOPIC, payload) is Reason.TIME_OUT_OF_RANGE


@pytest.mark.parametrize("millis", MILLIS)
def test_instant_at_the_end_of_the_calendar_is_read(millis: int) -> None:
    payload = bytes_replaced(lambda record: record["payment"].update(paid_at=millis))
    assert CODEC.encode(CODEC.decode(PAYMENT_TOPIC, payload)) == payload
