"""Which Payments an invoice needs, from what the CRM told of its money and what stands in the books (books, section 6).

Pure: the same knowledge gives the same steps, and once they are done it gives none.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from mapping.booking import SETTLED
from mapping.money import ZERO
from mapping.settings import Settings, Withdrawn
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
    Settlement,
    Step,
    TakeOver,
    Theirs,
    Told,
    Withdraw,
)
from mapping.settlement_words import (
    booked_elsewhere,
    paid_again_after_refund,
    paid_already,
    paid_elsewhere,
    payments_exceed_sum,
)
from schemas.events.crm import PaymentMethod, PaymentRecord, PaymentStatus

_BY_HAND = frozenset({"", "manual", "offline"})
_NOT_TAKEN = frozenset({PaymentStatus.FAILED, PaymentStatus.PENDING})


def settle(told: Told, books: InBooks, *, settings: Settings) -> Settlement:
    """Decide what brings the invoice's Payments to what the CRM told."""
    plan = _Plan(told=told, books=books, settings=settings)
    plan.take_back()
    plan.apply_what_is_free()
    for record in plan.new_records():
        plan.book(record)
    plan.provide()
    return Settlement(steps=plan.in_order(), unapplied=plan.unapplied, covered_by=tuple(plan.covered_by))


def is_manual(record: PaymentRecord) -> bool:
    """Whether a person recorded it, so that a bookkeeper may have recorded the same money in QuickBooks."""
    if record.provider is None:
        return record.method is not PaymentMethod.CARD
    return record.provider.strip().casefold() in _BY_HAND


