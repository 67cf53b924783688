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


# What Intuit's schema makes attributes; all else are elements.
_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "Fault": frozenset({"type"}),
    "Error": frozenset({"code", "element"}),
    "BatchItemResponse": frozenset({"bId"}),
    "QueryResponse": frozenset({"startPosition", "maxResults", "totalCount"}),
}
_OF_OBJECTS = frozenset({"domain", "sparse", "status"})


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
        return _of_parts(name, value)
    return f"<{name}>{escape(_text(value))}</{name}>"


def _of_parts(name: str, value: Mapping[str, Any]) -> str:
    if name.endswith("Ref") and "value" in value:
        # A reference is its Id with the name as an attribute.
        called = f" name={quoteattr(value['name'])}" if "name" in value else ""
        return f"<{name}{called}>{escape(_text(value['value']))}</{name}>"
    outside = _ATTRIBUTES.get(name, _OF_OBJECTS)
    attributes = "".join(f" {key}={quoteattr(_text(one))}" for key, one in value.items() if key in outside)
    inner = "".join(_element(key, one) for key, one in value.items() if key not in outside)
    return f"<{name}{attributes}>{inner}</{name}>"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str("" if value is None else value)
