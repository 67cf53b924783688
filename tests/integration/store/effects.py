"""What a lane commits, for the tests of the outcomes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bridge.store.database import Pool
from bridge.store.group import GroupCommit
from bridge.store.lanes import Lease
from bridge.store.outcomes import OutcomeStore
from consumers.effects import Decided, Effects, Written
from consumers.intents import CrmRef, Intent, Link, link_after
from consumers.outcomes import Done, Outcome, Result
from consumers.records import Row
from consumers.standing import told
from tests.integration.store.books import CODEC
from tests.unit.consumers.build import draft, intent

CREATED = Done(Result.CREATED)


def intent_for(row: Row, lease: Lease, *, number: int = 1, **changes: Any) -> Intent:
    """An intent to make the customer of the row's contact."""
    wanted = draft(
        ref=CrmRef(kind="contact", id=row.entity_id),
        entity="Customer",
        body={"DisplayName": f"Contact {row.entity_id}", "Notes": str(number)},
        expect={},
    )
    made = intent(wanted, realm_id=lease.realm_id, tenant_id=lease.tenant_id, inbox_id=row.id, number=number)
    return replace(made, **changes)


def decided(row: Row, outcome: Outcome = CREATED, *links: Link) -> Effects:
    status = told(row, outcome, links, at=datetime.now(UTC))
    return Effects(decided=Decided(row=row, outcome=outcome, told=status))


def written(sent: Intent, qbo_id: str = "q1", **fields: Any) -> Written:
    answer = {"Id": qbo_id, "SyncToken": "0", "DisplayName": f"Contact {sent.ref.id}", **fields}
    return Written(intent=sent, link=link_after(sent, answer), object=answer, intuit_tid="1-ok")


@dataclass(slots=True)
class Groups:
    """The two group commits of a process."""

    intents: GroupCommit[tuple[Lease, Intent], None]
    effects: GroupCommit[tuple[Lease, Effects], None]

    async def commit(self, *items: tuple[Lease, Effects]) -> list[str]:
        """Commit all in one group and return what became of each: "ok" or the failure's name."""
        return await _all(self.effects, items)

    async def store(self, *items: tuple[Lease, Intent]) -> list[str]:
        return await _all(self.intents, items)


async def _all(group: GroupCommit[Any, None], items: tuple[Any, ...]) -> list[str]:
    async with asyncio.timeout(30):
        done = await asyncio.gather(*(group.submit(item) for item in items), return_exceptions=True)
    return ["ok" if one is None else type(one).__name__ for one in done]


@asynccontextmanager
async def groups_of(pool: Pool) -> AsyncIterator[Groups]:
    outcomes = OutcomeStore(pool, CODEC)
    groups = Groups(intents=GroupCommit(outcomes.commit_intents), effects=GroupCommit(outcomes.commit_effects))
    running = [asyncio.create_task(groups.intents.run()), asyncio.create_task(groups.effects.run())]
    try:
        yield groups
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
