"""Writes as values: what is stored before it is sent, and sent again to the byte."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import simplejson

#: Longer request ids are refused by QuickBooks (they are unique per company).
REQUEST_ID_LENGTH = 50

_ENTITY = re.compile(r"[A-Z][A-Za-z]+")
_REQUEST_ID = re.compile(rf"[A-Za-z0-9._:-]{{1,{REQUEST_ID_LENGTH}}}")


class Operation(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    VOID = "void"
    DELETE = "delete"


#: Each entity has a form of its own to void. CreditMemo and RefundReceipt have none that is known to work.
_VOID_FORMS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Invoice": MappingProxyType({"operation": "void"}),
        "Payment": MappingProxyType({"operation": "update", "include": "void"}),
        "SalesReceipt": MappingProxyType({"operation": "update", "include": "void"}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write: exactly these bytes under exactly this request id, however often it is sent.

    Raises ValueError for what QuickBooks would surely refuse, so that it is never stored.
    """

    entity: str
    operation: Operation
    body: str
    request_id: str

    def __post_init__(self) -> None:
        if not _ENTITY.fullmatch(self.entity):
            raise ValueError(f"{self.entity!r} is no name of a QuickBooks entity")
        if not _REQUEST_ID.fullmatch(self.request_id):
            raise ValueError(f"a request id has 1 to {REQUEST_ID_LENGTH} plain characters: {self.request_id!r}")
        if self.operation is Operation.VOID and self.entity not in _VOID_FORMS:
            raise ValueError(f"QuickBooks has no known way to void a {self.entity}")

    @property
    def path(self) -> str:
        """Path below the company's own."""
        return self.entity.lower()

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters, the request id among them."""
        match self.operation:
            case Operation.CREATE | Operation.UPDATE:
                form: Mapping[str, str] = {}
            case Operation.VOID:
                form = _VOID_FORMS[self.entity]
            case Operation.DELETE:
                form = {"operation": "delete"}
        return {**form, "requestid": self.request_id}


def dump(body: Mapping[str, Any]) -> str:
    """Return the one JSON text of this body: keys sorted, Decimals as plain numbers with their own decimals.

    Raises TypeError for a float or anything else that JSON has no exact form for, ValueError for NaN,
    infinity and text that UTF-8 cannot carry.
    """
    text = simplejson.dumps(_plain(body), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    text.encode()
    return text


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return simplejson.RawJSON(plain_number(value))
        case Mapping():
            return {_key(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
    raise TypeError(f"{type(value).__name__} has no exact form in a QuickBooks body")


def plain_number(value: Decimal) -> str:
    """Return the number without exponent; raises ValueError for NaN and infinity."""
    if not value.is_finite():
        raise ValueError(f"{value} is no amount")
    return format(value or abs(value), "f")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{key!r} is no name of a QuickBooks property")
    return key
