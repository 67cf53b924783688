"""A CRM that takes what it is told from QuickBooks for news of its own, and the poller's part in telling it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from consumers.finding import MERGED
from mapping.echo import ToldInvoice
from mapping.from_qbo.customer import customer_of
from mapping.from_qbo.invoice import invoice_of
from schemas.events.crm import (
    ContactActive,
    Envelope,
    InvoiceState,
    InvoiceStatus,
    InvoiceUpdated,
    Line,
    LineKind,
    Origin,
    Party,
    PaymentCompleted,
    PaymentMethod,
    PaymentRecord,
    PaymentSource,
    PaymentStatus,
    Totals,
)
from schemas.events.quickbooks import Customer, Invoice
from tests.unit.consumers.build import T0, TENANT
from tests.unit.consumers.emulated import Emulated
from tests.unit.qbo_client.virtual_time import run

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What a CRM says of where it has a record from, and what it makes of a name."""

    says_origin: bool = False
    #: QuickBooks' ids of customers and invoices.
    says_ids: bool = False
    #: Makes a first and a last name of a display name.
    splits_names: bool = False

    def __str__(self) -> str:
        said = {"origin": self.says_origin, "ids": self.says_ids, "split": self.splits_names}
        return "+".join(word for word, is_so in said.items() if is_so) or "silent"

    @property
    def origin(self) -> Origin:
        return Origin.QUICKBOOKS_IMPORT if self.says_origin else Origin.CRM_AUTOMATION


@dataclass(slots=True)
class NaiveCrm:
    """Publishes each event that it gets as an event of its own, each time as a newer state."""

    minute: int = 0
    sent: int = field(default=0, init=False)

    def contact(self, customer: Customer, manners: Manners) -> ContactActive:
        party = party_of(customer, manners)
        return ContactActive(envelope=self._envelope("contact.active", party.contact_id, manners), contact=party)

    def invoice(self, invoice: Invoice, customer: Customer, manners: Manners, **changes: Any) -> InvoiceUpdated:
        state = replace(state_of(invoice, party_of(customer, manners), manners), **changes)
        return InvoiceUpdated(envelope=self._envelope("invoice.updated", state.invoice_id, manners), invoice=state)

    def payment(
        self, invoice: Invoice, customer: Customer, manners: Manners, *, invoice_id: str | None = None
    ) -> PaymentCompleted:
        """Record the payment that the CRM was told of by hand, as a new transaction."""
        record = by_hand(f"tx_crm_{invoice.invoice_id}", invoice.total)
        return PaymentCompleted(
            envelope=self._envelope("payment.completed", record.transaction_id, manners),
            contact=party_of(customer, manners),
            source=PaymentSource(),
            invoice_id=invoice_id or f"crm-{invoice.invoice_id}",
            quickbooks_invoice_id=invoice.invoice_id if manners.says_ids else None,
            payment=record,
            totals=totals_of(invoice),
        )

    def _envelope(self, topic: str, entity_id: str, manners: Manners) -> Envelope:
        self.sent += 1
        at = T0 + timedelta(days=1, minutes=self.minute + self.sent)
        return Envelope(
            event_id=f"echo-{self.sent}",
            event_type=topic,
            tenant_id=TENANT,
            entity_id=entity_id,
            entity_version=at,
            occurred_at=at,
            origin=manners.origin,
        )


def party_of(customer: Customer, manners: Manners) -> Party:
    first, last = customer.given_name, customer.family_name
    if manners.splits_names and not first and not last:
        first, _, last = customer.display_name.partition(" ")
    return Party(
        contact_id=f"crm-{customer.customer_id}",
        display_name=customer.display_name,
        first_name=first or None,
        last_name=last or None,
        company_name=customer.company_name,
        email=customer.email,
        phone=customer.phone or customer.mobile,
        address=customer.address,
        quickbooks_customer_id=customer.customer_id if manners.says_ids else None,
    )


