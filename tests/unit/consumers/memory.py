"""One company in memory: its lane, books, rows and QuickBooks, as small as the ports allow."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import simplejson

from consumers.effects import Effects, Refused, Unanswered, Written
from consumers.intents import CrmRef, Intent, Link
from consumers.outcomes import Outcome, Waiting
from consumers.records import Row
from mapping.company import Company
from mapping.echo import ToldCustomer, ToldInvoice
from mapping.to_qbo.customer import email_keys
from qbo_client.answers import Answer
from qbo_client.client import QBOClient
from qbo_client.clock import Clock
from qbo_client.writes import Write
from tests.unit.consumers.build import REALM, T0, TENANT
from tests.unit.mapping.build import US


class Vendor(QBOClient):
    """Answers every write after a while with what was written, or raises what `failures` has next."""

    def __init__(self, seconds: float = 0.2) -> None:
        self.seconds = seconds
        self.sent: list[Write] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self.failures: deque[Exception] = deque()
        self.under_way = self.most_under_way = 0
        self.bodies: list[Mapping[str, Any]] = []

    async def send(self, write: Write) -> Answer:
        self.sent.append(write)
        number = len(self.sent)
        body = simplejson.loads(write.body, use_decimal=True)
        self.bodies.append(body)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.under_way -= 1
        if self.failures:
            raise self.failures.popleft()
        identifier = body.get("Id") or f"q{number}"
        known = self.objects.get(identifier, {"SyncToken": "0"})
        self.objects[identifier] = {**known, **body, "Id": identifier}
        return Answer(entity=self.objects[identifier])

    async def query(self, select: str) -> list[dict[str, Any]]:
        assert select.startswith("SELECT")
        return []


@dataclass
class MemoryBooks:
    links: dict[CrmRef, Link] = field(default_factory=dict)
    numbers: dict[CrmRef, int] = field(default_factory=dict)
    objects: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    #: What the CRM was told of, as the poller keeps it: customers, with whether they are gone, and invoices.
    told_customers: dict[str, bool] = field(default_factory=dict)
    told: list[ToldInvoice] = field(default_factory=list)
    #: Invoices of which the CRM was told that they were paid.
    paid: set[str] = field(default_factory=set)
    #: Every row that the inbox ever held.
    stored: list[Row] = field(default_factory=list)

    async def link(self, ref: CrmRef) -> Link | None:
        return self.links.get(ref)

    async def links_to(self, qbo_kind: str, qbo_id: str) -> list[Link]:
        return [x for x in self.links.values() if (x.qbo_kind, x.qbo_id) == (qbo_kind, qbo_id)]

    async def links_of(self, kinds: Sequence[str], belongs_to: Sequence[str]) -> list[Link]:
        return [x for x in self.links.values() if x.ref.kind in kinds and x.belongs_to in belongs_to]

    async def documents_of(self, contact_id: str, qbo_kinds: Sequence[str]) -> list[Link]:
        told = {(r.entity_kind, r.entity_id) for r in self.stored if r.contact_id == contact_id}
        found = [x for x in self.links.values() if x.qbo_kind in qbo_kinds and (x.ref.kind, x.ref.id) in told]
        return found[::-1][:5]

    async def newest_event(self, entity_kind: str, entity_id: str) -> tuple[str, bytes] | None:
        rows = [r for r in self.stored if (r.entity_kind, r.entity_id) == (entity_kind, entity_id) and r.payload]
        newest = max(rows, key=lambda row: (row.entity_version, row.occurred_at), default=None)
        return (newest.topic, newest.payload or b"") if newest else None

    async def told_customer(self, qbo_id: str) -> ToldCustomer | None:
        gone = self.told_customers.get(qbo_id)
        return None if gone is None else ToldCustomer(qbo_id=qbo_id, gone=gone)

    async def told_invoices(self, doc_numbers: Sequence[str]) -> list[ToldInvoice]:
        return [one for one in self.told if one.doc_number in doc_numbers]

    async def told_paid(self, qbo_id: str) -> bool:
        return qbo_id in self.paid

    async def last_number(self, ref: CrmRef) -> int:
        return self.numbers.get(ref, 0)

    async def copy(self, qbo_kind: str, qbo_id: str) -> Mapping[str, Any] | None:
        return self.objects.get((qbo_kind, qbo_id))

    async def copies(self, qbo_kind: str, qbo_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return {x: self.objects[qbo_kind, x] for x in qbo_ids if (qbo_kind, x) in self.objects}

    async def copies_named(self, qbo_kind: str, name: str) -> list[Mapping[str, Any]]:
        wanted = (qbo_kind, _key(name))
        return [x for (kind, _), x in self.objects.items() if (kind, _name(x)) == wanted]

    async def items_with_sku(self, sku: str) -> list[Mapping[str, Any]]:
        found = [x for (kind, _), x in self.objects.items() if kind == "Item"]
        return [x for x in found if str(x.get("Sku", "")).casefold() == sku.casefold()]

    async def customers_with_email(self, email_key: str) -> list[Mapping[str, Any]]:
        found = [x for (kind, _), x in self.objects.items() if kind == "Customer"]
        return [x for x in found if email_key in email_keys((x.get("PrimaryEmailAddr") or {}).get("Address"))]

    async def save_copies(self, qbo_kind: str, objects: Sequence[Mapping[str, Any]]) -> None:
        self.objects.update({(qbo_kind, str(x["Id"])): x for x in objects})

    async def save_company(self, company: Company) -> None:
        raise NotImplementedError(company.name)


def _name(body: Mapping[str, Any]) -> str:
    return _key(str(body.get("DisplayName", body.get("Name", ""))))


def _key(name: str) -> str:
    return name.removesuffix(" (deleted)").strip().casefold()


@dataclass
class MemoryLane:
    """Satisfies `consumers.ports.Lane` and `consumers.turn.Rows`; rows leave `due` once they are decided."""

    clock: Clock
    client: Any = field(default_factory=Vendor)
    books: MemoryBooks = field(default_factory=MemoryBooks)
    due: dict[int, Row] = field(default_factory=dict)
    opened: dict[str, Intent] = field(default_factory=dict)
    #: What was committed, oldest first: "take 1", "intent", "written", "decided 1" ...
    story: list[str] = field(default_factory=list)
    outcomes: dict[int, list[Outcome]] = field(default_factory=dict)
    later: dict[int, datetime] = field(default_factory=dict)
    waits_for: dict[int, str | None] = field(default_factory=dict)
    put_back_ids: list[int] = field(default_factory=list)
    realm_id: str = REALM
    tenant_id: str = TENANT
    company: Company = US
    sync_from: datetime = T0
    #: Whether a row is told that a newer state of its record is stored, as the inbox does.
    supersedes: bool = False

    def add(self, *rows: Row) -> None:
        self.due.update({row.id: row for row in rows})
        self.books.stored += rows

    async def take(self, *, in_hand: Sequence[int], limit: int) -> list[Row]:
        now = self.clock.now()
        free = [r for r in self.due.values() if r.id not in in_hand and self.later.get(r.id, now) <= now]
        self.story += [f"take {row.id}" for row in free[:limit]]
        return [replace(row, superseded=self._superseded(row)) for row in free[:limit]]

    def _superseded(self, row: Row) -> bool:
        if not self.supersedes:
            return False
        like = [r for r in self.books.stored if (r.entity_kind, r.entity_id) == (row.entity_kind, row.entity_id)]
        return any((r.entity_version, r.occurred_at) > (row.entity_version, row.occurred_at) for r in like)

    async def put_back(self, rows: Sequence[Row]) -> None:
        self.put_back_ids += [row.id for row in rows]

    async def mark_alone(self, row: Row) -> None:
        self.story.append(f"alone {row.id}")

    async def next_due(self) -> float | None:
        waits = [(self.later.get(key, self.clock.now()) - self.clock.now()).total_seconds() for key in self.due]
        return min(waits, default=None)

    async def open_intents(self) -> list[Intent]:
        return list(self.opened.values())

    async def store_intent(self, intent: Intent) -> None:
        self.story.append(f"intent {intent.ref.id}")
        self.opened[intent.write.request_id] = replace(intent, created_at=self.clock.now())
        self.books.numbers[intent.ref] = intent.number

    async def commit(self, effects: Effects) -> None:
        if effects.answer:
            self._answer(effects.answer)
        if effects.link:
            self._link(effects.link)
        for ref in effects.unlinks:
            self.books.links.pop(ref, None)
        if effects.parked:
            self.story.append(f"parked {effects.parked.cause}")
        if effects.decided:
            self._decide(effects.decided.row, effects.decided.outcome)

    def _answer(self, answer: Written | Refused | Unanswered) -> None:
        kind = type(answer).__name__.lower()
        self.story.append(f"{kind} {answer.intent.ref.id}")
        if not isinstance(answer, Unanswered):
            self.opened.pop(answer.intent.write.request_id)
            self.later.pop(answer.intent.inbox_id, None)
        if isinstance(answer, Written):
            self._link(answer.link)
            self.books.objects[answer.link.qbo_kind, answer.link.qbo_id] = answer.object
            if answer.intent.write.operation == "delete":
                del self.books.objects[answer.link.qbo_kind, answer.link.qbo_id]
            for ref in answer.intent.unlinks:
                self.books.links.pop(ref, None)

    def _link(self, link: Link) -> None:
        before = self.books.links.get(link.ref)
        origin = link.origin if before is None or before.is_skipped else before.origin
        self.books.links[link.ref] = replace(link, origin=origin)
        if link.ref.kind == "invoice":
            landed = [key for key, wanted in self.waits_for.items() if wanted == f"invoice:{link.ref.id}"]
            for key in landed:
                self.later.pop(key, None)

    def _decide(self, row: Row, outcome: Outcome) -> None:
        self.story.append(f"decided {row.id}")
        self.outcomes.setdefault(row.id, []).append(outcome)
        if isinstance(outcome, Waiting):
            self.later[row.id] = outcome.due
            self.waits_for[row.id] = outcome.waits_for
        else:
            self.due.pop(row.id)
