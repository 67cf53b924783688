"""A long import beside everything else that the process does: webhooks are answered by the same event loop."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.store.database import Pool
from bridge.store.watch import CompanyWatchStore
from producers.memory import Ask, Decide, Memory, TakenIn
from schemas.codec import Codec
from schemas.topics import Event
from tests.integration.watch.company import WatchedCompany, watched_company
from tests.integration.watch.paying import imported_ids, toggle


@dataclass(slots=True)
class Turns:
    """What was done without a break since others had their turn, and the most of it."""

    encoded: int = 0
    judged: list[int] = field(default_factory=list)
    most_encoded: int = 0

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.encoded = 0


class Counting(Codec):
    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self.turns = turns

    def encode(self, event: Event) -> bytes:
        self.turns.encoded += 1
        self.turns.most_encoded = max(self.turns.most_encoded, self.turns.encoded)
        return super().encode(event)


@dataclass(slots=True)
class Watching:
    store: Any
    turns: Turns

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def take_in(self, ask: Ask, decide: Decide) -> None:
        def counts(memory: Memory) -> TakenIn:
            taken = decide(memory)
            self.turns.judged.append(taken.progress.imported)
            return taken

        await self.store.take_in(ask, counts)


def counted(company: WatchedCompany, turns: Turns) -> WatchedCompany:
    store = CompanyWatchStore(company.pool, Counting(turns), company.lease)
    return replace(company, store=Watching(store, turns))  # type: ignore[arg-type]


async def test_others_have_their_turn_while_invoices_are_judged_and_told(pool: Pool) -> None:
    company, turns = await watched_company(pool), Turns()
    amy = company.customer("Amy")["Id"]
    for _ in range(120):
        company.invoice(amy)
    await toggle(company, import_invoices=True)
    await company.begin()
    ticking = asyncio.create_task(turns.tick())
    await counted(company, turns).settle()
    ticking.cancel()
    assert len(await imported_ids(company)) == 120
    assert (sum(turns.judged), max(turns.judged)) == (120, 25)
    assert turns.most_encoded <= 10


async def test_others_have_their_turn_while_much_paid_news_is_told(pool: Pool) -> None:
    company, turns = await watched_company(pool), Turns()
    await company.begin()
    await company.settle()
    amy = company.customer("Amy")["Id"]
    for _ in range(60):
        company.pays(company.invoice(amy))
    ticking = asyncio.create_task(turns.tick())
    await counted(company, turns).poll()
    ticking.cancel()
    assert len(await company.paid_told()) == 60
    assert turns.most_encoded <= 10
