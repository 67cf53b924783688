"""What one company allows: so many calls at once, a second and a minute, and so many batches a minute."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from qbo_client.clock import Clock
from qbo_client.turns import Share, Turn, Turns
from qbo_client.windows import Window

__all__ = ["Budget", "Limits", "Share"]

# The server counts arrivals, and a request arrives at some unknown moment between its start and its answer.
# So a call leaves a window only one window length after its ANSWER: whatever the network's jitter, no sliding
# window of the server can hold more than the limit. It costs a round trip a second: at 150 ms about 8.7 calls
# a second instead of 10, above the 8.3 which the minute allows in the long run. The margin is for clocks that
# run at slightly different speeds and for windows that include both their ends.
_SECOND = 1.01
_MINUTE = 60.1

#: What no clock sleeps exactly; far below the margins above.
_GRAIN = 1e-4

_FINE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What Intuit lets one application ask of one company, by its page on limits and throttles.

    Its 10 calls a second were once 10 at a time, so both are kept. All applications together may send one
    company 120 batches a minute, of which nobody can know what the others use. Whether a batch is one of the
    500 calls of a minute is not said: here it counts everywhere, among the calls of a second and of a minute,
    among the batches, and among the calls to all endpoints together.
    """

    per_second: int = 10
    per_minute: int = 500
    in_flight: int = 10
    batches_per_minute: int = 40
    all_per_minute: int = 800

    def __post_init__(self) -> None:
        limits = (self.per_second, self.per_minute, self.in_flight, self.batches_per_minute, self.all_per_minute)
        if min(limits) < 1:
            raise ValueError("every limit must let at least one call through")


