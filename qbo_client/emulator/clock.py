import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


class Clock:
    """The wall clock of the emulator; it can be put forward, so that tokens expire without waiting."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._moved = asyncio.Event()

    @property
    def ahead_seconds(self) -> float:
        return self._ahead.total_seconds()

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
        self.wake()

    def wake(self) -> None:
        """Makes whoever waits look again at what they wait for."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def pause(self, until: datetime) -> None:
        """Returns at that moment of this clock, or earlier because it was put forward or woken: look again."""
        moved = self._moved
        with suppress(TimeoutError):
            await asyncio.wait_for(moved.wait(), (until - self.now()).total_seconds())

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def today(self) -> str:
        """QuickBooks' own day: bodies are stamped in Pacific time, so its default dates are too."""
        return self.now().astimezone(PACIFIC).date().isoformat()

    def stamp(self) -> str:
        """As MetaData shows it: whole seconds, numeric Pacific offset."""
        return self.now().astimezone(PACIFIC).isoformat(timespec="seconds")

    def body_time(self) -> str:
        """As the top-level `time` of an API body shows it."""
        return self.now().astimezone(PACIFIC).isoformat(timespec="milliseconds")
