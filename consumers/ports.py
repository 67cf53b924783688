"""What the consumers need of the process around them; `bridge` satisfies it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from consumers.effects import Effects
from consumers.intents import CrmRef, Intent, Link
from consumers.records import Arrived, DeadLetter, Received
from mapping.company import Company
from mapping.echo import ToldCustomer, ToldInvoice
from qbo_client.client import QBOClient


class Inbox(Protocol):
    """Where ingest leaves what it read."""

    async def receive(self, events: Sequence[Arrived], dead: Sequence[DeadLetter], dead_topic: str) -> Received:
        """Store one batch in one transaction; raises `RowRefused` if the batch holds a row that cannot be stored."""
        ...

    async def depth(self, *, cap_per_tenant: int) -> int: ...


class RowRefused(Exception):
    """The store cannot hold one of the rows of this batch (a NUL in a text, a date out of range)."""


class StoreAway(Exception):
    """PostgreSQL is away: wait and try again, nothing is wrong with the work."""


class Books(Protocol):
    """What the bridge remembers of one company: links, open intents, local copies."""

    async def link(self, ref: CrmRef) -> Link | None: ...

    async def links_to(self, qbo_kind: str, qbo_id: str) -> list[Link]:
        """Return the links on one QuickBooks object, the first linked first."""
        ...

    async def links_of(self, kinds: Sequence[str], belongs_to: Sequence[str]) -> list[Link]:
        """Return the links of these kinds that are parts of these CRM objects, the first linked first."""
        ...

    async def documents_of(self, contact_id: str, qbo_kinds: Sequence[str]) -> list[Link]:
        """Return the links of some documents that events of this contact were booked as, the newest first."""
        ...

    async def newest_event(self, entity_kind: str, entity_id: str) -> tuple[str, bytes] | None:
        """Return topic and payload of the newest state of a CRM record that is stored; None where none is."""
        ...

    async def told_customer(self, qbo_id: str) -> ToldCustomer | None:
        """Return the customer of this id if the CRM knows it from this connection."""
        ...

    async def told_invoices(self, doc_numbers: Sequence[str]) -> list[ToldInvoice]:
        """Return the invoices with one of these numbers that this connection told the CRM of, paid or imported.

        The empty number stands for none.
        """
        ...

    async def told_paid(self, qbo_id: str) -> bool:
        """Whether this connection told the CRM that the invoice was paid in full."""
        ...

    async def last_number(self, ref: CrmRef) -> int:
        """Return the number of the last intent about this object; 0 when there was none."""
        ...

    async def copy(self, qbo_kind: str, qbo_id: str) -> Mapping[str, Any] | None: ...

    async def copies(self, qbo_kind: str, qbo_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]: ...

    async def copies_named(self, qbo_kind: str, name: str) -> list[Mapping[str, Any]]: ...

    async def items_with_sku(self, sku: str) -> list[Mapping[str, Any]]: ...

    async def customers_with_email(self, email_key: str) -> list[Mapping[str, Any]]: ...

    async def save_copies(self, qbo_kind: str, objects: Sequence[Mapping[str, Any]]) -> None: ...

    async def save_company(self, company: Company) -> None: ...


class Lane(Protocol):
    """One company's turn, held under a lease: everything a piece of work may touch."""

    @property
    def realm_id(self) -> str: ...

    @property
    def tenant_id(self) -> str: ...

    @property
    def company(self) -> Company: ...

    @property
    def sync_from(self) -> datetime: ...

    @property
    def books(self) -> Books: ...

    @property
    def client(self) -> QBOClient: ...

    async def store_intent(self, intent: Intent) -> None:
        """Commit the intent under the lane's epoch. Raises `LaneLost` or `WritesStopped`."""
        ...

    async def commit(self, effects: Effects) -> None:
        """Commit what followed, in one transaction, under the lane's epoch. Raises `LaneLost`."""
        ...


class LaneLost(Exception):
    """The lease lapsed and another process may hold the lane: nothing more may be done under it."""


class WritesStopped(Exception):
    """An operator stopped all writes; the record waits."""
