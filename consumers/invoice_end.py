"""An invoice that the CRM voided or deleted (books, section 5)."""

from dataclasses import replace

from consumers.intents import Draft, Link
from consumers.invoice_payments import OnInvoice, payments_on
from consumers.invoices import Booked, ended, read_invoice
from consumers.outcomes import Attention, Done, Outcome, Result
from consumers.settling import Settled
from consumers.work import Work
from mapping.booking import SETTLED
from mapping.ending import ENDED, End, Ending, end_of
from mapping.money import ZERO
from qbo_client.writes import Operation
from schemas.events.crm import InvoiceState

_OPERATIONS = {End.VOID: Operation.VOID, End.DELETE: Operation.DELETE}


async def end_invoice(state: InvoiceState, settled: Settled, work: Work) -> tuple[Outcome, Link]:
    """Void or delete the invoice where nothing is applied to it; returns the outcome and the link as it stands then.

    It is read first: a void that takes a person's payment along could not be undone.
    """
    invoice = settled.on_invoice.invoice
    if not invoice.fresh:
        invoice = await read_invoice(invoice.link, work)
    known = await payments_on(invoice, work)
    ending = _ending(state, known, work)
    if (operation := _OPERATIONS.get(ending.end)) is not None:
        await work.write(_draft(invoice, operation, work))
        return Done(Result.UPDATED), work.written[-1]
    if ending.end is End.ATTENTION:
        return Attention(ending.cause, ending.message), invoice.link
    return Done(Result.UNCHANGED, note=ending.message), invoice.link


def ends_alike(state: InvoiceState) -> bool:
    """Whether an invoice that a person removed is what the CRM wants: ended, with no money of the payer's kept."""
    return state.status in ENDED and state.totals.amount_paid <= 0


def ended_by_a_person(link: Link) -> Link:
    return replace(link, last_sent={**(link.last_sent or {}), "ended": "removed by a person"})


def after_its_end(state: InvoiceState, link: Link) -> Outcome:
    """Say what a newer state of an invoice is worth that the bridge voided or deleted."""
    if state.status in ENDED:
        return Done(Result.UNCHANGED)
    return Attention(
        "reopened_after_void",
        f"The CRM opened the invoice again after it was ended ({ended(link)}) in QuickBooks. "
        "Send it under a number of its own in the CRM, or enter it in QuickBooks by hand.",
    )


def _ending(state: InvoiceState, known: OnInvoice, work: Work) -> Ending:
    taken = {one.transaction_id: one for one in state.payments if one.status in SETTLED}
    ours = {one.transaction_id: one for one in known.in_books().ours if one.transaction_id not in taken}
    paid = sum((one.amount for one in taken.values()), ZERO) + sum((one.amount for one in ours.values()), ZERO)
    given_back = sum((one.amount_refunded for one in taken.values()), ZERO)
    ending = end_of(
        state,
        total=known.total,
        applied=known.total - known.balance,
        paid=paid,
        refunded=given_back + sum((one.refunded for one in ours.values()), ZERO),
        settings=work.company.settings,
    )
    assert ending is not None, "only an ended state comes here"
    return ending


def _draft(invoice: Booked, operation: Operation, work: Work) -> Draft:
    link, body = invoice.link, invoice.body
    return Draft(
        ref=link.ref,
        operation=operation,
        entity="Invoice",
        body={"Id": body["Id"], "SyncToken": body["SyncToken"]},
        source=work.under_way,
        last_sent={**(link.last_sent or {}), "ended": operation.value},
        origin=link.origin,
    )
