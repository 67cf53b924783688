"""Fields as they are remembered and compared: plain JSON, the same from what is sent and from what comes back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mapping.to_qbo.lines import plain


def plain_value(value: Any) -> Any:
    """Return a field as text: a reference by its id, an address and a memo by what they say, numbers trimmed."""
    if isinstance(value, Mapping):
        if value.keys() <= {"value", "name"}:
            return plain_value(value.get("value"))
        if "Address" in value:
            return plain_value(value["Address"])
        return {name: plain_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(one) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    return number(value) if isinstance(value, Decimal | int) else str(value)


def number(value: Decimal | int | str) -> str:
    """Return an amount without trailing zeros: 0, 0.00 and -0 are one."""
    text = plain(Decimal(str(value)))
    return "0" if text == "-0" else text
