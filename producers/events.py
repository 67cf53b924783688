"""The events that tell of QuickBooks. Their ids are derived from what they report: a repeat has the same."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import simplejson

from mapping.from_qbo.customer import customer_from, customer_of, known_fields, last_updated
from mapping.from_qbo.invoice import invoice_of
from producers.memory import Row
from schemas.events.quickbooks import (
    Cause,
    CustomerChange,
    CustomerChanged,
    InvoiceImported,
    InvoicePaid,
    QbEnvelope,
    ReviewRequest,
)

#: It must never change: who reads twice knows an event by its id.
_NAMESPACE = UUID("5d0e2c1a-9b7f-5f0d-8a3e-6f4c2b1d7e90")

CUSTOMER_CHANGED, INVOICE_PAID, INVOICE_IMPORTED = "qb.customer.changed", "qb.invoice.paid", "qb.invoice.imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Whose books are told of."""

    tenant_id: str
    realm_id: str
    home_currency: str

    def customer_changed(
        self, customer: Row, contact_id: str | None, change: CustomerChange, cause: Cause
    ) -> CustomerChanged:
        said = customer_of(customer, contact_id)
        state = (str(customer.get("SyncToken")), change.value, _digest(customer))
        envelope = self._envelope(CUSTOMER_CHANGED, said.customer_id, last_updated(customer), cause, *state)
        return CustomerChanged(envelope=envelope, change=change, customer=said)

    def customer_gone(
        self,
        customer_id: str,
        fields: Mapping[str, Any],
        contact_id: str | None,
        merged_into: str | None,
        at: datetime,
    ) -> CustomerChanged:
        """Tell of a customer that is no more, as it was known last."""
        change = CustomerChange.MERGED if merged_into else CustomerChange.DELETED
        said = customer_from(customer_id, {**fields, "active": False}, contact_id)
        envelope = self._envelope(CUSTOMER_CHANGED, customer_id, at, Cause.CHANGED, change.value, merged_into or "")
        return CustomerChanged(envelope=envelope, change=change, customer=said, merged_into_customer_id=merged_into)

    def invoice_paid(
        self, invoice: Row, crm_id: str | None, customer: Row, contact_id: str | None, *, at: datetime, first: bool,
        review_request: ReviewRequest,
    ) -> InvoicePaid:  # fmt: skip
        """Tell that an invoice was paid, once: the id is the same whatever state of it is seen."""
        return InvoicePaid(
            envelope=self._envelope(INVOICE_PAID, str(invoice["Id"]), last_updated(invoice), Cause.CHANGED, at=at),
            invoice=invoice_of(invoice, crm_id, home_currency=self.home_currency),
            customer=customer_of(customer, contact_id),
            first_paid_invoice=first,
            review_request=review_request,
        )

    def invoice_imported(self, invoice: Row, customer: Row, contact_id: str | None) -> InvoiceImported:
        version = last_updated(invoice)
        return InvoiceImported(
            envelope=self._envelope(INVOICE_IMPORTED, str(invoice["Id"]), version, Cause.INITIAL_IMPORT),
            invoice=invoice_of(invoice, None, home_currency=self.home_currency),
            customer=customer_of(customer, contact_id),
        )

    def _envelope(
        self, topic: str, entity_id: str, version: datetime, cause: Cause, *state: str, at: datetime | None = None
    ) -> QbEnvelope:
        moment = (version.isoformat(), *state) if state else ()
        return QbEnvelope(
            event_id=str(uuid5(_NAMESPACE, "\x1f".join((self.tenant_id, self.realm_id, topic, entity_id, *moment)))),
            event_type=topic,
            tenant_id=self.tenant_id,
            realm_id=self.realm_id,
            entity_id=entity_id,
            entity_version=version,
            occurred_at=at or version,
            cause=cause,
        )


def _digest(customer: Row) -> str:
    said = simplejson.dumps(known_fields(customer), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
