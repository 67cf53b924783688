"""From a Kafka record to what the inbox stores, or to a dead letter with the reason. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.records import Arrived, DeadLetter
from schemas.codec import Codec
from schemas.errors import RegistryUnavailable, Undecodable

#: Which topics the bridge reads, and what kind of CRM entity each is about.
ENTITY_KINDS: Mapping[str, str] = {"contact.active": "contact", "payment.completed": "payment"}
#: Where each topic's record says which entity it is about: its identity wherever else it appears.
_ENTITY_ID: Mapping[str, tuple[str, str]] = {
    "contact.active": ("contact", "contact_id"),
    "payment.completed": ("payment", "transaction_id"),
}

_HASH_BYTES = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Two of them and the topic must fit an index entry of PostgreSQL, at four bytes a character.
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A record as Kafka gave it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    appended_ms: int | None


def read(fetched: Fetched, codec: Codec, *, topic: str) -> Arrived | DeadLetter:
    """Decode a record of the named event type. Raises RegistryUnavailable, which is a reason to wait only."""
    try:
        accepted = codec.accept(topic, fetched.value)
        return _arrived(fetched, topic, accepted.record, accepted.canonical)
    except Undecodable as error:
        return dead(fetched, error.reason, error.detail)
    except RegistryUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - a record that trips this release must not stop every tenant
        return dead(fetched, "bug", f"the bridge failed on it: {type(error).__name__}: {error}")


def _arrived(fetched: Fetched, topic: str, record: Mapping[str, Any], payload: bytes) -> Arrived:
    envelope = record["envelope"]
    part, name = _ENTITY_ID[topic]
    ids = {"tenant_id": envelope["tenant_id"], "event_id": envelope["event_id"], "entity_id": record[part][name]}
    ids["contact_id"] = record["contact"]["contact_id"]
    _check_ids(ids)
    return Arrived(
        **ids,
        topic=topic,
        content_hash=hashlib.blake2b(payload, digest_size=_HASH_BYTES).digest(),
        payload=payload,
        partition=fetched.partition,
        offset=fetched.offset,
        appended_at=_appended(fetched.appended_ms),
        entity_kind=ENTITY_KINDS[topic],
        entity_version=_instant(envelope["entity_version"]),
        occurred_at=_instant(envelope["occurred_at"]),
    )


def _check_ids(ids: Mapping[str, str]) -> None:
    for name, value in ids.items():
        if not value or len(value) > _LONGEST_ID:
            raise Undecodable("bad_id", f"{name} must have 1 to {_LONGEST_ID} characters and has {len(value)}")
        if "\x00" in value:
            raise Undecodable("bad_id", f"{name} holds a NUL character")


def dead(fetched: Fetched, reason: str, detail: str) -> DeadLetter:
    """Keep a record that cannot become an event: bytes, place and reason."""
    headers = [(name, (value or b"").decode("utf-8", "backslashreplace")) for name, value in fetched.headers]
    return DeadLetter(
        topic=fetched.topic,
        partition=fetched.partition,
        offset=fetched.offset,
        key=fetched.key,
        value=fetched.value,
        headers=[(_storable(name), _storable(value)) for name, value in headers],
        reason=reason,
        detail=_storable(detail),
    )


def _storable(text: str) -> str:
    # PostgreSQL's text and jsonb hold no NUL.
    return text.replace("\x00", "\\x00")


def _appended(milliseconds: int | None) -> datetime | None:
    """Return when Kafka got the record; None for a time that no calendar has (a producer in microseconds)."""
    try:
        return _instant(milliseconds) if milliseconds and milliseconds > 0 else None
    except OverflowError:
        return None


def _instant(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)
