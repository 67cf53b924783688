"""Writes as values: what is stored before it is sent, and sent again to the byte."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import simplejson

from qbo_client.answers import Unreadable, parse, written_of
from qbo_client.entities import TAX_SERVICE, Operation, check_allowed, entity, path_of

__all__ = [
    "REQUEST_ID_LENGTH",
    "Operation",
    "Write",
    "check_body",
    "check_request_id",
    "dump",
    "identified",
    "plain_number",
    "written_by",
]

#: Longer request ids are refused by QuickBooks (they are unique per company).
REQUEST_ID_LENGTH = 50

_ENTITY = re.compile(r"[A-Z][A-Za-z]+")
_REQUEST_ID = re.compile(rf"[A-Za-z0-9._:-]{{1,{REQUEST_ID_LENGTH}}}")
_ID = re.compile(r"[A-Za-z0-9_:-]{1,64}")
_SYNC_TOKEN = re.compile(r"\d{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write: exactly these bytes under exactly this request id, however often it is sent.

    It is kept as these four texts and made again from them. Raises ValueError for what QuickBooks would surely
    refuse or misunderstand, so that it is never stored: an operation that the entity does not have (see
    `entities`), a create that names an Id, an update without Id or SyncToken, a sparse update of an entity that
    has none.
    """

    entity: str
    operation: Operation
    body: str
    request_id: str

    def __post_init__(self) -> None:
        if not _ENTITY.fullmatch(self.entity):
            raise ValueError(f"{self.entity!r} is no name of a QuickBooks entity")
        check_request_id(self.request_id)
        check_allowed(self.entity, self.operation)
        check_body(self.entity, self.operation, _object(self.body))

    @classmethod
    def create(cls, entity: str, body: Mapping[str, Any], *, request_id: str) -> Self:
        return cls(entity=entity, operation=Operation.CREATE, body=dump(body), request_id=request_id)

    @classmethod
    def update(cls, entity: str, body: Mapping[str, Any], *, request_id: str) -> Self:
        """Return a full update: QuickBooks clears or resets every writable property that `body` leaves out."""
        whole = {key: value for key, value in body.items() if key != "sparse"}
        return cls(entity=entity, operation=Operation.UPDATE, body=dump(whole), request_id=request_id)

    @classmethod
    def sparse_update(cls, entity: str, body: Mapping[str, Any], *, request_id: str) -> Self:
        """Return an update that leaves alone what `body` leaves out; a `Line` is the whole list all the same."""
        part = {**body, "sparse": True}
        return cls(entity=entity, operation=Operation.UPDATE, body=dump(part), request_id=request_id)

    @classmethod
    def void(cls, entity_name: str, identifier: str, sync_token: str, *, request_id: str) -> Self:
        """Return what sets a transaction to zero and keeps its number; not every entity can be voided."""
        sparse = {"sparse": True} if entity(entity_name).void_is_sparse else {}
        body = dump({"Id": identifier, "SyncToken": sync_token, **sparse})
        return cls(entity=entity_name, operation=Operation.VOID, body=body, request_id=request_id)

    @classmethod
    def delete(cls, entity: str, identifier: str, sync_token: str, *, request_id: str) -> Self:
        body = dump({"Id": identifier, "SyncToken": sync_token})
        return cls(entity=entity, operation=Operation.DELETE, body=body, request_id=request_id)

    @property
    def path(self) -> str:
        """Path below the company's own."""
        return path_of(entity(self.entity))

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters, the request id among them."""
        match self.operation:
            case Operation.CREATE | Operation.UPDATE:
                form: Mapping[str, str] = {}
            case Operation.VOID:
                form = entity(self.entity).void_form
            case Operation.DELETE:
                form = {"operation": "delete"}
        return {**form, "requestid": self.request_id}


def check_request_id(request_id: str) -> None:
    """Raise ValueError for a request id that QuickBooks would not keep as it is."""
    if not _REQUEST_ID.fullmatch(request_id):
        raise ValueError(f"a request id has 1 to {REQUEST_ID_LENGTH} plain characters: {request_id!r}")


def check_body(name: str, operation: Operation, body: Mapping[str, Any]) -> None:
    """Raise ValueError if this body cannot be what the operation needs, or would do another thing."""
    if operation is Operation.CREATE:
        if "Id" in body:
            raise ValueError(f"a {name} with an Id is no new one: QuickBooks would take this for an update")
        return
    if not identified(body.get("Id")) or not _is_sync_token(body.get("SyncToken")):
        raise ValueError(f"to {operation} a {name} takes its Id and SyncToken, as texts")
    if operation is Operation.UPDATE and body.get("sparse") is True:
        _check_sparse(name, body)


def written_by(write: Write, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that a write is answered with; raises Unreadable if it is not there.

    The tax service answers with the code and its rates themselves, not under the name of an entity.
    """
    if write.entity != TAX_SERVICE:
        return written_of(payload, write.entity)
    if not payload.get("TaxCodeId"):
        raise Unreadable("the body holds no TaxCodeId")
    return payload


def identified(value: object) -> bool:
    """Whether the value may be an Id; `SHIPPING_ITEM_ID` and the like are."""
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def _check_sparse(name: str, body: Mapping[str, Any]) -> None:
    rules = entity(name)
    if not rules.sparse:
        raise ValueError(f"QuickBooks knows no sparse update of a {name}: read it, change it, send it whole")
    missing = [key for key in rules.repeats if key not in body]
    if missing:
        raise ValueError(f"a sparse update of a {name} must repeat its {', '.join(missing)}")


def _is_sync_token(value: object) -> bool:
    return isinstance(value, str) and bool(_SYNC_TOKEN.fullmatch(value))


def _object(body: str) -> dict[str, Any]:
    try:
        return parse(body.encode())
    except Unreadable as error:
        raise ValueError(f"what QuickBooks is sent must be a JSON object: {error}") from error


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
