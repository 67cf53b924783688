"""The answer to a write of ours is committed while a poll is judged: nothing false is told, nothing is lost."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

import bridge.store.news
import bridge.store.recall
from bridge.store.database import Pool
from producers.watched import WatchPolicy
from tests.integration.store.effects import groups_of
from tests.integration.watch.company import WatchedCompany, changed, names, watched_company
from tests.integration.watch.writing import OwnHand, phone

ROUNDS = 25


@pytest.fixture
async def hand(company: WatchedCompany) -> AsyncIterator[OwnHand]:
    await company.begin()
    await company.settle()
    async with groups_of(company.pool) as groups:
        yield OwnHand(company=company, groups=groups)


@dataclass(slots=True)
class Pause:
    """Stops whoever judges news at one point until it is let go on."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def here(self) -> None:
        self.reached.set()
        await self.go_on.wait()


@pytest.fixture(params=["before customers are recalled", "after all is recalled"])
def pause(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Pause:
    pause = Pause()
    if request.param == "after all is recalled":
        recall = bridge.store.recall.recall

        async def paused(*values: Any) -> Any:
            memory = await recall(*values)
            await pause.here()
            return memory

        monkeypatch.setattr(bridge.store.news, "recall", paused)
    else:
        customers = bridge.store.recall._Recall._customers

        async def paused_customers(self: Any, *values: Any) -> Any:
            await pause.here()
            return await customers(self, *values)

        monkeypatch.setattr(bridge.store.recall._Recall, "_customers", paused_customers)
    return pause


async def while_judged(pause: Pause, judging: Any, act: Callable[[], Any]) -> None:
    """Do something while a poll is stopped in the middle of its transaction, and let both come to their ends."""
    poll = asyncio.create_task(judging)
    await pause.reached.wait()
    other = asyncio.create_task(act())
    await asyncio.wait([other], timeout=0.3)
    pause.go_on.set()
    await asyncio.gather(poll, other)


async def deadlocks(company: WatchedCompany) -> int:
    await company.books.do("SELECT pg_stat_clear_snapshot()")
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    return int((await company.books.column(query))[0])


async def test_answer_to_a_creation_in_the_middle_of_a_poll(hand: OwnHand, pause: Pause) -> None:
    answer = await hand.sends(await hand.intends("ct_1", DisplayName="Amy"))
    await while_judged(pause, hand.company.poll(), lambda: hand.commits(answer))
    await hand.company.poll()
    assert await hand.company.customers_told() == []


async def test_answer_to_an_update_in_the_middle_of_a_poll(hand: OwnHand, pause: Pause) -> None:
    pause.go_on.set()
    amy = await hand.writes("ct_1", DisplayName="Amy", PrimaryPhone=phone("555 0100"))
    await hand.company.poll()
    pause.go_on.clear()
    pause.reached.clear()
    body = {"Id": amy["Id"], "SyncToken": amy["SyncToken"], "PrimaryPhone": phone("555 0111")}
    answer = await hand.sends(await hand.intends("ct_1", **body))
    hand.company.edits("Customer", amy["Id"], CompanyName="Amy Ltd")
    await while_judged(pause, hand.company.poll(), lambda: hand.commits(answer))
    await hand.company.poll()
    (event,) = await hand.company.customers_told()
    assert (event.customer.phone, event.customer.company_name) == ("555 0111", "Amy Ltd")


async def test_whole_write_in_the_middle_of_a_poll_of_a_customer_nobody_was_told_of(
    hand: OwnHand, pause: Pause
) -> None:
    await hand.hears("ct_1")  # Receiving waits for whoever judges news.
    zoe = hand.company.customer("Zoe")
    body = {"Id": zoe["Id"], "SyncToken": zoe["SyncToken"], "PrimaryPhone": phone("555 0111")}
    await while_judged(pause, hand.company.poll(), lambda: hand.writes("ct_1", **body))
    await hand.company.poll()
    assert changed(await hand.company.customers_told()) == [("CREATED", "Zoe")]
    assert await hand.company.known_fields(zoe["Id"]) == await hand.company.shown_fields(zoe["Id"])


async def test_whole_write_in_the_middle_of_telling_who_was_there_at_the_beginning(
    company: WatchedCompany, pause: Pause
) -> None:
    zoe = company.customer("Zoe")
    pause.go_on.set()
    await company.begin()
    pause.go_on.clear()
    pause.reached.clear()
    body = {"Id": zoe["Id"], "SyncToken": zoe["SyncToken"], "PrimaryPhone": phone("555 0111")}
    async with groups_of(company.pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        await hand.hears("ct_1")
        await while_judged(pause, company.settle(), lambda: hand.writes("ct_1", **body))
        await company.poll()
    assert names(await company.customers_told()) == [("CREATED", "INITIAL_IMPORT", "Zoe")]
    assert await company.known_fields(zoe["Id"]) == await company.shown_fields(zoe["Id"])


async def test_answer_to_an_update_of_a_customer_whose_merge_is_told(hand: OwnHand, pause: Pause) -> None:
    """Both lock what is known of the customer, its links and its copy: in the same order."""
    pause.go_on.set()
    amy = await hand.writes("ct_1", DisplayName="Amy")
    keep = hand.company.customer("Zoe")["Id"]
    hand.company.invoice(amy["Id"])
    await hand.company.poll()
    await hand.company.forget_told()
    pause.go_on.clear()
    pause.reached.clear()
    body = {"Id": amy["Id"], "SyncToken": "0", "PrimaryPhone": phone("555 0111")}
    answer = await hand.sends(await hand.intends("ct_1", **body))
    hand.company.merges(keep=keep, lose=amy["Id"])
    await while_judged(pause, hand.company.poll(), lambda: hand.commits(answer))
    await hand.company.poll()
    assert changed(await hand.company.customers_told()) == [("MERGED", "Amy")]
    assert await deadlocks(hand.company) == 0


@pytest.mark.parametrize("seed", range(3))
async def test_writes_edits_and_polls_at_once_for_many_rounds(hand: OwnHand, seed: int) -> None:
    chance, company = random.Random(seed), hand.company
    contacts = [f"ct_{number}" for number in range(8)]
    made: dict[str, Any] = {one: await hand.writes(one, DisplayName=one, PrimaryPhone=phone("0")) for one in contacts}
    last: dict[str, str] = {}
    for turn in range(ROUNDS):
        fresh = await hand.sends(await hand.intends(f"new_{turn}", DisplayName=f"New {turn}"))
        chosen = chance.sample(contacts, 3)
        answers = [fresh, *[await _update(hand, one, made, phone=str(turn)) for one in chosen]]
        for one in chance.sample(contacts, 2):
            last[one] = f"{one} Ltd {turn}"
            made[one] = company.edits("Customer", made[one]["Id"], CompanyName=last[one])
        await asyncio.gather(_after(chance, hand.commits(*answers)), _after(chance, company.poll()))
    await company.poll()
    told = await company.customers_told()
    assert all(event.change.value == "UPDATED" for event in told)
    assert {event.customer.display_name: event.customer.company_name for event in told} == last
    assert await deadlocks(company) == 0
    for one in made.values():
        assert await company.known_fields(one["Id"]) == await company.shown_fields(one["Id"])


@pytest.mark.parametrize("seed", range(3))
async def test_found_customers_written_while_all_are_told_of_the_beginning(pool: Pool, seed: int) -> None:
    company = await watched_company(pool, policy=WatchPolicy(page=3))
    chance = random.Random(seed)
    there = [company.customer(f"Zoe {number:02}") for number in range(30)]
    await company.begin()
    async with groups_of(pool) as groups:
        hand = OwnHand(company=company, groups=groups)
        for number in range(30):
            await hand.hears(f"ct_{number}")

        async def write(number: int) -> None:
            body = {"Id": there[number]["Id"], "SyncToken": "0", "PrimaryPhone": phone(str(number))}
            await hand.writes(f"ct_{number}", **body)

        async def all_of_them() -> None:
            for start in range(0, 30, 5):
                for number in chance.sample(range(start, start + 5), 5):
                    await write(number)

        await asyncio.gather(company.settle(), all_of_them())
        await company.poll()
    told = await company.customers_told()
    assert sorted(names(told)) == [("CREATED", "INITIAL_IMPORT", f"Zoe {number:02}") for number in range(30)]
    assert await deadlocks(company) == 0


async def _update(hand: OwnHand, contact: str, made: dict[str, Any], **fields: str) -> Any:
    customer = made[contact]
    body = {"Id": customer["Id"], "SyncToken": customer["SyncToken"], "PrimaryPhone": phone(fields["phone"])}
    answer = await hand.sends(await hand.intends(contact, **body))
    made[contact] = answer.object
    return answer


async def _after(chance: random.Random, doing: Any) -> None:
    await asyncio.sleep(chance.random() * 0.02)
    await doing
