"""`payment.completed` with an invoice: a Payment on it, one per transaction, wherever the CRM told of it."""

from datetime import timedelta

from consumers.attention import disputed, unapplied_note
from consumers.intents import CrmRef, Link
from consumers.invoices.booked import as_booked, ended, invoice_ref
from consumers.invoices.payments import PAYMENT
from consumers.invoices.settling import Settled, settle_payments
from consumers.invoices.told import told_by_payment
from consumers.keys import invoice_key
from consumers.outcomes import Attention, Done, Outcome, Result, Skipped, Waiting
from consumers.refund_links import REFUND
from consumers.refunds import refund_differing, refund_payments
from consumers.work import Concluded, Work, as_of, totals_differ, unless_known
from mapping.booking import Skip, skipped_with, why_not_booked
from schemas.events.crm import PaymentCompleted, PaymentStatus

_LOOK_FOR_INVOICE_EVERY = timedelta(hours=1)
_INVOICE_SHOULD_HAVE_COME = timedelta(days=7)


async def payment_on_invoice(event: PaymentCompleted, invoice_id: str, work: Work) -> Outcome | Concluded:
    link = await work.books.link(CrmRef(kind=PAYMENT, id=event.payment.transaction_id))
    if (known := unless_known(link, work.row)) is not None:
        return known
    invoice = await work.books.link(invoice_ref(invoice_id))
    own_id = invoice.qbo_id if invoice else None
    if link is None and (skip := why_not_booked(event, sync_from=work.sync_from, own_invoice_id=own_id)):
        return Skipped(skip.cause, skip.message)
    if invoice is None:
        return _wait_for_invoice(invoice_id, work)
    if invoice.is_skipped:
        skip = skipped_with(Skip(**(invoice.last_sent or {})))
        return Skipped(skip.cause, skip.message) if skip else _wait_for_invoice(invoice_id, work)
    if ended(invoice):
        return _after_its_end(event)
    return await _settle(event, invoice, link, work)


async def _settle(event: PaymentCompleted, invoice: Link, before: Link | None, work: Work) -> Outcome | Concluded:
    told = told_by_payment(event.payment, invoice, at=work.row.occurred_at, booked=before is not None)
    settled = await settle_payments(told, await as_booked(invoice, work), work)
    await refund_payments(told.records, settled.on_invoice, None, work, at=work.row.occurred_at)
    refunded = [event.payment.transaction_id] if event.payment.amount_refunded else []
    if differing := await refund_differing(refunded, work):
        outcome: Outcome = Attention("totals_differ", totals_differ(differing))
    else:
        outcome = _outcome(event, settled, work, new=before is None)
    link = await work.books.link(CrmRef(kind=PAYMENT, id=event.payment.transaction_id))
    if link is None:
        return outcome
    refunds = await work.books.links_of((REFUND,), [event.payment.transaction_id])
    concluded = as_of(link, work, work.row.content_hash if isinstance(outcome, Done) else b"")
    return Concluded(outcome, concluded, tells=(concluded, *refunds))


def _outcome(event: PaymentCompleted, settled: Settled, work: Work, *, new: bool) -> Outcome:
    """Put before a person what one must see to about this payment; what others need is told with their own."""
    own = (None, event.payment.transaction_id)
    if asked := next((one for one in settled.attention if one.transaction_id in own), None):
        return Attention(asked.cause, asked.message)
    wrote = [one for one in work.written if one.qbo_kind in {"Payment", "RefundReceipt"}]
    if event.payment.status is PaymentStatus.DISPUTED:
        return disputed()
    result = Result.UNCHANGED if not wrote else Result.CREATED if new else Result.UPDATED
    return Done(result, note=unapplied_note(settled.unapplied))


def _after_its_end(event: PaymentCompleted) -> Outcome:
    """Money on an invoice that is void in the books: without a refund it stands nowhere."""
    payment = event.payment
    if payment.amount_refunded >= payment.amount:
        return Skipped("paid_and_refunded", "The invoice was voided, and all that was paid on it was given back.")
    return Attention(
        "void_with_payments",
        f"{payment.amount} was paid on an invoice that is void in QuickBooks. Book it by hand or refund it in the CRM.",
    )


def _wait_for_invoice(invoice_id: str, work: Work) -> Outcome:
    now = work.writer.clock.now()
    if now - work.row.received_at > _INVOICE_SHOULD_HAVE_COME:
        return Attention("invoice_never_came", f"Invoice {invoice_id} is not in the books. Send it again in the CRM.")
    message = f"Waits for invoice {invoice_id}, which is not in the books yet."
    due = now + _LOOK_FOR_INVOICE_EVERY
    return Waiting("waits_for_invoice", message, due, waits_for=invoice_key(invoice_id))
