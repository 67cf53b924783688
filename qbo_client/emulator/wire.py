"""JSON and XML as they cross the wire."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import simplejson

from qbo_client.emulator import errors


def dumps(value: object) -> str:
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


def loads(text: bytes) -> Any:
    """Raises ApiFault 500 (the code, with status 400) for what is not JSON, as QuickBooks does."""
    try:
        return simplejson.loads(text.decode("utf-8"), use_decimal=True, parse_constant=_refuse)
    except ValueError:
        raise errors.unsupported("of a body that is not JSON") from None


def restored(text: str) -> Any:
    """What `dumps` wrote, every number a Decimal as it was; raises ValueError for what is not JSON."""
    return simplejson.loads(text, use_decimal=True, parse_int=Decimal)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def to_xml(body: Mapping[str, Any]) -> str:
    """What a client gets that does not ask for JSON."""
    time = quoteattr(str(body.get("time", "")))
    inner = "".join(_element(name, value) for name, value in body.items() if name != "time")
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<IntuitResponse xmlns="http://schema.intuit.com/finance/v3" time={time}>{inner}</IntuitResponse>'
    )


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    if isinstance(value, dict):
        return f"<{name}>{''.join(_element(key, one) for key, one in value.items())}</{name}>"
    text = str(value).lower() if isinstance(value, bool) else str("" if value is None else value)
    return f"<{name}>{escape(text)}</{name}>"
