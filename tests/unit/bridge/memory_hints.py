"""What stands beside the hints in a test: a store in memory that can be away or slow, a clock that stands still."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.metrics import Metrics
from bridge.store.database import Away
from bridge.store.hints import Stored
from qbo_client.clock import SystemClock
from qbo_client.webhooks import Change

SOON = 30.0  # A generous limit, not a pause: each wait ends with what it waits for.
AT = datetime(2026, 10, 7, 12, tzinfo=UTC)


def change(realm: str = "1", identifier: str = "58", **fields: Any) -> Change:
    told = {"entity": "Customer", "operation": "updated", "at": AT, **fields}
    return Change(realm_id=realm, id=identifier, **told)


class MemoryStore:
    """Satisfies `bridge.hints.Store`; knows the companies of one digit."""

    def __init__(self) -> None:
        self.groups: list[list[Change]] = []
        self.heard: set[str] = set()
        self.everything = 0
        self.asked = 0
        self.away = False
        self.goes_away_after_add = False
        self.broken: Exception | None = None
        self.broken_for_all: Exception | None = None
        #: How many cancellations it loses while it waits, as `asyncio.wait_for` may do.
        self.swallows = 0
        #: Cleared, every write waits.
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def ids(self) -> list[str]:
        return [one.id for group in self.groups for one in group]

    async def add(self, changes: Sequence[Change], heard: Collection[str]) -> Stored:
        await self._answer()
        if error := self.broken:
            raise error
        self.groups.append(list(changes))
        self.away = self.goes_away_after_add
        self.heard |= set(heard)
        known = frozenset(one.realm_id for one in changes if len(one.realm_id) == 1)
        return Stored(known_realms=known, unknown=sum(one.realm_id not in known for one in changes))

    async def everything_is_due(self) -> tuple[str, ...]:
        await self._answer()
        if error := self.broken_for_all:
            raise error
        self.everything += 1
        return ("1", "2")

    async def _answer(self) -> None:
        self.asked += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            if not self.swallows:
                raise
            self.swallows -= 1
        if self.away:
            raise Away("connection refused")


class StillClock(SystemClock):
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.sleeping: list[float] = []
        self._passed = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.sleeping.append(seconds)
        self._passed.clear()
        await self._passed.wait()

    def go_on(self) -> None:
        self._passed.set()


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 - what is waited for is the fakes' state.
            await asyncio.sleep(0.001)


def counted(metrics: Metrics, name: str) -> dict[str, float]:
    """Return a counter's values by its one label; those that are 0 are left out."""
    samples = [s for family in metrics.registry.collect() for s in family.samples if s.name == name]
    return {next(iter(s.labels.values())): s.value for s in samples if s.value}


def fates(metrics: Metrics) -> dict[str, float]:
    return counted(metrics, "qbo_bridge_webhook_events_total")


def waiting(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("qbo_bridge_webhook_waiting_hints")
