"""`invoice.sent` and `invoice.updated`: the invoice, its Payments and refunds are what the newest state says.

Several writes may be needed. Each is committed with the event's version and without its hash, so that a crash in
between leaves a link that is worked on again; only the conclusion says that all of it is written.
"""

from dataclasses import replace

from consumers.attention import disputed, unapplied_note
from consumers.intents import Link
from consumers.invoices.booked import (
    Booked,
    Removed,
    as_booked,
    came_from_quickbooks,
    create_invoice,
    ended,
    invoice_ref,
)
from consumers.invoices.ending import after_its_end, end_invoice, given_back_in_full
from consumers.invoices.imported import came_back
from consumers.invoices.settling import Settled, settle_payments
from consumers.invoices.told import told_by_state, told_json
from consumers.invoices.updates import update_invoice
from consumers.outcomes import Attention, Done, Outcome, Result, Skipped
from consumers.refunds import refund_differing, refund_payments
from consumers.work import Concluded, Work, as_of, totals_differ, unless_known
from mapping.booking import Skip, why_not_booked
from mapping.ending import ENDED
from schemas.events.crm import InvoiceSent, InvoiceState, InvoiceUpdated, PaymentStatus

Event = InvoiceSent | InvoiceUpdated

_NUMBER_NOT_KEPT = (
    "QuickBooks gave the invoice the number {} instead of the CRM's. Switch on custom transaction numbers there, "
    "or correct the number; then retry."
)
_WRITTEN = frozenset({"Invoice", "Payment", "RefundReceipt"})


async def invoice_changed(event: Event, work: Work) -> Outcome | Concluded:
    state = event.invoice
    link = await work.books.link(invoice_ref(state.invoice_id))
    if (known := unless_known(link, work.row)) is not None:
        return known
    if link is not None and (skip := came_from_quickbooks(link)):
        return _skipped(state, skip, None, work)
    booked_before = None if link is None or link.is_skipped else link
    in_books, own_id = booked_before is not None, booked_before.qbo_id if booked_before else None
    if skip := why_not_booked(event, sync_from=work.sync_from, in_books=in_books, own_invoice_id=own_id):
        return _skipped(state, skip, booked_before, work)
    if booked_before is None and (skip := await came_back(state, work)):
        return _skipped(state, skip, None, work)
    if booked_before is not None and ended(booked_before):
        return _concluded(state, after_its_end(state, booked_before), booked_before, work)
    if booked_before is not None and state.status in ENDED:
        return await _end(state, booked_before, work)
    booked = await (as_booked(booked_before, work) if booked_before else create_invoice(state, work))
    if not booked.made:
        booked = await update_invoice(state, booked, work)
    settled = await _settle(state, booked, work)
    refunded = [one.transaction_id for one in state.payments if one.amount_refunded]
    differing = settled.on_invoice.invoice.link.discrepancy or await refund_differing(refunded, work)
    if differing:
        return _concluded(state, Attention("totals_differ", totals_differ(differing)), booked.link, work)
    return _concluded(state, _outcome(state, settled, work, made=booked.made), booked.link, work)


async def _settle(state: InvoiceState, booked: Booked, work: Work) -> Settled:
    """Bring its Payments and refunds to what this state says of them."""
    told = told_by_state(state, at=work.row.occurred_at)
    settled = await settle_payments(told, booked, work)
    await refund_payments(told.records, settled.on_invoice, state, work, at=work.row.occurred_at)
    return settled


async def _end(state: InvoiceState, link: Link, work: Work) -> Concluded:
    try:
        booked = await as_booked(link, work)
        if given_back_in_full(state):
            # It will stand as it is: what the CRM changed before it ended the invoice belongs to that.
            booked = await update_invoice(state, booked, work)
        settled = await _settle(state, booked, work)
        outcome, link = await end_invoice(state, settled, work)
    except Removed as removed:
        # With money of the payer's on it, somebody must say where that stands now.
        if removed.what != "invoice" or state.totals.amount_paid > 0:
            raise
        outcome = Done(Result.UNCHANGED, note="Somebody had ended it in QuickBooks already.")
        link = replace(link, last_sent={**(link.last_sent or {}), "ended": "void"})
    return _concluded(state, outcome, link, work)


def _skipped(state: InvoiceState, skip: Skip, link: Link | None, work: Work) -> Outcome | Concluded:
    """Remember why it stays out, for what follows about it, unless it is in the books."""
    outcome = Skipped(skip.cause, skip.message)
    if link is not None:
        return outcome
    remembered = Link(
        ref=invoice_ref(state.invoice_id),
        qbo_kind="",
        qbo_id="",
        sync_token=None,
        last_sent={"cause": skip.cause, "message": skip.message, "lasting": skip.lasting},
        origin="skipped",
    )
    return Concluded(outcome, as_of(remembered, work, work.row.content_hash))


def _outcome(state: InvoiceState, settled: Settled, work: Work, *, made: bool) -> Outcome:
    """Put before a person what one must see to; what was booked stays booked either way."""
    link = settled.on_invoice.invoice.link
    if settled.attention:
        return Attention(settled.attention[0].cause, settled.attention[0].message)
    if made and link.doc_number != (link.last_sent or {}).get("DocNumber"):
        return Attention("number_not_kept", _NUMBER_NOT_KEPT.format(link.doc_number))
    if any(one.status is PaymentStatus.DISPUTED for one in state.payments):
        return disputed()
    wrote = any(one.qbo_kind in _WRITTEN for one in work.written)
    result = Result.CREATED if made else Result.UPDATED if wrote else Result.UNCHANGED
    return Done(result, note=unapplied_note(settled.unapplied))


def _concluded(state: InvoiceState, outcome: Outcome, link: Link, work: Work) -> Concluded:
    """Only what is done is remembered as such: what is before a person is looked at again when it is retried."""
    told = {"told": told_json(state, at=work.row.occurred_at)}
    content_hash = work.row.content_hash if isinstance(outcome, Done) else b""
    return Concluded(outcome, as_of(replace(link, last_sent={**(link.last_sent or {}), **told}), work, content_hash))
