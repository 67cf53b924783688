"""Hints in memory: nothing is lost while PostgreSQL is away, and memory has a bound."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bridge.hints import Hints
from bridge.metrics import Metrics
from tests.unit.bridge.memory_hints import AT, MemoryStore, StillClock, change, fates, until, waiting


@dataclass(slots=True)
class Desk:
    """Hints with all they need; at most ten are kept."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: StillClock = field(default_factory=StillClock)
    metrics: Metrics = field(default_factory=Metrics)
    wanted: list[tuple[str, ...]] = field(default_factory=list)
    hints: Hints = field(init=False)
    running: "asyncio.Task[None]" = field(init=False)

    def __post_init__(self) -> None:
        self.hints = Hints(self.store, self.clock, self.metrics, want=self.wanted.append, most_waiting=10)
        self.running = asyncio.create_task(self.hints.run())

    async def end(self) -> None:
        """Stop, and wait until all is stored."""
        self.hints.stop()
        await until(self.running.done)
        self.running.result()

    def back(self) -> None:
        """Let PostgreSQL answer again, and the pause end."""
        self.store.away = False
        self.clock.go_on()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    desk.running.cancel()


async def test_hint_of_an_idle_process_is_stored_at_once(desk: Desk) -> None:
    for number in ("1", "2"):
        desk.hints.take([change(identifier=number)])
        await until(lambda number=number: number in desk.store.ids)  # type: ignore[misc]
    assert [len(group) for group in desk.store.groups] == [1, 1]
    assert desk.wanted == [("1",), ("1",)]


async def test_hints_that_come_during_a_write_leave_together_in_the_next(desk: Desk) -> None:
    desk.store.gate.clear()
    desk.hints.take([change(identifier="1")])
    await until(lambda: desk.store.asked)
    for number in "2345":
        desk.hints.take([change(identifier=number)])
    assert (desk.hints.waiting, waiting(desk.metrics)) == (4, 4)
    desk.store.gate.set()
    await desk.end()
    assert [[one.id for one in group] for group in desk.store.groups] == [["1"], ["2", "3", "4", "5"]]
    assert waiting(desk.metrics) == 0


async def test_group_has_a_limit_and_the_oldest_go_first() -> None:
    store = MemoryStore()
    hints = Hints(store, StillClock(), Metrics(), want=lambda _: None)
    hints.take([change(identifier=str(number)) for number in range(2_500)])
    hints.stop()
    await hints.run()
    assert [len(group) for group in store.groups] == [1_000, 1_000, 500]
    assert store.ids == [str(number) for number in range(2_500)]


async def test_hint_told_often_is_one_with_the_latest_time_and_every_event_counts(desk: Desk) -> None:
    latest = AT + timedelta(seconds=9)
    desk.hints.take([change(), change(at=latest), change(), change(operation="merged", deleted_id="7")])
    desk.hints.take([change(operation="merged", deleted_id="8")])
    await desk.end()
    told = [(one.operation, one.deleted_id, one.at) for one in desk.store.groups[0]]
    assert told == [("updated", None, latest), ("merged", "7", AT), ("merged", "8", AT)]
    assert fates(desk.metrics) == {"hint": 5}


async def test_same_hint_that_comes_during_its_write_is_written_again(desk: Desk) -> None:
    desk.store.gate.clear()
    desk.hints.take([change()])
    await until(lambda: desk.store.asked)
    desk.hints.take([change()])
    desk.store.gate.set()
    await desk.end()
    assert desk.store.ids == ["58", "58"]


@pytest.mark.parametrize("entity", ["Item", "Vendor", "SalesReceipt", "widget"])
async def test_change_of_what_is_not_watched_only_proves_that_webhooks_arrive(desk: Desk, entity: str) -> None:
    desk.hints.take([change(entity=entity), change("2", entity=entity), change("2", entity="Payment")])
    await desk.end()
    assert (desk.store.ids, desk.store.heard) == (["58"], {"1", "2"})
    assert fates(desk.metrics) == {"unwatched": 2, "hint": 1}


async def test_hint_of_an_unknown_company_is_counted_as_such(desk: Desk) -> None:
    desk.hints.take([change("99"), change("98", "1"), change("98", "1"), change("1")])
    await desk.end()
    assert fates(desk.metrics) == {"unknown_company": 3, "hint": 1}
    assert desk.wanted == [("1",)]


async def test_hints_wait_while_postgresql_is_away_and_then_everything_is_due_once(desk: Desk) -> None:
    with capture_logs() as logs:
        desk.store.away = True
        desk.hints.take([change(identifier="1"), change("2", entity="Item")])
        for tries in (1, 2, 3):
            await until(lambda tries=tries: len(desk.clock.sleeping) == tries)  # type: ignore[misc]
            assert waiting(desk.metrics) == tries
            desk.hints.take([change(identifier=str(tries + 1))])
            desk.clock.go_on()
        await until(lambda: len(desk.clock.sleeping) == 4)
        desk.back()
        await desk.end()
    assert sorted(desk.store.ids) == ["1", "2", "3", "4"]
    assert desk.store.heard == {"2"}
    assert (desk.store.everything, desk.wanted) == (1, [("1",), ("1", "2")])
    assert desk.clock.sleeping == [0.5] * 4
    warnings = [log for log in logs if log["event"] == "hints_wait_for_postgresql"]
    assert [log["waiting"] for log in warnings] == [1, 2, 3, 4]


