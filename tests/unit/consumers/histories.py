"""Random histories of one contact in the CRM, told in pieces, and what the books must show in the end."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from schemas.events.crm import InvoiceStatus, InvoiceUpdated, PaymentCompleted, PaymentRecord, PaymentStatus
from tests.unit.consumers.build import bill_to, contact_event, invoice_event, paid, paid_event

CENT = Decimal("0.01")


@dataclass
class Crm:
    """One contact with one invoice and some sales; every change is told by one or two events."""

    draw: Callable[[Any], Any]
    total: Decimal = Decimal("100.00")
    payments: dict[str, PaymentRecord] = field(default_factory=dict)
    sales: dict[str, PaymentRecord] = field(default_factory=dict)
    #: Payments that the CRM never tells one by one.
    only_summed: set[str] = field(default_factory=set)
    name: str = "ct_1"
    #: Whom the invoice is billed to; of two contacts one may go on as the other.
    contact: str = "ct_1"
    merged: bool = False
    status: InvoiceStatus = InvoiceStatus.SENT
    minute: int = 0
    events: list[Any] = field(default_factory=list)

    def live(self, steps: int) -> None:
        self.tell_invoice()
        for _ in range(steps):
            self.minute += 1
            steps_there_are = [
                self.edit,
                self.pay,
                self.pay,
                self.refund,
                self.rename,
                self.sell,
                self.move,
                self.merge,
            ]
            self.draw(st.sampled_from(steps_there_are))()
        self.minute += 1
        given_back = [one.amount_refunded for one in self.payments.values()]
        may_end = sum(given_back, Decimal(0)) == self.gross and self.gross in (0, self.total) and not self.only_summed
        if may_end and self.draw(st.booleans()):
            self.status = InvoiceStatus.VOID
        self.tell_invoice()

    @property
    def gross(self) -> Decimal:
        return sum((one.amount for one in self.payments.values()), Decimal(0))

    def edit(self) -> None:
        self.total = max(self.draw(_amounts(200)), self.gross, CENT)
        self.tell_invoice()

    def pay(self) -> None:
        left = self.total - self.gross
        if left <= 0 or any(one.amount_refunded for one in self.payments.values()):
            return
        amount = min(left, self.draw(_amounts(60)))
        record = paid(f"tx_{len(self.payments)}", str(amount), self.minute)
        self.payments[record.transaction_id] = record
        match self.draw(st.sampled_from(["event", "invoice", "both", "sum"])):
            case "sum":
                self.only_summed.add(record.transaction_id)
                self.tell_invoice()
            case how:
                self.tell_payment(record, invoice=how != "event", payment=how != "invoice")

    def refund(self) -> None:
        told = [one for key, one in self.payments.items() if key not in self.only_summed]
        one = self.draw(st.sampled_from([*told, *self.sales.values()])) if told or self.sales else None
        if one is None or one.amount_refunded == one.amount:
            return
        back = min(one.amount, one.amount_refunded + self.draw(_amounts(30)))
        status = PaymentStatus.REFUNDED if back == one.amount else PaymentStatus.PARTIALLY_REFUNDED
        one = replace(one, amount_refunded=back, status=status)
        if one.transaction_id in self.sales:
            self.sales[one.transaction_id] = one
            self.events.append(paid_event(one, self.minute, invoice_id=None))
        else:
            self.payments[one.transaction_id] = one
            self.tell_payment(one, invoice=True, payment=self.draw(st.booleans()))

    def rename(self) -> None:
        self.name = f"Name {self.minute}"
        self.events.append(contact_event("ct_1", self.minute, display_name=self.name))

    def move(self) -> None:
        if not self.merged:
            self.contact = "ct_2" if self.contact == "ct_1" else "ct_1"
            self.tell_invoice()

    def merge(self) -> None:
        self.merged, self.contact = True, "ct_1"
        event = contact_event("ct_1", self.minute, display_name=self.name, merged_from_contact_id="ct_2")
        self.events.append(event)
        self.tell_invoice()

    def sell(self) -> None:
        record = paid(f"sale_{len(self.sales)}", str(self.draw(_amounts(80))), self.minute)
        self.sales[record.transaction_id] = record
        self.events.append(paid_event(record, self.minute, invoice_id=None))

    def tell_payment(self, record: PaymentRecord, *, invoice: bool, payment: bool) -> None:
        if payment:
            self.events.append(paid_event(record, self.minute))
        if invoice:
            self.tell_invoice()

    def tell_invoice(self) -> None:
        listed = tuple(one for key, one in self.payments.items() if key not in self.only_summed)
        net = self.gross - sum((one.amount_refunded for one in self.payments.values()), Decimal(0))
        self.events.append(
            invoice_event(
                self.minute,
                total=str(self.total),
                paid=str(net),
                payments=listed,
                payments_complete=not self.only_summed,
                status=self.status,
                bill_to=bill_to(self.contact, display_name=self.name if self.contact == "ct_1" else "Other"),
            )
        )


def _amounts(most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(1, most * 100).map(lambda cents: Decimal(cents) / 100)


class History:
    """A CRM that lived, its events in some order with duplicates, and when the process is killed."""

    def __init__(self, crm: Crm, events: list[Any], kills: list[tuple[int, str]]) -> None:
        self.crm = crm
        self.events = events
        self.kills = kills

    def __repr__(self) -> str:
        return "\n".join((*map(_short, self.events), f"killed at {self.kills}"))


def _short(event: Any) -> str:
    if isinstance(event, PaymentCompleted):
        one = event.payment
        on = "on the invoice" if event.invoice_id else "sale"
        return f"{event.envelope.event_id}: {one.amount} less {one.amount_refunded} {on}"
    if isinstance(event, InvoiceUpdated):
        state, owed = event.invoice, event.invoice.totals
        listed = [f"{one.transaction_id} {one.amount} less {one.amount_refunded}" for one in state.payments]
        every = "all" if state.payments_complete else "some"
        return f"{event.envelope.event_id}: {state.status} {owed.total} paid {owed.amount_paid} by {every} of {listed}"
    return f"{event.envelope.event_id}: renamed"


@st.composite
def histories(draw: Callable[[Any], Any]) -> History:
    crm = Crm(draw)
    crm.live(draw(st.integers(1, 8)))
    doubled = [*crm.events, *draw(st.lists(st.sampled_from(crm.events), max_size=3))]
    order = draw(st.permutations(doubled))
    kills = draw(st.lists(st.tuples(st.integers(0, 25), st.sampled_from(["before", "after", "commit"])), max_size=4))
    return History(crm, order, kills)
