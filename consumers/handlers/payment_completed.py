"""`payment.completed`: money that was taken is a sales receipt in the books."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from consumers.catalog import item_ids, payment_method_id
from consumers.customers import customer_for_sale
from consumers.intents import CrmRef, Draft, Link, Source, discrepancy
from consumers.outcomes import Attention, Done, Outcome, Result, Skipped, Waiting
from consumers.work import LastWrite, Work, totals_differ, unless_known
from mapping.booking import why_not_booked
from mapping.company import Company
from mapping.to_qbo.sales_receipt import items_wanted, payment_method_name, sales_receipt
from qbo_client.writes import Operation
from schemas.events.crm import PaymentCompleted, PaymentStatus

_LOOK_FOR_INVOICE_EVERY = timedelta(hours=1)
_INVOICE_SHOULD_HAVE_COME = timedelta(days=7)
_WITHDRAWN = frozenset({PaymentStatus.FAILED, PaymentStatus.PENDING})


async def payment_completed(event: PaymentCompleted, work: Work) -> Outcome | LastWrite:
    row, payment = work.row, event.payment
    ref = CrmRef(kind="payment", id=payment.transaction_id)
    link = await work.books.link(ref)
    if link is not None and link.discrepancy:
        link = await _compare_again(link, work)
        if link.discrepancy:
            return Attention("totals_differ", totals_differ(link.discrepancy))
    if (known := unless_known(link, row)) is not None:
        return _still_asking(event, known)
    if link is not None:
        outcome, link = await _changed_after_booking(event, link, work)
        await work.remember(replace(link, version=row.entity_version, occurred_at=row.occurred_at))
        return outcome
    if skip := why_not_booked(event, sync_from=work.lane.sync_from):
        return Skipped(skip.cause, skip.message)
    if event.invoice_id:
        return _wait_for_invoice(event.invoice_id, work)
    return await _book_sale(event, ref, work)


async def _book_sale(event: PaymentCompleted, ref: CrmRef, work: Work) -> LastWrite:
    row = work.row
    source = Source(version=row.entity_version, occurred_at=row.occurred_at, content_hash=row.content_hash)
    wanted = items_wanted(event, work.company)
    customer_id = await customer_for_sale(event.contact, work, occurred_at=row.occurred_at)
    items = await item_ids(wanted, work, source)
    method = payment_method_name(event.payment, work.company)
    method_id = await payment_method_id(method, work, source) if method else None
    receipt = sales_receipt(
        event, company=work.company, customer_id=customer_id, items=items, payment_method_id=method_id
    )
    expect = {"TotalAmt": receipt.total, "TotalTax": receipt.tax}
    draft = Draft(
        ref=ref,
        operation=Operation.CREATE,
        entity="SalesReceipt",
        body=receipt.body,
        source=source,
        last_sent=_billed(event, work.company) | {"expect": {name: str(total) for name, total in expect.items()}},
        expect=expect,
    )
    return LastWrite(draft, _still_asking(event, Done(Result.CREATED)))


async def _compare_again(link: Link, work: Work) -> Link:
    """Look whether a person corrected totals that differed, and return the link as it stands now."""
    receipt = (await work.client.read("SalesReceipt", link.qbo_id)).entity
    now = discrepancy((link.last_sent or {}).get("expect", {}), receipt)
    compared = replace(link, discrepancy=now, sync_token=receipt.get("SyncToken"))
    await work.remember(compared)
    return compared


def _still_asking(event: PaymentCompleted, outcome: Outcome) -> Outcome:
    """Keep before a person what the books cannot show by themselves, also after the sale was booked."""
    if not isinstance(outcome, Done) or outcome.result is Result.SUPERSEDED:
        return outcome
    payment = event.payment
    if payment.amount_refunded > 0:
        return Attention(
            "refund_not_booked",
            f"{payment.amount_refunded} of {payment.amount} was refunded. Book the refund receipt in QuickBooks.",
        )
    if payment.status is PaymentStatus.DISPUTED:
        return Attention("disputed", "The payer disputes this payment. Correct the books once it is decided.")
    return outcome


def _billed(event: PaymentCompleted, company: Company) -> dict[str, str]:
    """Return what of the bill the receipt shows: a later state that says otherwise needs a person."""
    billed = {"amount": str(event.payment.amount), "date": event.payment.txn_date.isoformat()}
    return billed | ({"tax": str(event.totals.tax_total)} if company.shows_tax else {})


async def _changed_after_booking(event: PaymentCompleted, link: Link, work: Work) -> tuple[Outcome, Link]:
    """Say what a newer state of a booked payment is worth, and return the link as it stands now."""
    if event.payment.status in _WITHDRAWN:
        message = "The CRM says this money was not taken. Void the receipt or confirm it."
        return Attention("payment_withdrawn", message), link
    booked, billed = link.last_sent or {}, _billed(event, work.company)
    if all(booked.get(name, said) == said for name, said in billed.items()):
        return _still_asking(event, Done(Result.UNCHANGED)), link
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
    return _still_asking(event, Done(Result.UNCHANGED)), replace(link, last_sent=last_sent)


def _differing(expect: Mapping[str, str], date: str, receipt: Mapping[str, Any]) -> str | None:
    shown = receipt.get("TxnDate")
    dates = f"TxnDate should be {date} and is {shown}" if shown != date else None
    return "; ".join(filter(None, (discrepancy(expect, receipt), dates))) or None


def _wait_for_invoice(invoice_id: str, work: Work) -> Outcome:
    now = work.writer.clock.now()
    if now - work.row.received_at > _INVOICE_SHOULD_HAVE_COME:
        return Attention("invoice_never_came", f"Invoice {invoice_id} is not in the books. Send it again in the CRM.")
    message = f"Waits for invoice {invoice_id}, which is not in the books yet."
    return Waiting("waits_for_invoice", message, now + _LOOK_FOR_INVOICE_EVERY)
