"""Counts what each company is asked, and judges it by QuickBooks' limits on sliding windows."""

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

SECOND = 1.0
MINUTE = 60.0


@dataclass(slots=True)
class Window:
    """How many moments lie within the last `length` seconds, and the most that ever did."""

    length: float
    most: int = 0
    _moments: deque[float] = field(default_factory=deque)

    def count(self, now: float) -> int:
        moments = self._moments
        while moments and moments[0] <= now - self.length:
            moments.popleft()
        return len(moments)

    def add(self, now: float) -> None:
        self._moments.append(now)
        self.most = max(self.most, self.count(now))


@dataclass(slots=True, kw_only=True)
class Traffic:
    """One company's requests. Times are monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    requests: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    replays: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    seen_second: Window = field(default_factory=lambda: Window(SECOND))
    seen_minute: Window = field(default_factory=lambda: Window(MINUTE))
    _accepted_second: Window = field(default_factory=lambda: Window(SECOND))
    _accepted_minute: Window = field(default_factory=lambda: Window(MINUTE))

    def arrived(self) -> None:
        now = self.clock()
        self.seen_second.add(now)
        self.seen_minute.add(now)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def left(self) -> None:
        self.in_flight -= 1

    def accepts(self, per_second: int, per_minute: int) -> bool:
        """Whether one more is within the limits; a refused request uses up nothing of them."""
        now = self.clock()
        if self._accepted_second.count(now) >= per_second or self._accepted_minute.count(now) >= per_minute:
            return False
        self._accepted_second.add(now)
        self._accepted_minute.add(now)
        return True

    def forget(self) -> None:
        """Starts the report anew. The limits go on as they are, and so does what is in flight."""
        self.requests.clear()
        self.writes.clear()
        self.replays = 0
        self.most_in_flight = self.in_flight
        self.seen_second = Window(SECOND)
        self.seen_minute = Window(MINUTE)

    def report(self) -> dict[str, object]:
        return {
            "requests": [
                {"method": method, "operation": operation, "entity": entity, "status": status, "count": count}
                for (method, operation, entity, status), count in sorted(self.requests.items())
            ],
            "writes_applied": dict(sorted(self.writes.items())),
            "replays": self.replays,
            "most_in_a_second": self.seen_second.most,
            "most_in_a_minute": self.seen_minute.most,
            "most_in_flight": self.most_in_flight,
        }
