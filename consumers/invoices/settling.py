"""Bringing the Payments on an invoice to what the CRM told (books, section 6)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from consumers.intents import CrmRef, Draft
from consumers.invoices.booked import Booked, read_invoice
from consumers.invoices.payment_steps import Steps, said, told_at
from consumers.invoices.payments import PAYMENT, OnInvoice, payments_on
from consumers.work import Work
from mapping.settlement import is_manual, settle
from mapping.settlement_steps import (
    Book,
    BookProvisional,
    ChangeProvisional,
    InBooks,
    NeedsAttention,
    Ours,
    Settlement,
    Step,
    TakeOver,
    Told,
    Withdraw,
)
from mapping.settlement_words import BOOKED_ELSEWHERE
from qbo_client.errors import InvalidData
from qbo_client.writes import Operation
from schemas.events.crm import PaymentRecord

_LOOKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The invoice and its Payments once everything that could be done was done."""

    on_invoice: OnInvoice
    #: What is over and stays the customer's credit.
    unapplied: Decimal
    attention: tuple[NeedsAttention, ...]


async def settle_payments(told: Told, invoice: Booked, work: Work) -> Settled:
    """Decide what is missing, write it, and decide anew where QuickBooks shows other than was thought.

    A copy is enough where only the bridge can have recorded the money. Where a person may have been first, or
    QuickBooks refuses a Payment or applies less of it than was meant, the invoice is read and decides.
    """
    for _ in range(_LOOKS):
        known = await payments_on(invoice, work)
        if known.fresh and await _gave_way(known, told, work):
            invoice = await read_invoice(invoice.link, work)
            continue
        in_books = replace(known.in_books(), elsewhere=await _booked_elsewhere(told, known, work))
        plan = await _plan(told, in_books, known, work)
        if not known.fresh and any(map(_may_be_theirs, plan.steps)):
            invoice = await read_invoice(invoice.link, work)
            continue
        try:
            as_meant = await Steps(on_invoice=known, told=told, work=work).carry_out(plan)
        except InvalidData:
            if known.fresh:
                raise
            as_meant = False
        if as_meant:
            break
        invoice = await read_invoice(invoice.link, work)
    if any(not isinstance(step, NeedsAttention) for step in plan.steps):
        # What was written moved the balance that was read before.
        known = await payments_on(replace(known.invoice, fresh=False), work)
    await _remember_what_was_told(told, known, work)
    asked = (step for step in plan.steps if isinstance(step, NeedsAttention))
    return Settled(on_invoice=known, unapplied=plan.unapplied, attention=(*asked, *_contested(known)))


async def _plan(told: Told, in_books: InBooks, known: OnInvoice, work: Work) -> Settlement:
    """Decide; whether the CRM was told that the invoice is paid is asked only where that may change the decision."""
    plan = settle(told, in_books, settings=work.company.settings)
    if any(map(_may_be_an_answer, plan.steps)) and await work.books.told_paid(known.invoice.link.qbo_id):
        return settle(told, replace(in_books, paid_told=True), settings=work.company.settings)
    return plan


def _may_be_an_answer(step: Step) -> bool:
    """Whether the CRM may only repeat what it was told: it says more than is left to pay, or leaves out what paid."""
    match step:
        case Book(transaction=record, applied=applied) | TakeOver(transaction=record, applied=applied):
            return is_manual(record) and record.amount > applied
        case BookProvisional(amount=amount, applied=applied) | ChangeProvisional(amount=amount, applied=applied):
            return amount > applied
    return isinstance(step, Withdraw)


def _may_be_theirs(step: Step) -> bool:
    """Whether a bookkeeper may have recorded this money: what a card provider took, nobody enters by hand."""
    if isinstance(step, Book):
        return is_manual(step.transaction)
    if isinstance(step, NeedsAttention):
        return step.cause == BOOKED_ELSEWHERE
    return isinstance(step, BookProvisional | ChangeProvisional)


async def _booked_elsewhere(told: Told, known: OnInvoice, work: Work) -> dict[str, str]:
    """Return the transactions that are booked as sales receipts or on other invoices, with what they are there."""
    here = {link.ref.id for link in known.links.values()}
    elsewhere: dict[str, str] = {}
    for record in told.records:
        link = None if record.transaction_id in here else await work.books.link(_ref(record))
        if link is None or not link.qbo_id or (link.last_sent or {}).get("withdrawn"):
            continue
        if link.belongs_to != known.invoice.link.ref.id:
            of = f"a payment on invoice {link.belongs_to} of the CRM" if link.belongs_to else "a sale without invoice"
            elsewhere[record.transaction_id] = f"{of} ({link.qbo_kind} {link.doc_number or link.qbo_id})"
    return elsewhere


def _ref(record: PaymentRecord) -> CrmRef:
    return CrmRef(kind=PAYMENT, id=record.transaction_id)


async def _gave_way(known: OnInvoice, told: Told, work: Work) -> bool:
    """Delete a Payment of ours for which the invoice had no room, because a bookkeeper had recorded the same."""
    records = {one.transaction_id: one for one in told.records}
    gave_way = False
    for ours in _without_room(known):
        record = records.get(ours.transaction_id or "")
        same = any(theirs.applied == ours.amount for theirs in known.in_books().theirs)
        if record is not None and is_manual(record) and same and not ours.refunded:
            await work.write(_deletion(known, ours))
            gave_way = True
    return gave_way


def _deletion(known: OnInvoice, ours: Ours) -> Draft:
    link, body = known.links[ours.payment_id], known.bodies[ours.payment_id]
    return Draft(
        ref=link.ref,
        operation=Operation.DELETE,
        entity="Payment",
        body={"Id": body["Id"], "SyncToken": body["SyncToken"]},
        source=link.source,
        belongs_to=link.belongs_to,
        unlinks=(link.ref,),
    )


def _without_room(known: OnInvoice) -> Iterable[Ours]:
    """Return our Payments that are applied to less than was meant while another hand's are applied."""
    books = known.in_books()
    if not any(one.applied for one in books.theirs):
        return
    for ours in books.ours:
        meant = Decimal(str((known.links[ours.payment_id].last_sent or {}).get("applied", 0)))
        if ours.unapplied and ours.applied < meant and not ours.adopted:
            yield ours


def _contested(known: OnInvoice) -> Iterable[NeedsAttention]:
    for ours in _without_room(known) if known.fresh else ():
        yield NeedsAttention(
            cause="paid_in_quickbooks",
            message=(
                f"{ours.amount} was taken, and {ours.unapplied} of it found no room on the invoice: QuickBooks shows "
                "payments by other hands there. Delete in QuickBooks what stands for the same money twice, then retry."
            ),
            transaction_id=ours.transaction_id,
        )


async def _remember_what_was_told(told: Told, known: OnInvoice, work: Work) -> None:
    """Keep when a transaction's refunds or status were told of, so that an older event cannot take them back."""
    by_transaction = {link.ref.id: link for link in known.links.values() if link.ref.kind == PAYMENT}
    for record in told.records:
        link = by_transaction.get(record.transaction_id)
        if link is None:
            continue
        before, at = link.last_sent or {}, told_at(record, told)
        news = {**before, **said(record)}
        if at > datetime.fromisoformat(before["told_at"]) and news != before:
            await work.remember(replace(link, last_sent={**news, "told_at": at.isoformat()}))
