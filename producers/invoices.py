"""What is news about invoices: paid in full by money, once (books, section 9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mapping.from_qbo.customer import last_updated
from mapping.from_qbo.invoice import amount
from mapping.from_qbo.paid import (
    applied_at,
    changed_together,
    edited_after,
    is_settled,
    number_of,
    paid_by,
    paid_since,
    payment_ids,
)
from producers.events import INVOICE_PAID, Teller
from producers.memory import KnownInvoice, Memory, Row, TakenIn
from producers.payers import contact_of, customer_id_of, payers_of
from producers.watched import CUSTOMER, PAYMENT
from schemas.events.quickbooks import ReviewRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read beside the invoices, by id; it may be newer than the copies."""

    customers: Mapping[str, Row]
    payments: Mapping[str, Row]

    def customer(self, customer_id: str, memory: Memory) -> Row:
        """Return the customer, or what is known of one that cannot be read any more."""
        row = self.customers.get(customer_id) or memory.copies.get((CUSTOMER, customer_id))
        return row if row is not None else {"Id": customer_id, "DisplayName": "", "Active": False}

    def payments_on(self, invoice: Row, memory: Memory) -> list[Row]:
        found = (self.payments.get(one) or memory.copies.get((PAYMENT, one)) for one in payment_ids(invoice))
        return [row for row in found if row is not None]


def being_made(invoice: Row, memory: Memory) -> bool:
    """Whether this is what an open create of ours brought: the link that its answer makes belongs to the news."""
    return str(invoice.get("PrivateNote", "")).split("\n", 1)[0].strip() in memory.writing.notes


def seen(invoice: Row, before: KnownInvoice | None) -> KnownInvoice:
    """Return the invoice as it stands now, with what was told of it."""
    now = KnownInvoice(
        qbo_id=str(invoice["Id"]),
        customer_id=customer_id_of(invoice),
        total=amount(invoice, "TotalAmt"),
        payments=payment_ids(invoice),
        changed_at=last_updated(invoice),
        open=not is_settled(invoice),
    )
    if before is None:
        return now
    return replace(now, paid=before.paid, paid_told=before.paid_told, imported=before.imported)


def take_invoice(
    invoice: Row, read: Read, memory: Memory, taken: TakenIn, teller: Teller, *, began_at: datetime, reviews: bool
) -> bool:
    """Add what follows from an invoice as it stands; return whether something about it is new to us."""
    before = memory.invoices.get(str(invoice["Id"]))
    now = seen(invoice, before)
    payment = paid_anew(invoice, before, read.payments_on(invoice, memory))
    if payment is not None:
        # What was known and not paid was looked at after the beginning.
        told = before is not None or paid_since(payment, invoice, began_at)
        now = replace(now, paid=True, paid_told=told)
        _count(invoice, payment, now, read, memory, taken, teller, reviews=reviews)
    taken.invoices[now.qbo_id] = now
    return before is None or now != before


def paid_anew(invoice: Row, before: KnownInvoice | None, payments: Sequence[Row]) -> Row | None:
    """Return the Payment that has paid an invoice in full since it was seen last; None where none has."""
    if not is_settled(invoice) or (before is not None and before.paid):
        return None
    payment = paid_by(invoice, payments)
    if payment is None or before is None:
        return payment
    if before.open:
        return None if _is_written_off(payment, invoice, before) else payment
    # It was settled by other means. Now it is by money only if that is the last thing that happened to it.
    return payment if changed_together(payment, invoice) else None


def _is_written_off(payment: Row, invoice: Row, before: KnownInvoice) -> bool:
    """Whether what was left when an invoice was seen last was written off, by making it smaller."""
    applied_since = str(payment["Id"]) not in before.payments or last_updated(payment) > before.changed_at
    return not applied_since or (amount(invoice, "TotalAmt") < before.total and edited_after(payment, invoice))


def _count(
    invoice: Row, payment: Row, now: KnownInvoice, read: Read, memory: Memory, taken: TakenIn, teller: Teller, *,
    reviews: bool,
) -> None:  # fmt: skip
    """Mark who paid, and tell it unless it happened before anybody watched."""
    customer = read.customer(now.customer_id, memory)
    payers = payers_of(invoice, customer, memory, read.customers, taken.merged)
    first = payers.isdisjoint(memory.has_paid) and payers.isdisjoint(taken.paid_by)
    taken.paid_by |= payers
    if not now.paid_told:
        return
    event = teller.invoice_paid(
        invoice, memory.crm_invoices.get(now.qbo_id), customer, contact_of(now.customer_id, memory, taken.merged),
        at=applied_at(payment, invoice), first=first, review_request=review_request(first=first, reviews=reviews),
    )  # fmt: skip
    taken.events.append((INVOICE_PAID, event))


def review_request(*, first: bool, reviews: bool) -> ReviewRequest:
    """Say what the review service is to do: nothing where the toggle is off, else ask once for each payer."""
    if not reviews:
        return ReviewRequest.OFF
    return ReviewRequest.SEND if first else ReviewRequest.NOT_FIRST


def in_order_of_payment(invoices: Sequence[Row], read: Read, memory: Memory) -> list[Row]:
    """Return invoices so that of two paid by one payer the earlier payment counts as the first."""

    def paid_at(invoice: Row) -> tuple[float, int, int]:
        payment = paid_by(invoice, read.payments_on(invoice, memory)) if is_settled(invoice) else None
        if payment is None:
            return (0.0, 0, number_of(invoice))
        return (applied_at(payment, invoice).timestamp(), number_of(payment), number_of(invoice))

    return sorted(invoices, key=paid_at)
