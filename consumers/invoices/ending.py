"""An invoice that the CRM voided or deleted (books, section 5)."""

from consumers.intents import Draft, Link
from consumers.invoices.booked import Booked, ended, read_invoice
from consumers.invoices.payments import OnInvoice, payments_on
from consumers.invoices.settling import Settled
from consumers.outcomes import Attention, Done, Outcome, Result
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


def given_back_in_full(state: InvoiceState) -> bool:
    """Whether the CRM lists payments of the whole invoice and refunds of all of them."""
    taken = [one for one in state.payments if one.status in SETTLED]
    paid = sum((one.amount for one in taken), ZERO)
    return paid >= state.totals.total > 0 and sum((one.amount_refunded for one in taken), ZERO) >= paid


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
