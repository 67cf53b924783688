"""Companies of which old copies are there, or none: who is told is who was read since the beginning."""

import random
from typing import Any, cast

import pytest

from bridge.lanes.lane import HeldLane
from bridge.lanes.working import LaneWorks
from consumers.failures import RetryPolicy
from consumers.turn import TurnPolicy
from producers.watched import Step
from qbo_client.calls import Call
from qbo_client.errors import Uncertain
from tests.integration.store.effects import Groups, groups_of
from tests.integration.watch.company import CODEC, WatchedCompany, changed
from tests.integration.watch.paying import hold
from tests.integration.watch.turns import held_lane


def works_of(company: WatchedCompany, groups: Groups) -> LaneWorks:
    books, nothing = company.books, cast("Any", None)
    return LaneWorks(
        pool=company.pool, http=nothing, base_url="", app=nothing, codec=CODEC, clock=company.clock,
        rng=random.Random(1), lanes=books.lanes(), inbox=books.inbox, connections=books.connections,
        intents=groups.intents, effects=groups.effects, meter=nothing, metrics=nothing, watch_policy=company.policy,
        timeout_seconds=1, retry=RetryPolicy(), turn=TurnPolicy(),
    )  # fmt: skip


async def worked_before(company: WatchedCompany) -> None:
    """Let the company have been worked on by a bridge that watched nothing, and people have gone on since."""
    time = hold(company)
    gone = company.customer("Merged since")["Id"]
    keep = company.customer("Old")["Id"]
    await company.preflight()
    time.forward(days=3)
    company.merges(keep=keep, lose=gone)
    company.customer("Entered since")
    time.forward(days=3)


async def who_was_told(company: WatchedCompany) -> list[tuple[str, str]]:
    await company.settle()
    await company.poll()
    return sorted(changed(await company.customers_told()))


EVERYBODY = [("CREATED", "Entered since"), ("CREATED", "Old")]


async def test_copies_that_are_old_are_read_anew_before_anybody_is_told(company: WatchedCompany) -> None:
    """Paused while the bridge was upgraded: no preflight was asked for."""
    await worked_before(company)
    assert [await company.step() for _ in range(3)] == [Step.BEGIN, Step.READ_CUSTOMERS, Step.TELL_CUSTOMERS]
    assert await who_was_told(company) == EVERYBODY
    names = "SELECT body ->> 'DisplayName' AS name FROM local_copy WHERE qbo_kind = 'Customer' ORDER BY 1"
    assert await company.books.column(names) == ["Entered since", "Old"]


@pytest.mark.parametrize("fails", ["nothing", "cdc", "TaxRate", "Customer"])
async def test_preflight_that_fails_leaves_nobody_untold(company: WatchedCompany, fails: str) -> None:
    await worked_before(company)

    def fail(call: Call) -> None:
        if fails in {call.operation, call.entity}:
            raise Uncertain("no answer", status=503)

    async with groups_of(company.pool) as groups:
        works, lane = works_of(company, groups), await held_lane(company, groups)
        company.client.before = fail
        assert await works._ready(_known(lane)), "what was known of the company still serves"
        company.client.before = lambda _: None
        assert await who_was_told(company) == EVERYBODY


async def test_company_that_is_new_is_read_once(company: WatchedCompany) -> None:
    company.customer("Amy")
    async with groups_of(company.pool) as groups:
        await works_of(company, groups).prepare(await held_lane(company, groups))
    assert company.reads().count(("query", "Customer")) == 1
    assert await who_was_told(company) == [("CREATED", "Amy")]
    assert ("query", "Customer") not in company.reads()


def _known(lane: HeldLane) -> HeldLane:
    assert lane.known, "it was worked on before"
    return lane
