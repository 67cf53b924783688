"""Whether an invoice was paid in full, and what did it (books, section 9)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mapping.from_qbo.customer import created, last_updated
from mapping.from_qbo.invoice import amount
from mapping.to_qbo.payment import applied_amount

Row = Mapping[str, Any]

#: QuickBooks stamps a Payment and the invoice that it is applied to in one go; a second may end in between.
_AT_ONCE = timedelta(seconds=2)


def is_settled(invoice: Row) -> bool:
    """Whether nothing is left to pay of something: neither a void nor another invoice over nothing."""
    return amount(invoice, "TotalAmt") > 0 and amount(invoice, "Balance") == 0


def payment_ids(invoice: Row) -> tuple[str, ...]:
    """Return the Payments applied to an invoice, as QuickBooks lists them."""
    links = invoice.get("LinkedTxn") or ()
    return tuple(dict.fromkeys(str(link["TxnId"]) for link in links if link.get("TxnType") == "Payment"))


def applied_at(payment: Row, invoice: Row) -> datetime:
    """Return when a Payment was applied to an invoice, as far as their times tell.

    A change of the Payment that did not change the invoice (a memo, a deposit) applied nothing: the Payment counts
    from when it was made.
    """
    return last_updated(payment) if changed_together(payment, invoice) else created(payment)


def paid_by(invoice: Row, payments: Sequence[Row]) -> Row | None:
    """Return the Payment that brought a settled invoice to zero; None where no money did.

    `payments` are those applied to it. The one applied last reduced it last; of equal times the higher id. A
    credit memo is applied by a Payment over nothing, which is no money.
    """
    last = max(payments, key=lambda one: (applied_at(one, invoice), number_of(one)), default=None)
    if last is None or amount(last, "TotalAmt") <= 0:
        return None
    # Where something else settled a part (a journal entry), nothing says when, unless the Payment changed it last.
    return last if _covered(invoice, payments) or changed_together(last, invoice) else None


def _covered(invoice: Row, payments: Sequence[Row]) -> bool:
    """Whether these Payments settle all of it, but for what was deposited when it was made."""
    applied = sum((applied_amount(one, str(invoice["Id"])) for one in payments), Decimal(0))
    return applied >= amount(invoice, "TotalAmt") - amount(invoice, "Deposit")


def changed_together(payment: Row, invoice: Row) -> bool:
    """Whether the last change of an invoice may be that this Payment was applied to it."""
    return abs(last_updated(payment) - last_updated(invoice)) <= _AT_ONCE


def edited_after(payment: Row, invoice: Row) -> bool:
    """Whether an invoice was changed otherwise after this Payment was applied to it, as far as whole seconds tell."""
    return last_updated(invoice) > applied_at(payment, invoice)


def paid_since(payment: Row, invoice: Row, moment: datetime) -> bool:
    """Whether a Payment was applied to an invoice after a moment at which nobody looked.

    Where both are older, a change of either alone does not mean that: only what changed both at once does.
    """
    if created(invoice) >= moment or created(payment) >= moment:
        return True
    return last_updated(payment) >= moment and changed_together(payment, invoice)


def paid_in_history(invoice: Row, without_money: frozenset[str]) -> bool:
    """Whether a settled invoice was paid before anybody watched: its latest Payment moved money.

    `without_money` are the ids of all Payments over nothing. Ids rise, so that no Payment has to be read.
    """
    ids = sorted(payment_ids(invoice), key=_number)
    return bool(ids) and ids[-1] not in without_money


def number_of(thing: Row) -> int:
    """Return an object's id as the number that rises with each new one."""
    return _number(str(thing["Id"]))


def _number(identifier: str) -> int:
    return int(identifier) if identifier.isdigit() else 0
