"""One company that is watched: the emulator in this process, the watch, and a real PostgreSQL under them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridge.store.books import BookStore
from bridge.store.database import Pool
from bridge.store.hints import HintStore
from bridge.store.lanes import Lease
from bridge.store.watch import CompanyWatchStore
from consumers.preflight import preflight
from mapping.from_qbo.customer import known_fields
from producers.history import begin, customers_were_read
from producers.watch import Watch
from producers.watched import Step, Watched, WatchPolicy, next_step
from qbo_client.clock import Clock
from qbo_client.emulator import person
from qbo_client.emulator.world import World
from qbo_client.webhooks import Change
from schemas.codec import Codec
from schemas.events.quickbooks import CustomerChanged, InvoiceImported, InvoicePaid
from tests.integration.store.books import TENANT, Books
from tests.unit.consumers.emulated import InProcess

CODEC = Codec()


class QuickBooksClock(Clock):
    """The emulator's clock as ours: who sleeps puts it forward."""

    def __init__(self, world: World) -> None:
        self._clock = world.clock

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)


@dataclass(slots=True, kw_only=True)
class WatchedCompany:
    pool: Pool
    books: Books
    world: World
    client: InProcess
    lease: Lease
    policy: WatchPolicy
    store: CompanyWatchStore
    #: Everything that failed, as the lane would have been told of it.
    failures: list[Exception] = field(default_factory=list)

    @property
    def clock(self) -> QuickBooksClock:
        return QuickBooksClock(self.world)

    @property
    def emulated(self) -> Any:
        return self.client.emulated

    async def begin(self) -> None:
        """Begin to watch and read the company, as the first owner of its lane does."""
        await begin(self.store, self.client, self.clock, self.policy)
        await self.preflight()
        await customers_were_read(self.store)

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
        async def failed(error: Exception, _step: Step, _state: Watched | None) -> float:
            self.failures.append(error)
            raise error

        return Watch(
            store=self.store, client=self.client, clock=self.clock, policy=self.policy, rng=random.Random(7),
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
        policy=policy or WatchPolicy(proof_takes=timedelta(0), polls_at_once=10_000),
        store=CompanyWatchStore(pool, CODEC, lease),
    )  # fmt: skip


def changed(events: Sequence[CustomerChanged]) -> list[tuple[str, str]]:
    """Return change and name of each event."""
    return [(e.change.value, e.customer.display_name) for e in events]
