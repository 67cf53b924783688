"""What was in the books before they were watched: its customers, its payers, and its invoices if asked for.

All of it is resumable: each transaction stores the place up to which everything was read. Invoices are read in the
order of their creation, so that one deleted meanwhile hides no other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from mapping.from_qbo.customer import created, last_updated
from mapping.from_qbo.invoice import amount
from mapping.from_qbo.paid import is_settled, paid_by, paid_in_history, paid_since, payment_ids
from producers.customers import take_initial
from producers.events import INVOICE_IMPORTED, Teller
from producers.invoices import Read, being_made, seen
from producers.memory import Ask, KnownInvoice, Memory, Progress, Row, TakenIn
from producers.payers import contact_of, customer_id_of, payers_of
from producers.ports import WatchStore
from producers.reading import EVERYONE, ask_about, by_ids, quickbooks_time, read_missing
from producers.watched import CUSTOMER, INVOICE, PAYMENT, Watched, WatchPolicy
from qbo_client.client import QBOClient
from qbo_client.clock import Clock
from qbo_client.query import where

_SECOND = timedelta(seconds=1)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
#: The CRM is told of an import's progress this often.
_TOLD_TIMES = 20
#: Invoices of one read at most, and of one transaction: what is longer keeps others from their turn.
_PAGE, _PIECE = 100, 25


async def begin(store: WatchStore, client: QBOClient, clock: Clock, policy: WatchPolicy) -> None:
    """Begin to watch a company with the next second of QuickBooks' clock: what is in its books until then is history.

    Objects are stamped with whole seconds. Within the second of a beginning nobody could say what came before it.
    """
    now = await quickbooks_time(client, clock.now()) or clock.now()
    began_at = now.replace(microsecond=0) + _SECOND
    await clock.sleep((began_at - now).total_seconds())
    await store.begin(began_at, since=began_at - policy.overlap)


async def read_customers(store: WatchStore, client: QBOClient, policy: WatchPolicy) -> None:
    """Copy all customers there are, in place of what was copied before anybody watched."""
    before = await store.copied_ids(CUSTOMER)
    rows = await client.query_all(CUSTOMER, EVERYONE)
    for start in range(0, len(rows), policy.page):
        copies: list[tuple[str, Row]] = [(CUSTOMER, row) for row in rows[start : start + policy.page]]
        await store.take_in(Ask(), partial(_copied, TakenIn(copies=copies, progress=Progress(piece=True))))
    there = {str(row["Id"]) for row in rows}
    await customers_were_read(store, no_more=[one for one in before if one not in there])


async def customers_were_read(store: WatchStore, no_more: Sequence[str] = ()) -> None:
    """Note that the copies show every customer there is, but for those that are no more."""
    dropped = [(CUSTOMER, one) for one in no_more]
    progress = Progress(piece=True, customers_read=True)
    await store.take_in(Ask(), partial(_copied, TakenIn(dropped=dropped, progress=progress)))


def _copied(taken: TakenIn, _: Memory) -> TakenIn:
    return taken


async def tell_customers(store: WatchStore, teller: Teller, policy: WatchPolicy, *, began_at: datetime) -> None:
    """Tell some of the customers that were there at the beginning, from their copies: no read."""
    rows = await store.untold_customers(policy.page)

    def decide(memory: Memory) -> TakenIn:
        taken = TakenIn()
        for row in rows:
            if str(row["Id"]) not in memory.customers:
                take_initial(row, memory, taken, teller, began_at=began_at)
        taken.progress.customers_told = len(rows) < policy.page
        return taken

    await store.take_in(Ask(customers=[str(row["Id"]) for row in rows]), decide)


async def begin_import(store: WatchStore, client: QBOClient, watched: Watched) -> None:
    """Begin to import every invoice that there is by QuickBooks' own clock now, and say how many."""
    now = await quickbooks_time(client, watched.customers_since) or watched.customers_since
    until = max(watched.began_at, now.replace(microsecond=0))
    total = await client.count(INVOICE, where("MetaData.CreateTime", "<=", until))

    def decide(_: Memory) -> TakenIn:
        taken = TakenIn(tell_import=True)
        taken.progress.import_until, taken.progress.import_total = until, total
        taken.progress.history_since = _FIRST
        return taken

    await store.take_in(Ask(), decide)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Up to where invoices were read: all created before this second, and so many of those created in it.

    QuickBooks' times have no fractions of a second, so that the number is stored as one: more invoices than a page
    may have been created in one second.
    """

    second: datetime
    passed: int

    @classmethod
    def of(cls, stored: datetime) -> "Place":
        return cls(second=stored.replace(microsecond=0), passed=stored.microsecond)

    def stored(self) -> datetime:
        return self.second + timedelta(microseconds=self.passed)

    def after(self, rows: Sequence[Row]) -> "Place":
        """Return the place behind these rows, which follow this one in the order of creation."""
        if not rows:
            return self
        seconds = [created(row).replace(microsecond=0) for row in rows]
        before = self.passed if seconds[-1] == self.second else 0
        return Place(second=seconds[-1], passed=before + seconds.count(seconds[-1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Invoices that are judged and stored together."""

    rows: Sequence[Row]
    #: The row that was read last before them.
    before: Row | None
    #: Where they begin.
    place: Place
    #: Whether they are the last ones.
    ended: bool

    def ask(self, read: Read) -> Ask:
        about = ask_about({str(row["Id"]): row for row in self.rows}, read.customers)
        before = [str(self.before["Id"])] if self.before is not None else []
        return replace(about, invoices=[*about.invoices, *before])


