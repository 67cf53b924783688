"""One company that is watched: the emulator in this process, the watch, and a real PostgreSQL under them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.store.books import BookStore
from bridge.store.database import Pool
from bridge.store.hints import HintStore
from bridge.store.lanes import Lease
from bridge.store.watch import WatchState
from consumers.effects import Effects, Refused, Unanswered, Written
from consumers.intents import CrmRef, Intent
from consumers.preflight import preflight
from consumers.records import Row
from consumers.writing import written
from mapping.from_qbo.customer import known_fields
from mapping.to_qbo.customer_changes import sent_fields
from producers.history import begin
from producers.watch import Watch
from producers.watched import Step, Watched, WatchPolicy, next_step
from qbo_client.clock import SystemClock
from qbo_client.emulator import person
from qbo_client.emulator.world import World
from qbo_client.webhooks import Change
from qbo_client.writes import Operation
from schemas.codec import Codec
from schemas.events.quickbooks import CustomerChanged, InvoiceImported, InvoicePaid
from tests.integration.store.books import TENANT, Books, arrived
from tests.integration.store.effects import Groups
from tests.unit.consumers.build import draft, intent
from tests.unit.consumers.emulated import InProcess

CODEC = Codec()


@dataclass(slots=True, kw_only=True)
class WatchedCompany:
    pool: Pool
    books: Books
    world: World
    client: InProcess
    lease: Lease
    policy: WatchPolicy
    store: WatchState
    #: Everything that failed, as the lane would have been told of it.
    failures: list[Exception] = field(default_factory=list)

    @property
    def emulated(self) -> Any:
        return self.client.emulated

    async def begin(self) -> None:
        """Begin to watch and read the company, as the first owner of its lane does."""
        await begin(self.store, self.client, now=datetime.now(UTC))
        await self.preflight()

    async def preflight(self) -> None:
        books = BookStore(self.pool, realm_id=self.lease.realm_id, tenant_id=self.lease.tenant_id)
        await preflight(self.client, books)

    async def state(self) -> Watched:
        state = await self.store.look()
        assert state is not None, "it is watched"
        return state

    async def step(self) -> Step | None:
        """Take the step that is due, if one is, and return it."""
        state = await self.store.look()
        step = next_step(state, quiet=True, policy=self.policy)
        if step is not None:
            await self.watch()._step(step, state)
        return step

    async def settle(self, most: int = 100) -> list[Step]:
        """Take steps until nothing is due."""
        taken: list[Step] = []
        while (step := await self.step()) is not None:
            taken.append(step)
            assert len(taken) < most, f"it comes to no end: {taken[-5:]}"
        return taken

    async def poll(self) -> None:
        """Poll now, and whatever else is due."""
        await self.books.do("UPDATE watch SET poll_at = now()")
        await self.settle()

    def watch(self) -> Watch:
        async def failed(error: Exception, _: Watched | None) -> float:
            self.failures.append(error)
            raise error

        return Watch(
            store=self.store, client=self.client, clock=SystemClock(), policy=self.policy, rng=random.Random(7),
            tenant_id=self.lease.tenant_id, realm_id=self.lease.realm_id, quiet=lambda: True, failed=failed,
            on_events=lambda: None, on_idle=lambda: None,
        )  # fmt: skip

    async def webhook(self, entity: str, qbo_id: str, operation: str = "updated", **more: Any) -> None:
        """Let a webhook tell of something, as the reception stores it."""
        at = more.pop("at", self.world.clock.now())
        change = Change(
            realm_id=self.lease.realm_id, entity=entity, id=qbo_id, operation=operation, at=at, **more
        )  # fmt: skip
        await HintStore(self.pool).add([change], {self.lease.realm_id})

    async def told(self, topic: str) -> list[Any]:
        """Return the events on their way to a topic, the oldest first."""
        rows = await self.books.rows("SELECT payload FROM outbox WHERE topic = %s ORDER BY id", topic)
        return [CODEC.decode(topic, bytes(row["payload"])) for row in rows]

    async def customers_told(self) -> list[CustomerChanged]:
        return await self.told("qb.customer.changed")

    async def paid_told(self) -> list[InvoicePaid]:
        return await self.told("qb.invoice.paid")

    async def imported_told(self) -> list[InvoiceImported]:
        return await self.told("qb.invoice.imported")

    async def forget_told(self) -> None:
        """Let the relay have sent everything that was to be told."""
        await self.books.do("DELETE FROM outbox")

    def reads(self) -> list[tuple[str, str]]:
        """Return the calls since this was asked last."""
        calls, self.client.calls = self.client.calls, []
        return calls

    async def known_fields(self, customer_id: str) -> dict[str, Any]:
        """Return what the CRM knows of a customer."""
        query = "SELECT fields FROM known_customer WHERE realm_id = %s AND qbo_id = %s"
        (row,) = await self.books.rows(query, self.lease.realm_id, customer_id)
        return dict(row["fields"])

    async def shown_fields(self, customer_id: str) -> dict[str, Any]:
        """Return what there is to know of it."""
        return known_fields(self.emulated.table("Customer").get(customer_id).body)

    # What a person does in the books.

    def enters(self, entity: str, **fields: Any) -> dict[str, Any]:
        return dict(person.enter(self.emulated, self.emulated.kinds[entity.lower()], fields).body)

    def edits(self, entity: str, identifier: str, **fields: Any) -> dict[str, Any]:
        return dict(person.edit(self.emulated, self.emulated.kinds[entity.lower()], identifier, fields).body)

    def voids(self, entity: str, identifier: str) -> None:
        person.void(self.emulated, self.emulated.kinds[entity.lower()], identifier)

    def deletes(self, entity: str, identifier: str) -> None:
        person.delete(self.emulated, self.emulated.kinds[entity.lower()], identifier)

    def merges(self, *, keep: str, lose: str) -> None:
        person.merge(self.emulated, keep, lose)

    def customer(self, name: str, *, email: str | None = None, **fields: Any) -> dict[str, Any]:
        if email is not None:
            fields["PrimaryEmailAddr"] = {"Address": email}
        return self.enters("Customer", DisplayName=name, **fields)

    def invoice(self, customer_id: str, amount: str = "100.00", **fields: Any) -> dict[str, Any]:
        line = {"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": {}}
        usual = {"CustomerRef": {"value": customer_id}, "Line": [line], "TxnDate": "2026-11-20"}
        return self.enters("Invoice", **{**usual, **fields})

    def pays(self, invoice: Mapping[str, Any], amount: str | None = None) -> dict[str, Any]:
        """Enter a Payment on an invoice: over all of it, or so much."""
        paid = amount or str(invoice["TotalAmt"])
        return self.enters(
            "Payment", CustomerRef=invoice["CustomerRef"], TotalAmt=paid, Line=[applied(paid, invoice, "Invoice")]
        )

    def credits(self, invoice: Mapping[str, Any], amount: str | None = None) -> None:
        """Enter a credit memo and apply it to an invoice, as QuickBooks does: by a Payment over nothing."""
        over = amount or str(invoice["TotalAmt"])
        line = {"DetailType": "SalesItemLineDetail", "Amount": over, "SalesItemLineDetail": {}}
        memo = self.enters("CreditMemo", CustomerRef=invoice["CustomerRef"], Line=[line], TxnDate="2026-11-20")
        lines = [applied(over, invoice, "Invoice"), applied(over, memo, "CreditMemo")]
        self.enters("Payment", CustomerRef=invoice["CustomerRef"], TotalAmt="0", Line=lines)


def applied(amount: str, document: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": document["Id"], "TxnType": kind}]}


def names(events: Sequence[CustomerChanged]) -> list[tuple[str, str, str]]:
    """Return change, cause and name of each event."""
    return [(e.change.value, e.envelope.cause.value, e.customer.display_name) for e in events]


async def watched_company(pool: Pool, *, country: str = "us", policy: WatchPolicy | None = None) -> WatchedCompany:
    """Connect a new company of the emulator; nothing has been read of it yet."""
    world = World(client_id="client", client_secret="secret")
    client = InProcess(world.add_company(country), seconds=0.0)
    books = Books(pool)
    realm_id = client.emulated.realm_id
    await books.connect(TENANT, realm_id)
    lease = await books.lease(realm_id)
    return WatchedCompany(
        pool=pool, books=books, world=world, client=client, lease=lease,
        policy=policy or WatchPolicy(proof_takes=timedelta(0)),
        store=WatchState(pool, CODEC, lease),
    )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class OwnHand:
    """The bridge's own writes to customers, taken apart: intent, what QuickBooks does, answer."""

    company: WatchedCompany
    groups: Groups
    _rows: dict[str, Row] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)

    async def intends(self, contact: str, *, entity: str = "Customer", **body: Any) -> Intent:
        """Commit the intent to make a customer (or another thing), or to change the one whose Id is in the body."""
        operation = Operation.UPDATE if "Id" in body else Operation.CREATE
        about = {"sparse": True, **body} if "Id" in body else body
        self._numbers[contact] = number = self._numbers.get(contact, 0) + 1
        ref, row = CrmRef(kind="contact", id=contact), await self.hears(contact)
        if operation is Operation.CREATE:
            self._made.add(contact)
        origin = "made" if contact in self._made else "found"
        if entity != "Customer":
            ref = CrmRef(kind=entity.lower(), id=contact)
        wanted = draft(
            ref=ref,
            entity=entity,
            operation=operation,
            body=about,
            last_sent=sent_fields(body),
            expect={},
            origin=origin,
        )
        lease = self.company.lease
        made = intent(wanted, realm_id=lease.realm_id, tenant_id=lease.tenant_id, inbox_id=row.id, number=number)
        made = replace(made, keys=(f"contact:{contact}",))
        assert await self.groups.store((lease, made)) == ["ok"]
        return made

    async def sends(self, sent: Intent) -> Written:
        """Let QuickBooks do it; the answer is not committed."""
        answer = await self.company.client.send(sent.write)
        return written(sent, answer.entity, "1-ok")

    async def commits(self, *answers: Written | Refused | Unanswered) -> None:
        """Commit what was answered, all in one group."""
        effects = [(self.company.lease, Effects(answer=one)) for one in answers]
        assert await self.groups.commit(*effects) == ["ok"] * len(answers)

    async def writes(self, contact: str, *, entity: str = "Customer", **body: Any) -> Mapping[str, Any]:
        """Do all of it, and return what QuickBooks answered."""
        answer = await self.sends(await self.intends(contact, entity=entity, **body))
        await self.commits(answer)
        return answer.object

    async def hears(self, contact: str) -> Row:
        """Return the row of the contact's event, received and taken."""
        if contact not in self._rows:
            await self.company.books.receive(arrived(contact))
            taken = [row.id for row in self._rows.values()]
            for row in await self.company.books.inbox.take(self.company.lease, in_hand=taken, limit=1000):
                self._rows[row.entity_id] = row
        return self._rows[contact]


def refused(sent: Intent) -> Refused:
    return Refused(intent=sent, code="5010", detail="Stale Object Error", intuit_tid="1-no")


def unanswered(sent: Intent) -> Unanswered:
    return Unanswered(intent=sent, due=datetime.now(UTC))


def changed(events: Sequence[CustomerChanged]) -> list[tuple[str, str]]:
    """Return change and name of each event."""
    return [(e.change.value, e.customer.display_name) for e in events]


def phone(number: str) -> dict[str, str]:
    return {"FreeFormNumber": number}
