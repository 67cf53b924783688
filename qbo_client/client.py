"""QuickBooks Online's Accounting API for one company."""

import copy
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Self, TypeVar

import aiohttp

from qbo_client.answers import Answer, count_of, entity_of, pdf_of, rows_of
from qbo_client.batches import BatchWrite, Outcome, batching, outcomes_of
from qbo_client.budget import Budget, Slot
from qbo_client.calls import PDF, Call, Exchange, Reply, TokenSource, asking, capturing, mailing, reading, writing
from qbo_client.changes import Changes, changes_of, check_captured
from qbo_client.clock import Clock
from qbo_client.entities import entity, path_of
from qbo_client.errors import Throttled
from qbo_client.faults import THROTTLED_SECONDS
from qbo_client.query import entity_asked_for, name
from qbo_client.retries import Retries, RetryPolicy
from qbo_client.transport import Transport
from qbo_client.turns import Share
from qbo_client.writes import Write, check_request_id, identified, written_by

__all__ = ["Exchange", "QBOClient", "TokenSource"]

#: More rows QuickBooks does not give at once.
LARGEST_PAGE = 1000

#: One address, as QuickBooks takes it: no list, at most 100 characters.
_MAIL = re.compile(r"(?=.{3,100}$)[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")

T = TypeVar("T")


def _allow(_timeout: float) -> None:
    """Let every attempt leave."""


def _ignore(_exchange: Exchange) -> None:
    """Count nothing."""


