"""Money that was given back: one RefundReceipt for what is not booked yet (books, section 4)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from consumers.catalog import item_ids, payment_method_id
from consumers.comparing import compare_again, remembered
from consumers.customers import customer_for_sale
from consumers.intents import Draft, Link
from consumers.invoices.payments import PAYMENT, OnInvoice
from consumers.refund_links import REFUND, refund_ref, refunded
from consumers.work import Work
from mapping.booking import SETTLED
from mapping.errors import CannotBook
from mapping.money import ZERO
from mapping.to_qbo.invoice import invoice_items_wanted
from mapping.to_qbo.methods import payment_method_name
from mapping.to_qbo.refund import Refund, Refunded, refund_of_sale, refund_on_invoice
from mapping.to_qbo.sales_receipt import items_wanted
from qbo_client.writes import Operation
from schemas.events.crm import InvoiceSent, InvoiceState, InvoiceUpdated, PaymentCompleted, PaymentRecord


async def refund_sale(event: PaymentCompleted, work: Work) -> tuple[Link, ...]:
    """Book what was refunded beyond what is booked; returns the links of all the sale's refunds.

    Raises CannotBook, also where the CRM takes a refund back.
    """
    payment = event.payment
    if payment.status not in SETTLED:
        return ()
    booked = (await refunded([payment.transaction_id], work.books)).get(payment.transaction_id, ZERO)
    if payment.amount_refunded < booked:
        raise refund_fell(payment, booked)
    if payment.amount_refunded > booked:
        wanted = items_wanted(event, work.company)
        refund = refund_of_sale(
            event,
            company=work.company,
            customer_id=await customer_for_sale(
                event.contact, work, occurred_at=work.row.occurred_at, currency=event.totals.currency
            ),
            items=await item_ids(wanted, work, work.under_way),
            payment_method_id=await _method(payment, work),
            booked=booked,
        )
        await _write(payment, refund, work)
    return tuple(await work.books.links_of((REFUND,), [payment.transaction_id]))


async def refund_payments(
    records: Iterable[PaymentRecord], on_invoice: OnInvoice, state: InvoiceState | None, work: Work, *, at: datetime
) -> None:
    """Book what was refunded of payments that are in the books, on the lines of their invoice. Raises CannotBook."""
    booked = dict(on_invoice.refunds)
    in_books = {link.ref.id for link in on_invoice.links.values() if link.ref.kind == PAYMENT}
    for record in records:
        before = booked.get(record.transaction_id, ZERO)
        if record.transaction_id not in in_books or record.status not in SETTLED or record.amount_refunded <= before:
            continue
        state = state or await _invoice_state(on_invoice, work)
        wanted = invoice_items_wanted(state, work.company, new=False)
        refund = refund_on_invoice(
            record,
            state,
            company=work.company,
            customer_id=on_invoice.invoice.customer_id,
            items=await item_ids(wanted, work, work.under_way),
            payment_method_id=await _method(record, work),
            booked=Refunded(transaction=before, document=sum(booked.values(), ZERO)),
            occurred_at=at,
        )
        await _write(record, refund, work)
        booked[record.transaction_id] = record.amount_refunded


async def refund_differing(transactions: Sequence[str], work: Work) -> str | None:
    """Say how a refund stands in the books otherwise than was meant, None where all are right.

    What an earlier event booked is read again: a person may have corrected it.
    """
    just_written = {link.ref for link in work.written}
    links = await work.books.links_of((REFUND,), transactions) if transactions else []
    for link in (one for one in links if one.discrepancy):
        now = link if link.ref in just_written else await compare_again(link, work)
        if now.discrepancy:
            return now.discrepancy
    return None


def refund_fell(payment: PaymentRecord, booked: Decimal) -> CannotBook:
    return CannotBook(
        "payment_withdrawn",
        f"The CRM's refund of {booked} fell to {payment.amount_refunded}. "
        "Correct the refund receipts in QuickBooks or confirm them.",
    )


async def _write(record: PaymentRecord, refund: Refund | None, work: Work) -> None:
    if refund is None:
        return
    expect = {"TotalAmt": refund.total, "TotalTax": refund.tax}
    draft = Draft(
        ref=refund_ref(record.transaction_id, refund.cumulative),
        operation=Operation.CREATE,
        entity="RefundReceipt",
        body=refund.body,
        source=work.under_way,
        last_sent={"cumulative": str(refund.cumulative)} | remembered(expect),
        expect=expect,
        belongs_to=record.transaction_id,
    )
    await work.write(draft)


async def _method(record: PaymentRecord, work: Work) -> str | None:
    name = payment_method_name(record, work.company)
    return await payment_method_id(name, work, work.under_way) if name else None


async def _invoice_state(on_invoice: OnInvoice, work: Work) -> InvoiceState:
    """Return the invoice as the CRM last told it: a payment event does not repeat its lines."""
    invoice_id = on_invoice.invoice.link.ref.id
    newest = await work.books.newest_event("invoice", invoice_id)
    event = work.codec.decode(*newest) if newest else None
    if not isinstance(event, InvoiceSent | InvoiceUpdated):
        raise CannotBook(
            "invoice_lines_unknown",
            f"The refund is booked on the lines of invoice {invoice_id}, which are not stored any more. "
            "Publish the invoice again, then retry.",
        )
    return event.invoice
