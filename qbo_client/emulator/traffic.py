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


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one company may be asked."""

    per_second: int = 10  # by one app
    per_minute: int = 500  # by all apps together
    batches_per_minute: int = 40  # batch calls by one app
    all_batches_per_minute: int = 120  # batch calls by all apps together
    combined_per_minute: int = 800  # by one app, whatever it asks
    # Whether a batch call counts against per_minute too: nobody says, and this is the stricter reading.
    batches_are_requests: bool = True

    def __post_init__(self) -> None:
        if min(getattr(self, name) for name in self.__slots__ if name != "batches_are_requests") < 1:
            raise ValueError("every limit must let at least one request through")


@dataclass(slots=True, kw_only=True)
class Traffic:
    """One company's requests. Times are monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    requests: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    replays: int = 0
    batch_items: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    seen_second: Window = field(default_factory=lambda: Window(SECOND))
    seen_minute: Window = field(default_factory=lambda: Window(MINUTE))
    seen_batches: Window = field(default_factory=lambda: Window(MINUTE))
    _accepted: dict[tuple[str, str], Window] = field(default_factory=dict)

    def arrived(self, *, batch: bool = False) -> None:
        now = self.clock()
        self.seen_second.add(now)
        self.seen_minute.add(now)
        if batch:
            self.seen_batches.add(now)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def left(self) -> None:
        self.in_flight -= 1

    def accepts(self, limits: Limits, *, app: str = "", batch: bool = False) -> bool:
        """Whether one more is within the limits; a refused request uses up nothing of them."""
        now = self.clock()
        windows = [
            (self._window("second", app, SECOND), limits.per_second),
            (self._window("combined", app, MINUTE), limits.combined_per_minute),
        ]
        if limits.batches_are_requests or not batch:
            windows.append((self._window("minute", "", MINUTE), limits.per_minute))
        if batch:
            windows.append((self._window("batches", app, MINUTE), limits.batches_per_minute))
            windows.append((self._window("batches", "", MINUTE), limits.all_batches_per_minute))
        if any(window.count(now) >= most for window, most in windows):
            return False
        for window in {id(window): window for window, _ in windows}.values():
            window.add(now)
        return True

    def _window(self, name: str, app: str, length: float) -> Window:
        window = self._accepted.get((name, app))
        if window is None:
            window = self._accepted[name, app] = Window(length)
        return window

    def forget(self) -> None:
        """Starts the report anew. The limits go on as they are, and so does what is in flight."""
        self.requests.clear()
        self.writes.clear()
        self.replays = self.batch_items = 0
        self.most_in_flight = self.in_flight
        self.seen_second = Window(SECOND)
        self.seen_minute = Window(MINUTE)
        self.seen_batches = Window(MINUTE)

    def report(self) -> dict[str, object]:
        return {
            "requests": [
                {"method": method, "operation": operation, "entity": entity, "status": status, "count": count}
                for (method, operation, entity, status), count in sorted(self.requests.items())
            ],
            "writes_applied": dict(sorted(self.writes.items())),
            "replays": self.replays,
            "batch_items": self.batch_items,
            "most_in_a_second": self.seen_second.most,
            "most_in_a_minute": self.seen_minute.most,
            "most_batches_in_a_minute": self.seen_batches.most,
            "most_in_flight": self.most_in_flight,
        }