class QBOClient:
    """Calls QuickBooks for one company, within its budget, and says what every failure means.

    Objects are dicts as QuickBooks spells them, in minor version 75: unknown keys are kept, every number is a
    Decimal, Ids and SyncTokens are texts, times are texts with a zone. Writes are values (`Write`, `BatchWrite`)
    that the caller stores before they are sent, so that a lost answer is asked for with the same bytes under the
    same request id; `entities` says what can be written. Reads that get no answer are simply repeated.

    One client serves any number of tasks of one event loop. `base_url` is
    `https://quickbooks.api.intuit.com` or `https://sandbox-quickbooks.api.intuit.com`.

    `before_send(timeout)` is called right before every attempt leaves, and keeps it from leaving by raising;
    `observe` is called after every attempt and must not raise. Both are synchronous. `timeout` is in seconds,
    for one attempt, connecting and reading included. Every method raises QBOError, and whatever the token
    source or `before_send` raise. Any of them may be cancelled: then only a write that had left is uncertain.
    """

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        base_url: str,
        realm_id: str,
        tokens: TokenSource,
        budget: Budget,
        clock: Clock,
        before_send: Callable[[float], None] = _allow,
        observe: Callable[[Exchange], None] = _ignore,
        timeout: float = 30.0,
        share: Share = Share.LIVE,
        retries: RetryPolicy | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._realm_id = realm_id
        self.budget = budget
        self.share = share
        self._held: list[Slot] = []
        # Jitter needs no secret.
        rng = rng or random.Random()  # noqa: S311
        self._retries = Retries(policy=retries or RetryPolicy(), clock=clock, rng=rng)
        self._transport = Transport(
            http=http,
            base_url=base_url,
            realm_id=realm_id,
            tokens=tokens,
            budget=budget,
            clock=clock,
            before_send=before_send,
            observe=observe,
            timeout=timeout,
        )

    def sharing(self, share: Share, *, before_send: Callable[[float], None] | None = None) -> Self:
        """Return a client for the same company whose calls wait in another queue of the same budget.

        Whether they may leave is asked of `before_send`, if that is given.
        """
        other = copy.copy(self)
        other.share = share
        if before_send is not None:
            other._transport = replace(self._transport, before_send=before_send)  # noqa: SLF001 -- a copy of ourselves.
        return other

    def holding(self, slot: Slot) -> Self:
        """Return a client whose first attempt is made in a slot that was reserved for it in this budget."""
        other = copy.copy(self)
        other._held = [slot]  # noqa: SLF001 -- a copy of ourselves.
        return other

    async def send(self, write: Write) -> Answer:
        """Make a write and return the object as it stands now.

        Without a definite answer the very same request is sent again, twice at most; then Uncertain is
        raised. A refusal with `maybe_written` set leaves open what an earlier attempt did.
        """
        call = writing(write)

        def extract(reply: Reply) -> Answer:
            return reply.answer(written_by(write, reply.payload))

        return await self._retries.write(lambda: self._attempt(call, extract))

    async def send_batch(self, batch: BatchWrite) -> dict[str, Outcome]:
        """Send a batch that was stored, and return what became of each item, by bId.

        An item that is Throttled was refused: it is a new request, in another batch or alone. One that is
        Uncertain, be it that QuickBooks did not tell of it, may be asked for only by sending this batch again.
        Raises QBOError if the batch as a whole was refused, or never answered (Uncertain): like a write it is
        sent three times at most, always whole and to the byte.
        """
        call = batching(batch)

        def extract(reply: Reply) -> dict[str, Outcome]:
            outcomes = outcomes_of(batch, reply)
            if any(isinstance(outcome, Throttled) for outcome in outcomes.values()):
                self.budget.throttled(THROTTLED_SECONDS)
            return outcomes

        return await self._retries.batch(lambda: self._attempt(call, extract))

    async def query(self, select: str) -> list[dict[str, Any]]:
        """Return one page of rows as the query asks; 100 at most unless MAXRESULTS says otherwise.

        Whatever comes from outside gets into `select` through `query.where` and `query.literal` only.
        """
        return await self._read(asking(entity_asked_for(select), select), lambda reply: rows_of(reply.payload))

    async def query_all(self, entity: str, where: str = "", page: int = LARGEST_PAGE) -> list[dict[str, Any]]:
        """Return every row in order of Id, each once.

        Inactive names are left out unless `where` asks for them. Pages are no snapshot: a row that others
        delete meanwhile may hide a later one, and of a row met twice the later state is returned.
        """
        if not 1 <= page <= LARGEST_PAGE:
            raise ValueError(f"a page has 1 to {LARGEST_PAGE} rows")
        rows: dict[str, dict[str, Any]] = {}
        select = f"SELECT * FROM {name(entity)}{_condition(where)} ORDERBY Id"  # noqa: S608 -- names are checked.
        start, returned = 1, page
        while returned == page:
            found = await self.query(f"{select} STARTPOSITION {start} MAXRESULTS {page}")
            rows.update((str(row["Id"]), row) for row in found)
            returned = len(found)
            start += returned
        return list(rows.values())

    async def count(self, entity: str, where: str = "") -> int:
        """Return how many rows there are; inactive names only if `where` asks for them."""
        select = f"SELECT count(*) FROM {name(entity)}{_condition(where)}"  # noqa: S608 -- as above.
        return await self._read(asking(entity, select), lambda reply: count_of(reply.payload))

    async def read(self, entity: str, identifier: str) -> Answer:
        """Return one object; raises ReferenceInvalid if it never was, was deleted or is inactive."""
        call = reading("read", entity, f"{name(entity).lower()}/{_checked(identifier)}")
        return await self._read(call, lambda reply: reply.answer(entity_of(reply.payload, entity)))

    async def pdf(self, entity_name: str, identifier: str) -> bytes:
        """Return an Invoice or a SalesReceipt as its customer sees it; raises ValueError for anything else."""
        rules = entity(entity_name)
        if not rules.pdf:
            raise ValueError(f"QuickBooks prints no {entity_name}")
        call = reading("pdf", rules.name, f"{path_of(rules)}/{_checked(identifier)}/pdf", accept=PDF)
        return await self._read(call, lambda reply: pdf_of(reply.body))

    async def send_invoice(self, identifier: str, *, request_id: str, to: str | None = None) -> Answer:
        """Let QuickBooks mail an invoice, to its BillEmail unless `to` is given; return the invoice.

        It is repeated only while nothing can have left. Without an answer Uncertain is raised at once, because
        a second request may mail a second time: read the invoice and look at EmailStatus and DeliveryInfo.
        """
        check_request_id(request_id)
        if to is not None and not _MAIL.fullmatch(to):
            raise ValueError(f"{to!r} is not one address that QuickBooks would take")
        query = {"requestid": request_id} | ({"sendTo": to} if to else {})
        call = mailing("Invoice", f"invoice/{_checked(identifier)}/send", query)

        def extract(reply: Reply) -> Answer:
            return reply.answer(entity_of(reply.payload, "Invoice"))

        return await self._retries.once(lambda: self._attempt(call, extract))

    async def changes(self, entities: Sequence[str], since: datetime) -> Changes:
        """Return what changed since then, up to 1000 objects in all (see `Changes.truncated`, `sweeps.sweep`).

        30 days back is what QuickBooks promises. Raises ValueError for entities of which it captures nothing.
        """
        check_captured(entities, since)
        return await self._read(capturing(entities, since), lambda reply: changes_of(reply.payload))

    async def company_info(self) -> dict[str, Any]:
        """Return the company's CompanyInfo: Country, LegalName, NameValue pairs such as its edition."""
        call = reading("read", "CompanyInfo", f"companyinfo/{self._realm_id}")
        return await self._read(call, lambda reply: entity_of(reply.payload, "CompanyInfo"))

    async def preferences(self) -> dict[str, Any]:
        """Return the company's Preferences. A preference that is absent may mean another thing than false."""
        call = reading("read", "Preferences", "preferences")
        return await self._read(call, lambda reply: entity_of(reply.payload, "Preferences"))

    async def _read(self, call: Call, extract: Callable[[Reply], T]) -> T:
        return await self._retries.read(lambda: self._attempt(call, extract))

    async def _attempt(self, call: Call, extract: Callable[[Reply], T]) -> T:
        held = self._held.pop() if self._held else None
        return await self._transport.attempt(call, self.share, extract, held)


def _condition(where: str) -> str:
    return f" WHERE {where}" if where else ""


def _checked(identifier: str) -> str:
    if not identified(identifier):
        raise ValueError(f"{identifier!r} is no Id")
    return identifier
