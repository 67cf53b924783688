"""The steps of an invoice's settlement as writes: each is one Payment made, changed or taken back."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from consumers.catalog import payment_method_id
from consumers.finding import NO_VERSION
from consumers.intents import CrmRef, Draft, Link, Source
from consumers.invoices.payments import PAYMENT, PROVISIONAL, WITH, OnInvoice, payment_update
from consumers.work import Work
from mapping.settlement_steps import (
    Adopt,
    Book,
    BookProvisional,
    ChangeProvisional,
    NeedsAttention,
    Reapply,
    RemoveProvisional,
    Settlement,
    Step,
    TakeOver,
    Told,
    Withdraw,
)
from mapping.to_qbo.dates import local_day
from mapping.to_qbo.methods import payment_method_name
from mapping.to_qbo.payment import Payment, payment_body, provisional_payment, reapplied, taken_over
from qbo_client.writes import Operation
from schemas.events.crm import PaymentRecord


def told_at(record: PaymentRecord, told: Told) -> datetime:
    """Return when the CRM said this of the transaction."""
    listed = record.transaction_id in told.listed
    return told.at if listed else told.heard_at.get(record.transaction_id, told.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Writes for one invoice, one after the other."""

    on_invoice: OnInvoice
    told: Told
    work: Work

    async def carry_out(self, plan: Settlement) -> bool:
        """Write every step; returns whether QuickBooks applied everything as it was meant."""
        as_meant = True
        for step in plan.steps:
            if isinstance(step, Adopt):
                await self._adopt(step)
            elif (draft := await self._draft(step)) is not None:
                await self.work.write(draft)
                as_meant = as_meant and self.work.written[-1].discrepancy is None
        return as_meant

    async def _draft(self, step: Step) -> Draft | None:
        match step:
            case Book(transaction=record, applied=applied):
                return self._of_record(record, await self._payment(record, applied))
            case TakeOver(payment_id=payment_id, transaction=record, applied=applied):
                payment = await self._payment(record, applied)
                whole = taken_over(payment, self.on_invoice.bodies[payment_id], invoice_id=self._invoice.qbo_id)
                provisional = self.on_invoice.links[payment_id].ref
                taken = self._of_record(record, whole)
                return replace(taken, operation=Operation.UPDATE, unlinks=(provisional,))
            case BookProvisional(amount=amount, applied=applied):
                return await self._provisional(amount, applied)
            case ChangeProvisional(payment_id=payment_id, amount=amount, applied=applied):
                return self._changed(payment_id, applied, amount=amount)
            case Reapply(payment_id=payment_id, applied=applied):
                return self._changed(payment_id, applied)
            case RemoveProvisional(payment_id=payment_id):
                link = self.on_invoice.links[payment_id]
                return replace(self._taken_back(payment_id, Operation.DELETE), unlinks=(link.ref,))
            case Withdraw(payment_id=payment_id):
                return self._taken_back(payment_id, Operation.VOID)
            case NeedsAttention() | Adopt():
                return None

    @property
    def _invoice(self) -> Link:
        return self.on_invoice.invoice.link

    async def _payment(self, record: PaymentRecord, applied: Decimal) -> Payment:
        invoice, company = self.on_invoice.invoice, self.work.company
        name = payment_method_name(record, company)
        method = await payment_method_id(name, self.work, self.work.under_way) if name else None
        return payment_body(
            record,
            company=company,
            currency=invoice.currency(self.work),
            customer_id=invoice.customer_id,
            invoice_id=invoice.link.qbo_id,
            applied=applied,
            payment_method_id=method,
        )

    def _of_record(self, record: PaymentRecord, payment: Payment) -> Draft:
        ref = CrmRef(kind=PAYMENT, id=record.transaction_id)
        return self._made(ref, payment, told_at(record, self.told), said(record))

    async def _provisional(self, amount: Decimal, applied: Decimal) -> Draft:
        invoice, company = self.on_invoice.invoice, self.work.company
        ref = CrmRef(kind=PROVISIONAL, id=invoice.link.ref.id)
        payment = provisional_payment(
            amount,
            company=company,
            currency=invoice.currency(self.work),
            customer_id=invoice.customer_id,
            invoice_id=invoice.link.qbo_id,
            crm_invoice_id=invoice.link.ref.id,
            day=local_day(self.told.at, company),
            applied=applied,
            sequence=await self.work.books.last_number(ref) + 1,
        )
        return self._made(ref, payment, self.told.at, {})

    def _made(self, ref: CrmRef, payment: Payment, at: datetime, remembered: dict[str, str]) -> Draft:
        return Draft(
            ref=ref,
            operation=Operation.CREATE,
            entity="Payment",
            body=payment.body,
            # Versions of payments are a space of their own: whatever a payment event says is newer than none.
            source=Source(version=NO_VERSION, occurred_at=at, content_hash=b""),
            last_sent={**payment.last_sent, **remembered, "told_at": at.isoformat()},
            expect={"TotalAmt": payment.total, "UnappliedAmt": payment.unapplied},
            belongs_to=self._invoice.ref.id,
        )

    def _changed(self, payment_id: str, applied: Decimal, *, amount: Decimal | None = None) -> Draft:
        link = self.on_invoice.links[payment_id]
        payment = reapplied(
            self.on_invoice.bodies[payment_id],
            invoice_id=self._invoice.qbo_id,
            applied=applied,
            amount=amount,
            last_sent=link.last_sent or {},
        )
        return payment_update(link, payment)

    def _taken_back(self, payment_id: str, operation: Operation) -> Draft:
        link, body = self.on_invoice.links[payment_id], self.on_invoice.bodies[payment_id]
        sparse = {"sparse": True} if operation is Operation.VOID else {}
        return Draft(
            ref=link.ref,
            operation=operation,
            entity="Payment",
            body={"Id": body["Id"], "SyncToken": body["SyncToken"], **sparse},
            source=link.source,
            last_sent={**(link.last_sent or {}), "withdrawn": True},
            origin=link.origin,
            belongs_to=link.belongs_to,
        )

    async def _adopt(self, step: Adopt) -> None:
        """Link what a bookkeeper recorded; nothing is written. The link is to the first of several Payments."""
        first, *others = step.payment_ids
        record, body = step.transaction, self.on_invoice.bodies[first]
        at = told_at(record, self.told)
        adopted = Link(
            ref=CrmRef(kind=PAYMENT, id=record.transaction_id),
            qbo_kind="Payment",
            qbo_id=first,
            sync_token=body.get("SyncToken"),
            last_sent={**said(record), "told_at": at.isoformat(), **({WITH: others} if others else {})},
            source_hash=b"",
            version=NO_VERSION,
            occurred_at=at,
            origin="found",
            belongs_to=self._invoice.ref.id,
        )
        await self.work.remember(adopted)


def said(record: PaymentRecord) -> dict[str, str]:
    """Return what is remembered of what the CRM said, besides the amount."""
    return {"refunded": str(record.amount_refunded), "status": record.status.value}
