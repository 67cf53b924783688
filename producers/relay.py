"""The outbox onto Kafka: unsent rows, oldest first per key, marked after Kafka confirmed them.

A key whose row cannot be framed, or is refused by Kafka, is held back with everything behind it on that topic. After
a while that row is tried again by itself, and the rest follows once it is through.

What cannot be framed, or is refused before it leaves, is never overtaken. The limit: Kafka may refuse a row when those
behind it in the batch are on their way, for waiting for each confirmation would cost the throughput. They are on the
topic before it then, and are not marked, but sent a second time behind it. Marking them would spare the repeat, but the
refused row, an older one, would stay the last of its key on the topic for good.

So a row comes once more, with the same `event_id`, for each row before it that was refused so late, and whenever the
process dies between Kafka's confirmation and the mark. Which rows were refused is known to this process only: another
one that takes over learns it by sending the batch again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from producers.ports import Outbox, OutboxAway, Shards, Unsent, Wire
from schemas.errors import RegistryUnavailable, SchemaError

log = structlog.get_logger(__name__)


class SenderBroken(Exception):
    """The Kafka producer can send nothing more: only a new process can."""


#: A row, and its value as it travels.
Record = tuple[Unsent, bytes | None]


class Sender(Protocol):
    """An idempotent Kafka producer; `deliver` blocks until every record was confirmed or refused."""

    def deliver(self, records: Sequence[Record]) -> set[int]:
        """Return the ids of the rows that Kafka confirmed. Raises SenderBroken.

        Behind a row that is refused before it leaves, none of its key leaves.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPolicy:
    """How the relay works."""

    batch: int = 1000
    look_every_seconds: float = 0.5
    hold_seconds: float = 30.0
    keep_seconds: float = 5.0
    #: Put before each topic's name, for clusters shared by several installations.
    topic_prefix: str = ""


@dataclass(slots=True, kw_only=True)
class Relay:
    outbox: Outbox
    shards: Shards
    wire: Wire
    sender: Sender
    policy: RelayPolicy
    monotonic: Callable[[], float]
    on_sent: Callable[[Sequence[Unsent]], None]
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    #: Until when an order key is held. It stays here until its first row is through, which is tried alone till then.
    _held: dict[str, float] = field(default_factory=dict)
    _stopping: bool = False

    def stop(self) -> None:
        self._stopping = True
        self.woken.set()

    def nudge(self) -> None:
        self.woken.set()

    async def run(self) -> None:
        """Relay until stopped, and once more then: what the lanes just finished is told before the end.

        Raises SenderBroken, which nothing but a new process can mend.
        """
        while not self._stopping:
            self.woken.clear()
            if await self._relay_or_wait() < self.policy.batch:
                await self._pause()
        await self._relay_or_wait()

    async def _relay_or_wait(self) -> int:
        try:
            return await self._relay_once()
        except (OutboxAway, RegistryUnavailable) as error:
            log.warning("relay_waits", error=str(error))
            return 0

    async def _relay_once(self) -> int:
        shards = await self.shards.mine()
        if not shards:
            return 0
        rows = await self.outbox.unsent(shards, held=self._held_now(), limit=self.policy.batch)
        if rows:
            tried = self._to_try(rows)
            await self._settle(tried, await self._confirmed(tried))
        return len(rows)

    def _held_now(self) -> list[str]:
        now = self.monotonic()
        return [order_key for order_key, until in self._held.items() if until > now]

    def _to_try(self, rows: Sequence[Unsent]) -> list[Unsent]:
        """Leave out what stands behind the first row of a key that was held: it would be sent in vain, or overtake."""
        tried, waiting = [], set()
        for row in rows:
            if row.order_key not in waiting:
                tried.append(row)
            if row.order_key in self._held:
                waiting.add(row.order_key)
        return tried

    async def _confirmed(self, rows: Sequence[Unsent]) -> set[int]:
        """Send the rows, keeping the shards meanwhile: Kafka may be away for hours."""
        sending = asyncio.ensure_future(asyncio.to_thread(self._send, rows))
        while not (await asyncio.wait({sending}, timeout=self.policy.keep_seconds))[0]:
            with suppress(OutboxAway):
                await self.shards.mine()
        return sending.result()

    def _send(self, rows: Sequence[Unsent]) -> set[int]:
        """Deliver the rows. Those of keys that were held go one by one, away from the others.

        For one record that is too large, Kafka refuses the whole batch that it came in, with the rows of other keys.
        All is framed first: if the registry is away, nothing has left that could not be marked.
        """
        records = self._framed(rows)
        together = [(row, value) for row, value in records if row.order_key not in self._held]
        alone = [[(row, value)] for row, value in records if row.order_key in self._held]
        parts = [together, *alone] if together else alone
        return set[int]().union(*(self.sender.deliver(part) for part in parts))

    def _framed(self, rows: Sequence[Unsent]) -> list[Record]:
        """Return the rows as they travel, of each key up to the first that the registry refuses."""
        framed: list[Record] = []
        stuck = set()
        for row in rows:
            if row.order_key in stuck:
                continue
            try:
                framed.append((row, self._value(row)))
            except RegistryUnavailable:
                raise
            except SchemaError as error:
                log.error("outbox_row_not_framed", topic=row.topic, event_id=row.event_id, error=str(error))  # noqa: TRY400
                stuck.add(row.order_key)
        return framed

    def _value(self, row: Unsent) -> bytes | None:
        if row.payload is None or not row.framed:
            return row.payload
        return self.wire.wire(row.topic, row.payload)

    async def _settle(self, rows: Sequence[Unsent], confirmed: set[int]) -> None:
        """Mark what was confirmed, per key only up to the first row that was not. That one holds its key."""
        done, stuck = [], set()
        for row in rows:
            if row.order_key in stuck:
                continue
            if row.id in confirmed:
                self._held.pop(row.order_key, None)
                done.append(row)
            else:
                stuck.add(row.order_key)
                self._hold(row)
        await self.outbox.mark_sent([row.id for row in done])
        self.on_sent(done)

    def _hold(self, row: Unsent) -> None:
        self._held[row.order_key] = self.monotonic() + self.policy.hold_seconds
        log.error("outbox_key_held", held=row.key, topic=row.topic, event_id=row.event_id)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self.woken.wait(), timeout=self.policy.look_every_seconds)
        except TimeoutError:
            return


def cloud_event_headers(row: Unsent) -> Mapping[str, str]:
    """Return the CloudEvents headers (Kafka binding, binary mode) that mirror the envelope."""
    if not row.framed:
        return row.headers
    return {
        "ce_specversion": "1.0",
        "ce_id": row.event_id,
        "ce_type": row.topic,
        "ce_source": "qbo-bridge",
        "ce_time": row.created_at.isoformat(),
        "ce_subject": row.key,
        "content-type": "application/avro",
        **row.headers,
    }
