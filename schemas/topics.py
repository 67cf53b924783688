"""The nine topics, each with the event it carries."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.events import crm, quickbooks

CrmEvent = crm.ContactActive | crm.PaymentCompleted | crm.InvoiceSent | crm.InvoiceUpdated
QuickBooksEvent = (
    quickbooks.CustomerChanged
    | quickbooks.InvoicePaid
    | quickbooks.InvoiceImported
    | quickbooks.SyncStatus
    | quickbooks.ConnectionChanged
)
Event = CrmEvent | QuickBooksEvent

#: What the CRM tells us.
INBOUND: Mapping[str, type[CrmEvent]] = MappingProxyType(
    {
        "contact.active": crm.ContactActive,
        "payment.completed": crm.PaymentCompleted,
        "invoice.sent": crm.InvoiceSent,
        "invoice.updated": crm.InvoiceUpdated,
    }
)
#: What we tell the CRM and others.
OUTBOUND: Mapping[str, type[QuickBooksEvent]] = MappingProxyType(
    {
        "qb.customer.changed": quickbooks.CustomerChanged,
        "qb.invoice.paid": quickbooks.InvoicePaid,
        "qb.invoice.imported": quickbooks.InvoiceImported,
        "qb.sync.status": quickbooks.SyncStatus,
        "qb.connection.changed": quickbooks.ConnectionChanged,
    }
)
TOPICS: Mapping[str, type[Event]] = MappingProxyType({**INBOUND, **OUTBOUND})
#: Where the bytes of what cannot be read go, as they came.
DEAD_LETTERS = "qbo-bridge.dead-letter"
