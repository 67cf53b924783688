"""Rows, events, links and intents for the tests of the consumers."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from consumers.intents import CrmRef, Draft, Intent, Link, Source, intent_of
from consumers.keys import Event, party_of
from consumers.records import Row
from qbo_client.writes import Operation
from schemas.codec import Codec
from schemas.events.crm import ContactActive, InvoiceSent, InvoiceUpdated, Party, PaymentCompleted, PaymentRecord
from tests.unit.mapping.build import envelope, invoice, line, party, record, sale, totals

REALM, TENANT = "4620816365", "loc_9Qz"
T0 = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RECEIPT = CrmRef(kind="payment", id="tx_77")

_CODEC = Codec()


def contact_event(contact: str = "ct_1", minute: int = 0, **fields: Any) -> ContactActive:
    """A contact as it stood so many minutes after T0; the e-mail and the name are its own."""
    own = {"contact_id": contact, "email": f"{contact}@example.com", "display_name": f"Contact {contact}"}
    at = T0 + timedelta(minutes=minute)
    about = replace(
        envelope(contact),
        event_id=f"ev-{contact}-{minute}",
        event_type="contact.active",
        tenant_id=TENANT,
        entity_version=at,
        occurred_at=at,
    )
    return ContactActive(envelope=about, contact=party(**{**own, **fields}))


def sale_event(transaction: str = "tx_77", **changes: Any) -> PaymentCompleted:
    talk = line("Consultation", "1", "49.00", "49.00", product="pr_2")
    about = replace(envelope(transaction), event_id=f"ev-{transaction}")
    event = sale([talk], totals("49.00", "49.00"), envelope=about, payment=record("49.00", transaction_id=transaction))
    return replace(event, **changes)


def invoice_event(
    minute: int = 0, *, total: str = "100.00", paid: str = "0", updated: bool = True, **changes: Any
) -> InvoiceSent | InvoiceUpdated:
    """Invoice in_19 as it stood so many minutes after T0; changes are the state's."""
    owed = replace(totals(total, total), amount_paid=Decimal(paid), amount_due=Decimal(total) - Decimal(paid))
    state = invoice([line("Crown", "1", total, total, product="pr_7")], owed, created_at=T0)
    state = replace(state, bill_to=bill_to(), billing_email="ct_1@example.com")
    state = replace(state, **changes)
    at = T0 + timedelta(minutes=minute)
    topic = "invoice.updated" if updated else "invoice.sent"
    about = replace(
        envelope(state.invoice_id),
        event_id=f"ev-{state.invoice_id}-{topic}-{minute}",
        event_type=topic,
        tenant_id=TENANT,
        entity_version=at,
        occurred_at=at,
    )
    return InvoiceUpdated(envelope=about, invoice=state) if updated else InvoiceSent(envelope=about, invoice=state)


def bill_to(contact: str = "ct_1", **fields: Any) -> Party:
    return party(**{"contact_id": contact, "email": f"{contact}@example.com", "display_name": contact, **fields})


def paid(transaction: str, amount: str, minute: int = 0, **changes: Any) -> PaymentRecord:
    """Money that a card provider took so many minutes after T0."""
    at = T0 + timedelta(minutes=minute)
    known = {"transaction_id": transaction, "paid_at": at, "txn_date": at.date(), "provider": "stripe"}
    return record(amount, **{**known, **changes})


def paid_event(record: PaymentRecord, minute: int = 0, *, invoice_id: str | None = "in_19") -> PaymentCompleted:
    """The payment told by itself."""
    at = T0 + timedelta(minutes=minute)
    about = replace(
        envelope(record.transaction_id),
        event_id=f"ev-{record.transaction_id}-{minute}",
        tenant_id=TENANT,
        entity_version=at,
        occurred_at=at,
    )
    what = [line("Crown", "1", str(record.amount), str(record.amount), product="pr_7")]
    owed = totals(str(record.amount), str(record.amount))
    return sale(what, owed, envelope=about, contact=bill_to(), invoice_id=invoice_id, payment=record)


def row_of(event: Event, number: int = 1, **changes: Any) -> Row:
    about, payload = event.envelope, _CODEC.encode(event)
    row = Row(
        id=number,
        tenant_id=about.tenant_id,
        topic=about.event_type,
        event_id=about.event_id,
        payload=payload,
        content_hash=hashlib.blake2b(payload, digest_size=16).digest(),
        entity_kind=about.event_type.split(".")[0],
        entity_id=about.entity_id,
        contact_id=party_of(event).contact_id,
        entity_version=about.entity_version,
        occurred_at=about.occurred_at,
        received_at=T0,
        appended_at=None,
        attempts=0,
        claims=1,
        ran_alone=False,
    )
    return replace(row, **changes)


def draft(**changes: Any) -> Draft:
    plain = Draft(
        ref=RECEIPT,
        operation=Operation.CREATE,
        entity="SalesReceipt",
        body={"TotalAmt": Decimal("49.00"), "PrivateNote": "crm:payment/tx_77"},
        source=Source(version=T0, occurred_at=T0, content_hash=b"\x01\x02"),
        last_sent={"amount": "49.00"},
        expect={"TotalAmt": Decimal("49.00"), "TotalTax": Decimal("8.17")},
    )
    return replace(plain, **changes)


def intent(wanted: Draft | None = None, **changes: Any) -> Intent:
    keys = ("contact:ct_1", "transaction:tx_77")
    made = intent_of(wanted or draft(), realm_id=REALM, tenant_id=TENANT, inbox_id=1, number=1, keys=keys)
    return replace(made, **changes)


def link(**changes: Any) -> Link:
    known = Link(
        ref=RECEIPT,
        qbo_kind="SalesReceipt",
        qbo_id="17",
        sync_token="0",
        source_hash=b"sent",
        version=T0,
        occurred_at=T0,
    )
    return replace(known, **changes)
