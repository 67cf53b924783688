"""The outbox onto Kafka: in order per key, marked only after Kafka confirmed it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.ports import OutboxAway, Unsent
from producers.relay import Relay, RelayPolicy, SenderBroken, cloud_event_headers
from schemas.errors import RegistryRefused, RegistryUnavailable

AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def unsent(number: int, key: str = "loc_1", *, payload: bytes | None = b"event", framed: bool = True) -> Unsent:
    return Unsent(
        id=number,
        topic="qb.sync.status",
        key=key,
        event_id=f"ev-{number}",
        payload=payload,
        headers={},
        framed=framed,
        created_at=AT,
    )


@dataclass
class House:
    """Outbox, shards, wire and Kafka in memory; `story` says what happened to which row in which order."""

    rows: list[Unsent]
    refused: set[int] = field(default_factory=set)
    story: list[str] = field(default_factory=list)
    #: The ids of each hand-over to Kafka, and what Kafka took, in its order.
    handed: list[list[int]] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    away: list[Exception] = field(default_factory=list)
    unframed: list[Exception] = field(default_factory=list)
    shards: Sequence[int] = (0, 1)
    now: float = 0.0
    on_mark: Callable[[], None] = lambda: None

    async def mine(self) -> Sequence[int]:
        return self.shards

    async def unsent(self, shards: Sequence[int], *, held: Sequence[str], limit: int) -> list[Unsent]:
        if self.away:
            raise self.away.pop()
        assert shards == self.shards
        return [row for row in self.rows if row.order_key not in held][:limit]

    async def mark_sent(self, ids: Sequence[int]) -> None:
        self.story += [f"marked {number}" for number in ids]
        self.rows = [row for row in self.rows if row.id not in ids]
        self.on_mark()

    def wire(self, topic: str, single_object: bytes) -> bytes:
        assert topic in {"qb.sync.status", "qb.invoice.paid"}
        if self.unframed:
            raise self.unframed.pop()
        return b"framed " + single_object

    def deliver(self, records: Sequence[tuple[Unsent, bytes | None]]) -> set[int]:
        """Take the records but those that are refused, as Kafka does that learns of a refusal too late."""
        self.story += [f"sent {row.id} {(value or b'nothing').decode()}" for row, value in records]
        self.handed.append([row.id for row, _ in records])
        taken = [row.id for row, _ in records if row.id not in self.refused]
        self.taken += taken
        return set(taken)

    def relay(self, *, batch: int = 100) -> Relay:
        return Relay(
            outbox=self, shards=self, wire=self, sender=self, monotonic=lambda: self.now, on_sent=self.told,
            policy=RelayPolicy(batch=batch, look_every_seconds=0.001),
        )  # fmt: skip

    def told(self, rows: Sequence[Unsent]) -> None:
        self.story += [f"told {row.id}" for row in rows]

    async def until(self, enough: Callable[[], bool], *, batch: int = 100) -> None:
        """Relay until the condition holds, then stop."""
        relay = self.relay(batch=batch)
        running = asyncio.create_task(relay.run())
        async with asyncio.timeout(30):
            while not enough() and not running.done():  # noqa: ASYNC110 - what is waited for is the fakes' state.
                await asyncio.sleep(0.001)
        relay.stop()
        await running

    def marked(self) -> list[int]:
        return [int(step.split()[1]) for step in self.story if step.startswith("marked")]


async def test_relay_marks_rows_only_after_kafka_confirmed_them() -> None:
    house = House([unsent(1), unsent(2, "loc_2")])
    await house.until(lambda: not house.rows)
    assert house.story == ["sent 1 framed event", "sent 2 framed event", "marked 1", "marked 2", "told 1", "told 2"]


async def test_relay_sends_rows_in_order_over_several_batches() -> None:
    house = House([unsent(number) for number in range(1, 8)])
    await house.until(lambda: not house.rows, batch=3)
    assert house.marked() == list(range(1, 8))
    assert [step.split()[1] for step in house.story if step.startswith("sent")] == list("1234567")


async def test_relay_refused_row_holds_its_key_and_only_its_key() -> None:
    house = House([unsent(1), unsent(2), unsent(3, "loc_2"), unsent(4), unsent(5, "loc_3")], refused={2})
    await house.until(lambda: 5 in house.marked())
    assert house.marked() == [1, 3, 5]
    assert [row.id for row in house.rows] == [2, 4], "what Kafka took behind the refused row is sent again after it"


async def test_relay_rows_behind_a_refused_one_are_not_sent_again_until_it_is_through() -> None:
    house = House([unsent(number) for number in range(1, 5)], refused={2})
    relay = house.relay()
    for tries in range(5):
        house.now = tries * 31.0
        await relay._relay_once()
    assert house.handed == [[1, 2, 3, 4], [2], [2], [2], [2]]

    house.refused.clear()
    house.now = 200.0
    await relay._relay_once()
    await relay._relay_once()
    assert house.handed[5:] == [[2], [3, 4]]
    assert house.taken == [1, 3, 4, 2, 3, 4], "whatever overtook a row comes again behind it"
    assert (house.marked(), house.rows) == ([1, 2, 3, 4], [])


async def test_relay_row_refused_behind_one_that_was_holds_its_key_in_turn() -> None:
    house = House([unsent(number) for number in range(1, 4)], refused={1, 2})
    relay = house.relay()
    await relay._relay_once()
    house.refused = {2}
    house.now = 31.0
    await relay._relay_once()
    await relay._relay_once()
    assert await relay._relay_once() == 0, "held for 30 seconds from the second refusal"
    assert (house.handed, house.marked()) == ([[1, 2, 3], [1], [2, 3]], [1])


async def test_relay_keys_that_were_held_are_tried_each_by_itself() -> None:
    """For one record that is too large Kafka refuses the whole batch, with the rows of other keys in it."""
    house = House([unsent(1, "loc_1"), unsent(2, "loc_2"), unsent(3, "loc_2")], refused={1, 2, 3})
    relay = house.relay()
    await relay._relay_once()
    house.refused = {1}
    house.rows += [unsent(4, "loc_3"), unsent(5, "loc_4")]
    house.now = 31.0
    await relay._relay_once()
    assert house.handed[1:] == [[4, 5], [1], [2]]
    await relay._relay_once()
    assert (house.handed[4:], [row.id for row in house.rows]) == ([[3]], [1])


async def test_relay_hands_the_rows_of_healthy_keys_over_as_one_batch() -> None:
    rows = [unsent(number, f"loc_{number % 3}") for number in range(50)]
    house = House(rows)
    assert await house.relay()._relay_once() == 50
    assert house.handed == [[row.id for row in rows]]


@given(
    keys=st.lists(st.sampled_from("abc"), min_size=1, max_size=12),
    refusals=st.dictionaries(st.integers(0, 11), st.integers(1, 3), max_size=4),
    batch=st.integers(1, 12),
)
def test_relay_whatever_is_refused_all_is_told_in_order_and_little_is_repeated(
    keys: list[str], refusals: dict[int, int], batch: int
) -> None:
    rows = [unsent(number, key) for number, key in enumerate(keys)]
    taken = asyncio.run(_taken(rows, refusals, batch))
    for key in set(keys):
        mine = [row.id for row in rows if row.key == key]
        last_copies = list(dict.fromkeys(number for number in reversed(taken) if number in mine))[::-1]
        assert last_copies == mine
        for number, copies in Counter(n for n in taken if n in mine).items():
            assert copies <= 1 + sum(1 for refused in refusals if refused in mine and refused < number)


async def _taken(rows: list[Unsent], refusals: Mapping[int, int], batch: int) -> list[int]:
    """Return what Kafka took until all was marked, if it refuses each of these rows so often."""
    house, left = House(rows), dict(refusals)
    relay = house.relay(batch=batch)
    while house.rows:
        house.refused = {number for number, times in left.items() if times}
        before = len(house.handed)
        if await relay._relay_once() == 0:
            house.now += 31.0
        for number in chain(*house.handed[before:]):
            if number in house.refused:
                left[number] -= 1
    return house.taken


async def test_relay_whose_producer_is_broken_ends_and_marks_nothing() -> None:
    house = House([unsent(1)])

    def deliver(records: Sequence[tuple[Unsent, bytes | None]]) -> set[int]:
        raise SenderBroken("out of sequence")

    house.deliver = deliver  # type: ignore[method-assign]  # this house only
    with pytest.raises(SenderBroken):
        await house.relay().run()
    assert house.marked() == []


async def test_relay_refused_row_does_not_hold_another_topic_of_its_key() -> None:
    house = House([unsent(1), replace(unsent(2), topic="qb.invoice.paid"), unsent(3)], refused={1})
    await house.until(lambda: 2 in house.marked())
    assert house.marked() == [2]


async def test_relay_held_key_is_tried_again_after_its_time_in_order() -> None:
    house = House([unsent(1), unsent(2), unsent(3, "loc_2")], refused={1})
    await house.until(lambda: 3 in house.marked())
    house.refused.clear()
    house.now = 31.0
    await house.until(lambda: not house.rows)
    assert house.marked() == [3, 1, 2]


async def test_relay_held_key_is_left_alone_until_its_time() -> None:
    house = House([unsent(1)], refused={1})
    relay = house.relay()
    await relay._relay_once()
    house.now = 29.0
    assert await relay._relay_once() == 0
    house.now = 31.0
    house.refused.clear()
    assert await relay._relay_once() == 1
    assert [step for step in house.story if step.startswith("sent")] == ["sent 1 framed event"] * 2


@pytest.mark.parametrize("error", [OutboxAway("closed"), RegistryUnavailable("no answer")])
async def test_relay_waits_while_what_it_needs_is_away(error: Exception) -> None:
    house = House([unsent(1)])
    (house.away if isinstance(error, OutboxAway) else house.unframed).append(error)
    await house.until(lambda: not house.rows)
    assert house.story == ["sent 1 framed event", "marked 1", "told 1"]


async def test_relay_row_that_the_registry_refuses_holds_its_key_only() -> None:
    house = House([unsent(1), unsent(2, "loc_2")])
    house.unframed.append(RegistryRefused("incompatible"))
    await house.until(lambda: 2 in house.marked())
    assert house.marked() == [2]


async def test_relay_rows_behind_one_that_cannot_be_framed_are_not_handed_over_while_it_is_held() -> None:
    house = House([unsent(1), unsent(2), unsent(3, "loc_2"), unsent(4)])
    relay = house.relay()
    for house.now in (0.0, 31.0):
        house.unframed.append(RegistryRefused("incompatible"))
        await relay._relay_once()
    assert (house.taken, house.marked()) == ([3], [3])
    house.now = 62.0
    await relay._relay_once()
    await relay._relay_once()
    assert house.taken == house.marked() == [3, 1, 2, 4]


async def test_relay_sends_nothing_at_all_while_the_registry_is_away_though_a_key_is_tried_again() -> None:
    """What was handed over already could not be marked, and would be sent again at every try."""
    house = House([unsent(1)], refused={1})
    relay = house.relay()
    await relay._relay_once()
    house.rows = [unsent(1), unsent(2, "loc_2", framed=False)]
    house.now = 31.0
    house.unframed.append(RegistryUnavailable("no answer"))
    with pytest.raises(RegistryUnavailable):
        await relay._relay_once()
    assert house.handed == [[1]]


async def test_relay_sends_unframed_rows_byte_for_byte_and_tombstones_as_such() -> None:
    house = House([unsent(1, payload=b"junk", framed=False), unsent(2, payload=None, framed=False)])
    await house.until(lambda: not house.rows)
    assert house.story[:2] == ["sent 1 junk", "sent 2 nothing"]


async def test_relay_without_a_shard_of_its_own_sends_nothing() -> None:
    house = House([unsent(1)], shards=())
    assert await house.relay()._relay_once() == 0
    assert house.story == []


async def test_relay_sends_what_came_while_it_was_asked_to_stop() -> None:
    house = House([unsent(1)])
    relay = house.relay()
    relay.stop()
    await relay.run()
    assert house.marked() == [1]


def test_cloud_event_headers_mirror_the_envelope() -> None:
    headers = cloud_event_headers(unsent(7))
    assert headers["ce_id"] == "ev-7"
    assert headers["ce_type"] == "qb.sync.status"
    assert (headers["ce_subject"], headers["ce_time"]) == ("loc_1", "2026-11-24T08:00:00+00:00")
    assert (headers["ce_specversion"], headers["content-type"]) == ("1.0", "application/avro")


def test_cloud_event_headers_of_a_dead_letter_are_its_own() -> None:
    assert cloud_event_headers(unsent(7, framed=False)) == {}


async def test_relay_keeps_its_shards_while_kafka_does_not_confirm() -> None:
    """PostgreSQL may be away at the same time; what Kafka confirms in the end is marked all the same."""
    house, asked = House([unsent(1)]), []

    async def mine() -> Sequence[int]:
        asked.append(len(house.story))
        if len(asked) == 2:
            raise OutboxAway("closed")
        return house.shards

    def deliver(records: Sequence[tuple[Unsent, bytes | None]]) -> set[int]:
        while len(asked) < 4:
            time.sleep(0.001)
        return {row.id for row, _ in records}

    house.mine, house.deliver = mine, deliver  # type: ignore[method-assign]  # this house only
    relay = house.relay()
    relay.policy = replace(relay.policy, keep_seconds=0.001)
    async with asyncio.timeout(30):
        assert await relay._relay_once() == 1
    assert house.marked() == [1]