class Budget:
    """Lets calls start in turn, never faster than the limits as the server sees them.

    One budget per company; it belongs to one event loop. Waiters of a share are served first come, first
    served, and one that is cancelled takes nothing with it.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._turns = Turns()
        self._running = 0
        self._running_batches = 0
        self._second = Window(_SECOND, limits.per_second)
        # Every call counts against both limits of a minute, so the lower one is the one that holds.
        self._minute = Window(_MINUTE, min(limits.per_minute, limits.all_per_minute))
        self._batches = Window(_MINUTE, limits.batches_per_minute)
        self._cooling_until = -math.inf
        self._pump: asyncio.Task[None] | None = None

    @classmethod
    def empty(cls, limits: Limits, clock: Clock) -> Self:
        """Return a budget whose company may have been called as fast as allowed until this moment.

        The most that others can have sent is `per_second` in each of the last seconds, up to the limit of a
        minute; the last of these may have been batches.
        """
        budget = cls(limits, clock)
        now = clock.monotonic()
        ages = [float(number // limits.per_second) for number in range(budget._minute.limit)]
        ends = [now - age for age in reversed(ages)]
        budget._remember(ends)
        budget._batches.ends.extend(ends[-limits.batches_per_minute :])
        return budget

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any], limits: Limits, clock: Clock) -> Self:
        """Return a budget that goes on where `snapshot` left off, perhaps on another machine.

        What lies in the future by this machine's clock counts as of now.
        """
        budget = cls(limits, clock)
        now, wall = clock.monotonic(), clock.now().timestamp()
        budget._remember(_ends(snapshot["used"], now, wall))
        budget._batches.ends.extend(_ends(snapshot.get("batches", ()), now, wall))
        if snapshot["cooling_until"] is not None:
            budget._cooling_until = now + float(snapshot["cooling_until"]) - wall
        return budget

    def snapshot(self) -> dict[str, Any]:
        """Return what was used as JSON-able values, on the wall clock; calls in flight count as of now."""
        now, wall = self._clock.monotonic(), self._clock.now().timestamp()
        cooling = self._cooling_until - now
        return {
            "used": _used(self._minute, self._running, now, wall),
            "batches": _used(self._batches, self._running_batches, now, wall),
            "cooling_until": round(wall + cooling, 3) if cooling > 0 else None,
        }

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._turns)

    @property
    def free(self) -> bool:
        """Whether a call that is no batch could start this very moment."""
        return not self._turns and self._delay(batch=False) == 0

    @property
    def free_for_batch(self) -> bool:
        """Whether batches are within their own limit."""
        now = self._clock.monotonic()
        opens = self._batches.opens(self._running_batches, now)
        return opens is not None and opens - now <= _GRAIN

    @property
    def cooling_until(self) -> datetime | None:
        """When calls start again after a throttle; None if nothing was throttled of late."""
        left = self._cooling_until - self._clock.monotonic()
        return self._clock.now() + timedelta(seconds=left) if left > 0 else None

    def throttled(self, seconds: float) -> None:
        """QuickBooks said to slow down: nobody starts for so many seconds."""
        self._cooling_until = max(self._cooling_until, self._clock.monotonic() + seconds)

    @asynccontextmanager
    async def slot(self, share: Share = Share.LIVE, *, batch: bool = False) -> AsyncIterator[None]:
        """Wait for the right to make one call, and hold it until the call has ended."""
        await self._start(share, batch=batch)
        try:
            yield
        finally:
            self._end(batch=batch)

    async def reserve(self, share: Share = Share.LIVE) -> "Slot":
        """Wait for the right to make one call, and return it: what is called can be decided now."""
        await self._start(share, batch=False)
        return Slot(self)

    async def _start(self, share: Share, *, batch: bool) -> None:
        if not self._turns and self._delay(batch=batch) == 0:
            self._count(+1, batch=batch)
            return
        if self._turns.only_batches and not batch:
            self._rest()  # The pump may sleep until the next batch may start: longer than this one must wait.
        turn = self._turns.join(share, batch=batch)
        self._wake()
        try:
            await turn.granted
        except asyncio.CancelledError:
            self._leave(turn)
            raise

    def _end(self, *, batch: bool) -> None:
        self._count(-1, batch=batch)
        now = self._clock.monotonic()
        self._remember([now])
        if batch:
            self._batches.ends.append(now)
        self._wake()

    def _leave(self, turn: Turn) -> None:
        if turn.granted.done() and not turn.granted.cancelled():
            self._unused(batch=turn.batch)
        self._turns.leave(turn)
        if not self._turns:
            self._rest()
        self._wake()

    def _turn_into_batch(self) -> None:
        self._running_batches += 1

    def _unused(self, *, batch: bool) -> None:
        # Granted but never used: nothing has left, so the next may start sooner than was thought.
        self._count(-1, batch=batch)
        self._rest()
        self._wake()

    def _count(self, step: int, *, batch: bool) -> None:
        self._running += step
        if batch:
            self._running_batches += step

    def _wake(self) -> None:
        if self._pump is None and self._turns:
            self._pump = asyncio.create_task(self._grant(), name="qbo-budget")

    def _rest(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None

    async def _grant(self) -> None:
        # While it sleeps nothing can make the next start come sooner: ends only push it back, and whoever could
        # start sooner than a batch wakes it.
        try:
            while self._turns and (delay := self._delay(batch=self._turns.only_batches)) is not None:
                if delay > 0:
                    await self._clock.sleep(delay)
                    continue
                turn = self._turns.next(batches=self.free_for_batch)
                if not turn.granted.done():  # Its task may be cancelled already and not yet have run.
                    self._count(+1, batch=turn.batch)
                    turn.granted.set_result(None)
        finally:
            if self._pump is asyncio.current_task():
                self._pump = None

    def _delay(self, *, batch: bool) -> float | None:
        """Return the seconds until the next call may start; None if one that is running must end first."""
        if self._running >= self._limits.in_flight:
            return None
        now = self._clock.monotonic()
        opens = [window.opens(self._running, now) for window in (self._second, self._minute)]
        if batch:
            opens.append(self._batches.opens(self._running_batches, now))
        if None in opens:
            return None
        moment = max(self._cooling_until, *(moment for moment in opens if moment is not None))
        return moment - now if moment - now > _GRAIN else 0

    def _remember(self, ends: Iterable[float]) -> None:
        for end in ends:
            self._second.ends.append(end)
            self._minute.ends.append(end)


class Slot:
    """The right to make one call, granted already: entered when it is made, else to be given back.

    It may become a batch's while `Budget.free_for_batch` would let one start.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._batch = False
        self._over = False

    def become_batch(self) -> None:
        self._batch = True
        self._budget._turn_into_batch()  # noqa: SLF001 -- a part of the budget.

    def give_back(self) -> None:
        """Let the next one start in place of a call that was not made; no harm if it was."""
        if not self._over:
            self._over = True
            self._budget._unused(batch=self._batch)  # noqa: SLF001 -- as above.

    async def __aenter__(self) -> None:
        """The call is made now."""

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        self._budget._end(batch=self._batch)  # noqa: SLF001 -- as above.


def _used(window: Window, running: int, now: float, wall: float) -> list[list[float]]:
    window.forget(now)
    ends = [*window.ends, *([now] * running)]
    used = Counter(_rounded_up(wall - (now - end), wall) for end in ends)
    return [[moment, count] for moment, count in sorted(used.items())]


def _ends(used: Iterable[tuple[float, int]], now: float, wall: float) -> list[float]:
    counted = sorted((float(moment), int(count)) for moment, count in used)
    return [now - max(wall - moment, 0.0) for moment, count in counted for _ in range(count)]


def _rounded_up(moment: float, wall: float) -> float:
    # Whole seconds keep a snapshot small; rounding up never makes a call look older than it is.
    return round(moment, 3) if wall - moment < _FINE_SECONDS else float(math.ceil(moment))
