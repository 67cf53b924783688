"""Any order of partial knowledge ends in Payments that sum to what the CRM says."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.settings import Settings
from mapping.settlement import settle
from mapping.settlement_steps import (
    Adopt,
    Book,
    BookProvisional,
    ChangeProvisional,
    InBooks,
    NeedsAttention,
    Ours,
    Reapply,
    RemoveProvisional,
    Step,
    TakeOver,
    Theirs,
    Told,
)
from schemas.events.crm import PaymentMethod, PaymentRecord, PaymentStatus
from tests.unit.mapping.build import record

NOON = datetime(2025, 3, 19, 12, tzinfo=UTC)
ZERO = Decimal(0)


@dataclass
class Books:
    """One invoice, its Payments and a bookkeeper's, as QuickBooks would keep them."""

    total: Decimal
    ours: dict[str, Ours] = field(default_factory=dict)
    theirs: list[Theirs] = field(default_factory=list)
    made: int = 0
    asked: list[str] = field(default_factory=list)

    def shown(self) -> InBooks:
        adopted = {one.payment_id for one in self.ours.values() if one.adopted}
        applied = [one.applied for one in self.ours.values() if not one.adopted] + [one.applied for one in self.theirs]
        assert adopted <= {one.payment_id for one in self.theirs}
        balance = self.total - sum(applied, ZERO)
        assert balance >= 0
        return InBooks(total=self.total, balance=balance, ours=tuple(self.ours.values()), theirs=tuple(self.theirs))

    def hear(self, told: Told, heard_at: datetime) -> None:
        """What the handler does: settle, do the steps in their order, remember refunds as booked."""
        steps = settle(told, self.shown(), settings=Settings()).steps
        self.asked = [one.cause for one in steps if isinstance(one, NeedsAttention)]
        for step in steps:
            self.do(step, heard_at)
            self.shown()
        for one in told.records:
            self.note(one, heard_at)
        assert [type(one) for one in settle(told, self.shown(), settings=Settings()).steps if not _asks(one)] == []

    def note(self, known: PaymentRecord, heard_at: datetime) -> None:
        for key, one in self.ours.items():
            if one.transaction_id == known.transaction_id:
                told_at = max(one.told_at, heard_at)
                self.ours[key] = replace(one, refunded=max(one.refunded, known.amount_refunded), told_at=told_at)

    def do(self, step: Step, heard_at: datetime) -> None:
        match step:
            case Book(transaction=one, applied=applied):
                self.put(self.next_id(), one.transaction_id, one.amount, applied, heard_at)
            case TakeOver(payment_id=key, transaction=one, applied=applied):
                assert self.ours[key].transaction_id is None
                self.put(key, one.transaction_id, one.amount, applied, heard_at)
            case Adopt(payment_ids=(key,), transaction=one):
                self.put(key, one.transaction_id, one.amount, one.amount, heard_at, adopted=True)
            case BookProvisional(amount=amount, applied=applied):
                assert all(one.transaction_id is not None for one in self.ours.values())
                self.put(self.next_id(), None, amount, applied, heard_at)
            case ChangeProvisional(payment_id=key, amount=amount, applied=applied):
                self.put(key, None, amount, applied, heard_at)
            case RemoveProvisional(payment_id=key):
                del self.ours[key]
            case Reapply(payment_id=key, applied=applied):
                one_of_ours = self.ours[key]
                self.put(key, one_of_ours.transaction_id, one_of_ours.amount, applied, one_of_ours.told_at)
            case NeedsAttention(cause=cause):
                # A refund that only the sum tells of: the payment's own event is still to come.
                assert cause == "payments_exceed_sum"
            case _:
                raise AssertionError(step)

    def put(
        self, key: str, name: str | None, amount: Decimal, applied: Decimal, at: datetime, *, adopted: bool = False
    ) -> None:
        assert 0 <= applied <= amount
        others = [one.transaction_id for other, one in self.ours.items() if other != key and name is not None]
        assert name not in others, "a transaction is booked twice"
        unapplied = amount - applied
        before = self.ours.get(key)
        self.ours[key] = Ours(
            transaction_id=name,
            payment_id=key,
            amount=amount,
            applied=applied,
            unapplied=unapplied,
            adopted=adopted,
            told_at=at,
            refunded=before.refunded if before else ZERO,
        )

    def next_id(self) -> str:
        self.made += 1
        return f"p{self.made}"


def _asks(step: Step) -> bool:
    return isinstance(step, NeedsAttention)


@dataclass(frozen=True)
class History:
    """What happened in the CRM: payments a minute apart, each perhaps refunded in part after all of them."""

    payments: tuple[PaymentRecord, ...]
    refunded: tuple[Decimal, ...]

    def state(self, minute: int, *, complete: bool) -> Told:
        """The invoice as it stood at a minute."""
        taken = [self.payment(n, minute) for n in range(min(minute, len(self.payments)))]
        return Told(
            records=tuple(taken) if complete else (),
            amount_paid=sum((one.amount - one.amount_refunded for one in taken), ZERO),
            complete=complete,
            listed=frozenset(one.transaction_id for one in taken) if complete else frozenset(),
            at=NOON + timedelta(minutes=minute),
        )

    def payment(self, n: int, minute: int) -> PaymentRecord:
        known, refunded = self.payments[n], self.refunded[n]
        if minute <= len(self.payments) or not refunded:
            return known
        status = PaymentStatus.REFUNDED if refunded == known.amount else PaymentStatus.PARTIALLY_REFUNDED
        return replace(known, status=status, amount_refunded=refunded)

    @property
    def end(self) -> int:
        return len(self.payments) + 1


