"""One poll: what changed in a company's books by another hand, told once.

1. QuickBooks is asked what changed since the last poll, by its own clock, with some overlap.
2. In one transaction, what is known is recalled, news is judged, and cursor, copies, what is known from now on and
   the outbox rows are stored. Killed before its end, the poll never was; the next one asks the same again.

News is judged by content, never by tokens: the row that QuickBooks shows against what the CRM knows. Writes of the
bridge itself are known to it the moment their answer is committed, and until then by their open intents.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from mapping.from_qbo.customer import last_updated
from producers import customers, invoices
from producers.customers import is_disputed, is_gone, is_older, take_customer, take_gone
from producers.events import Teller
from producers.invoices import Read, in_order_of_payment, take_invoice
from producers.memory import Ask, Decide, Memory, Progress, Row, TakenIn
from producers.payers import customer_id_of
from producers.ports import WatchStore
from producers.reading import Reading, invoices_of, read_changes
from producers.watched import CUSTOMER, INVOICE, PAYMENT, Hint, Watched, WatchPolicy, Webhooks
from qbo_client.client import QBOClient

_SECOND = timedelta(seconds=1)
#: Polls of many companies spread by themselves.
_JITTER = (0.9, 1.0)
_BEING_MADE: Mapping[str, Callable[[Row, Memory], bool]] = {
    CUSTOMER: customers.being_made,
    INVOICE: invoices.being_made,
}
#: While the bridge is busy, some write of its own is under way at every poll: that alone is no reason to hurry.
_SHORTEST_WAIT = 30.0


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges one reading, once: it notes what has to wait. What it says follows from the reading and the memory."""

    reading: Reading
    watched: Watched
    policy: WatchPolicy
    teller: Teller
    now: datetime
    #: Between 0 and 1.
    chance: float
    #: Times of rows, by kind and id, that have to be seen again once an open intent of ours has its answer.
    _waiting: dict[tuple[str, str], datetime] = field(default_factory=dict)
    #: When changes happened that no webhook told of.
    _unannounced: list[datetime] = field(default_factory=list)
    #: Customers that were judged in an earlier piece.
    _judged: set[str] = field(default_factory=set)

    def pieces(self) -> Iterator[tuple[Ask, Decide]]:
        """Return what is judged and stored before the rest: most of the customers, where there are very many.

        A transaction over all of them would keep others waiting. The cursor moves with the rest; until then each
        piece may be read and judged again, which tells nothing twice.
        """
        ids = sorted(self.reading.of(CUSTOMER).keys() - self.reading.gone.keys())
        for start in range(0, len(ids) - self.policy.page, self.policy.page):
            some = ids[start : start + self.policy.page]
            yield Ask(customers=some), partial(self._decide_piece, some)

    def _decide_piece(self, ids: Sequence[str], memory: Memory) -> TakenIn:
        taken = TakenIn(progress=Progress(piece=True))
        rows = self.reading.of(CUSTOMER)
        self._take_customers([rows[one] for one in ids], memory, taken)
        self._judged.update(ids)
        return taken

    def ask(self) -> Ask:
        """Return what has to be recalled for the rest."""
        ask = self.reading.ask()
        owners = {customer_id_of(row) for row in self.reading.of(INVOICE).values()}
        return replace(ask, customers=[one for one in ask.customers if one not in self._judged or one in owners])

    def decide(self, memory: Memory) -> TakenIn:
        taken = TakenIn()
        read = Read(customers=self.reading.known(CUSTOMER), payments=self.reading.known(PAYMENT))
        ended = {one: gone for one, gone in self.reading.gone.items() if is_gone(one, gone, memory)}
        left = self.reading.of(CUSTOMER).items()
        self._take_customers([row for key, row in left if key not in ended and key not in self._judged], memory, taken)
        # What there is comes before what is no more: whoever is told of a merge knows the survivor.
        for customer_id, gone in ended.items():
            take_gone(customer_id, gone, memory, taken, self.teller)
        self._take_payments(memory, taken)
        for row in in_order_of_payment(self._fit(INVOICE, self.reading.of(INVOICE).values(), memory), read, memory):
            self._take_invoice(row, read, memory, taken)
        taken.dropped += [(kind, one) for kind, ids in self.reading.deleted.items() for one in ids if kind != CUSTOMER]
        taken.copies += [(kind, row) for kind, rows in self.reading.extra.items() for row in rows.values()]
        self._move_on(taken)
        self._settle_hints(taken)
        return taken

    def _fit(self, kind: str, rows: Iterable[Row], memory: Memory) -> list[Row]:
        """Return the rows that can be judged now."""
        fit = []
        for row in rows:
            if _BEING_MADE[kind](row, memory):
                self._waiting[kind, str(row["Id"])] = last_updated(row)
            elif not is_older(row, kind, memory):
                fit.append(row)
        return fit

    def _take_customers(self, rows: Iterable[Row], memory: Memory, taken: TakenIn) -> None:
        for row in self._fit(CUSTOMER, rows, memory):
            if is_disputed(row, memory):
                self._waiting[CUSTOMER, str(row["Id"])] = last_updated(row)
            news = take_customer(row, memory, taken, self.teller, began_at=self.watched.began_at)
            self._note(CUSTOMER, row, news)

    def _take_invoice(self, row: Row, read: Read, memory: Memory, taken: TakenIn) -> None:
        news = take_invoice(
            row, read, memory, taken, self.teller,
            began_at=self.watched.began_at, reviews=self.watched.review_requests,
        )  # fmt: skip
        ours = str(row["Id"]) in memory.crm_invoices
        self._note(INVOICE, row, news and not ours)
        if ours or (INVOICE, str(row["Id"])) in memory.copies:
            taken.copies.append((INVOICE, row))

    def _take_payments(self, memory: Memory, taken: TakenIn) -> None:
        """Keep the copies of Payments that are on invoices of ours, or were kept before."""
        for key, row in self.reading.of(PAYMENT).items():
            concerns = any(one in memory.crm_invoices for one in invoices_of(row))
            if concerns or (PAYMENT, key) in memory.copies:
                taken.copies.append((PAYMENT, row))

    def _note(self, kind: str, row: Row, news: bool) -> None:
        """Note a change by another hand that no webhook told of although there was time for one."""
        at = last_updated(row)
        announced = any((h.entity, h.qbo_id) == (kind, str(row["Id"])) for h in self.reading.hints)
        if news and not announced and at < (self.reading.taken_at or self.now) - self.policy.grace:
            self._unannounced.append(at)

    def _settle_hints(self, taken: TakenIn) -> None:
        """Be done with the hints whose change was seen; the others are looked for again, a few times.

        One whose row waits is kept for as long: a webhook did tell of what that will turn out to be.
        """
        waits, next_in = self.policy.look_again_seconds, taken.progress.poll_in_seconds or 0.0
        for hint in self.reading.hints:
            if (hint.entity, hint.qbo_id) in self._waiting:
                taken.unanswered.append((hint, next_in))
            elif self._saw(hint) or hint.tries >= len(waits):
                taken.answered.append(hint)
            else:
                taken.unanswered.append((hint, waits[hint.tries]))

    def _saw(self, hint: Hint) -> bool:
        if hint.entity not in self.watched.entities:
            return True  # The history comes first; the poll after it finds it anyway.
        if hint.qbo_id in self.reading.deleted.get(hint.entity, ()) or hint.deleted_id in self.reading.gone:
            return True
        row = self.reading.of(hint.entity).get(hint.qbo_id)
        # The object and the event about it are stamped one after the other.
        return row is not None and last_updated(row) >= hint.at.replace(microsecond=0) - _SECOND

    def _move_on(self, taken: TakenIn) -> None:
        """Move the cursor, but never past a row that waits; and say when the next poll is due."""
        progress = taken.progress
        progress.polled = True
        progress.unannounced_at = max(self._unannounced, default=None)
        at = self.reading.taken_at
        if at is not None:
            overlap = self.policy.short_overlap if self.reading.whole else self.policy.overlap
            since = min([at - overlap, *(moment - _SECOND for moment in self._waiting.values())])
            progress.customers_since = max(since, self.watched.customers_since)
            if INVOICE in self.watched.entities:
                progress.invoices_since = max(since, self.watched.invoices_since)
        progress.poll_in_seconds = self._next_in(progress.unannounced_at)

    def _next_in(self, unannounced_at: datetime | None) -> float:
        webhooks = Webhooks(
            began_at=self.watched.began_at,
            announced_at=self.watched.announced_at,
            unannounced_at=unannounced_at or self.watched.unannounced_at,
        )
        # Since when the company is watched was noted by QuickBooks' clock, which may be ahead of ours.
        usual = webhooks.poll_seconds(max(self.now, self.reading.taken_at or self.now), self.policy)
        low, high = _JITTER
        usual *= low + (high - low) * self.chance
        if not self._waiting:
            return usual
        # As long again as it has waited already.
        age = ((self.reading.taken_at or self.now) - min(self._waiting.values())).total_seconds()
        return min(max(age, _SHORTEST_WAIT), usual)


async def poll(
    store: WatchStore, client: QBOClient, watched: Watched, *, policy: WatchPolicy, teller: Teller, now: datetime,
    rng: random.Random,
) -> None:  # fmt: skip
    """Read what changed and store what follows. Raises QBOError, and what the store raises.

    Nothing is read if only hints made it due and all of them are echoes of our own writes.
    """
    hints = await store.hints() if watched.hint_in is not None else []
    if not hints and watched.poll_in > 0:
        return
    reading = await read_changes(store, client, watched, hints, policy, now=now)
    judge = Judge(reading=reading, watched=watched, policy=policy, teller=teller, now=now, chance=rng.random())
    for ask, decide in judge.pieces():
        await store.take_in(ask, decide)
    await store.take_in(judge.ask(), judge.decide)
