"""When records are unreadable: how many are put aside before the consumer stops instead.

Without a limit a bad deploy would drain a whole topic into the dead letters. Stopping costs a delay that an
operator sees; draining costs every customer of that day.
"""

from collections import deque
from dataclasses import dataclass, field


class TooManyDeadLetters(Exception):
    """Ingest halts without committing: most likely this release, or its schemas, are wrong, not the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterLimit:
    """Halt when a share of the latest records, or an unbroken run of them, could not be read."""

    share: float = 0.2
    of_latest: int = 500
    run: int = 100


@dataclass(slots=True)
class DeadLetterWatch:
    """Counts readable and unreadable records in the order they came."""

    limit: DeadLetterLimit
    _latest: deque[bool] = field(init=False)
    _run: int = 0

    def __post_init__(self) -> None:
        self._latest = deque(maxlen=self.limit.of_latest)

    def saw(self, *, readable: bool) -> None:
        """Count one record; raises TooManyDeadLetters when the limit is passed."""
        self._latest.append(readable)
        self._run = 0 if readable else self._run + 1
        if self._run >= self.limit.run:
            raise TooManyDeadLetters(f"{self._run} records in a row could not be read")
        unreadable = self._latest.count(False) if not readable else 0
        if len(self._latest) == self.limit.of_latest and unreadable > self.limit.share * self.limit.of_latest:
            raise TooManyDeadLetters(f"{unreadable} of the latest {self.limit.of_latest} records could not be read")