@dataclass(slots=True, kw_only=True)
class _Plan:
    told: Told
    books: InBooks
    settings: Settings
    steps: list[Step] = field(default_factory=list)
    kept: list[Ours] = field(default_factory=list)
    provisional: Ours | None = None
    #: What of the invoice is open to the Payments that are planned.
    free: Decimal = ZERO
    unapplied: Decimal = ZERO
    strangers: list[Theirs] = field(default_factory=list)
    covered_by: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.free = self.books.balance
        adopted = {one.payment_id for one in self.books.ours}
        self.strangers = [one for one in self.books.theirs if one.payment_id not in adopted and one.applied > 0]
        for one in self.books.ours:
            if one.transaction_id is not None:
                self.kept.append(one)
                continue
            # What stands provisionally is open to whatever it stands for.
            self.free += one.applied
            if self.provisional is None:
                self.provisional = one
            else:
                self.steps.append(RemoveProvisional(payment_id=one.payment_id))

    def take_back(self) -> None:
        """Look for booked money that the CRM takes back or changes."""
        for one in tuple(self.kept):
            why = self._why_withdrawn(one)
            if why and self._may_void(one):
                self.kept.remove(one)
                self.free += one.applied
                self.steps.append(Withdraw(payment_id=one.payment_id, transaction_id=str(one.transaction_id)))
            elif why:
                self._ask("payment_withdrawn", f"{why} Void the payment in QuickBooks or confirm it.", one)
            elif changed := self._changed_amount(one):
                self._ask("amount_changed_after_booking", changed, one)

    def apply_what_is_free(self) -> None:
        """Apply our Payments anew where the invoice's total moved: the first gains first, the last loses first."""
        for one in reversed(self.kept) if self.free < 0 else self.kept:
            if one.adopted:
                continue
            more = min(one.unapplied, max(self.free, ZERO))
            less = min(one.applied, max(-self.free, ZERO))
            if more or less:
                self.steps.append(Reapply(payment_id=one.payment_id, applied=one.applied + more - less))
            self.free += less - more
            self.unapplied += one.unapplied + less - more

    def new_records(self) -> list[PaymentRecord]:
        booked = {one.transaction_id for one in self.books.ours}
        new = {r.transaction_id: r for r in self.told.records if _is_taken(r) and r.transaction_id not in booked}
        return sorted(new.values(), key=_paid_in_order)

    def book(self, record: PaymentRecord) -> None:
        same = self._recorded_by_others(record)
        if record.transaction_id in self.books.elsewhere:
            self._book_no_second_time(record, same)
            return
        if same and is_manual(record):
            self.strangers = [one for one in self.strangers if one not in same]
            self.steps.append(Adopt(payment_ids=tuple(one.payment_id for one in same), transaction=record))
            return
        if record.amount > self.free and (unclear := self._unclear(record)):
            self.steps.append(unclear)
            return
        applied = self._taken(record.amount)
        if self.provisional is None:
            self.steps.append(Book(transaction=record, applied=applied))
        else:
            taken_over, self.provisional = self.provisional.payment_id, None
            self.steps.append(TakeOver(payment_id=taken_over, transaction=record, applied=applied))

    def _recorded_by_others(self, record: PaymentRecord) -> tuple[Theirs, ...]:
        """Return the Payment by another hand of that amount; else all, where they come to it and no room is left."""
        if (one := next((one for one in self.strangers if one.applied == record.amount), None)) is not None:
            return (one,)
        all_of_it = sum((one.applied for one in self.strangers), ZERO) == record.amount
        return tuple(self.strangers) if all_of_it and record.amount > self.free else ()

    def _book_no_second_time(self, record: PaymentRecord, same: tuple[Theirs, ...]) -> None:
        """One transaction is one object; a person who put things right has recorded this amount here."""
        if same:
            self.strangers = [one for one in self.strangers if one not in same]
            return
        self.steps.append(booked_elsewhere(record, self.books.elsewhere[record.transaction_id]))

    def provide(self) -> None:
        """Let a provisional Payment stand for what only the sum tells of."""
        missing = self._missing()
        if missing is None:
            return
        there = self.provisional
        if not missing:
            if there is not None:
                self.steps.append(RemoveProvisional(payment_id=there.payment_id))
            return
        applied = self._taken(missing)
        if there is None:
            self.steps.append(BookProvisional(amount=missing, applied=applied))
        elif (there.amount, there.applied) != (missing, applied):
            self.steps.append(ChangeProvisional(payment_id=there.payment_id, amount=missing, applied=applied))

    def in_order(self) -> tuple[Step, ...]:
        return tuple(sorted(self.steps, key=_frees_room, reverse=True))

    def _may_void(self, one: Ours) -> bool:
        """What only left the list of an invoice that was told to be paid may be there under another name."""
        replaced = self.books.paid_told and self._news_of(one) is None
        plain = not one.adopted and one.refunded == 0
        return self.settings.withdrawn is Withdrawn.VOID and plain and not replaced

    def _why_withdrawn(self, one: Ours) -> str | None:
        record = self._news_of(one)
        if record is not None and record.status in _NOT_TAKEN:
            return f"The CRM says that {one.amount} was not taken."
        gone = self.told.complete and one.transaction_id not in self.told.listed
        if record is None and gone and one.told_at <= self.told.at:
            return f"The CRM no longer lists the payment of {one.amount}."
        if record is not None and record.amount_refunded < one.refunded:
            return f"The CRM's refund of {one.refunded} fell to {record.amount_refunded}."
        return None

    def _changed_amount(self, one: Ours) -> str | None:
        record = self._news_of(one)
        if record is None or one.adopted or not _is_taken(record) or record.amount == one.amount:
            return None
        return f"The payment is for {one.amount} and the CRM now says {record.amount}. Correct it in QuickBooks."

    def _news_of(self, one: Ours) -> PaymentRecord | None:
        """Return the record in hand, unless the transaction was told of later than that."""
        record = self._record(one.transaction_id)
        return record if record is not None and self._told_at(record) >= one.told_at else None

    def _unclear(self, record: PaymentRecord) -> NeedsAttention | None:
        """More than is open of the invoice: an overpayment, unless something else explains it."""
        if self._refunded_before(record):
            return paid_again_after_refund(record)
        if self.strangers:
            return paid_elsewhere(record.amount, self.strangers, record.transaction_id)
        if self.books.paid_told and is_manual(record):
            return paid_already(record.amount, max(self.free, ZERO), record.transaction_id)
        return None

    def _missing(self) -> Decimal | None:
        """Return what a provisional Payment should be for; None where nobody can tell."""
        if self.told.complete:
            return ZERO
        missing = self.told.amount_paid - self._gross(every=True) + self._refunds(every=False)
        if missing < 0:
            known = self._gross(every=False) - self._refunds(every=True)
            if self.told.amount_paid < known:
                self.steps.append(payments_exceed_sum(self.told.amount_paid, known))
            return ZERO
        covered = [one for one in self.strangers if one.applied == missing][:1] or self.strangers
        by_others = sum((one.applied for one in covered), ZERO)
        if covered and (by_others == missing or missing > self.free):
            if by_others > missing or missing - by_others > max(self.free, ZERO):
                self.steps.append(paid_elsewhere(missing, self.strangers, None))
                return None
            self.covered_by += [one.payment_id for one in covered]
            return missing - by_others
        if self.books.paid_told and missing > max(self.free, ZERO):
            self.steps.append(paid_already(missing, max(self.free, ZERO), None))
            return None
        return missing

    def _gross(self, *, every: bool) -> Decimal:
        """Sum the transactions that are known: all, or those that the state surely counts."""
        records = {r.transaction_id: r for r in self.told.records if _is_taken(r)}
        told = sum((r.amount for r in records.values() if every or r.paid_at <= self.told.at), ZERO)
        others = (one for one in self.kept if self._record(one.transaction_id) is None)
        return told + sum((one.amount for one in others if every or one.told_at <= self.told.at), ZERO)

    def _refunds(self, *, every: bool) -> Decimal:
        """Sum the refunds that are known: all, or those that the state surely counts."""
        told = (r.amount_refunded for r in self.told.records if every or self._is_counted(r))
        others = (one for one in self.kept if self._record(one.transaction_id) is None)
        booked = (one.refunded for one in others if every or one.told_at <= self.told.at)
        return sum(told, ZERO) + sum(booked, ZERO)

    def _refunded_before(self, record: PaymentRecord) -> bool:
        """Whether earlier money was given back: this record's own refund is none, nor one of a later payment."""
        earlier = (r for r in self.told.records if _paid_in_order(r) < _paid_in_order(record))
        others = (one for one in self.kept if self._record(one.transaction_id) is None)
        return any(r.amount_refunded for r in earlier) or any(one.refunded for one in others)

    def _is_counted(self, record: PaymentRecord) -> bool:
        return self._told_at(record) <= self.told.at

    def _told_at(self, record: PaymentRecord) -> datetime:
        listed = record.transaction_id in self.told.listed
        return self.told.at if listed else self.told.heard_at.get(record.transaction_id, record.paid_at)

    def _record(self, transaction_id: str | None) -> PaymentRecord | None:
        return next((r for r in self.told.records if r.transaction_id == transaction_id), None)

    def _taken(self, amount: Decimal) -> Decimal:
        applied = min(amount, max(self.free, ZERO))
        self.free -= applied
        self.unapplied += amount - applied
        return applied

    def _ask(self, cause: str, message: str, one: Ours) -> None:
        self.steps.append(NeedsAttention(cause=cause, message=message, transaction_id=one.transaction_id))


def _paid_in_order(record: PaymentRecord) -> tuple[datetime, str]:
    return record.paid_at, record.transaction_id


def _is_taken(record: PaymentRecord) -> bool:
    return record.status in SETTLED and record.amount > 0


def _frees_room(step: Step) -> bool:
    return isinstance(step, Withdraw | RemoveProvisional | TakeOver | ChangeProvisional)