async def test_everything_is_asked_for_again_if_postgresql_goes_meanwhile(desk: Desk) -> None:
    desk.store.away = True
    desk.hints.take([change()])
    await until(lambda: desk.clock.sleeping)
    desk.store.goes_away_after_add = True
    desk.back()
    await until(lambda: len(desk.clock.sleeping) == 2)
    assert (desk.store.ids, desk.store.everything, desk.hints.waiting) == (["58"], 0, 0)
    desk.back()
    await desk.end()
    assert (desk.store.ids, desk.store.everything) == (["58"], 1)


async def test_everything_is_due_although_hints_keep_coming(desk: Desk) -> None:
    desk.store.away = True
    desk.hints.take([change()])
    await until(lambda: desk.clock.sleeping)
    desk.back()
    coming = 0
    while not desk.store.everything:
        coming += 1
        desk.hints.take([change(identifier=str(coming))])
        await asyncio.sleep(0)
        assert coming < 1_000
    await desk.end()


async def test_newer_time_of_a_hint_survives_that_it_was_taken_back(desk: Desk) -> None:
    desk.store.away = True
    desk.store.gate.clear()
    desk.hints.take([change(at=AT + timedelta(seconds=5))])
    await until(lambda: desk.store.asked)
    desk.hints.take([change(at=AT)])
    desk.store.gate.set()
    await until(lambda: desk.clock.sleeping)
    desk.back()
    await desk.end()
    assert [one.at for one in desk.store.groups[0]] == [AT + timedelta(seconds=5)]
    assert fates(desk.metrics) == {"hint": 2}


async def test_too_many_hints_are_forgotten_but_for_merges_and_everything_is_due(desk: Desk) -> None:
    with capture_logs() as logs:
        desk.store.away = True
        desk.hints.take([change()])
        await until(lambda: desk.clock.sleeping)
        desk.hints.take([change(identifier="9", operation="merged", deleted_id="8"), change(entity="Item")])
        desk.hints.take([change(identifier=str(number)) for number in range(8)])
        assert desk.hints.waiting == 1, "eleven with the company that was only heard of"
        desk.hints.take([change(identifier="77")])
        desk.back()
        await desk.end()
    assert desk.store.ids == ["9", "77"]
    assert (desk.store.everything, desk.wanted[-1]) == (1, ("1", "2"))
    assert fates(desk.metrics) == {"unwatched": 1, "forgotten": 9, "hint": 2}
    (log,) = [log for log in logs if log["event"] == "hints_forgotten_everything_is_due"]
    assert (log["log_level"], log["forgotten"], log["kept"]) == ("error", 9, 1)


async def test_too_many_merges_are_forgotten_too(desk: Desk) -> None:
    desk.hints.take([change(identifier=str(n), operation="merged", deleted_id=str(n + 50)) for n in range(11)])
    await desk.end()
    assert (desk.store.ids, desk.store.everything) == ([], 1)


async def test_companies_only_heard_of_are_within_the_bound_too(desk: Desk) -> None:
    desk.hints.take([change(str(number), entity="Item") for number in range(11)])
    await desk.end()
    assert (desk.store.heard, desk.store.everything) == (set(), 1)


async def test_hints_taken_back_are_within_the_bound_too(desk: Desk) -> None:
    desk.store.away = True
    desk.store.gate.clear()
    desk.hints.take([change(identifier=str(number)) for number in range(6)])
    await until(lambda: desk.store.asked)
    desk.hints.take([change(identifier=str(number)) for number in range(6, 12)])
    desk.store.gate.set()
    await until(lambda: desk.clock.sleeping)
    assert (desk.hints.waiting, waiting(desk.metrics)) == (0, 0)


async def test_hints_that_the_store_refuses_end_nothing_and_everything_is_due(desk: Desk) -> None:
    with capture_logs() as logs:
        desk.store.broken = ValueError("a bug")
        desk.hints.take([change(), change()])
        await until(lambda: desk.store.everything)
        desk.store.broken = None
        desk.hints.take([change(identifier="2")])
        await desk.end()
    assert desk.store.ids == ["2"]
    assert fates(desk.metrics) == {"forgotten": 2, "hint": 1}
    (log,) = [log for log in logs if log["event"] == "hints_refused"]
    assert (log["log_level"], log["group"]) == ("error", 1)


async def test_stop_of_an_idle_process_ends_at_once(desk: Desk) -> None:
    await desk.end()
    assert desk.store.asked == 0


async def test_stop_while_postgresql_is_away_waits_for_it(desk: Desk) -> None:
    desk.store.away = True
    desk.hints.take([change()])
    await until(lambda: desk.clock.sleeping)
    desk.hints.stop()
    desk.clock.go_on()
    await until(lambda: len(desk.clock.sleeping) == 2)
    assert not desk.running.done()
    desk.back()
    await desk.end()
    assert (desk.store.ids, desk.store.everything) == (["58"], 1)
