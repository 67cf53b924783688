"""What an invoice's settlement is decided from, and the steps it ends in (books, section 6). Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from mapping.money import ZERO
from schemas.events.crm import PaymentRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the CRM told: the invoice's newest state, and payments told by themselves."""

    #: Payments in hand: of that state's list, and of payment events; the newest record of each transaction.
    records: tuple[PaymentRecord, ...] = ()
    #: Payments less refunds, as of the state.
    amount_paid: Decimal
    #: Whether the state lists every payment; else `amount_paid` is all that is known.
    complete: bool
    #: The transactions in the state's list.
    listed: frozenset[str] = frozenset()
    #: When the state was true. Payments told since may not be in it.
    at: datetime
    #: When a payment event told of its transaction.
    heard_at: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A Payment that the bridge made or adopted, as QuickBooks shows it."""

    #: None: provisional, for money of which only the sum is known.
    transaction_id: str | None
    payment_id: str
    amount: Decimal
    #: What of it is applied to this invoice, and what to nothing.
    applied: Decimal
    unapplied: Decimal = ZERO
    #: Made by a bookkeeper, who was first: never written.
    adopted: bool = False
    #: When the CRM last told of the transaction, and what refunds of it are booked.
    told_at: datetime
    refunded: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """A Payment by another hand, with what of it is applied to this invoice."""

    payment_id: str
    applied: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class InBooks:
    total: Decimal
    balance: Decimal
    ours: tuple[Ours, ...] = ()
    theirs: tuple[Theirs, ...] = ()
    #: Transactions that are booked already on another document, and what that is, in words.
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    #: The CRM was told that the invoice is paid in full: what it says of payments by hand may be its answer.
    paid_told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Make a Payment for the transaction; what is not applied stays the customer's credit."""

    transaction: PaymentRecord
    applied: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """Make the provisional Payment the transaction's own."""

    payment_id: str
    transaction: PaymentRecord
    applied: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Link the transaction to the Payment that a bookkeeper made for it, or to several that come to it; no write."""

    payment_ids: tuple[str, ...]
    transaction: PaymentRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class BookProvisional:
    amount: Decimal
    applied: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProvisional:
    payment_id: str
    amount: Decimal
    applied: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveProvisional:
    """Delete it: the money it stood for has Payments of its own, or never was."""

    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reapply:
    """Send the Payment anew with this much on the invoice: the invoice's total moved."""

    payment_id: str
    applied: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Void the Payment: the CRM took the money back, and the settings say so."""

    payment_id: str
    transaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsAttention:
    cause: str
    message: str
    transaction_id: str | None = None


Step = (
    Book | TakeOver | Adopt | BookProvisional | ChangeProvisional | RemoveProvisional | Reapply | Withdraw
    | NeedsAttention
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The steps in their order: what frees room on the invoice comes before what takes it."""

    steps: tuple[Step, ...]
    #: What the customer has as credit once they are done; the status names it.
    unapplied: Decimal
    #: Payments by other hands that stand for money of which the CRM told only the sum.
    covered_by: tuple[str, ...] = ()
