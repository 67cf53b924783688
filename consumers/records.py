"""What travels between Kafka, the inbox and a lane."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A decoded event on its way into the inbox."""

    tenant_id: str
    topic: str
    event_id: str
    content_hash: bytes
    payload: bytes  # Avro single-object encoding under the newest schema
    partition: int
    offset: int
    appended_at: datetime | None
    entity_kind: str
    entity_id: str
    contact_id: str
    entity_version: datetime
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that cannot become an event, with the bytes and the place it came from."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, str]] = field(default_factory=list)
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What one batch became: every record is in exactly one of these counts."""

    stored: int
    duplicates: int
    reused_ids: int
    not_connected: int
    dead: int
    due_realms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An inbox row in hand."""

    id: int
    tenant_id: str
    topic: str
    event_id: str
    payload: bytes | None
    content_hash: bytes
    entity_kind: str
    entity_id: str
    contact_id: str
    entity_version: datetime
    occurred_at: datetime
    received_at: datetime
    appended_at: datetime | None
    attempts: int
    claims: int
    ran_alone: bool
    #: A newer state of the same CRM record was accepted, whatever became of it.
    superseded: bool = False
