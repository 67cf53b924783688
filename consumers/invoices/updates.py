"""Bringing an invoice in the books to the CRM's newest state, and its Payments along when it moves."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from consumers.catalog import item_ids
from consumers.intents import Draft, Link, discrepancy
from consumers.invoices.booked import Booked, customer_of, read_invoice
from consumers.invoices.payments import OnInvoice, payments_on, unlink_payments
from consumers.numbers import under_free_number
from consumers.work import Work
from mapping.to_qbo.invoice import invoice_items_wanted
from mapping.to_qbo.invoice_changes import InvoiceChanges, invoice_changes, renumbered
from qbo_client.writes import Operation
from schemas.events.crm import InvoiceState


async def update_invoice(state: InvoiceState, booked: Booked, work: Work) -> Booked:
    """Write what the CRM changed and nobody else may keep; without a change nothing is written."""
    wanted = invoice_items_wanted(state, work.company, new=False)
    customer_id = await customer_of(state, work)
    items = await item_ids(wanted, work, work.under_way)

    def compared(current: Booked) -> InvoiceChanges:
        last_sent = current.link.last_sent or {}
        return invoice_changes(
            state, company=work.company, customer_id=customer_id, items=items, current=current.body, last_sent=last_sent
        )

    changes = compared(booked)
    if changes.body is None:
        return replace(booked, link=_seen(booked, changes))
    on_invoice = await payments_on(booked, work)
    if on_invoice.copy_is_old:
        booked = await read_invoice(booked.link, work)
        changes, on_invoice = compared(booked), await payments_on(booked, work)
    if changes.body and "CustomerRef" in changes.body and on_invoice.bodies:
        booked = await _unlinked(on_invoice, customer_id, work)
        changes = compared(booked)
    if changes.body is None:
        return replace(booked, link=_seen(booked, changes))
    body = await _written(booked, changes, work)
    return Booked(link=work.written[-1], body=body, fresh=True, changed=True)


async def _written(booked: Booked, changes: InvoiceChanges, work: Work) -> Mapping[str, Any]:
    """Write the update; a new number that another document has gets a suffix, as at creation."""
    return await under_free_number(
        work.write,
        _draft(booked, changes, work),
        lambda attempt: _draft(booked, renumbered(changes, attempt, company=work.company, current=booked.body), work),
    )


async def _unlinked(on_invoice: OnInvoice, customer_id: str, work: Work) -> Booked:
    """An invoice takes another customer only without Payments: they leave it, move, and are applied again."""
    await unlink_payments(on_invoice, customer_id, work)
    return await read_invoice(on_invoice.invoice.link, work)


def _draft(booked: Booked, changes: InvoiceChanges, work: Work) -> Draft:
    assert changes.body is not None
    return Draft(
        ref=booked.link.ref,
        operation=Operation.UPDATE,
        entity="Invoice",
        body=changes.body,
        source=work.under_way,
        last_sent=changes.last_sent,
        expect=_totals(changes),
        origin=booked.link.origin,
    )


def _seen(booked: Booked, changes: InvoiceChanges) -> Link:
    """Return the link as it stands after nothing had to be written."""
    link = replace(booked.link, last_sent=changes.last_sent)
    if not booked.fresh:
        return link
    expect = {name: str(amount) for name, amount in _totals(changes).items()}
    return replace(link, discrepancy=discrepancy(expect, booked.body), sync_token=booked.body.get("SyncToken"))


def _totals(changes: InvoiceChanges) -> dict[str, Decimal]:
    """Return what QuickBooks must show; nothing while lines stand that a person changed."""
    meant = {"TotalAmt": changes.total, "TotalTax": changes.tax}
    return {name: amount for name, amount in meant.items() if amount is not None}
