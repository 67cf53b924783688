"""What is recalled of a company before news is judged, and what is stored afterwards. Values only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from producers.watched import Hint
from schemas.topics import QuickBooksEvent

Row = Mapping[str, Any]
#: Kind and name of somebody who may have paid: a contact, a customer, an e-mail address.
Payer = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCustomer:
    """A customer as the CRM knows it."""

    fields: Mapping[str, Any]
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownInvoice:
    """An invoice as it was seen last, and what others were told of it."""

    qbo_id: str
    customer_id: str
    total: Decimal
    #: The Payments applied to it, and when it was changed by QuickBooks' clock: what came since is told by them.
    payments: Sequence[str] = field(compare=False)
    changed_at: datetime = field(compare=False)
    open: bool
    paid: bool = False
    paid_told: bool = False
    imported: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What the bridge's own writes without an answer may be doing to customers and invoices right now."""

    #: Fields of `qb.customer.changed` that an open update touches, by customer.
    touched: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Names (case-folded) of customers being made.
    names: frozenset[str] = frozenset()
    #: First lines of the notes of invoices being made.
    notes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Of what something has to be recalled."""

    customers: Sequence[str] = ()
    invoices: Sequence[str] = ()
    #: Of Payments only the copies are recalled.
    payments: Sequence[str] = ()
    #: Customers, and e-mail addresses as match keys, of whom it matters whether they have paid before.
    payers: Sequence[str] = ()
    emails: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    customers: Mapping[str, KnownCustomer] = field(default_factory=dict)
    invoices: Mapping[str, KnownInvoice] = field(default_factory=dict)
    writing: Writing = field(default_factory=Writing)
    #: CRM contacts linked to a customer, the first linked first.
    contacts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Customers that the bridge made.
    made: frozenset[str] = frozenset()
    #: CRM invoices by the QuickBooks invoice that stands for them.
    crm_invoices: Mapping[str, str] = field(default_factory=dict)
    #: Contacts that the CRM merged with those of a customer, in either direction.
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Local copies by kind and id; of payers their parents' too.
    copies: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    #: Of those asked for, and of their parents, contacts and addresses: who has paid in full before.
    has_paid: frozenset[Payer] = frozenset()


@dataclass(slots=True, kw_only=True)
class Progress:
    """What changes about the watch itself; what is None stays."""

    customers_since: datetime | None = None
    invoices_since: datetime | None = None
    customers_read: bool = False
    customers_told: bool = False
    history_since: datetime | None = None
    history_ended: bool = False
    import_until: datetime | None = None
    import_total: int | None = None
    imported: int = 0
    import_ended: bool = False
    polled: bool = False
    #: A part of a poll that is stored before the rest.
    piece: bool = False
    poll_in_seconds: float | None = None
    unannounced_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class TakenIn:
    """What one transaction stores."""

    events: list[tuple[str, QuickBooksEvent]] = field(default_factory=list)
    customers: dict[str, KnownCustomer] = field(default_factory=dict)
    invoices: dict[str, KnownInvoice] = field(default_factory=dict)
    #: Customers that are no more, by the one that took them in.
    merged: dict[str, str] = field(default_factory=dict)
    paid_by: set[Payer] = field(default_factory=set)
    copies: list[tuple[str, Row]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    #: Hints that are done with, and those to be looked for again, with the wait in seconds.
    answered: list[Hint] = field(default_factory=list)
    unanswered: list[tuple[Hint, float]] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)
    #: The import's standing changed: the CRM's integration card is told.
    tell_import: bool = False


#: Judges what was recalled. Pure, and fast: a transaction waits for it.
Decide = Callable[[Memory], TakenIn]