@dataclass(slots=True, kw_only=True)
class History:
    """Reads the invoices there were, a page at a time. One for each time a lane is held."""

    store: WatchStore
    client: QBOClient
    teller: Teller
    policy: WatchPolicy
    _without_money: frozenset[str] | None = None

    async def read_page(self, watched: Watched) -> None:
        """Read one page and store what follows, piece by piece; the last one ends the history."""
        assert watched.history_since is not None, "there is history to be read"
        without_money = await self._payments_without_money(watched)
        place, most = Place.of(watched.history_since), min(self.policy.page, _PAGE)
        rows = await self._rows(place, _until(watched), most)
        read = await self._besides(rows, watched)
        for piece in _pieces(rows, place, most):
            judge = _Judge(watched=watched, teller=self.teller, without_money=without_money, read=read)
            taken = await self._take(piece, judge)
            if taken is None:
                return  # Its second is read anew.
            watched = replace(watched, import_done=watched.import_done + taken.progress.imported)

    async def _take(self, piece: _Piece, judge: "_Judge") -> TakenIn | None:
        """Store what follows from a piece; None where it was not at its place any more."""
        taken = None

        def decide(memory: Memory) -> TakenIn:
            nonlocal taken
            if judge.is_lost(piece, memory):
                back = TakenIn()
                back.progress.history_since = piece.place.second
                return back
            taken = judge.decide(piece, memory)
            return taken

        await self.store.take_in(piece.ask(judge.read), decide)
        return taken

    async def _rows(self, place: Place, until: datetime, most: int) -> list[Row]:
        """Read what follows a place, the row before it first: where that is another now, one was deleted."""
        since, start = place.second, max(place.passed, 1)
        condition = f"{where('MetaData.CreateTime', '>=', since)} AND {where('MetaData.CreateTime', '<=', until)}"
        page = f"STARTPOSITION {start} MAXRESULTS {most + (1 if place.passed else 0)}"
        select = f"SELECT * FROM {INVOICE} WHERE {condition} ORDERBY MetaData.CreateTime, Id {page}"  # noqa: S608
        return list(await self.client.query(select))

    async def _besides(self, rows: Sequence[Row], watched: Watched) -> Read:
        """Read the customers of which there is no copy, and the Payments that tell whether it was history."""
        owners = {customer_id_of(row) for row in rows}
        customers = await read_missing(CUSTOMER, owners, self.store, self.client)
        touched = [row for row in rows if is_settled(row) and not _is_past(row, watched)]
        ids = sorted({one for row in touched for one in payment_ids(row)})
        return Read(customers=customers, payments=await by_ids(self.client, PAYMENT, ids))

    async def _payments_without_money(self, watched: Watched) -> frozenset[str]:
        """Return the Payments over nothing (credit memos are applied by such); few, whatever the company's size."""
        if watched.history_counted:
            return frozenset()
        if self._without_money is None:
            rows = await self.client.query_all(PAYMENT, where("TotalAmt", "=", Decimal(0)))
            self._without_money = frozenset(str(row["Id"]) for row in rows)
        return self._without_money


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Judges pieces of history. Pure."""

    watched: Watched
    teller: Teller
    without_money: frozenset[str]
    read: Read

    def decide(self, piece: _Piece, memory: Memory) -> TakenIn:
        taken, watched = TakenIn(), self.watched
        for row in piece.rows:
            self._take(row, memory, taken)
        taken.progress.history_since = piece.place.after(piece.rows).stored()
        taken.progress.history_ended = piece.ended
        taken.progress.import_ended = piece.ended and watched.import_running
        if piece.ended and not watched.history_counted:
            taken.progress.poll_in_seconds = 0.0  # Paid news has waited for this.
        taken.tell_import = watched.import_running and (piece.ended or _shows(watched, taken.progress.imported))
        return taken

    def is_lost(self, piece: _Piece, memory: Memory) -> bool:
        """Whether the row before a piece is not the one that was read there: others moved up unread."""
        if not piece.place.passed:
            return False
        known = memory.invoices.get(str(piece.before["Id"])) if piece.before is not None else None
        return piece.before is None or known is None or self._is_wanted(piece.before, known, memory)

    def _take(self, row: Row, memory: Memory, taken: TakenIn) -> None:
        invoice = self._remembered(row, memory, taken)
        customer = self.read.customer(invoice.customer_id, memory)
        if self._is_wanted(row, invoice, memory):
            event = self.teller.invoice_imported(row, customer, contact_of(invoice.customer_id, memory))
            taken.events.append((INVOICE_IMPORTED, event))
            taken.progress.imported += 1
            invoice = replace(invoice, imported=True)
        taken.invoices[invoice.qbo_id] = invoice
        if invoice.customer_id in self.read.customers:
            taken.copies.append((CUSTOMER, customer))
        taken.copies += [(PAYMENT, self.read.payments[one]) for one in payment_ids(row) if one in self.read.payments]

    def _remembered(self, row: Row, memory: Memory, taken: TakenIn) -> KnownInvoice:
        """Return what is known of an invoice; one that was paid since the beginning is left for the poll to tell."""
        before = memory.invoices.get(str(row["Id"]))
        if before is not None:
            return before
        invoice = seen(row, None)
        if not is_settled(row):
            return invoice
        payments = self.read.payments_on(row, memory)
        if self.watched.history_counted or (not _is_past(row, self.watched) and self._is_news(row, payments)):
            return replace(invoice, open=True, payments=())
        without_money = self.without_money.union(str(one["Id"]) for one in payments if not amount(one, "TotalAmt"))
        paid = paid_in_history(row, without_money)
        if paid:
            customer = self.read.customer(invoice.customer_id, memory)
            taken.paid_by |= payers_of(row, customer, memory, self.read.customers)
        return replace(invoice, paid=paid)

    def _is_news(self, row: Row, payments: Sequence[Row]) -> bool:
        payment = paid_by(row, payments)
        return payment is not None and paid_since(payment, row, self.watched.began_at)

    def _is_wanted(self, row: Row, invoice: KnownInvoice, memory: Memory) -> bool:
        """Whether it is to be imported: once, and not what the bridge itself made or is making."""
        if not self.watched.import_running or invoice.imported or invoice.qbo_id in memory.crm_invoices:
            return False
        if being_made(row, memory):
            return False
        return self.watched.import_until is not None and created(row) <= self.watched.import_until


def _pieces(rows: Sequence[Row], place: Place, most: int) -> Iterator[_Piece]:
    """Return what was read from a place on in pieces; at least one, which may be empty."""
    before, rest = (rows[:1], rows[1:]) if place.passed else (rows[:0], rows)
    for start in range(0, max(len(rest), 1), _PIECE):
        part = rest[start : start + _PIECE]
        ended = len(rest) < most and start + _PIECE >= len(rest)
        yield _Piece(rows=part, before=before[0] if before else None, place=place, ended=ended)
        before, place = part[-1:], place.after(part)


def _is_past(row: Row, watched: Watched) -> bool:
    """Whether an invoice stands as it did before anybody watched."""
    return watched.history_counted or last_updated(row) < watched.began_at


def _until(watched: Watched) -> datetime:
    return max(watched.began_at, watched.import_until or watched.began_at)


def _shows(watched: Watched, more: int) -> bool:
    """Whether these invoices bring the import to its next part of the whole."""
    done, total = watched.import_done, watched.import_total or 1
    return (done + more) * _TOLD_TIMES // total > done * _TOLD_TIMES // total
