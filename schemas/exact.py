"""Decimals, instants and days as Avro carries them: unscaled bytes, milliseconds, days since 1970.

Our own arithmetic, not the Avro library's, which rounds a decimal to its precision without a word. Every way in
is either exact or refused.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Clamped, Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

from schemas.errors import ValueOutOfRange

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = EPOCH.toordinal()
_MILLISECOND = timedelta(milliseconds=1)
_DAY_MILLIS = 86_400_000

#: Zeros behind these are cut.
_SHOWN_DECIMALS = 2

#: What the calendar can hold, both ends included.
DAYS = (date.min.toordinal() - _EPOCH_DAY, date.max.toordinal() - _EPOCH_DAY)
MILLIS = (DAYS[0] * _DAY_MILLIS, (DAYS[1] + 1) * _DAY_MILLIS - 1)

_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow, Clamped])


def shortest(unscaled: int) -> bytes:
    """Return the one two's complement of fewest bytes, big-endian: what Java's BigInteger writes."""
    bits = (unscaled if unscaled >= 0 else ~unscaled).bit_length()
    return unscaled.to_bytes(bits // 8 + 1, "big", signed=True)


def decimal_bytes(value: Any, path: str, *, precision: int, scale: int) -> bytes:
    """Return the unscaled value; raises ValueOutOfRange if precision and scale cannot hold it exactly."""
    if not isinstance(value, Decimal):
        raise ValueOutOfRange(path, f"{value!r} is no Decimal")
    if not value.is_finite():
        raise ValueOutOfRange(path, f"{value} is no amount")
    try:
        unscaled = value.normalize(_EXACT).scaleb(scale, _EXACT)
    except ArithmeticError:
        raise ValueOutOfRange(path, f"{value} has more digits than any amount") from None
    if unscaled != unscaled.to_integral_value():
        raise ValueOutOfRange(path, f"{value} has more than {scale} decimals")
    if abs(unscaled) >= 10**precision:
        raise ValueOutOfRange(path, f"{value} has more than {precision} digits, {scale} of them decimals")
    return shortest(int(unscaled))


def decimal_from(unscaled: bytes, scale: int) -> Decimal:
    """Return the value as a person writes an amount: 13.40, not 13.4000, which is the contract's scale."""
    number = int.from_bytes(unscaled, "big", signed=True)
    while scale > _SHOWN_DECIMALS and number % 10 == 0:
        number, scale = number // 10, scale - 1
    return Decimal(number).scaleb(-scale, _EXACT)


def millis(value: Any, path: str) -> int:
    """Return the instant's millisecond; what is finer is cut, because the contract's instants end there."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueOutOfRange(path, f"{value!r} is no datetime with a time zone")
    found = (value - EPOCH) // _MILLISECOND
    if not MILLIS[0] <= found <= MILLIS[1]:
        raise ValueOutOfRange(path, f"{value} is no year of the calendar in UTC")
    return found


def instant_from(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def days(value: Any, path: str) -> int:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueOutOfRange(path, f"{value!r} is no date")
    return value.toordinal() - _EPOCH_DAY


def day_from(since_epoch: int) -> date:
    return date.fromordinal(since_epoch + _EPOCH_DAY)
