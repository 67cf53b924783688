"""What a webhook says and how it is signed, in both shapes that Intuit has used."""

import base64
import hashlib
import hmac
import ipaddress
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from qbo_client.emulator import wire
from qbo_client.emulator.changes import Change, Operation
from qbo_client.emulator.clock import PACIFIC

# Intuit tells of changes of these to nobody.
SILENT = frozenset({"TaxCode", "TaxRate", "CompanyInfo"})
# As the types on the wire spell it; a void is told by its verb, not its participle, unless set otherwise.
_PARTICIPLES = {
    Operation.CREATE: "created",
    Operation.UPDATE: "updated",
    Operation.DELETE: "deleted",
    Operation.EMAILED: "emailed",
    Operation.MERGE: "merged",
}


class Shape(Enum):
    """How the body is laid out."""

    CLOUD_EVENTS = "cloudevents"  # An array; what Intuit has sent since 2026.
    LEGACY = "legacy"  # An object with eventNotifications.


class TargetError(ValueError):
    """Webhooks of the emulator go to this machine only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    realm_id: str
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where webhooks go, signed with what, and how they look. Raises TargetError, ValueError."""

    url: str | None = None
    verifier: str = "emulator-verifier-token"
    shape: Shape = Shape.CLOUD_EVENTS
    # The facts have both words for one thing: what the portal lists, and what one would expect.
    void_word: str = "void"
    # The older shape's two spellings of a moment: -0700, and .000Z.
    zulu: bool = False
    # Events that come so close together travel together, up to so many.
    gather_seconds: float = 0.1
    most_events: int = 100
    timeout_seconds: float = 3.0

    def __post_init__(self) -> None:
        if self.url is not None:
            check_target(self.url)
        if self.void_word not in {"void", "voided"}:
            raise ValueError("void_word is void or voided")
        if not self.verifier or self.most_events < 1 or self.gather_seconds < 0 or self.timeout_seconds <= 0:
            raise ValueError("webhooks need a verifier, room for one event, and times that are possible")


def check_target(url: str) -> None:
    """Raises TargetError unless the address is one of this machine's loopback."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not _is_loopback(parts.hostname or ""):
        raise TargetError(f"{url} is refused: the emulator sends webhooks to http://localhost or 127.0.0.1 only")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def signature(verifier: str, body: bytes) -> str:
    return base64.b64encode(hmac.digest(verifier.encode(), body, hashlib.sha256)).decode()


def body(events: Sequence[Event], settings: Settings, source: str) -> bytes:
    told: Any
    if settings.shape is Shape.LEGACY:
        told = {"eventNotifications": [_notification(realm, some, settings) for realm, some in _by_realm(events)]}
    else:
        told = [_cloud_event(event, settings, source) for event in events]
    return wire.dumps(told).encode()


def content_type(settings: Settings) -> str:
    return "application/json" if settings.shape is Shape.LEGACY else "application/cloudevents-batch+json"


def _by_realm(events: Iterable[Event]) -> Iterable[tuple[str, list[Event]]]:
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.realm_id, []).append(event)
    return found.items()


def _notification(realm_id: str, events: Iterable[Event], settings: Settings) -> Mapping[str, Any]:
    return {
        "realmId": realm_id,
        "dataChangeEvent": {"entities": [_entity(event.change, zulu=settings.zulu) for event in events]},
    }


def _entity(change: Change, *, zulu: bool) -> Mapping[str, Any]:
    told = {
        "name": change.kind,
        "id": change.identifier,
        "operation": change.operation.value,
        "lastUpdated": _updated(change.moment, zulu=zulu),
    }
    return told if change.loser is None else {**told, "deletedId": change.loser}


def _updated(moment: datetime, *, zulu: bool) -> str:
    if zulu:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return moment.astimezone(PACIFIC).strftime("%Y-%m-%dT%H:%M:%S%z")


def _cloud_event(event: Event, settings: Settings, source: str) -> Mapping[str, Any]:
    change = event.change
    word = _PARTICIPLES.get(change.operation, settings.void_word)
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": source,
        "type": f"qbo.{change.kind.lower()}.{word}.v1",
        "datacontenttype": "application/json",
        "time": change.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "intuitentityid": change.identifier,
        "intuitaccountid": event.realm_id,
        "data": {} if change.loser is None else {"deletedId": change.loser},
    }
