"""Events the CRM publishes. Field by field what the Avro files say; a test holds them together."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from schemas.events.common import Address


class Origin(StrEnum):
    """Who caused the change."""

    UNKNOWN = "UNKNOWN"
    CRM_USER = "CRM_USER"
    CRM_AUTOMATION = "CRM_AUTOMATION"
    CRM_API = "CRM_API"
    QUICKBOOKS_IMPORT = "QUICKBOOKS_IMPORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every CRM event carries, whatever it says."""

    #: Unique per event, the same on every redelivery of it.
    event_id: str
    #: Topic name without prefix, e.g. invoice.sent.
    event_type: str
    #: CRM location (sub-account) id. Also the Kafka record key, as UTF-8.
    tenant_id: str
    #: CRM company (agency) id.
    agency_id: str | None = None
    #: CRM id of the contact, transaction or invoice that the event is about.
    entity_id: str
    #: The entity's updated-at in the CRM. Orders events about one entity: a lower version than the one applied is superseded.
    entity_version: datetime
    #: When it happened in the CRM.
    occurred_at: datetime
    #: False for the CRM's test mode; such events never reach the books.
    live_mode: bool = True
    #: QUICKBOOKS_IMPORT marks a record that the CRM holds only because it was imported from QuickBooks; it never syncs back.
    origin: Origin = Origin.UNKNOWN
    correlation_id: str | None = None
    causation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A person or company, as it stood when the event was made."""

    contact_id: str
    #: Set when the CRM merged that contact into this one.
    merged_from_contact_id: str | None = None
    #: As typed; the consumer derives its match key (trimmed, case-folded).
    email: str | None = None
    additional_emails: tuple[str, ...] = ()
    #: E.164.
    phone: str | None = None
    display_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None
    address: Address | None = None
    #: Set when the CRM knows it, from qb.customer.changed; outranks the match by e-mail.
    quickbooks_customer_id: str | None = None


class ActivityReason(StrEnum):
    """Which activity."""

    UNKNOWN = "UNKNOWN"
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    FIRST_PAYMENT = "FIRST_PAYMENT"
    INVOICE_SENT = "INVOICE_SENT"
    MERGED = "MERGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactActive:
    """A CRM contact had activity: create it in QuickBooks, or update the customer with the same e-mail. A mere bulk import of leads is no activity and publishes none."""

    envelope: Envelope
    contact: Party
    reason: ActivityReason = ActivityReason.UNKNOWN
    website: str | None = None
    tags: tuple[str, ...] = ()


class SourceType(StrEnum):
    """The kind of checkout."""

    UNKNOWN = "UNKNOWN"
    ORDER_FORM = "ORDER_FORM"
    SUBSCRIPTION = "SUBSCRIPTION"
    MEMBERSHIP = "MEMBERSHIP"
    CALENDAR = "CALENDAR"
    INVOICE = "INVOICE"
    PAYMENT_LINK = "PAYMENT_LINK"
    TEXT2PAY = "TEXT2PAY"
    STORE = "STORE"
    POINT_OF_SALE = "POINT_OF_SALE"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSource:
    """Where the sale was made."""

    type: SourceType = SourceType.UNKNOWN
    id: str | None = None
    name: str | None = None


class PaymentStatus(StrEnum):
    """Money that was taken reaches the books: SUCCEEDED, PARTIALLY_REFUNDED, REFUNDED, DISPUTED. PENDING and FAILED never do."""

    UNKNOWN = "UNKNOWN"
    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"


class PaymentMethod(StrEnum):
    """How it was paid."""

    UNKNOWN = "UNKNOWN"
    CARD = "CARD"
    BANK_TRANSFER = "BANK_TRANSFER"
    CASH = "CASH"
    CHECK = "CHECK"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRecord:
    """One settled movement of money."""

    #: CRM transaction id: the identity of the payment wherever it appears.
    transaction_id: str
    #: Gross, tip and surcharge included.
    amount: Decimal
    status: PaymentStatus = PaymentStatus.UNKNOWN
    paid_at: datetime
    #: paid_at as a day in the location's time zone.
    txn_date: date
    method: PaymentMethod = PaymentMethod.UNKNOWN
    #: stripe, paypal, manual ...
    provider: str | None = None
    provider_charge_id: str | None = None
    card_brand: str | None = None
    card_last4: str | None = None
    check_number: str | None = None
    #: What the provider kept. Null means unknown, not zero.
    processor_fee: Decimal | None = None
    #: Cumulative.
    amount_refunded: Decimal
    #: Day of the latest refund in the location's time zone; null: the day of occurred_at in the connection's time zone.
    refund_date: date | None = None


class LineKind(StrEnum):
    """What the line is. Shipping, surcharge and tip stand in the totals alone, never as lines."""

    UNKNOWN = "UNKNOWN"
    ITEM = "ITEM"
    SETUP_FEE = "SETUP_FEE"
    LATE_FEE = "LATE_FEE"
    ROUNDING = "ROUNDING"


class TaxCalculation(StrEnum):
    """Whether the line amount already contains the tax."""

    UNKNOWN = "UNKNOWN"
    EXCLUSIVE = "EXCLUSIVE"
    INCLUSIVE = "INCLUSIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxComponent:
    """One tax on a line. Carried unfolded; the consumer decides how the books show it."""

    tax_id: str | None = None
    name: str
    #: 20 means 20 %.
    rate_percent: Decimal
    calculation: TaxCalculation = TaxCalculation.UNKNOWN
    amount: Decimal | None = None
    jurisdiction: str | None = None


class DiscountScope(StrEnum):
    """What it applies to."""

    UNKNOWN = "UNKNOWN"
    DOCUMENT = "DOCUMENT"
    LINE = "LINE"
    COUPON = "COUPON"


class DiscountKind(StrEnum):
    """How value is meant."""

    UNKNOWN = "UNKNOWN"
    PERCENTAGE = "PERCENTAGE"
    FIXED = "FIXED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """One discount."""

    scope: DiscountScope = DiscountScope.UNKNOWN
    kind: DiscountKind = DiscountKind.UNKNOWN
    value: Decimal
    #: Computed amount in the document's currency.
    amount: Decimal | None = None
    code: str | None = None
    #: Empty: all lines.
    valid_on_product_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line as sold."""

    line_id: str
    kind: LineKind = LineKind.UNKNOWN
    product_id: str | None = None
    price_id: str | None = None
    sku: str | None = None
    name: str
    description: str | None = None
    quantity: Decimal
    unit_amount: Decimal
    #: Before discounts; contains the tax when tax_inclusive.
    line_amount: Decimal
    tax_inclusive: bool = False
    taxes: tuple[TaxComponent, ...] = ()
    discounts: tuple[Discount, ...] = ()


