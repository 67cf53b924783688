"""`payment.completed`: money that was taken is a sales receipt, or a Payment on its invoice, in the books."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from consumers.attention import disputed
from consumers.catalog import item_ids, payment_method_id
from consumers.comparing import compare_again, remembered
from consumers.customers import customer_for_sale
from consumers.intents import CrmRef, Draft, Link, Source, discrepancy
from consumers.invoices.single_payment import payment_on_invoice
from consumers.numbers import under_free_number
from consumers.outcomes import Attention, Done, Outcome, Result, Skipped
from consumers.refund_links import REFUND
from consumers.refunds import refund_differing, refund_sale
from consumers.work import Concluded, LastWrite, Work, as_of, totals_differ, unless_known
from mapping.booking import why_not_booked
from mapping.company import Company
from mapping.settings import Withdrawn
from mapping.to_qbo.methods import payment_method_name
from mapping.to_qbo.sales_receipt import items_wanted, renumbered, sales_receipt
from qbo_client.writes import Operation
from schemas.events.crm import PaymentCompleted, PaymentStatus

_WITHDRAWN = frozenset({PaymentStatus.FAILED, PaymentStatus.PENDING})


async def payment_completed(event: PaymentCompleted, work: Work) -> Outcome | LastWrite | Concluded:
    if event.invoice_id:
        return await payment_on_invoice(event, event.invoice_id, work)
    row, payment = work.row, event.payment
    ref = CrmRef(kind="payment", id=payment.transaction_id)
    link = await work.books.link(ref)
    if link is not None and link.belongs_to:
        # It was told of with its invoice before, and is a Payment there.
        return await payment_on_invoice(event, link.belongs_to, work)
    if link is not None and link.discrepancy:
        link = await compare_again(link, work)
        if link.discrepancy:
            return Attention("totals_differ", totals_differ(link.discrepancy))
    if (known := unless_known(link, row)) is not None:
        return _still_asking(event, known)
    if link is None:
        if skip := why_not_booked(event, sync_from=work.sync_from):
            return Skipped(skip.cause, skip.message)
        draft = await _receipt(event, ref, work)
        if not payment.amount_refunded:
            free = partial(_renumbered, draft, event, work) if "DocNumber" in draft.body else None
            return LastWrite(draft, _still_asking(event, Done(Result.CREATED)), free)
        draft = replace(draft, source=work.under_way)
        await under_free_number(work.write, draft, partial(_renumbered, draft, event, work))
        return await _with_refunds(event, Done(Result.CREATED), work.written[-1], work)
    outcome, link = await _changed_after_booking(event, link, work)
    return await _with_refunds(event, outcome, link, work)


async def _receipt(event: PaymentCompleted, ref: CrmRef, work: Work) -> Draft:
    row = work.row
    source = Source(version=row.entity_version, occurred_at=row.occurred_at, content_hash=row.content_hash)
    wanted = items_wanted(event, work.company)
    customer_id = await customer_for_sale(
        event.contact, work, occurred_at=row.occurred_at, currency=event.totals.currency
    )
    items = await item_ids(wanted, work, source)
    method = payment_method_name(event.payment, work.company)
    method_id = await payment_method_id(method, work, source) if method else None
    receipt = sales_receipt(
        event, company=work.company, customer_id=customer_id, items=items, payment_method_id=method_id
    )
    expect = {"TotalAmt": receipt.total, "TotalTax": receipt.tax}
    return Draft(
        ref=ref,
        operation=Operation.CREATE,
        entity="SalesReceipt",
        body=receipt.body,
        source=source,
        last_sent=_billed(event, work.company) | remembered(expect),
        expect=expect,
    )


def _renumbered(draft: Draft, event: PaymentCompleted, work: Work, attempt: int) -> Draft:
    number = event.receipt_number or ""
    return replace(draft, body=renumbered(draft.body, attempt, company=work.company, number=number))


async def _with_refunds(event: PaymentCompleted, outcome: Outcome, link: Link, work: Work) -> Concluded:
    """Book what was given back. What is before a person is looked at again: its hash is not remembered."""
    refunds = await refund_sale(event, work)
    written = [one for one in work.written if one.qbo_kind == "RefundReceipt"]
    differing = link.discrepancy or await refund_differing([link.ref.id] if refunds else [], work)
    if isinstance(outcome, Done) and differing:
        outcome = Attention("totals_differ", totals_differ(differing))
    elif isinstance(outcome, Done):
        updated = bool(written) and outcome.result is Result.UNCHANGED
        outcome = _still_asking(event, Done(Result.UPDATED) if updated else outcome)
    content_hash = work.row.content_hash if isinstance(outcome, Done) else b""
    concluded = as_of(link, work, content_hash)
    return Concluded(outcome, concluded, tells=(concluded, *refunds))


def _still_asking(event: PaymentCompleted, outcome: Outcome) -> Outcome:
    """Keep before a person what the books cannot show by themselves, also after the sale was booked."""
    superseded = isinstance(outcome, Done) and outcome.result is Result.SUPERSEDED
    if isinstance(outcome, Done) and not superseded and event.payment.status is PaymentStatus.DISPUTED:
        return disputed()
    return outcome


def _billed(event: PaymentCompleted, company: Company) -> dict[str, str]:
    """Return what of the bill the receipt shows: a later state that says otherwise needs a person."""
    billed = {"amount": str(event.payment.amount), "date": event.payment.txn_date.isoformat()}
    return billed | ({"tax": str(event.totals.tax_total)} if company.shows_tax else {})


async def _changed_after_booking(event: PaymentCompleted, link: Link, work: Work) -> tuple[Outcome, Link]:
    """Say what a newer state of a booked payment is worth, and return the link as it stands now."""
    if event.payment.status in _WITHDRAWN:
        return await _withdrawn(link, work)
    booked, billed = link.last_sent or {}, _billed(event, work.company)
    if booked.get("withdrawn"):
        message = "The CRM says that this money was taken after all, and its receipt is void. Enter it in QuickBooks."
        return Attention("reopened_after_void", message), link
    if all(booked.get(name, said) == said for name, said in billed.items()):
        return Done(Result.UNCHANGED), link
    wanted = sales_receipt(event, company=work.company, customer_id="", items={}, payment_method_id=None)
    expect = {"TotalAmt": str(wanted.total), "TotalTax": str(wanted.tax)}
    receipt = (await work.client.read("SalesReceipt", link.qbo_id)).entity
    if differing := _differing(expect, wanted.body["TxnDate"], receipt):
        message = (
            f"The CRM changed this sale after it was booked: {differing}. Correct the receipt in QuickBooks, retry."
        )
        return Attention("changed_after_booking", message), link
    # A person has corrected it.
    last_sent = {**booked, **billed, "expect": expect}
    return Done(Result.UNCHANGED), replace(link, last_sent=last_sent)


def _differing(expect: Mapping[str, str], date: str, receipt: Mapping[str, Any]) -> str | None:
    shown = receipt.get("TxnDate")
    dates = f"TxnDate should be {date} and is {shown}" if shown != date else None
    return "; ".join(filter(None, (discrepancy(expect, receipt), dates))) or None


async def _withdrawn(link: Link, work: Work) -> tuple[Outcome, Link]:
    """Say what becomes of a receipt for money that the CRM takes back: a person decides, unless the settings do."""
    booked = link.last_sent or {}
    if booked.get("withdrawn"):
        return Done(Result.UNCHANGED), link
    refunds = await work.books.links_of((REFUND,), [link.ref.id])
    if work.company.settings.withdrawn is Withdrawn.ATTENTION or refunds:
        message = "The CRM says this money was not taken. Void the receipt or confirm it."
        return Attention("payment_withdrawn", message), link
    receipt = (await work.client.read(link.qbo_kind, link.qbo_id)).entity
    draft = Draft(
        ref=link.ref,
        operation=Operation.VOID,
        entity=link.qbo_kind,
        body={"Id": receipt["Id"], "SyncToken": receipt["SyncToken"], "sparse": True},
        source=link.source,
        last_sent={**booked, "withdrawn": True},
        origin=link.origin,
    )
    await work.write(draft)
    return Done(Result.UPDATED), work.written[-1]
