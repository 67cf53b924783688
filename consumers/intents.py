"""What a decided write is, before and after it is sent. Pure: the order of effects is in `writing.py`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from qbo_client.writes import Operation, Write, dump

#: Namespace of this project's request ids. It must never change: a redelivery derives the same id from it.
_NAMESPACE = UUID("6f1f3a52-6d0e-5b43-9a50-0c1f7f3f2a11")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmRef:
    """The CRM object (or the named thing the bridge keeps for it) that a QuickBooks object stands for."""

    kind: str
    id: str
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Which state of the CRM object is being written."""

    version: datetime
    occurred_at: datetime
    content_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A write as decided: what to send, and what to remember once it is written."""

    ref: CrmRef
    operation: Operation
    entity: str
    body: Mapping[str, Any]
    source: Source
    last_sent: Mapping[str, Any] = field(default_factory=dict)
    #: Totals that the answer must show to the cent, by their QuickBooks names.
    expect: Mapping[str, Decimal] = field(default_factory=dict)
    origin: str = "made"
    #: The CRM object that this one is a part of: a payment's invoice, a refund's payment.
    belongs_to: str = ""
    #: Links that end with this write: what they stood for was deleted, or stands for another CRM object now.
    unlinks: tuple[CrmRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A write as stored: exactly these bytes with exactly this request id, until a definite answer."""

    id: int = 0
    realm_id: str
    tenant_id: str
    inbox_id: int
    ref: CrmRef
    number: int
    write: Write
    remember: Mapping[str, Any]
    keys: tuple[str, ...]
    attempts: int = 0
    created_at: datetime | None = None
    due_at: datetime | None = None
    in_attention: bool = False

    @property
    def unlinks(self) -> tuple[CrmRef, ...]:
        return tuple(CrmRef(**ref) for ref in self.remember.get("unlinks", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """(CRM object, company) ↔ QuickBooks object, with what was last sent of it.

    `origin`: made by the bridge; found, it was there and is shared with people; skipped, it stands for nothing
    in QuickBooks and remembers why not.
    """

    ref: CrmRef
    qbo_kind: str
    qbo_id: str
    sync_token: str | None
    doc_number: str | None = None
    last_sent: Mapping[str, Any] | None = None
    source_hash: bytes | None = None
    version: datetime | None = None
    occurred_at: datetime | None = None
    origin: str = "made"
    discrepancy: str | None = None
    belongs_to: str = ""

    @property
    def source(self) -> Source:
        """The state that the link stands for: a write that changes nothing about it says so again."""
        nothing = datetime.min.replace(tzinfo=UTC)
        version = self.version or nothing
        return Source(version=version, occurred_at=self.occurred_at or version, content_hash=self.source_hash or b"")

    @property
    def is_skipped(self) -> bool:
        return self.origin == "skipped"


def request_id(realm_id: str, tenant_id: str, ref: CrmRef, operation: Operation, number: int, body: str) -> str:
    """Derive the request id: the same write has the same id in every process and after every restart.

    36 characters; QuickBooks allows 50, and 36 in a batch.
    """
    digest = hashlib.sha256(body.encode()).hexdigest()
    name = "\x1f".join((realm_id, tenant_id, ref.kind, ref.id, ref.currency, operation.value, str(number), digest))
    return str(uuid5(_NAMESPACE, name))


def intent_of(
    draft: Draft, *, realm_id: str, tenant_id: str, inbox_id: int, number: int, keys: tuple[str, ...]
) -> Intent:
    """Freeze a draft into the intent that will be stored and sent."""
    body = dump(draft.body)
    write = Write(
        entity=draft.entity,
        operation=draft.operation,
        body=body,
        request_id=request_id(realm_id, tenant_id, draft.ref, draft.operation, number, body),
    )
    remember = {
        "last_sent": dict(draft.last_sent),
        "source_hash": draft.source.content_hash.hex(),
        "version": draft.source.version.isoformat(),
        "occurred_at": draft.source.occurred_at.isoformat(),
        "expect": {name: str(amount) for name, amount in draft.expect.items()},
        "origin": draft.origin,
        "belongs_to": draft.belongs_to,
        "unlinks": [{"kind": ref.kind, "id": ref.id, "currency": ref.currency} for ref in draft.unlinks],
    }
    return Intent(
        realm_id=realm_id,
        tenant_id=tenant_id,
        inbox_id=inbox_id,
        ref=draft.ref,
        number=number,
        write=write,
        remember=remember,
        keys=keys,
    )


def link_after(intent: Intent, answer: Mapping[str, Any]) -> Link:
    """Return the link as it stands once QuickBooks answered with the object it wrote."""
    remember = intent.remember
    return Link(
        ref=intent.ref,
        qbo_kind=intent.write.entity,
        qbo_id=str(answer["Id"]),
        sync_token=answer.get("SyncToken"),
        doc_number=answer.get("DocNumber"),
        last_sent=remember["last_sent"],
        source_hash=bytes.fromhex(remember["source_hash"]),
        version=datetime.fromisoformat(remember["version"]),
        occurred_at=datetime.fromisoformat(remember["occurred_at"]),
        origin=remember["origin"],
        discrepancy=discrepancy(remember["expect"], answer),
        belongs_to=remember.get("belongs_to", ""),
    )


def discrepancy(expect: Mapping[str, str], answer: Mapping[str, Any]) -> str | None:
    """Name each total that QuickBooks shows otherwise than was meant, with both figures; None when equal."""
    shown = {"TotalTax": (answer.get("TxnTaxDetail") or {}).get("TotalTax", Decimal(0)), **answer}
    differing = [
        f"{name} should be {amount} and is {shown.get(name, Decimal(0))}"
        for name, amount in expect.items()
        if Decimal(amount) != Decimal(str(shown.get(name, 0)))
    ]
    return "; ".join(differing) or None
