"""Which rows are worked on, in which order, and how many at once."""

import asyncio
from dataclasses import replace

import pytest

from consumers.outcomes import Attention, Done, Result
from qbo_client.errors import CompanyUnavailable
from tests.unit.consumers.build import row_of, sale_event
from tests.unit.consumers.memory import MemoryLane
from tests.unit.consumers.turns import contact_row, lane_with, run, turn_of, worked


def done(lane: MemoryLane) -> list[int]:
    return [int(step.split()[1]) for step in lane.story if step.startswith("done")]


def phones(lane: MemoryLane) -> list[str]:
    return [body["PrimaryPhone"]["FreeFormNumber"][-1] for body in lane.client.bodies]


def test_turn_rows_of_one_contact_are_worked_one_at_a_time_in_order() -> None:
    lane = lane_with(*(contact_row(number, "ct_1") for number in (1, 2, 3)))
    worked(lane)
    assert (done(lane), phones(lane), lane.client.most_under_way) == ([1, 2, 3], ["1", "2", "3"], 1)
    assert [outcomes[-1] for outcomes in lane.outcomes.values()] == [
        Done(Result.CREATED),
        Done(Result.UPDATED),
        Done(Result.UPDATED),
    ]


def test_turn_rows_of_several_contacts_are_worked_at_once() -> None:
    lane = lane_with(*(contact_row(number, f"ct_{number}") for number in range(1, 6)))
    worked(lane)
    assert (sorted(done(lane)), lane.client.most_under_way) == ([1, 2, 3, 4, 5], 5)


def test_turn_never_works_more_rows_at_once_than_allowed() -> None:
    lane = lane_with(*(contact_row(number, f"ct_{number}") for number in range(1, 9)))
    worked(lane, at_once=3)
    assert (sorted(done(lane)), lane.client.most_under_way) == (list(range(1, 9)), 3)


def test_turn_row_with_several_keys_waits_for_all_and_is_not_overtaken() -> None:
    lane = lane_with(
        contact_row(1, "ct_1"),
        contact_row(2, "ct_2", merged_from="ct_1"),
        contact_row(3, "ct_2"),
        contact_row(4, "ct_4"),
    )
    worked(lane)
    # Row 3's keys were free from the start; the older row 2 wanted one of them.
    assert phones(lane) == ["1", "4", "2", "3"]
    assert lane.client.most_under_way == 2


def test_turn_intent_is_committed_before_it_is_sent_and_the_answer_before_the_row() -> None:
    lane = lane_with(contact_row(1, "ct_1"))
    assert worked(lane) == ["take 1", "intent ct_1", "written ct_1", "decided 1", "done 1 done"]


def test_turn_row_that_comes_later_is_worked_in_the_same_turn() -> None:
    lane = lane_with(contact_row(1, "ct_1"))

    async def work() -> None:
        turn = turn_of(lane)
        running = asyncio.create_task(turn.run())
        await asyncio.sleep(0.5)
        lane.add(contact_row(2, "ct_2"))
        turn.nudge()
        await running

    run(work())
    assert done(lane) == [1, 2]


def test_turn_row_that_cannot_be_read_goes_before_a_person_and_stops_nobody() -> None:
    broken = replace(row_of(sale_event(), 1), payload=b"\xc3\x01")
    lane = lane_with(broken, contact_row(2, "ct_2"))
    worked(lane)
    outcome = lane.outcomes[1][-1]
    assert isinstance(outcome, Attention)
    assert (outcome.cause, "Undecodable" in (outcome.trace or "")) == ("bug", True)
    assert lane.outcomes[2] == [Done(Result.CREATED)]


def test_turn_suspects_run_one_at_a_time_and_are_marked_before() -> None:
    lane = lane_with(*(contact_row(number, f"ct_{number}", claims=3) for number in (1, 2)))
    story = worked(lane)
    assert lane.client.most_under_way == 1
    assert story.index("alone 1") < story.index("intent ct_1") < story.index("decided 1") < story.index("alone 2")


def test_turn_suspects_of_two_companies_run_one_at_a_time() -> None:
    one, other = (lane_with(contact_row(1, "ct_1", claims=3)) for _ in range(2))
    other.client = one.client

    async def work() -> None:
        alone = asyncio.Lock()
        await asyncio.gather(turn_of(one, alone=alone).run(), turn_of(other, alone=alone).run())

    run(work())
    assert (len(one.client.sent), one.client.most_under_way) == (2, 1)


@pytest.mark.parametrize("claims", [1, 2])
def test_turn_row_claimed_once_or_twice_is_no_suspect(claims: int) -> None:
    lane = lane_with(contact_row(1, "ct_1", claims=claims))
    assert "alone 1" not in worked(lane)


def test_turn_suspect_that_ran_alone_before_goes_before_a_person_unsent() -> None:
    lane = lane_with(contact_row(1, "ct_1", claims=4, ran_alone=True))
    worked(lane)
    outcome = lane.outcomes[1][-1]
    assert isinstance(outcome, Attention)
    assert (outcome.cause, lane.client.sent) == ("kills_the_process", [])


def test_turn_stopped_finishes_what_is_under_way_and_hands_back_the_rest() -> None:
    lane = lane_with(*(contact_row(number, f"ct_{number}") for number in (1, 2, 3)))

    async def work() -> None:
        turn = turn_of(lane, at_once=1)
        running = asyncio.create_task(turn.run())
        await asyncio.sleep(0.1)
        turn.stop()
        await running
        assert turn.in_order

    run(work())
    assert (done(lane), lane.put_back_ids) == ([1], [2, 3])


def test_turn_stopped_hands_back_what_takes_too_long_with_its_intent_open() -> None:
    lane = lane_with(contact_row(1, "ct_1"), contact_row(2, "ct_2"))
    lane.client.seconds = 60.0

    async def work() -> None:
        turn = turn_of(lane, at_once=1, drain_seconds=5.0)
        running = asyncio.create_task(turn.run())
        await asyncio.sleep(0.1)
        turn.stop()
        await running

    run(work())
    assert (done(lane), sorted(lane.put_back_ids)) == ([], [1, 2])
    assert [intent.ref.id for intent in lane.opened.values()] == ["ct_1"]


@pytest.mark.parametrize("at_once", [1, 10])
def test_turn_of_a_company_that_parks_hands_back_every_row_it_did_not_decide(at_once: int) -> None:
    """A row handed back is no death: one whose company parks again and again must never look like a killer."""
    lane = lane_with(*(contact_row(number, f"ct_{number}") for number in (1, 2, 3)))
    lane.client.failures.extend(CompanyUnavailable("ended", status=400, code="6190") for _ in range(3))
    story = worked(lane, at_once=at_once)
    assert "parked subscription_ended" in story
    assert (done(lane), lane.outcomes) == ([], {})
    assert sorted(lane.put_back_ids) == [1, 2, 3]
