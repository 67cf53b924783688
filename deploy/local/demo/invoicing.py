"""The CRM's invoices through their life: sent, edited, paid in parts and in full, given back, voided."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from deploy.local.demo.crm import NOTHING, Clerk, Published, Shop, cents, totals_of, trade
from schemas.events.crm import (
    ContactActive,
    InvoiceChange,
    InvoiceSent,
    InvoiceState,
    InvoiceStatus,
    InvoiceUpdated,
    Line,
    Party,
    PaymentCompleted,
    PaymentMethod,
    PaymentRecord,
    PaymentSource,
    PaymentStatus,
    SourceType,
)

_LATER = timedelta(seconds=1)


@dataclass(slots=True)
class _Ledger:
    """One invoice on its way: each step publishes a newer state."""

    clerk: Clerk
    published: Published
    state: InvoiceState
    step: int = 0

    def say(self, change: InvoiceChange, **changes: Any) -> None:
        self.step += 1
        self.state = replace(self.state, **changes)
        invoice_id, later = self.state.invoice_id, _LATER * (self.step + 1)
        if self.step == 1:
            about = self.clerk.envelope("invoice.sent", invoice_id, "sent", later)
            self.published.events.append(InvoiceSent(envelope=about, invoice=self.state))
        else:
            about = self.clerk.envelope("invoice.updated", invoice_id, f"{change.value}_{self.step}", later)
            self.published.later.append(InvoiceUpdated(envelope=about, invoice=self.state, change=change))

    def edit(self) -> None:
        """One more line."""
        lines = (*self.state.lines, self.clerk.line(len(self.state.lines)))
        self.say(InvoiceChange.EDITED, **_priced(self.clerk, lines))

    def pay(self, amount: Decimal, *, told_apart: bool = False) -> None:
        """Take money; `told_apart` says so by payment.completed as well, before the invoice does."""
        number = len(self.state.payments) + 1
        at = self.clerk.now + _LATER * (self.step + 2)
        record = PaymentRecord(
            transaction_id=f"tx_{self.state.invoice_id}_{number}",
            amount=amount,
            status=PaymentStatus.SUCCEEDED,
            paid_at=at,
            txn_date=at.date(),
            method=PaymentMethod.CARD,
            provider="stripe",
            amount_refunded=NOTHING,
        )
        if told_apart:
            self.published.events.append(self._payment(record))
        totals = self.state.totals
        left = totals.amount_due - amount
        status = InvoiceStatus.PARTIALLY_PAID if left else InvoiceStatus.PAID
        self.say(
            InvoiceChange.PARTIALLY_PAID if left else InvoiceChange.PAID,
            status=status,
            payments=(*self.state.payments, record),
            totals=replace(totals, amount_paid=totals.amount_paid + amount, amount_due=left),
        )
        self.published.payments += 1
        self.published.paid += amount

    def give_back(self, amount: Decimal) -> None:
        """Refund part of the last payment."""
        *before, last = self.state.payments
        last = replace(last, amount_refunded=amount, status=PaymentStatus.PARTIALLY_REFUNDED)
        last = replace(last, refund_date=last.txn_date)
        totals = self.state.totals
        totals = replace(totals, amount_paid=totals.amount_paid - amount, amount_due=totals.amount_due + amount)
        self.say(InvoiceChange.REFUNDED, payments=(*before, last), totals=totals)
        self.published.refunds += 1
        self.published.refunded += amount

    def void(self) -> None:
        self.say(InvoiceChange.VOIDED, status=InvoiceStatus.VOID)

    def _payment(self, record: PaymentRecord) -> PaymentCompleted:
        about = self.clerk.envelope("payment.completed", record.transaction_id, "taken", _LATER * (self.step + 2))
        return PaymentCompleted(
            envelope=about,
            contact=self.state.bill_to,
            source=PaymentSource(type=SourceType.INVOICE, id=self.state.invoice_id, name=self.state.title),
            invoice_id=self.state.invoice_id,
            payment=record,
            lines=self.state.lines,
            discounts=self.state.discounts,
            totals=self.state.totals,
        )


def _left_open(ledger: _Ledger) -> None:
    ledger.say(InvoiceChange.UNKNOWN)


def _edited_and_paid_in_part(ledger: _Ledger) -> None:
    ledger.say(InvoiceChange.UNKNOWN)
    ledger.edit()
    ledger.pay(cents(ledger.state.totals.total / 3))


def _paid_in_two_parts(ledger: _Ledger) -> None:
    ledger.say(InvoiceChange.UNKNOWN)
    ledger.pay(cents(ledger.state.totals.total / 2), told_apart=True)
    ledger.pay(ledger.state.totals.amount_due)


def _paid_and_given_back_in_part(ledger: _Ledger) -> None:
    ledger.say(InvoiceChange.UNKNOWN)
    ledger.pay(ledger.state.totals.total, told_apart=True)
    ledger.give_back(cents(ledger.state.totals.total / 4))


def _voided(ledger: _Ledger) -> None:
    ledger.say(InvoiceChange.UNKNOWN)
    ledger.void()


#: The lives that invoices lead, in turn.
_LIVES: Sequence[Callable[[_Ledger], None]] = (
    _left_open,
    _edited_and_paid_in_part,
    _paid_in_two_parts,
    _paid_and_given_back_in_part,
    _voided,
)


def trade_and_bill(
    shop: Shop, *, contacts: int, sales: int, invoices: int, given_back: int, seed: int, now: datetime
) -> Published:
    """Make the events of one location: its sales, some of them given back in part, and its invoices to their end.

    One invoice more is older than the connection, and so is its payment: neither belongs in the books.
    """
    published = trade(shop, contacts=contacts, sales=sales, seed=seed, now=now)
    parties = [event.contact for event in published.events if isinstance(event, ContactActive)][:contacts]
    sold = [event for event in published.events if isinstance(event, PaymentCompleted)]
    clerk = Clerk(shop, random.Random(f"{seed}/{shop.tenant_id}/invoices"), now)  # noqa: S311 - seeded on purpose
    for sale in sold[:given_back]:
        _give_back_half(published, clerk, sale)
    _bill(published, clerk, parties, invoices=invoices)
    return published


def _give_back_half(published: Published, clerk: Clerk, sale: PaymentCompleted) -> None:
    amount = cents(sale.payment.amount / 2)
    transaction = sale.payment.transaction_id
    refunded = replace(
        sale.payment,
        status=PaymentStatus.PARTIALLY_REFUNDED,
        amount_refunded=amount,
        refund_date=sale.payment.txn_date,
    )
    about = clerk.envelope("payment.completed", transaction, "given_back", _LATER * 3)
    published.later.append(replace(sale, envelope=about, payment=refunded))
    published.refunds += 1
    published.refunded += amount


def _bill(published: Published, clerk: Clerk, parties: Sequence[Party], *, invoices: int) -> None:
    for number in range(invoices):
        ledger = _Ledger(clerk, published, _new(clerk, number, parties[number % len(parties)], clerk.now + _LATER))
        _LIVES[number % len(_LIVES)](ledger)
        _expect(published, ledger.state)
    old = _new(clerk, invoices, parties[0], clerk.now - timedelta(days=30))
    _skipped(_Ledger(clerk, published, old))


def _expect(published: Published, state: InvoiceState) -> None:
    published.invoices += 1
    if state.status is InvoiceStatus.VOID:
        published.voided += 1
        return
    published.billed += state.totals.total
    published.billed_tax += state.totals.tax_total
    # What was given back is a refund receipt of its own: the invoice stays as paid as it was.
    taken = sum((record.amount for record in state.payments), NOTHING)
    published.owed += state.totals.total - taken


def _skipped(ledger: _Ledger) -> None:
    before = (ledger.published.payments, ledger.published.paid)
    ledger.say(InvoiceChange.UNKNOWN)
    ledger.pay(ledger.state.totals.total, told_apart=True)
    ledger.published.payments, ledger.published.paid = before
    ledger.published.skipped += 3  # Sent, paid, and the payment by itself.


def _new(clerk: Clerk, number: int, party: Party, created_at: datetime) -> InvoiceState:
    today = created_at.date()
    return InvoiceState(
        invoice_id=f"in_{clerk.shop.country.lower()}_{number}",
        invoice_number=f"{1000 + number}",
        invoice_number_prefix="INV-",
        title="Invoice",
        status=InvoiceStatus.SENT,
        created_at=created_at,
        issue_date=today,
        due_date=today + timedelta(days=14),
        bill_to=party,
        billing_email=party.email,
        payments_complete=True,
        **_priced(clerk, tuple(clerk.line(n) for n in range(clerk.rng.randint(1, 3)))),
    )


def _priced(clerk: Clerk, lines: tuple[Line, ...]) -> dict[str, Any]:
    """Lines with their taxes, a coupon now and then, and the totals they make; nothing paid yet."""
    discount = clerk.coupon(lines)
    totals = totals_of(clerk.shop, lines, discount, NOTHING)
    return {
        "lines": tuple(clerk.taxed(replace(line, taxes=()), discount, lines) for line in lines),
        "discounts": (discount,) if discount else (),
        "totals": replace(totals, amount_paid=NOTHING, amount_due=totals.total),
    }
