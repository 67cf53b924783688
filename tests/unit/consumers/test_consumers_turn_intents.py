"""Requests that nobody answered: settled before anything else about their keys."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from consumers.intents import CrmRef, Intent
from consumers.outcomes import Attention, Done, Result, Waiting
from qbo_client.errors import CompanyUnavailable, InvalidData, Uncertain
from tests.unit.consumers.build import draft, intent
from tests.unit.consumers.memory import MemoryLane
from tests.unit.consumers.turns import START, contact_row, lane_with, run, turn_of, worked

OPENED = START - timedelta(minutes=1)


def open_customer(contact: str = "ct_1", **changes: Any) -> Intent:
    """An intent of row 1 to make this contact's customer, sent a minute ago without an answer."""
    wanted = draft(
        ref=CrmRef(kind="contact", id=contact), entity="Customer", body={"DisplayName": "Contact ct_1"}, expect={}
    )
    keys = (f"contact:{contact}", f"email:{contact}@example.com")
    return intent(wanted, keys=keys, created_at=OPENED, due_at=OPENED, **changes)


def lane_with_open(opened: Intent, *numbers: int) -> MemoryLane:
    lane = lane_with(*(contact_row(number, "ct_1" if number < 9 else "ct_9") for number in numbers))
    lane.opened[opened.write.request_id] = opened
    lane.books.numbers[opened.ref] = opened.number
    return lane


def kinds(lane: MemoryLane, row: int) -> list[str]:
    return [getattr(outcome, "cause", "done") for outcome in lane.outcomes[row]]


def test_open_intent_is_sent_again_verbatim_before_its_row() -> None:
    opened = open_customer()
    lane = lane_with_open(opened, 1)
    worked(lane)
    assert lane.client.sent[0] == opened.write
    assert kinds(lane, 1) == ["waits_for_answer", "done"]
    assert len([w for w in lane.client.sent if w.operation == "create"]) == 1


def test_open_intent_holds_back_rows_of_its_keys_only() -> None:
    lane = lane_with_open(open_customer(), 1, 2, 9)
    story = worked(lane)
    assert (kinds(lane, 2)[0], kinds(lane, 9)) == ("waits_for_answer", ["done"])
    assert story.index("written ct_1") < story.index("done 2 done")
    waited = lane.outcomes[2][0]
    assert isinstance(waited, Waiting)
    assert waited.due > START


def test_row_whose_request_got_no_answer_waits_and_the_same_request_is_sent_until_it_does() -> None:
    lane = lane_with(contact_row(1, "ct_1"))
    lane.client.failures.extend(Uncertain("no answer") for _ in range(3))
    worked(lane, linger_seconds=60.0)
    assert (kinds(lane, 1)[0], lane.outcomes[1][-1]) == ("no_answer", Done(Result.UNCHANGED))
    assert len(lane.client.sent) == 4
    assert len(set(map(repr, lane.client.sent))) == 1, "every attempt has the same bytes and the same request id"
    assert list(lane.opened) == []


def test_newer_row_does_not_overtake_a_request_without_answer() -> None:
    lane = lane_with(contact_row(1, "ct_1"), contact_row(2, "ct_1"))
    lane.client.failures.append(Uncertain("no answer"))
    worked(lane, linger_seconds=60.0)
    numbers = [body["PrimaryPhone"]["FreeFormNumber"][-1] for body in lane.client.bodies]
    assert numbers == ["1", "1", "2"]
    assert lane.client.most_under_way == 1


def test_open_intent_that_is_refused_is_closed_and_its_row_tried_anew() -> None:
    opened = open_customer()
    lane = lane_with_open(opened, 1)
    lane.client.failures.append(InvalidData("no", status=400, code="6000"))
    story = worked(lane)
    assert "refused ct_1" in story
    assert lane.outcomes[1][-1] == Done(Result.CREATED)
    assert lane.client.sent[1].request_id != opened.write.request_id


def test_open_intent_of_a_company_that_parks_stays_open() -> None:
    lane = lane_with_open(open_customer())
    lane.client.failures.append(CompanyUnavailable("gone", status=403, code="3100"))
    story = worked(lane)
    assert story == ["parked token_revoked"]
    assert len(lane.opened) == 1


def test_open_intent_that_fails_for_a_reason_of_ours_goes_before_a_person_once() -> None:
    # Older than ten minutes, so that the object is looked for; the stored body cannot be searched by.
    nameless = draft(ref=CrmRef(kind="contact", id="ct_1"), entity="Customer", body={"Balance": Decimal(0)}, expect={})
    broken = intent(nameless, created_at=START - timedelta(hours=1), due_at=OPENED)
    lane = lane_with_open(broken)
    assert worked(lane) == ["unanswered ct_1"]
    assert (lane.client.sent, list(lane.opened.values())) == ([], [broken])


def test_intent_before_a_person_is_not_sent_and_still_holds_its_keys() -> None:
    lane = lane_with_open(open_customer(in_attention=True), 2, 9)
    worked(lane)
    assert (kinds(lane, 2), kinds(lane, 9)) == (["waits_for_answer"], ["done"])
    assert [body["DisplayName"] for body in lane.client.bodies] == ["Contact ct_9"]


def test_row_of_an_intent_before_a_person_is_before_a_person_too() -> None:
    """Else it is in no list of what needs attention, and no retry takes the intent up again."""
    lane = lane_with_open(open_customer(in_attention=True), 1)
    worked(lane)
    assert isinstance(lane.outcomes[1][-1], Attention)


def test_open_intent_older_than_a_day_is_not_sent_again_by_itself() -> None:
    opened = replace(open_customer(), created_at=START - timedelta(hours=25))
    lane = lane_with_open(opened)
    lane.client.failures.extend(Uncertain("no answer") for _ in range(9))
    worked(lane, linger_seconds=60.0)
    assert [write.request_id for write in lane.client.sent].count(opened.write.request_id) == 1


def test_open_intent_that_is_not_due_is_not_sent_yet() -> None:
    later = replace(open_customer(), due_at=START + timedelta(hours=1))
    lane = lane_with_open(later)
    assert worked(lane) == []
    assert lane.client.sent == []


def test_request_under_way_is_not_sent_beside_itself_when_a_retry_is_looked_for() -> None:
    """It would free its keys while its row still works, and another row of the same contact would start."""
    lane = lane_with(contact_row(1, "ct_1"))
    stuck = open_customer("ct_8", in_attention=True)
    lane.opened[stuck.write.request_id] = stuck
    lane.client.seconds = 2.0

    async def work() -> None:
        turn = turn_of(lane)
        running = asyncio.create_task(turn.run())
        await asyncio.sleep(0.5)
        lane.add(contact_row(2, "ct_2"))
        turn.nudge()
        await running

    run(work())
    assert [body["DisplayName"] for body in lane.client.bodies] == ["Contact ct_1", "Contact ct_2"]


def test_intent_before_a_person_is_sent_again_in_the_same_turn_once_it_is_retried() -> None:
    stuck = open_customer(in_attention=True)
    lane = lane_with_open(stuck)

    async def work() -> None:
        turn = turn_of(lane)
        running = asyncio.create_task(turn.run())
        await asyncio.sleep(0.5)
        lane.opened[stuck.write.request_id] = replace(stuck, in_attention=False)
        lane.add(contact_row(1, "ct_1"))
        turn.nudge()
        await running

    run(work())
    assert lane.client.sent[0] == stuck.write
    assert kinds(lane, 1)[-1] == "done"