def state_of(invoice: Invoice, bill_to: Party, manners: Manners) -> InvoiceState:
    paid = invoice.total - invoice.balance
    status = InvoiceStatus.VOID if invoice.voided else InvoiceStatus.PAID if not invoice.balance else InvoiceStatus.SENT
    return InvoiceState(
        invoice_id=f"crm-{invoice.invoice_id}",
        invoice_number=invoice.doc_number or "",
        status=status,
        created_at=T0 + timedelta(days=1),
        issue_date=invoice.txn_date,
        due_date=invoice.due_date,
        bill_to=bill_to,
        billing_email=invoice.billing_email,
        lines=tuple(
            Line(
                line_id=str(number),
                kind=LineKind.ITEM,
                name=line.item_name or line.description or "Item",
                description=line.description,
                quantity=line.quantity or Decimal(1),
                unit_amount=line.unit_amount or line.amount,
                line_amount=line.amount,
            )
            for number, line in enumerate(invoice.lines)
        ),
        totals=replace(totals_of(invoice), amount_paid=paid, amount_due=invoice.balance),
        payments_complete=False,
        quickbooks_invoice_id=invoice.invoice_id if manners.says_ids else None,
    )


def totals_of(invoice: Invoice) -> Totals:
    return Totals(
        currency=invoice.currency,
        sub_total=invoice.total - invoice.tax_total,
        discount_total=ZERO,
        tax_total=invoice.tax_total,
        shipping_total=ZERO,
        surcharge_total=ZERO,
        tip_total=ZERO,
        total=invoice.total,
        amount_paid=invoice.total,
        amount_due=ZERO,
    )


def by_hand(transaction: str, amount: Decimal, at: datetime = T0) -> PaymentRecord:
    return PaymentRecord(
        transaction_id=transaction,
        amount=amount,
        status=PaymentStatus.SUCCEEDED,
        paid_at=at + timedelta(days=1),
        txn_date=(at + timedelta(days=1)).date(),
        method=PaymentMethod.CHECK,
        provider="manual",
        amount_refunded=ZERO,
    )


def poll(books: Emulated, merged: Mapping[str, str] | None = None) -> dict[str, Customer]:
    """Do a poll's part: keep copies of what changed and remember the customers as told; return them by their ids.

    Links follow those that were `merged`, with what the CRM said before.
    """
    rows = {kind: _all(books, kind) for kind in ("Customer", "Invoice", "Payment")}
    known, there = books.lane.books, {str(row["Id"]) for row in rows["Customer"]}
    for kind, found in rows.items():
        kept = [row for row in found if kind == "Customer" or (kind, str(row["Id"])) in known.objects]
        run(known.save_copies(kind, kept))
    ours = {link.qbo_id for link in known.links.values() if link.qbo_kind == "Invoice"}
    run(known.save_copies("Invoice", [row for row in rows["Invoice"] if row["Id"] in ours]))
    run(known.save_copies("Payment", [row for row in rows["Payment"] if ours & set(_paid(row))]))
    gone = known.told_customers.keys() - there
    known.told_customers = dict.fromkeys(there, False) | dict.fromkeys(gone, True)
    for customer_id in gone:
        known.objects.pop(("Customer", customer_id), None)
    for link in [one for one in known.links.values() if one.qbo_id in (merged or {})]:
        said = {name: value for name, value in (link.last_sent or {}).items() if name != "DisplayName"}
        moved = replace(link, qbo_id=(merged or {})[link.qbo_id], last_sent={**said, "chosen": MERGED})
        known.links[link.ref] = replace(moved, origin="found")
    books.client.calls.clear()
    return {str(row["Id"]): customer_of(row, None) for row in rows["Customer"]}


def tell(books: Emulated, qbo_id: str, *, imported: bool = False) -> tuple[Invoice, Customer]:
    """Tell the CRM that an invoice was paid, or that it was there before; return what it is told."""
    customers = poll(books)
    (row,) = [one for one in books.objects("Invoice") if one["Id"] == qbo_id]
    invoice = invoice_of(row, None, home_currency=books.lane.company.home_currency)
    known = books.lane.books
    known.told.append(
        ToldInvoice(qbo_id=qbo_id, doc_number=invoice.doc_number or "", txn_date=invoice.txn_date, total=invoice.total)
    )
    if not imported:
        known.paid.add(qbo_id)
    return invoice, customers[str(row["CustomerRef"]["value"])]


def _all(books: Emulated, kind: str) -> list[dict[str, Any]]:
    """Ask as the poller does: what is inactive is shown as QuickBooks shows it."""
    return run(books.client.query_all(kind, "Active IN (true, false)" if kind == "Customer" else ""))


def _paid(payment: Mapping[str, Any]) -> list[str]:
    return [str(link["TxnId"]) for line in payment.get("Line", ()) for link in line.get("LinkedTxn", ())]