class TaxMode(StrEnum):
    """AUTOMATIC: the tax total is known, components may be missing."""

    UNKNOWN = "UNKNOWN"
    NONE = "NONE"
    EXCLUSIVE = "EXCLUSIVE"
    INCLUSIVE = "INCLUSIVE"
    AUTOMATIC = "AUTOMATIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Document totals. sub_total - discount_total + tax_total + shipping_total + surcharge_total + tip_total = total. total and tax_total are authoritative and have no more decimals than the currency."""

    #: ISO 4217, one for the whole document.
    currency: str
    #: Net of inclusive tax.
    sub_total: Decimal
    discount_total: Decimal
    tax_total: Decimal
    shipping_total: Decimal
    surcharge_total: Decimal
    tip_total: Decimal
    total: Decimal
    amount_paid: Decimal
    amount_due: Decimal
    tax_mode: TaxMode = TaxMode.UNKNOWN
    #: Taxes contained in tax_total that fall on shipping_total.
    shipping_taxes: tuple[TaxComponent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCompleted:
    """Money was taken in the CRM. Without invoice_id it is a sale (SalesReceipt); with it, a payment on that invoice."""

    envelope: Envelope
    contact: Party
    source: PaymentSource
    order_id: str | None = None
    #: Null: a sale. Set: a payment on that invoice.
    invoice_id: str | None = None
    #: Set when that invoice was imported from QuickBooks.
    quickbooks_invoice_id: str | None = None
    subscription_id: str | None = None
    receipt_number: str | None = None
    payment: PaymentRecord
    #: What was sold. Where totals.total differs from payment.amount (a deposit, an instalment), they describe the order, and the receipt is for payment.amount.
    lines: tuple[Line, ...] = ()
    discounts: tuple[Discount, ...] = ()
    totals: Totals


class InvoiceStatus(StrEnum):
    """CRM status."""

    UNKNOWN = "UNKNOWN"
    DRAFT = "DRAFT"
    SENT = "SENT"
    PAYMENT_PROCESSING = "PAYMENT_PROCESSING"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    VOID = "VOID"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceState:
    """The whole invoice as it stands: events carry full state, never a delta."""

    invoice_id: str
    invoice_number: str
    invoice_number_prefix: str | None = None
    title: str | None = None
    status: InvoiceStatus = InvoiceStatus.UNKNOWN
    #: When the CRM created it; one created before the company was connected never syncs.
    created_at: datetime
    issue_date: date
    due_date: date | None = None
    bill_to: Party
    billing_email: str | None = None
    cc_emails: tuple[str, ...] = ()
    lines: tuple[Line, ...]
    discounts: tuple[Discount, ...] = ()
    totals: Totals
    payments: tuple[PaymentRecord, ...] = ()
    #: True when payments lists every payment; false when only totals.amount_paid is known.
    payments_complete: bool = False
    terms_notes: str | None = None
    recurring_schedule_id: str | None = None
    #: Set when the CRM holds this invoice because it was imported from QuickBooks; such an invoice and its payments never sync back.
    quickbooks_invoice_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSent:
    """An invoice was marked as sent in the CRM."""

    envelope: Envelope
    invoice: InvoiceState


class InvoiceChange(StrEnum):
    """A hint; the state decides."""

    UNKNOWN = "UNKNOWN"
    EDITED = "EDITED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    VOIDED = "VOIDED"
    DELETED = "DELETED"
    REFUNDED = "REFUNDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceUpdated:
    """A sent invoice changed in the CRM: edited, paid in part or in full, voided, deleted."""

    envelope: Envelope
    invoice: InvoiceState
    change: InvoiceChange = InvoiceChange.UNKNOWN
