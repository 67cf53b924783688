"""The Payments on one invoice as the books have them, ours and those by other hands (books, section 6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from consumers.intents import Draft, Link
from consumers.invoices.booked import Booked, Removed
from consumers.refund_links import refunded
from consumers.work import Work
from mapping.errors import CannotBook
from mapping.from_qbo.transactions import is_void
from mapping.money import ZERO
from mapping.settlement_steps import InBooks, Ours, Theirs
from mapping.to_qbo.payment import Payment, applied_amount, reapplied
from qbo_client.query import where
from qbo_client.writes import Operation

PAYMENT, PROVISIONAL = "payment", "provisional"
#: Where a link remembers the Payments that stand for its transaction besides the first.
WITH = "with"
_IDS_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OnInvoice:
    """An invoice and every Payment that is known to be on it."""

    invoice: Booked
    #: Ours by their QuickBooks id, the first linked first.
    links: Mapping[str, Link]
    #: Every Payment's object by its QuickBooks id.
    bodies: Mapping[str, Mapping[str, Any]]
    #: What is booked as refunded, by transaction.
    refunds: Mapping[str, Decimal]
    #: Whether all of it is what QuickBooks just said.
    fresh: bool

    @property
    def total(self) -> Decimal:
        return _amount(self.invoice.body, "TotalAmt")

    @property
    def applied(self) -> Decimal:
        """What the Payments that are known pay of it."""
        return sum((self._applied(one) for one in self.bodies), ZERO)

    @property
    def balance(self) -> Decimal:
        """A copy's balance may be older than our own Payments; what they leave open is not."""
        return _amount(self.invoice.body, "Balance") if self.fresh else self.total - self.applied

    @property
    def copy_is_old(self) -> bool:
        """Whether Payments came or went since the copy of the invoice was taken: its SyncToken may have risen."""
        return not self.invoice.fresh and _amount(self.invoice.body, "Balance") != self.total - self.applied

    def in_books(self) -> InBooks:
        return InBooks(
            total=self.total,
            balance=self.balance,
            ours=tuple(self._ours(link) for link in self.links.values()),
            theirs=tuple(self._theirs()),
        )

    def _ours(self, link: Link) -> Ours:
        known, ids = link.last_sent or {}, _ids(link)
        transaction_id = link.ref.id if link.ref.kind == PAYMENT else None
        return Ours(
            transaction_id=transaction_id,
            payment_id=link.qbo_id,
            amount=sum((_amount(self.bodies[one], "TotalAmt") for one in ids), ZERO),
            applied=sum(map(self._applied, ids), ZERO),
            unapplied=sum((_amount(self.bodies[one], "UnappliedAmt") for one in ids), ZERO),
            adopted=link.origin == "found",
            told_at=datetime.fromisoformat(known["told_at"]),
            refunded=self.refunds.get(transaction_id or "", ZERO),
        )

    def _theirs(self) -> Iterable[Theirs]:
        ours = set(_all_ids(self.links))
        strangers = (one for one in self.bodies if one not in ours)
        return (Theirs(payment_id=one, applied=self._applied(one)) for one in strangers)

    def _applied(self, payment_id: str) -> Decimal:
        return applied_amount(self.bodies[payment_id], self.invoice.link.qbo_id)


async def payments_on(invoice: Booked, work: Work) -> OnInvoice:
    """Gather the invoice's Payments, from local copies where these can still be true.

    Raises Removed when a person deleted or voided one of ours.
    """
    links = await _our_links(invoice, work)
    ids = list(dict.fromkeys((*_all_ids(links), *_linked(invoice.body))))
    bodies = {} if work.read_again else await work.books.copies("Payment", ids)
    bodies |= await _read([one for one in ids if one not in bodies], work)
    known = await _known(invoice, links, bodies, work, fresh=invoice.fresh)
    if invoice.fresh and known.balance != known.total - known.applied:
        # QuickBooks took back what an invoice no longer owes, or another hand applied something.
        known = await _known(invoice, links, await _read(ids, work), work, fresh=True)
    return known


async def _known(
    invoice: Booked, links: Mapping[str, Link], bodies: Mapping[str, Mapping[str, Any]], work: Work, *, fresh: bool
) -> OnInvoice:
    for one in _all_ids(links):
        if one not in bodies or is_void(bodies[one]):
            raise Removed("payment", "deleted" if one not in bodies else "voided")
    transactions = [link.ref.id for link in links.values() if link.ref.kind == PAYMENT]
    refunds = await refunded(transactions, work.books)
    return OnInvoice(invoice=invoice, links=links, bodies=bodies, refunds=refunds, fresh=fresh)


async def unlink_payments(on_invoice: OnInvoice, customer_id: str, work: Work) -> None:
    """Take our Payments off the invoice and to its new customer; they are applied again once it has moved.

    One that found no room goes along: what it is for may be owed on this invoice again.
    """
    linked = [one for one in on_invoice.bodies if applied_amount(on_invoice.bodies[one], _id(on_invoice))]
    if any(one not in on_invoice.links or on_invoice.links[one].origin == "found" for one in linked):
        raise CannotBook(
            "contact_change_refused",
            "The CRM moved the invoice to another contact, and a payment that a person recorded is applied to it. "
            "Move both to the other customer in QuickBooks, then retry.",
        )
    for one, link in on_invoice.links.items():
        if one not in linked and (link.origin == "found" or _is_of(on_invoice.bodies[one], customer_id)):
            continue
        payment = reapplied(
            on_invoice.bodies[one], invoice_id=_id(on_invoice), applied=ZERO, customer_id=customer_id,
            last_sent=link.last_sent or {},
        )  # fmt: skip
        await work.write(payment_update(link, payment))


def payment_update(link: Link, payment: Payment) -> Draft:
    """Return a write to a Payment that leaves untouched which event it was booked for."""
    return Draft(
        ref=link.ref,
        operation=Operation.UPDATE,
        entity="Payment",
        body=payment.body,
        source=link.source,
        last_sent=payment.last_sent,
        expect={"TotalAmt": payment.total, "UnappliedAmt": payment.unapplied},
        origin=link.origin,
        belongs_to=link.belongs_to,
    )


def _is_of(payment: Mapping[str, Any], customer_id: str) -> bool:
    return str((payment.get("CustomerRef") or {}).get("value")) == customer_id


def _id(on_invoice: OnInvoice) -> str:
    return on_invoice.invoice.link.qbo_id


def _ids(link: Link) -> tuple[str, ...]:
    """Return the Payments that a link stands for; more than one only where others recorded them."""
    return (link.qbo_id, *(link.last_sent or {}).get(WITH, ()))


def _all_ids(links: Mapping[str, Link]) -> list[str]:
    return [one for link in links.values() for one in _ids(link)]


async def _our_links(invoice: Booked, work: Work) -> dict[str, Link]:
    links = await work.books.links_of((PAYMENT, PROVISIONAL), [invoice.link.ref.id])
    return {link.qbo_id: link for link in links if not (link.last_sent or {}).get("withdrawn")}


def _linked(invoice: Mapping[str, Any]) -> list[str]:
    return [str(one["TxnId"]) for one in invoice.get("LinkedTxn", ()) if one.get("TxnType") == "Payment"]


async def _read(ids: Sequence[str], work: Work) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = list(ids[start : start + _IDS_AT_ONCE])
        rows = await work.client.query_all("Payment", where("Id", "IN", some))
        await work.books.save_copies("Payment", rows)
        found.update((str(row["Id"]), row) for row in rows)
    return found


def _amount(body: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(str(body.get(name) or 0))
