"""A payment on an invoice as a QuickBooks Payment (books, section 6).

QuickBooks knows no sparse update of Payments: an update is the whole object, or what is left out is cleared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.money import ZERO, is_multiple, minor_unit
from mapping.to_qbo.currency import check_currency, currency_ref
from mapping.to_qbo.dates import booking_day
from mapping.to_qbo.methods import NUMBER, payment_references
from mapping.to_qbo.plain import plain_value
from mapping.to_qbo.text import clean_lines, short
from schemas.events.crm import PaymentRecord

_NOTE = 4000
# What QuickBooks says of a Payment and nobody may write.
_READ_ONLY = frozenset({"MetaData", "UnappliedAmt", "LinkedTxn", "TxnTaxDetail", "HomeTotalAmt", "domain", "status"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """The body to send, and what QuickBooks must answer with."""

    body: Mapping[str, Any]
    total: Decimal
    unapplied: Decimal
    #: What to remember, field by field, as JSON.
    last_sent: Mapping[str, Any]


def payment_body(
    record: PaymentRecord,
    *,
    company: Company,
    currency: str,
    customer_id: str,
    invoice_id: str,
    applied: Decimal,
    payment_method_id: str | None,
) -> Payment:
    """Return the Payment for a transaction. Raises CannotBook.

    `customer_id` is the invoice's customer in QuickBooks, whoever paid; `invoice_id` the invoice's id there.
    """
    check_currency(currency, company, what="payment")
    day = booking_day(record.txn_date, company, what="payment")
    unit = minor_unit(currency)
    if not is_multiple(record.amount, unit):
        raise CannotBook("document_does_not_add_up", f"{record.amount} is no amount of {currency}.")
    body = {
        "CustomerRef": {"value": customer_id},
        "TotalAmt": record.amount.quantize(unit),
        "TxnDate": day.text,
        "PrivateNote": _note(f"crm:payment/{record.transaction_id}", *day.notes),
        "Line": applied_to(invoice_id, applied),
        **payment_references(record, company, payment_method_id),
        **currency_ref(currency, company),
    }
    return _payment(body, applied)


def provisional_payment(
    amount: Decimal,
    *,
    company: Company,
    currency: str,
    customer_id: str,
    invoice_id: str,
    crm_invoice_id: str,
    day: date,
    applied: Decimal,
    sequence: int = 1,
) -> Payment:
    """Return the Payment that stands for money of which only the sum is known. Raises CannotBook.

    `sequence` counts the invoice's provisional Payments, so that each is found by a number of its own.
    """
    check_currency(currency, company, what="payment")
    booked = booking_day(day, company, what="payment")
    said = "provisional: the CRM told the sum paid, not its payments"
    body = {
        "CustomerRef": {"value": customer_id},
        "TotalAmt": amount,
        "TxnDate": booked.text,
        "PaymentRefNum": short(f"{crm_invoice_id}/{sequence}", NUMBER),
        "PrivateNote": _note(f"crm:provisional/{crm_invoice_id}/{sequence}", said, *booked.notes),
        "Line": applied_to(invoice_id, applied),
        **currency_ref(currency, company),
    }
    if account := company.settings.deposit_account_id:
        body["DepositToAccountRef"] = {"value": account}
    return _payment(body, applied)


def taken_over(payment: Payment, current: Mapping[str, Any], *, invoice_id: str) -> Payment:
    """Return the update that makes the provisional Payment, as QuickBooks has it, the transaction's own."""
    lines = relinked(current, invoice_id, payment.total - payment.unapplied)
    return _updated(current, {**payment.body, "Line": lines}, payment.last_sent)


def reapplied(
    current: Mapping[str, Any],
    *,
    invoice_id: str,
    applied: Decimal,
    customer_id: str | None = None,
    amount: Decimal | None = None,
    last_sent: Mapping[str, Any],
) -> Payment:
    """Return the update that applies this much of the Payment to the invoice, whatever else it pays.

    `applied` 0 unlinks it. A moved invoice takes its Payments along (`customer_id`): unlink, move, link again.
    `amount` changes what a provisional Payment is for.
    """
    changed: dict[str, Any] = {"Line": relinked(current, invoice_id, applied)}
    if customer_id is not None:
        changed["CustomerRef"] = {"value": customer_id}
    if amount is not None:
        changed["TotalAmt"] = amount
    remembered = {name: plain_value(value) for name, value in changed.items() if name != "Line"}
    return _updated(current, changed, {**last_sent, **remembered, "applied": plain_value(applied)})


def applied_to(invoice_id: str, applied: Decimal) -> list[dict[str, Any]]:
    """Return the Payment's lines; none leaves all of it unapplied."""
    link = {"TxnId": invoice_id, "TxnType": "Invoice"}
    return [{"Amount": applied, "LinkedTxn": [link]}] if applied else []


def relinked(current: Mapping[str, Any], invoice_id: str, applied: Decimal) -> list[dict[str, Any]]:
    """Return all lines of the Payment with this much on the invoice; what pays other documents stays."""
    others = [
        {"Amount": line["Amount"], "LinkedTxn": [_link(one) for one in line.get("LinkedTxn", ())]}
        for line in current.get("Line", ())
        if not any(_pays(one, invoice_id) for one in line.get("LinkedTxn", ()))
    ]
    return [*others, *applied_to(invoice_id, applied)]


def applied_amount(payment: Mapping[str, Any], invoice_id: str) -> Decimal:
    """Return what of a Payment, as QuickBooks shows it, is applied to the invoice."""
    lines = payment.get("Line", ())
    ours = (line for line in lines if any(_pays(one, invoice_id) for one in line.get("LinkedTxn", ())))
    return sum((Decimal(str(line["Amount"])) for line in ours), ZERO)


def _pays(link: Mapping[str, Any], invoice_id: str) -> bool:
    return link.get("TxnType") == "Invoice" and str(link.get("TxnId")) == invoice_id


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    return {name: link[name] for name in ("TxnId", "TxnType", "TxnLineId") if name in link}


def _payment(body: Mapping[str, Any], applied: Decimal) -> Payment:
    remembered = {name: plain_value(value) for name, value in body.items() if name != "Line"}
    total = body["TotalAmt"]
    last_sent = {**remembered, "applied": plain_value(applied)}
    return Payment(body=body, total=total, unapplied=total - applied, last_sent=last_sent)


def _updated(current: Mapping[str, Any], changed: Mapping[str, Any], last_sent: Mapping[str, Any]) -> Payment:
    kept = {name: value for name, value in current.items() if name not in _READ_ONLY}
    body = {**kept, **changed, "sparse": False}
    total = Decimal(str(body["TotalAmt"]))
    return Payment(body=body, total=total, unapplied=total - _paid(body["Line"]), last_sent=last_sent)


def _paid(lines: Sequence[Mapping[str, Any]]) -> Decimal:
    """What the lines pay; a credit memo among them pays too."""
    signs = {"CreditMemo": -1}
    amounts = (
        Decimal(str(line["Amount"])) * signs.get(str(line["LinkedTxn"][0].get("TxnType")), 1)
        for line in lines
        if line.get("LinkedTxn")
    )
    return sum(amounts, ZERO)


def _note(*notes: str) -> str:
    return clean_lines("\n".join(notes), _NOTE)