@st.composite
def histories(draw: st.DrawFn, *, by_hand: bool = False, refunds: bool = True) -> History:
    amounts = draw(st.lists(st.integers(1, 5).map(lambda n: Decimal(n * 10)), min_size=1, max_size=5))
    payments = tuple(
        record(
            str(amount),
            transaction_id=f"t{n}",
            paid_at=NOON + timedelta(minutes=n + 1),
            provider="manual" if by_hand else "stripe",
            method=PaymentMethod.CHECK if by_hand else PaymentMethod.CARD,
        )
        for n, amount in enumerate(amounts)
    )
    parts = st.sampled_from([ZERO, Decimal("0.5"), Decimal(1)]) if refunds else st.just(ZERO)
    return History(payments, tuple(amount * draw(parts) for amount in amounts))


@st.composite
def hearing(draw: st.DrawFn, history: History) -> list[tuple[str, int, int]]:
    """Payment events in any order, at the minute they were told; states whose minutes never fall; with repeats."""
    events = [("payment", n, m) for n in range(len(history.payments)) for m in (n + 1, history.end)]
    minutes = sorted(draw(st.lists(st.integers(0, history.end), max_size=5)))
    states = [(draw(st.sampled_from(["list", "sum"])), minute, minute) for minute in minutes]
    told = draw(
        st.permutations([*draw(st.lists(st.sampled_from(events), max_size=6)), *(("state", 0, 0) for _ in states)])
    )
    left = iter(states)
    return [next(left) if kind == "state" else (kind, n, minute) for kind, n, minute in told]


def tell(books: Books, history: History, heard: list[tuple[str, int, int]], newest: Told) -> Told:
    for kind, n, minute in heard:
        if kind in {"list", "sum"}:
            newest = history.state(minute, complete=kind == "list")
            books.hear(newest, newest.at)
            continue
        one, told_at = history.payment(n, minute), NOON + timedelta(minutes=minute)
        known = {o.transaction_id: o for o in books.ours.values()}.get(one.transaction_id)
        if known is None or known.told_at < told_at:
            books.hear(replace(newest, records=(one,), heard_at={one.transaction_id: told_at}), told_at)
    return newest


@settings(max_examples=200)
@given(st.data())
def test_any_order_of_knowledge_ends_in_what_the_list_says(data: st.DataObject) -> None:
    history = data.draw(histories())
    books = Books(total=sum((one.amount for one in history.payments), ZERO))
    newest = tell(books, history, data.draw(hearing(history)), history.state(0, complete=False))
    tell(books, history, [("list", history.end, history.end)], newest)
    assert {one.transaction_id: one.amount for one in books.ours.values()} == {
        one.transaction_id: one.amount for one in history.payments
    }
    assert books.shown().balance == 0
    assert books.asked == []


@settings(max_examples=200)
@given(st.data())
def test_any_order_of_knowledge_ends_in_what_the_sum_says(data: st.DataObject) -> None:
    history = data.draw(histories(refunds=False))
    books = Books(total=sum((one.amount for one in history.payments), ZERO))
    newest = tell(books, history, data.draw(hearing(history)), history.state(0, complete=False))
    tell(books, history, [("sum", history.end, history.end)], newest)
    assert sum((one.amount for one in books.ours.values()), ZERO) == books.total
    assert sum(one.transaction_id is None for one in books.ours.values()) <= 1


@settings(max_examples=200)
@given(st.data())
def test_cheques_that_the_bookkeeper_booked_first_are_never_booked_twice(data: st.DataObject) -> None:
    history = data.draw(histories(by_hand=True, refunds=False))
    total = sum((one.amount for one in history.payments), ZERO)
    first = data.draw(st.lists(st.sampled_from(history.payments), unique_by=lambda one: one.transaction_id))
    books = Books(total=total, theirs=[Theirs(payment_id=f"b{n}", applied=o.amount) for n, o in enumerate(first)])
    books.hear(history.state(history.end, complete=True), NOON)
    assert books.shown().balance == 0
    assert sum((one.amount for one in books.ours.values()), ZERO) == total
    assert sum(one.adopted for one in books.ours.values()) == len(first)


@given(st.integers(1, 9), st.integers(1, 9))
def test_unclear_money_never_becomes_a_payment(amount: int, other: int) -> None:
    books = Books(total=Decimal(10), theirs=[Theirs(payment_id="b1", applied=Decimal(10))])
    known = record(str(amount), transaction_id="t1", provider="stripe", paid_at=NOON)
    told = Told(records=(known,), amount_paid=Decimal(other), complete=False, at=NOON)
    found = settle(told, books.shown(), settings=Settings()).steps
    assert [type(one) for one in found if not isinstance(one, NeedsAttention)] == []
    assert found
