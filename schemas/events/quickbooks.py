"""Events the bridge publishes. Field by field what the Avro files say; a test holds them together."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from schemas.events.common import Address


class Cause(StrEnum):
    """Why it is told."""

    UNKNOWN = "UNKNOWN"
    CHANGED = "CHANGED"
    INITIAL_IMPORT = "INITIAL_IMPORT"
    REPLAY = "REPLAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class QbEnvelope:
    """What every event from QuickBooks carries."""

    #: Derived from the QuickBooks state it reports, so a repeated report has the same id.
    event_id: str
    event_type: str
    #: CRM location id. Also the Kafka record key.
    tenant_id: str
    #: QuickBooks company id.
    realm_id: str
    #: QuickBooks id.
    entity_id: str
    #: MetaData.LastUpdatedTime.
    entity_version: datetime
    occurred_at: datetime
    cause: Cause = Cause.UNKNOWN


class CustomerChange(StrEnum):
    """What happened."""

    UNKNOWN = "UNKNOWN"
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DEACTIVATED = "DEACTIVATED"
    REACTIVATED = "REACTIVATED"
    MERGED = "MERGED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A QuickBooks customer."""

    customer_id: str
    #: Set when it is linked to a CRM contact.
    crm_contact_id: str | None = None
    display_name: str
    given_name: str | None = None
    family_name: str | None = None
    company_name: str | None = None
    email: str | None = None
    phone: str | None = None
    mobile: str | None = None
    address: Address | None = None
    currency: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChanged:
    """A customer appeared or changed in QuickBooks by another hand than this bridge."""

    envelope: QbEnvelope
    change: CustomerChange = CustomerChange.UNKNOWN
    customer: Customer
    merged_into_customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """A sales line; discounts are lines with a negative amount."""

    description: str | None = None
    item_name: str | None = None
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """A QuickBooks invoice."""

    invoice_id: str
    #: Set when this CRM invoice made it.
    crm_invoice_id: str | None = None
    doc_number: str | None = None
    txn_date: date
    due_date: date | None = None
    currency: str
    total: Decimal
    tax_total: Decimal
    balance: Decimal
    billing_email: str | None = None
    voided: bool = False
    lines: tuple[InvoiceLine, ...] = ()


class ReviewRequest(StrEnum):
    """What the review service is to do."""

    UNKNOWN = "UNKNOWN"
    SEND = "SEND"
    OFF = "OFF"
    NOT_FIRST = "NOT_FIRST"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaid:
    """An invoice reached balance zero by payment (a void is no payment). Told once per invoice."""

    envelope: QbEnvelope
    invoice: Invoice
    customer: Customer
    #: True for the first invoice this contact ever paid in full, history before the connection counted.
    first_paid_invoice: bool
    review_request: ReviewRequest = ReviewRequest.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceImported:
    """An invoice that was in QuickBooks before the company was connected, told once when the import was asked for."""

    envelope: QbEnvelope
    invoice: Invoice
    customer: Customer


class RecordType(StrEnum):
    """CRM record."""

    UNKNOWN = "UNKNOWN"
    CONTACT = "CONTACT"
    PAYMENT = "PAYMENT"
    INVOICE = "INVOICE"


class SyncState(StrEnum):
    """Its standing."""

    UNKNOWN = "UNKNOWN"
    SYNCED = "SYNCED"
    WAITING = "WAITING"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Object in the books."""

    type: str
    id: str
    doc_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """Where one CRM record stands in the books, told at every change of that standing."""

    event_id: str
    #: Also the Kafka record key.
    tenant_id: str
    occurred_at: datetime
    record_type: RecordType
    record_id: str
    state: SyncState
    #: Stable code, e.g. tax_code_missing.
    cause: str | None = None
    #: What to do, in words.
    message: str | None = None
    quickbooks: tuple[Reference, ...] = ()
    retry_at: datetime | None = None
    #: Version of the CRM record that this is about.
    entity_version: datetime | None = None
    #: The CRM event that led here.
    source_event_id: str | None = None


class ConnectionState(StrEnum):
    """Its standing."""

    UNKNOWN = "UNKNOWN"
    CONNECTED = "CONNECTED"
    PAUSED = "PAUSED"
    RECONNECT_NEEDED = "RECONNECT_NEEDED"
    DISCONNECTED = "DISCONNECTED"


class ImportState(StrEnum):
    """The import of old invoices."""

    UNKNOWN = "UNKNOWN"
    NOT_REQUESTED = "NOT_REQUESTED"
    RUNNING = "RUNNING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChanged:
    """A company's connection changed its standing, for the CRM's integration card. One for the company, however many records wait behind it."""

    event_id: str
    #: Also the Kafka record key.
    tenant_id: str
    realm_id: str | None = None
    company_name: str | None = None
    occurred_at: datetime
    state: ConnectionState
    #: Stable code, e.g. token_revoked, subscription_ended.
    cause: str | None = None
    #: What to do, in words.
    message: str | None = None
    import_state: ImportState = ImportState.UNKNOWN
    import_done: int | None = None
    import_total: int | None = None
    #: The toggle as it stands.
    review_requests: bool = False
