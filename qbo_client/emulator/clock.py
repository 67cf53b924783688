from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


class Clock:
    """The wall clock of the emulator; it can be put forward, so that tokens expire without waiting."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

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
