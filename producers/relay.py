"""The outbox onto Kafka: unsent rows, oldest first per key, marked after Kafka confirmed them.

A row may be sent twice when the process dies between Kafka's confirmation and the mark; it has the same
`event_id` then. A key whose row Kafka refuses for good is held back with everything behind it.
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


class Sender(Protocol):
    """An idempotent Kafka producer; `deliver` blocks until every record was confirmed or refused."""

    def deliver(self, records: Sequence[tuple[Unsent, bytes | None]]) -> set[int]:
        """Return the ids of the rows that Kafka confirmed."""
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
    _held: dict[str, float] = field(default_factory=dict)
    _stopping: bool = False

    def stop(self) -> None:
        self._stopping = True
        self.woken.set()

    def nudge(self) -> None:
        self.woken.set()

    async def run(self) -> None:
        """Relay until stopped, and once more then: what the lanes just finished is told before the end."""
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
        now = self.monotonic()
        self._held = {key: until for key, until in self._held.items() if until > now}
        rows = await self.outbox.unsent(shards, held=list(self._held), limit=self.policy.batch)
        if not rows:
            return 0
        await self._settle(rows, await self._confirmed(rows))
        return len(rows)

    async def _confirmed(self, rows: Sequence[Unsent]) -> set[int]:
        """Send the rows, keeping the shards meanwhile: Kafka may be away for hours."""
        sending = asyncio.ensure_future(asyncio.to_thread(self._send, rows))
        while not (await asyncio.wait({sending}, timeout=self.policy.keep_seconds))[0]:
            with suppress(OutboxAway):
                await self.shards.mine()
        return sending.result()

    def _send(self, rows: Sequence[Unsent]) -> set[int]:
        framed = ((row, self._framed(row)) for row in rows)
        return self.sender.deliver([(row, value) for row, (good, value) in framed if good])

    def _framed(self, row: Unsent) -> tuple[bool, bytes | None]:
        """Return the row as it travels; (False, None) for one that the registry refuses. It holds its key."""
        if row.payload is None or not row.framed:
            return True, row.payload
        try:
            return True, self.wire.wire(row.topic, row.payload)
        except RegistryUnavailable:
            raise
        except SchemaError as error:
            log.error("outbox_row_not_framed", topic=row.topic, event_id=row.event_id, error=str(error))  # noqa: TRY400
            return False, None

    async def _settle(self, rows: Sequence[Unsent], confirmed: set[int]) -> None:
        """Mark what was confirmed, per key only up to the first row that was not."""
        done = []
        for row in rows:
            held = f"{row.topic}\x1f{row.key}"
            if row.id in confirmed and held not in self._held:
                done.append(row)
            elif held not in self._held:
                self._held[held] = self.monotonic() + self.policy.hold_seconds
                log.error("outbox_key_held", held=row.key, topic=row.topic, event_id=row.event_id)
        await self.outbox.mark_sent([row.id for row in done])
        self.on_sent(done)

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
