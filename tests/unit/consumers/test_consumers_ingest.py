"""Kafka into the inbox: nothing is committed before it is stored, and one bad record costs only itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from consumers.dead_letters import DeadLetterLimit, TooManyDeadLetters
from consumers.ingest import Ingest, IngestPolicy
from consumers.ports import RowRefused, StoreAway
from consumers.reading import Fetched
from consumers.records import Arrived, DeadLetter, Received
from schemas.codec import Codec
from schemas.errors import RegistryUnavailable
from schemas.versions import AvroSchema
from tests.unit.consumers.build import contact_event
from tests.unit.qbo_client.vendor import SkippingClock

CODEC = Codec()


def fetched(offset: int, *, poison: bool = False, value: bytes | None = None) -> Fetched:
    name = "poison" if poison else "fine"
    body = CODEC.encode(contact_event(f"ct_{offset}", display_name=name)) if value is None else value
    return Fetched(
        topic="dev.contact.active", partition=0, offset=offset, key=b"k", value=body, headers=[], appended_ms=None
    )


@dataclass
class MemoryRecords:
    """Gives its batches once each, then ends the ingest."""

    batches: list[list[Fetched]]
    story: list[str]
    ended: Callable[[], None] = lambda: None

    def fetch(self) -> list[Fetched]:
        if not self.batches:
            self.ended()
            return []
        return self.batches.pop(0)

    def commit(self, batch: Sequence[Fetched]) -> None:
        self.story.append(f"commit {batch[-1].offset}")

    def pause(self) -> None:
        self.story.append("pause")

    def resume(self) -> None:
        self.story.append("resume")


@dataclass
class MemoryInbox:
    """Refuses every batch that holds poison, as PostgreSQL refuses one with a row that it cannot hold."""

    story: list[str]
    events: list[int] = field(default_factory=list)
    letters: list[tuple[int, str]] = field(default_factory=list)
    away: int = 0
    depths: list[int] = field(default_factory=list)
    transactions: int = 0

    async def receive(self, events: Sequence[Arrived], dead: Sequence[DeadLetter], dead_topic: str) -> Received:
        if self.away:
            self.away -= 1
            raise StoreAway("the connection is closed")
        self.transactions += 1
        if any(b"poison" in event.payload for event in events):
            raise RowRefused("a NUL in a text")
        assert dead_topic == "dev.dead"
        self.events += [event.offset for event in events]
        self.letters += [(letter.offset, letter.reason) for letter in dead]
        self.story.append(f"stored {len(events)}+{len(dead)}")
        return Received(stored=len(events), duplicates=0, reused_ids=0, not_connected=0, dead=len(dead))

    async def depth(self, *, cap_per_tenant: int) -> int:
        assert cap_per_tenant == 10
        return self.depths.pop(0) if self.depths else 0


@dataclass
class House:
    """An ingest over these batches, and all that it did."""

    batches: list[list[Fetched]]
    codec: Codec = CODEC
    limit: DeadLetterLimit = field(default_factory=DeadLetterLimit)
    story: list[str] = field(default_factory=list)
    clock: SkippingClock = field(default_factory=SkippingClock)

    def __post_init__(self) -> None:
        self.inbox = MemoryInbox(self.story)
        self.received: list[Received] = []
        self.paused: list[bool] = []

    async def run(self) -> None:
        records = MemoryRecords(self.batches, self.story)
        policy = IngestPolicy(
            most_workable=100,
            most_per_tenant=10,
            look_every_seconds=0.0,
            dead_letter_topic="dev.dead",
            dead_letters=self.limit,
        )
        ingest = Ingest(
            records=records, inbox=self.inbox, codec=self.codec, clock=self.clock, policy=policy,
            topics={"dev.contact.active": "contact.active"}, on_received=self.received.append,
            on_pause=self.paused.append,
        )  # fmt: skip
        records.ended = ingest.stop
        await ingest.run()


async def test_ingest_commits_offsets_after_the_batch_is_stored() -> None:
    house = House([[fetched(0), fetched(1)], [fetched(2)]])
    await house.run()
    assert house.story == ["stored 2+0", "commit 1", "stored 1+0", "commit 2"]
    assert sum(received.stored for received in house.received) == 3


async def test_ingest_stores_unreadable_records_as_dead_letters_in_the_same_batch() -> None:
    house = House([[fetched(0), fetched(1, value=b"junk"), fetched(2)]])
    await house.run()
    assert (house.inbox.events, house.inbox.letters) == ([0, 2], [(1, "unknown_form")])
    assert house.story == ["stored 2+1", "commit 2"]


@pytest.mark.parametrize("bad", [0, 3, 6])
async def test_ingest_of_a_row_that_cannot_be_stored_buries_exactly_that_one(bad: int) -> None:
    house = House([[fetched(offset, poison=offset == bad) for offset in range(7)]])
    await house.run()
    assert house.inbox.letters == [(bad, "cannot_be_stored")]
    assert house.inbox.events == [offset for offset in range(7) if offset != bad], "neighbours are stored, in order"
    assert house.story[-1] == "commit 6"
    assert house.story.count("commit 6") == 1


async def test_ingest_of_several_rows_that_cannot_be_stored_buries_each() -> None:
    house = House([[fetched(offset, poison=offset in {1, 2, 5}) for offset in range(8)]])
    await house.run()
    assert sorted(house.inbox.letters) == [(offset, "cannot_be_stored") for offset in (1, 2, 5)]
    assert sorted(house.inbox.events) == [0, 3, 4, 6, 7]


async def test_ingest_waits_while_postgresql_is_away_and_commits_nothing_before() -> None:
    house = House([[fetched(0)]])
    house.inbox.away = 3
    await house.run()
    assert house.story == ["stored 1+0", "commit 0"]
    assert len(house.clock.slept) == 3


class RegistryThatReturns:
    """Does not answer the first times."""

    def __init__(self, away: int) -> None:
        self.away = away

    def schema(self, schema_id: int) -> AvroSchema | None:
        self.away -= 1
        if self.away >= 0:
            raise RegistryUnavailable(f"no answer about schema {schema_id}")
        return None

    def schema_id(self, topic: str) -> int:
        raise RegistryUnavailable(topic)


async def test_ingest_waits_for_the_registry_and_gives_no_record_up_meanwhile() -> None:
    confluent = b"\x00\x00\x00\x00\x09" + CODEC.encode(contact_event())[10:]
    house = House([[fetched(0, value=confluent)]], codec=Codec(RegistryThatReturns(away=2)))
    await house.run()
    assert len(house.clock.slept) == 2
    # Only once the registry answered that it has no such schema.
    assert house.inbox.letters == [(0, "unknown_schema")]


async def test_ingest_of_too_many_unreadable_records_halts_before_it_stores_or_commits() -> None:
    junk = [fetched(offset, value=b"junk") for offset in range(3)]
    house = House([[fetched(9)], junk], limit=DeadLetterLimit(run=3))
    with pytest.raises(TooManyDeadLetters):
        await house.run()
    assert house.story == ["stored 1+0", "commit 9"]


async def test_ingest_pauses_at_the_bound_and_resumes_well_below_it() -> None:
    house = House([[fetched(0)], [fetched(1)], [fetched(2)], [fetched(3)]])
    house.inbox.depths = [99, 100, 80, 79]
    await house.run()
    assert house.paused == [True, False]
    assert [step for step in house.story if step in {"pause", "resume"}] == ["pause", "resume"]
    assert house.story.index("pause") == house.story.index("commit 0") + 1
    assert house.story.index("resume") == house.story.index("commit 2") + 1
