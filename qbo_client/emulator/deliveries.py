"""Pushes webhooks: gathers events, signs and posts them, and tries again on Intuit's ladder.

One post is under way at a time. Until it is acknowledged, every later event is held back behind it. All
waiting is by the emulator's clock, so that a test puts the clock forward instead of waiting for hours.
"""

import asyncio
import random
import secrets
from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from qbo_client.emulator import webhooks
from qbo_client.emulator.changes import Change
from qbo_client.emulator.clock import Clock
from qbo_client.emulator.webhooks import Event, Settings

_MINUTE, _HOUR = 60, 3600
# After each failure in turn; the last step repeats.
LADDER = (10, 20, 30, 5 * _MINUTE, 20 * _MINUTE, 2 * _HOUR, 4 * _HOUR, 6 * _HOUR)
FAULTS = ("drop", "duplicate", "reorder")


class Deliveries:
    """`settings` may be replaced at any time; without a target nothing is gathered and nothing waits."""

    def __init__(self, clock: Clock, source: str) -> None:
        self.settings = Settings()
        self._clock = clock
        self._source = source
        self._waiting: deque[Event] = deque()
        self._failing: list[Event] = []
        self._attempts = 0
        self._next_attempt: datetime | None = None
        self._arrived = asyncio.Event()
        self._faults: Counter[str] = Counter()
        self._random = random.Random(0)  # noqa: S311 -- nothing is kept secret by it
        self._counts: Counter[str] = Counter()

    def happened(self, realm_id: str, change: Change) -> None:
        if self.settings.url is None or change.kind in webhooks.SILENT:
            return
        if self._faults["drop"]:
            self._faults["drop"] -= 1
            self._counts["dropped"] += 1
            return
        self._waiting.append(Event(realm_id=realm_id, change=change))
        self._arrived.set()

    def send_to(self, settings: Settings) -> None:
        """Raises nothing; a target taken away takes with it what waits for it, one failing included."""
        self.settings = settings
        if settings.url is None:
            self._waiting.clear()
            self._failing = []
        self._clock.wake()

    def add_fault(self, kind: str, count: int, seed: int = 0) -> None:
        """drop: the next events. duplicate: the next posts. reorder: what waits before the next posts.

        Raises ValueError.
        """
        if kind not in FAULTS or count < 1:
            raise ValueError(f"a webhook fault is one of {', '.join(FAULTS)}, and at least one of them")
        self._faults[kind] += count
        if kind == "reorder":
            self._random = random.Random(seed)  # noqa: S311 -- nothing is kept secret by it

    def shown(self) -> Mapping[str, Any]:
        return {
            "waiting": len(self._waiting) + len(self._failing),
            "failed_attempts": self._attempts,
            "next_attempt": self._next_attempt.isoformat() if self._next_attempt else None,
            "posts": self._counts["posts"],
            "acknowledged": self._counts["acknowledged"],
            "dropped": self._counts["dropped"],
            "faults": {kind: self._faults[kind] for kind in FAULTS if self._faults[kind]},
        }

    def unacknowledged(self) -> list[Event]:
        """What is still to be told, in order."""
        return [*self._failing, *self._waiting]

    def restore(self, events: list[Event]) -> None:
        self._waiting.extend(events)
        self._arrived.set()

    async def run(self) -> None:
        """Delivers for as long as it is not cancelled."""
        async with aiohttp.ClientSession(trust_env=False) as session:
            while True:
                await self._arrived.wait()
                while self._waiting and (until := self._gathering_ends()) > self._clock.now():
                    await self._clock.pause(until)
                if self._waiting:
                    await self._deliver(session, self._gathered())
                else:
                    self._arrived.clear()

    def _gathering_ends(self) -> datetime:
        return self._waiting[0].change.moment + timedelta(seconds=self.settings.gather_seconds)

    def _gathered(self) -> list[Event]:
        if self._faults["reorder"]:
            self._faults["reorder"] -= 1
            self._random.shuffle(self._waiting)
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), self.settings.most_events))]

    async def _deliver(self, session: aiohttp.ClientSession, events: list[Event]) -> None:
        body = webhooks.body(events, self.settings, self._source)
        self._failing, self._attempts = events, 0
        while self._failing and not await self._posted(session, body):
            delay = LADDER[min(self._attempts, len(LADDER) - 1)]
            self._attempts += 1
            self._next_attempt = self._clock.now() + timedelta(seconds=delay)
            while self._failing and self._next_attempt > self._clock.now():
                await self._clock.pause(self._next_attempt)
        if self._failing and self._faults["duplicate"]:
            self._faults["duplicate"] -= 1
            await self._posted(session, body)
        self._counts["acknowledged"] += len(self._failing)
        self._failing, self._attempts, self._next_attempt = [], 0, None

    async def _posted(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        settings = self.settings
        if settings.url is None:
            return False
        self._counts["posts"] += 1
        timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds)
        try:
            async with session.post(
                settings.url, data=body, headers=self._headers(body), timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status // 100 == 2  # noqa: PLR2004 -- a redirect is no acknowledgement
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _headers(self, body: bytes) -> Mapping[str, str]:
        return {
            "Content-Type": webhooks.content_type(self.settings),
            "User-Agent": "intuit_notification_server/0.1",
            "intuit-signature": webhooks.signature(self.settings.verifier, body),
            "intuit-created-time": self._clock.now().isoformat(timespec="milliseconds"),
            "intuit-t-id": secrets.token_hex(16),
            "intuit-notification-schema-version": "0.1",
        }
