"""A company of any kind, in which people work while its history is read by owners that die: the truth comes out."""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.store.database import Pool
from producers.watched import WatchPolicy, next_step
from tests.integration.watch.company import WatchedCompany, watched_company
from tests.integration.watch.paying import Time, another_owner, hold, imported_ids, paid, standings, toggle
from tests.integration.watch.test_watch_history_kills import die


@dataclass(slots=True)
class Truth:
    """What a bookkeeper who saw everything would say."""

    payer: dict[str, str]
    #: Invoices and who has paid in full before the beginning.
    history: set[str] = field(default_factory=set)
    has_paid: set[str] = field(default_factory=set)
    #: Invoices that were paid since.
    news: list[str] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)


@dataclass(slots=True)
class People:
    company: WatchedCompany
    time: Time
    chance: random.Random
    truth: Truth
    customers: list[str]

    def invoices(self, *, open_only: bool = False) -> list[dict[str, Any]]:
        rows = [dict(row.body) for row in self.company.emulated.table("Invoice")]
        return [row for row in rows if row["Balance"] or not open_only]

    def bill(self) -> dict[str, Any]:
        customer = self.chance.choice(self.customers)
        invoice = self.company.invoice(customer, f"{self.chance.randint(1, 90)}.50")
        self.truth.payer[invoice["Id"]] = customer
        return invoice

    def pay(self, invoice: dict[str, Any]) -> None:
        """Pay an invoice by one Payment or two, with some credit before or not."""
        left = invoice["Balance"]
        for how in self.chance.sample(["credit", "part", "nothing"], 1):
            if how != "nothing" and left > 2:
                (self.company.credits if how == "credit" else self.company.pays)(invoice, "1.00")
                left -= 1
                self.time.forward(seconds=self.chance.choice([0, 3]))
        self.company.pays(invoice, str(left))

    def work(self) -> None:
        """Do one thing after the beginning."""
        self.time.forward(seconds=self.chance.choice([0, 0, 1, 5, 90]))
        todo = self.invoices(open_only=True)
        match self.chance.choice(["bill", "pay", "pay", "memo", "memo", "delete"]):
            case "bill":
                self.bill()
            case "pay" if todo:
                invoice = self.chance.choice(todo)
                self.pay(invoice)
                self.truth.news.append(invoice["Id"])
            case "memo" if self.truth.payer:
                self.memo()
            case "delete" if todo and self.chance.random() < 0.5:
                gone = self.chance.choice(todo)["Id"]
                self.company.deletes("Invoice", gone)
                self.truth.deleted.add(gone)

    def memo(self) -> None:
        """Write on something, well apart: an old Payment and its invoice within a second are as if applied then."""
        self.time.forward(seconds=5)
        kind = self.chance.choice(["Invoice", "Payment"])
        rows = list(self.company.emulated.table(kind))
        if rows:
            self.company.edits(kind, self.chance.choice(rows).identifier, PrivateNote=f"memo {self.time.moment}")


async def people_of(pool: Pool, seed: int) -> People:
    chance = random.Random(seed)
    company = await watched_company(pool, policy=WatchPolicy(page=chance.choice([2, 3, 7, 250])))
    time = hold(company)
    customers = [company.customer(f"Customer {n}")["Id"] for n in range(chance.randint(1, 6))]
    people = People(company, time, chance, Truth(payer={}), customers)
    for _ in range(chance.randint(0, 30)):
        invoice = people.bill()
        time.forward(seconds=chance.choice([0, 0, 0, 1, 86400]))
        if chance.random() < 0.4:
            people.pay(invoice)
            people.truth.history.add(invoice["Id"])
            people.truth.has_paid.add(people.truth.payer[invoice["Id"]])
        elif chance.random() < 0.2:
            company.credits(invoice)
    time.forward(days=1)
    return people


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_happens_while_the_history_is_read(pool: Pool, seed: int) -> None:
    people = await people_of(pool, seed)
    truth, chance = people.truth, people.chance
    imports = chance.random() < 0.6
    await toggle(people.company, import_invoices=imports)
    before = set(truth.payer)
    await people.company.begin()
    people.time.forward(seconds=3)
    await through_the_history(people)
    people.time.forward(minutes=9)
    for _ in range(2):
        people.work()
        await people.company.poll()
    await agrees(people, before if imports else set())


async def through_the_history(people: People) -> None:
    chance, owners = people.chance, 0
    while next_step(await people.company.store.look(), quiet=True, policy=people.company.policy) is not None:
        if chance.random() < 0.5:
            people.work()
        if chance.random() < 0.3 and owners < 15:
            owners += 1
            await die(people.company, chance.choice(["before", "within", "after"]))
            people.company = await another_owner(people.company, f"owner {owners}")
        else:
            await people.company.step()


async def agrees(people: People, to_import: set[str]) -> None:
    truth, told = people.truth, await paid(people.company)
    assert sorted(one for one, _, _ in told) == sorted(truth.news)
    firsts = [truth.payer[one] for one, first, _ in told if first]
    assert sorted(firsts) == sorted({truth.payer[one] for one in truth.news} - truth.has_paid)
    imported = await imported_ids(people.company)
    assert len(imported) == len(set(imported))
    if to_import:
        assert to_import - truth.deleted <= set(imported)
        done = len(imported)
        assert (await standings(people.company))[-1] == ("DONE", done, done)
    marked = await people.company.books.column("SELECT who FROM has_paid WHERE kind = 'customer'")
    assert set(marked) == truth.has_paid | {truth.payer[one] for one in truth.news}
