"""One poll: what changed in a company's books by another hand, told once.

1. QuickBooks is asked what changed since the last poll, by its own clock, with some overlap.
2. In one transaction, what is known is recalled, news is judged, and cursors, copies, what is known from now on and
   the outbox rows are stored. Killed before its end, the poll never was; the next one asks the same again.

A long reading is judged and stored in pieces, because a transaction over all of it would keep others waiting. The
cursors move with the last piece; until then each may be read and judged again, which tells nothing twice.

News is judged by content, never by tokens: the row that QuickBooks shows against what the CRM knows. Writes of the
bridge itself are known to it the moment their answer is committed, and until then by their open intents.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TypeVar

from mapping.from_qbo.customer import last_updated
from mapping.from_qbo.paid import is_settled, payment_ids
from producers import customers, invoices
from producers.customers import is_disputed, is_gone, is_older, take_customer, take_gone
from producers.events import Teller
from producers.invoices import Read, in_order_of_payment, take_invoice
from producers.memory import Ask, Decide, Memory, Progress, Row, TakenIn
from producers.ports import WatchStore
from producers.progress import Noted, Poll, close, is_overtaken
from producers.reading import ask_about, invoices_of, read_changes
from producers.watched import CUSTOMER, INVOICE, PAYMENT, Watched, WatchPolicy
from qbo_client.client import QBOClient

T = TypeVar("T")

_BEING_MADE: Mapping[str, Callable[[Row, Memory], bool]] = {
    CUSTOMER: customers.being_made,
    INVOICE: invoices.being_made,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Some rows that are judged together, and with other parts where all of them are few."""

    ask: Ask
    rows: int
    take: Callable[[Memory, TakenIn], None]


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges one reading, once: it notes what has to wait. What it says follows from the reading and the memory."""

    poll: Poll
    teller: Teller
    noted: Noted = field(default_factory=Noted)
    _read: Read = field(init=False)
    _announced: frozenset[tuple[str, str]] = field(init=False)
    #: Invoices in the order in which they are judged.
    _ordered: Sequence[Row] = field(init=False)
    #: Payments on them that did not change, from their copies.
    _copied: dict[str, Row] = field(default_factory=dict)
    #: What was known of customers that an earlier piece ended.
    _ended: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        reading = self.poll.reading
        self._read = Read(customers=reading.known(CUSTOMER), payments=reading.known(PAYMENT))
        self._announced = frozenset((hint.entity, hint.qbo_id) for hint in reading.hints)
        self._ordered = list(reading.of(INVOICE).values())

    def first_pieces(self) -> Iterator[tuple[Ask, Decide]]:
        """Return what comes before very many invoices: nothing in the usual case."""
        if self.is_long():
            yield from self._joined(chain(self._before_invoices(), self._recollections()))

    def put_in_order(self) -> None:
        """Put the invoices of all pieces in the order of their payment: the first of a payer is told as such."""
        read = replace(self._read, payments={**self._copied, **self._read.payments})
        self._ordered = in_order_of_payment(self._ordered, read, Memory())

    def last_pieces(self) -> Iterator[tuple[Ask, Decide]]:
        """Return the rest, which is all of it in the usual case. The last piece moves the cursors."""
        before = () if self.is_long() else self._before_invoices()
        end = _Part(ask=Ask(), rows=0, take=lambda _, taken: close(taken, self.poll, self.noted))
        yield from self._joined(chain(before, self._invoices(), self._kept(), [end]))

    def is_long(self) -> bool:
        return len(self._ordered) > self.poll.policy.page

    def _joined(self, parts: Iterable[_Part]) -> Iterator[tuple[Ask, Decide]]:
        """Join parts, in their order, into pieces of a page at most."""
        piece: list[_Part] = []
        for part in parts:
            if piece and sum(one.rows for one in piece) + part.rows > self.poll.policy.page:
                yield _asked(piece), partial(self._decide, piece)
                piece = []
            piece.append(part)
        if piece:
            yield _asked(piece), partial(self._decide, piece)

    def _decide(self, parts: Sequence[_Part], memory: Memory) -> TakenIn:
        taken = TakenIn(progress=Progress(piece=True))
        for part in parts:
            part.take(memory, taken)
        taken.progress.unannounced_at = self.noted.unannounced_at
        return taken

    def _before_invoices(self) -> Iterator[_Part]:
        """Return what there is before what is no more: whoever is told of a merge knows the survivor.

        Merges come before invoices: whoever paid as one of both has paid as the other.
        """
        reading = self.poll.reading
        for some in self._paged([one for one in reading.of(CUSTOMER) if one not in reading.gone]):
            yield _Part(ask=Ask(customers=some), rows=len(some), take=partial(self._take_customers, some))
        for some in self._paged(list(reading.gone)):
            survivors = (reading.gone[one].survivor for one in some)
            ask = Ask(customers=[*some, *(one for one in survivors if one)])
            yield _Part(ask=ask, rows=len(some), take=partial(self._take_gone, some))

    def _recollections(self) -> Iterator[_Part]:
        """Return the Payments to be recalled because the order depends on them."""
        settled = [row for row in self._ordered if is_settled(row)]
        for some in self._paged(
            sorted({one for row in settled for one in payment_ids(row)} - set(self._read.payments))
        ):
            yield _Part(ask=Ask(payments=some), rows=len(some), take=self._recollect)

    def _invoices(self) -> Iterator[_Part]:
        for some in self._paged(self._ordered):
            ask = ask_about({str(row["Id"]): row for row in some}, self._read.customers)
            yield _Part(ask=ask, rows=len(some), take=partial(self._take_invoices, some))

    def _kept(self) -> Iterator[_Part]:
        """Return copies of what is not news by itself, and what is no more."""
        reading = self.poll.reading
        for some in self._paged(sorted(reading.of(PAYMENT))):
            on = {one for key in some for one in invoices_of(reading.of(PAYMENT)[key])}
            ask = Ask(payments=some, invoices=sorted(on))
            yield _Part(ask=ask, rows=len(some), take=partial(self._take_payments, some))
        for beside in self._paged([(kind, row) for kind, rows in reading.extra.items() for row in rows.values()]):
            yield _Part(ask=Ask(), rows=len(beside), take=partial(_keep, beside))
        deleted = [(kind, one) for kind, ids in reading.deleted.items() for one in ids if kind != CUSTOMER]
        for gone in self._paged(deleted):
            yield _Part(ask=Ask(), rows=len(gone), take=partial(_drop, gone))

    def _paged(self, things: Sequence[T]) -> Iterator[Sequence[T]]:
        page = self.poll.policy.page
        return (things[start : start + page] for start in range(0, len(things), page))

    # Judging.

    def _take_customers(self, ids: Sequence[str], memory: Memory, taken: TakenIn) -> None:
        found = self.poll.reading.of(CUSTOMER)
        for row in self._fit(CUSTOMER, [found[one] for one in ids if one in found], memory):
            if is_disputed(row, memory):
                self.noted.waiting[CUSTOMER, str(row["Id"])] = last_updated(row)
            news = take_customer(row, memory, taken, self.teller, began_at=self.poll.watched.began_at)
            self._note(CUSTOMER, row, news)

    def _take_gone(self, ids: Sequence[str], memory: Memory, taken: TakenIn) -> None:
        gone = {one: self.poll.reading.gone[one] for one in ids}
        ended = [one for one in ids if is_gone(one, gone[one], memory)]
        self._take_customers([one for one in ids if one not in ended], memory, taken)
        for one in ended:
            take_gone(one, gone[one], memory, taken, self.teller)
        self._ended = _beside(self._ended, _of(ended, memory))

    def _take_invoices(self, rows: Sequence[Row], memory: Memory, taken: TakenIn) -> None:
        memory = _beside(self._ended, memory)
        for row in in_order_of_payment(self._fit(INVOICE, rows, memory), self._read, memory):
            self._take_invoice(row, memory, taken)

    def _take_invoice(self, row: Row, memory: Memory, taken: TakenIn) -> None:
        watched = self.poll.watched
        news = take_invoice(
            row, self._read, memory, taken, self.teller, began_at=watched.began_at, reviews=watched.review_requests
        )  # fmt: skip
        ours = str(row["Id"]) in memory.crm_invoices
        self._note(INVOICE, row, news and not ours)
        if ours or (INVOICE, str(row["Id"])) in memory.copies:
            taken.copies.append((INVOICE, row))

    def _take_payments(self, ids: Sequence[str], memory: Memory, taken: TakenIn) -> None:
        """Keep the copies of Payments that are on invoices of ours, or were kept before."""
        for key in ids:
            row = self.poll.reading.of(PAYMENT)[key]
            concerns = any(one in memory.crm_invoices for one in invoices_of(row))
            if concerns or (PAYMENT, key) in memory.copies:
                taken.copies.append((PAYMENT, row))

    def _recollect(self, memory: Memory, _: TakenIn) -> None:
        self._copied.update((key, row) for (kind, key), row in memory.copies.items() if kind == PAYMENT)

    def _fit(self, kind: str, rows: Iterable[Row], memory: Memory) -> list[Row]:
        """Return the rows that can be judged now."""
        fit = []
        for row in rows:
            if _BEING_MADE[kind](row, memory):
                self.noted.waiting[kind, str(row["Id"])] = last_updated(row)
            elif is_older(row, kind, memory):
                self._note_outrun(kind, str(row["Id"]), memory)
            else:
                fit.append(row)
        return fit

    def _note_outrun(self, kind: str, qbo_id: str, memory: Memory) -> None:
        """Have a row seen again that an answer to a write of ours was newer than: what is new about it is not told."""
        answered_at = last_updated(memory.copies[kind, qbo_id])
        if self.poll.may_catch_up(answered_at):
            self.noted.waiting[kind, qbo_id] = answered_at
            self.noted.outrun.add((kind, qbo_id))

    def _note(self, kind: str, row: Row, news: bool) -> None:
        """Note a change by another hand that no webhook told of although there was time for one."""
        at = last_updated(row)
        if news and (kind, str(row["Id"])) not in self._announced and at < self.poll.at - self.poll.policy.grace:
            self.noted.unannounced.append(at)


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
    for last in (False, True):
        reading = await read_changes(store, client, watched, hints, policy, now=now)
        this = Poll(reading=reading, watched=watched, policy=policy, now=now, chance=rng.random())
        judge = Judge(poll=this, teller=teller)
        await _take_in(store, judge)
        if last or not is_overtaken(this, judge.noted):
            return
        hints, watched = [hint for hint in hints if judge.noted.waits(hint)], await store.look() or watched


async def _take_in(store: WatchStore, judge: Judge) -> None:
    for ask, decide in judge.first_pieces():
        await store.take_in(ask, decide)
    if judge.is_long():
        # It takes too long for whoever else waits.
        await asyncio.to_thread(judge.put_in_order)
    for ask, decide in judge.last_pieces():
        await store.take_in(ask, decide)


def _asked(parts: Sequence[_Part]) -> Ask:
    """Return what has to be recalled to judge several parts together."""
    names = [one.name for one in fields(Ask)]
    return Ask(**{name: sorted({one for part in parts for one in getattr(part.ask, name)}) for name in names})


def _of(customer_ids: Sequence[str], memory: Memory) -> Memory:
    """Return what is recalled of some customers as somebody's names."""
    kept = set(customer_ids)
    return Memory(
        contacts={one: found for one, found in memory.contacts.items() if one in kept},
        aliases={one: found for one, found in memory.aliases.items() if one in kept},
        copies={key: row for key, row in memory.copies.items() if key[0] == CUSTOMER and key[1] in kept},
    )


def _beside(before: Memory, memory: Memory) -> Memory:
    """Return a memory with what was known before of customers that are no more: an invoice may still show one."""
    return replace(
        memory,
        contacts={**before.contacts, **memory.contacts},
        aliases={**before.aliases, **memory.aliases},
        copies={**before.copies, **memory.copies},
    )


def _keep(rows: Sequence[tuple[str, Row]], _: Memory, taken: TakenIn) -> None:
    taken.copies += rows


def _drop(ids: Sequence[tuple[str, str]], _: Memory, taken: TakenIn) -> None:
    taken.dropped += ids
