"""What QuickBooks pushes when something changed: is it from Intuit, and what does it tell.

Both shapes are read: a list of CloudEvents, and the object with eventNotifications that came before. The content
type says nothing about which it is. An event names what changed and holds nothing of it; events come more than
once, in any order, and not always. Answer 200 within three seconds and read the object later: an event that is
not acknowledged holds back all that follow it.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any

from qbo_client.answers import Unreadable, parse_any
from qbo_client.changes import moment_of
from qbo_client.entities import ENTITIES

__all__ = [
    "SIGNATURE_HEADER",
    "Change",
    "WebhookError",
    "WebhookPayloadError",
    "WebhookSignatureError",
    "check",
    "read",
    "read_each",
]

SIGNATURE_HEADER = "intuit-signature"

#: Entities that webhooks tell of beyond those this client knows the rules of. CloudEvents spell them in lower case.
_OTHERS = (
    "Bill BillPayment Budget ChangeOrder CompanyCurrency Currency Deposit Employee Estimate JournalCode JournalEntry "
    "Purchase PurchaseOrder TimeActivity Transfer Vendor VendorCredit"
)
_NAMES: Mapping[str, str] = MappingProxyType({name.lower(): name for name in (*ENTITIES, *_OTHERS.split())})

#: One word for each operation. On the wire CloudEvents say `void` beside `created`; both forms are taken for all.
_OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "create": "created",
        "update": "updated",
        "delete": "deleted",
        "merge": "merged",
        "void": "voided",
        "email": "emailed",
    }
)

#: The longest of their names and ids has some thirty characters.
_MOST_CHARACTERS = 200


class WebhookError(Exception):
    """A request that is no webhook of ours; the sentence says why."""


class WebhookSignatureError(WebhookError):
    """It is not signed with the verifier token: refuse it (403)."""


class WebhookPayloadError(WebhookError):
    """It is signed, and not understood: a person must look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event: this object of this company was created, updated, deleted, merged, voided or emailed.

    What Intuit invents later is kept in its own words: `entity` as it is spelled, `operation` in lower case.
    """

    realm_id: str
    entity: str
    id: str
    operation: str
    at: datetime
    #: After a merge the Id that is no more, if it was told.
    deleted_id: str | None = None


def check(body: bytes, signature: str | None, verifier_token: str) -> None:
    """Raise WebhookSignatureError unless these very bytes were signed with the token; takes constant time.

    To be called before anything is read from the body.
    """
    if not signature:
        raise WebhookSignatureError(f"there is no {SIGNATURE_HEADER} header")
    digest = hmac.new(verifier_token.encode(), body, hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(digest), signature.strip().encode("utf-8", "surrogateescape")):
        raise WebhookSignatureError(f"the {SIGNATURE_HEADER} header does not belong to this body and verifier token")


def read(body: bytes) -> tuple[Change, ...]:
    """Return the changes that a body of either shape tells of, of one company or several.

    Raises WebhookPayloadError for a body of another shape, or if anything is missing that a change consists of.
    """
    return tuple(_understood(one) for one in _told(body))


def read_each(body: bytes) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Return the changes that are understood, and a sentence for each event that is not.

    For whoever has acknowledged the body already: one odd event loses none of the others. Raises
    WebhookPayloadError for a body of another shape.
    """
    told = list(_told(body))
    changes = tuple(one for one in told if isinstance(one, Change))
    return changes, tuple(str(one) for one in told if isinstance(one, WebhookPayloadError))


def _told(body: bytes) -> Iterator[Change | WebhookPayloadError]:
    try:
        payload = parse_any(body)
    except Unreadable as error:
        raise WebhookPayloadError(str(error)) from error
    match payload:
        case list():
            for number, event in enumerate(payload, start=1):
                yield _or_why(_cloud_event, event, f"event {number}")
        case {"eventNotifications": list(notifications)}:
            for number, notification in enumerate(notifications, start=1):
                yield from _notified(notification, f"notification {number}")
        case _:
            raise WebhookPayloadError("the body is neither a list of CloudEvents nor an object with eventNotifications")


def _understood(one: Change | WebhookPayloadError) -> Change:
    if isinstance(one, WebhookPayloadError):
        raise one
    return one


def _or_why(reads: Callable[[Any, str], Change], event: Any, where: str) -> Change | WebhookPayloadError:
    try:
        return reads(event, where)
    except WebhookPayloadError as error:
        return error


def _cloud_event(event: Any, where: str) -> Change:
    kind = _text(event, "type", where)
    match kind.split("."):
        case ["qbo", name, operation, *_] if name and operation:
            data = event.get("data")
            return Change(
                realm_id=_text(event, "intuitaccountid", where),
                entity=_NAMES.get(name.lower(), name),
                id=_text(event, "intuitentityid", where),
                operation=_operation(operation),
                at=_moment(event, "time", where),
                deleted_id=_deleted_id(data) if isinstance(data, Mapping) else None,
            )
    raise WebhookPayloadError(f"the type of {where} is not qbo.<entity>.<operation>.<version>: {kind[:100]!r}")


def _notified(notification: Any, where: str) -> Iterator[Change | WebhookPayloadError]:
    try:
        realm_id, entities = _text(notification, "realmId", where), _entities(notification, where)
    except WebhookPayloadError as error:
        yield error
        return
    for place, changed in enumerate(entities, start=1):
        yield _or_why(partial(_change, realm_id), changed, f"entity {place} of {where}")


def _entities(notification: Any, where: str) -> list[Any]:
    match notification:
        case {"dataChangeEvent": {"entities": list(entities)}}:
            return entities
    raise WebhookPayloadError(f"{where} holds no dataChangeEvent with entities")


def _change(realm_id: str, changed: Any, where: str) -> Change:
    name = _text(changed, "name", where)
    return Change(
        realm_id=realm_id,
        entity=_NAMES.get(name.lower(), name),
        id=_text(changed, "id", where),
        operation=_operation(_text(changed, "operation", where)),
        at=_moment(changed, "lastUpdated", where),
        deleted_id=_deleted_id(changed),
    )


def _operation(word: str) -> str:
    said = word.lower()
    return _OPERATIONS.get(said, said)


def _deleted_id(source: Mapping[str, Any]) -> str | None:
    # Its spelling in CloudEvents is not documented.
    spelled = {key.lower().replace("_", ""): value for key, value in source.items()}
    value = spelled.get("deletedid") or spelled.get("intuitdeletedid")
    text = str(value) if isinstance(value, str | Decimal) else ""
    return text if _is_plain(text) else None


def _text(source: Any, key: str, where: str) -> str:
    if not isinstance(source, Mapping):
        raise WebhookPayloadError(f"{where} is no object")
    value = source.get(key)
    if not isinstance(value, str) or not value:
        raise WebhookPayloadError(f"{where} has no {key}")
    if not _is_plain(value):
        raise WebhookPayloadError(f"the {key} of {where} is no name, id or time: {value[:100]!r}")
    return value


def _is_plain(text: str) -> bool:
    """Whether it may be a name or an id: whoever stores it needs to fear neither control characters nor its length."""
    return 0 < len(text) <= _MOST_CHARACTERS and text.isprintable()


def _moment(source: Mapping[str, Any], key: str, where: str) -> datetime:
    text = _text(source, key, where)
    moment = moment_of(text)
    if moment is None:
        raise WebhookPayloadError(f"the {key} of {where} is no time with a zone: {text[:100]!r}")
    return moment
