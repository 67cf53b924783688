"""Kafka into the inbox.

The order of effects, so that a crash after any step loses nothing:

1. A batch is fetched and decoded; what cannot be decoded becomes a dead letter.
2. One transaction stores all of it.      killed after: fetched again, the unique event id makes it a duplicate
3. The offsets are committed.             killed after: nothing is left to do

The consumer is driven by one blocking loop in a thread of its own: librdkafka's rebalance callbacks run inside
`poll`, so a partition is never taken away while its batch is in the database.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import structlog

from consumers.dead_letters import DeadLetterLimit, DeadLetterWatch
from consumers.ports import Inbox, RowRefused, StoreAway
from consumers.reading import Fetched, dead, read
from consumers.records import Arrived, DeadLetter, Received
from qbo_client.clock import Clock
from schemas.codec import Codec
from schemas.errors import RegistryUnavailable
from schemas.topics import DEAD_LETTERS

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


class _Stopped(Exception):
    """Told to stop while waiting."""


class Records(Protocol):
    """A Kafka consumer as ingest uses it; every method may block and is called from one thread only."""

    def fetch(self) -> list[Fetched]:
        """Return the next records, as many as are there, after waiting a moment for the first."""
        ...

    def commit(self, batch: Sequence[Fetched]) -> None:
        """Commit the offsets behind this batch."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestPolicy:
    """When ingest pauses, and what it gives up on."""

    most_workable: int = 50_000
    most_per_tenant: int = 5_000
    look_every_seconds: float = 2.0
    away_seconds: float = 1.0
    dead_letter_topic: str = DEAD_LETTERS
    dead_letters: DeadLetterLimit = field(default_factory=DeadLetterLimit)


@dataclass(slots=True, kw_only=True)
class Ingest:
    """Moves batches until stopped."""

    records: Records
    inbox: Inbox
    codec: Codec
    clock: Clock
    policy: IngestPolicy
    #: Kafka topic -> event type; they differ only where an operator prefixed the topics.
    topics: Mapping[str, str]
    on_received: Callable[[Received], None]
    on_pause: Callable[[bool], None]
    _paused: bool = False
    _looked_at: float = float("-inf")
    _stopping: bool = False

    def stop(self) -> None:
        self._stopping = True

    async def run(self) -> None:
        """Move batches until stopped; raises TooManyDeadLetters when the records, or this release, are bad."""
        watch = DeadLetterWatch(self.policy.dead_letters)
        try:
            while not self._stopping:
                await self._heed_depth()
                batch = await asyncio.to_thread(self.records.fetch)
                if batch:
                    await self._move(batch, watch)
        except _Stopped:
            # While it waited for PostgreSQL or the registry: nothing was committed, so nothing is lost.
            log.info("ingest_stopped_while_waiting")

    async def _move(self, batch: Sequence[Fetched], watch: DeadLetterWatch) -> None:
        # In a thread: a schema id that is new is asked for over HTTP.
        read_batch = await self._when_there(lambda: asyncio.to_thread(self._read, batch))
        for outcome in read_batch:
            watch.saw(readable=isinstance(outcome, Arrived))
        await self._store(list(zip(batch, read_batch, strict=True)), watch)
        await asyncio.to_thread(self.records.commit, batch)

    def _read(self, batch: Sequence[Fetched]) -> list[Arrived | DeadLetter]:
        return [read(fetched, self.codec, topic=self.topics[fetched.topic]) for fetched in batch]

    async def _store(self, read_batch: Sequence[tuple[Fetched, Arrived | DeadLetter]], watch: DeadLetterWatch) -> None:
        """Store a batch; one row that cannot be stored becomes a dead letter, its neighbours go on."""
        events = [outcome for _, outcome in read_batch if isinstance(outcome, Arrived)]
        letters = [outcome for _, outcome in read_batch if isinstance(outcome, DeadLetter)]
        try:
            received = await self._when_there(
                lambda: self.inbox.receive(events, letters, self.policy.dead_letter_topic)
            )
        except RowRefused as error:
            await self._bisect(read_batch, error, watch)
        else:
            self.on_received(received)

    async def _bisect(
        self, read_batch: Sequence[tuple[Fetched, Arrived | DeadLetter]], error: RowRefused, watch: DeadLetterWatch
    ) -> None:
        if len(read_batch) > 1:
            middle = len(read_batch) // 2
            await self._store(read_batch[:middle], watch)
            await self._store(read_batch[middle:], watch)
            return
        fetched, outcome = read_batch[0]
        if isinstance(outcome, DeadLetter):
            raise error
        # A whole topic that cannot be stored is a fault of this release or its database, not of the records.
        watch.saw(readable=False)
        await self._store([(fetched, dead(fetched, "cannot_be_stored", str(error)))], watch)

    async def _when_there(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """Repeat while PostgreSQL or the schema registry is away: a reason to wait, never to give a record up."""
        while True:
            try:
                return await attempt()
            except (StoreAway, RegistryUnavailable) as error:
                log.warning("ingest_waits", error=str(error))
                if self._stopping:
                    raise _Stopped from error
                await self.clock.sleep(self.policy.away_seconds)

    async def _heed_depth(self) -> None:
        """Pause when what can be worked on passes the bound, so that Kafka holds what PostgreSQL should not."""
        if self.clock.monotonic() - self._looked_at < self.policy.look_every_seconds:
            return
        depth = await self._when_there(lambda: self.inbox.depth(cap_per_tenant=self.policy.most_per_tenant))
        self._looked_at = self.clock.monotonic()
        if not self._paused and depth >= self.policy.most_workable:
            self._pause(paused=True, depth=depth)
        elif self._paused and depth < self.policy.most_workable * 0.8:
            self._pause(paused=False, depth=depth)

    def _pause(self, *, paused: bool, depth: int) -> None:
        self._paused = paused
        (self.records.pause if paused else self.records.resume)()
        log.warning("ingest_paused" if paused else "ingest_resumed", workable=depth)
        self.on_pause(paused)
