"""What one company allows: so many calls at once, a second and a minute."""

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
    per_second: int = 10
    per_minute: int = 500
    in_flight: int = 10

    def __post_init__(self) -> None:
        if min(self.per_second, self.per_minute, self.in_flight) < 1:
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
        self._second = Window(_SECOND, limits.per_second)
        self._minute = Window(_MINUTE, limits.per_minute)
        self._cooling_until = -math.inf
        self._pump: asyncio.Task[None] | None = None

    @classmethod
    def empty(cls, limits: Limits, clock: Clock) -> Self:
        """Return a budget whose company may have been called as fast as allowed until this moment.

        The most that others can have sent is `per_second` in each of the last seconds, up to `per_minute`.
        """
        budget = cls(limits, clock)
        now = clock.monotonic()
        ages = [float(number // limits.per_second) for number in range(limits.per_minute)]
        budget._remember(now - age for age in reversed(ages))
        return budget

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any], limits: Limits, clock: Clock) -> Self:
        """Return a budget that goes on where `snapshot` left off, perhaps on another machine.

        What lies in the future by this machine's clock counts as of now.
        """
        budget = cls(limits, clock)
        now, wall = clock.monotonic(), clock.now().timestamp()
        used = sorted((float(moment), int(count)) for moment, count in snapshot["used"])
        budget._remember(now - max(wall - moment, 0.0) for moment, count in used for _ in range(count))
        if snapshot["cooling_until"] is not None:
            budget._cooling_until = now + float(snapshot["cooling_until"]) - wall
        return budget

    def snapshot(self) -> dict[str, Any]:
        """Return what was used as JSON-able values, on the wall clock; calls in flight count as of now."""
        now, wall = self._clock.monotonic(), self._clock.now().timestamp()
        self._minute.forget(now)
        ends = [*self._minute.ends, *([now] * self._running)]
        used = Counter(_rounded_up(wall - (now - end), wall) for end in ends)
        cooling = self._cooling_until - now
        return {
            "used": [[moment, count] for moment, count in sorted(used.items())],
            "cooling_until": round(wall + cooling, 3) if cooling > 0 else None,
        }

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._turns)

    @property
    def cooling_until(self) -> datetime | None:
        """When calls start again after a throttle; None if nothing was throttled of late."""
        left = self._cooling_until - self._clock.monotonic()
        return self._clock.now() + timedelta(seconds=left) if left > 0 else None

    def throttled(self, seconds: float) -> None:
        """QuickBooks said to slow down: nobody starts for so many seconds."""
        self._cooling_until = max(self._cooling_until, self._clock.monotonic() + seconds)

    @asynccontextmanager
    async def slot(self, share: Share = Share.LIVE) -> AsyncIterator[None]:
        """Wait for the right to make one call, and hold it until the call has ended."""
        await self._start(share)
        try:
            yield
        finally:
            self._end()

    async def _start(self, share: Share) -> None:
        if not self._turns and self._delay() == 0:
            self._running += 1
            return
        turn = self._turns.join(share)
        self._wake()
        try:
            await turn.granted
        except asyncio.CancelledError:
            self._leave(turn)
            raise

    def _end(self) -> None:
        self._running -= 1
        self._remember([self._clock.monotonic()])
        self._wake()

    def _leave(self, turn: Turn) -> None:
        if turn.granted.done() and not turn.granted.cancelled():
            # Granted but never used: nothing has left, so the next may start sooner than was thought.
            self._running -= 1
            self._rest()
        self._turns.leave(turn)
        if not self._turns:
            self._rest()
        self._wake()

    def _wake(self) -> None:
        if self._pump is None and self._turns:
            self._pump = asyncio.create_task(self._grant(), name="qbo-budget")

    def _rest(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None

    async def _grant(self) -> None:
        # While it sleeps nothing can make the next start come sooner: ends only push it back.
        try:
            while self._turns and (delay := self._delay()) is not None:
                if delay > 0:
                    await self._clock.sleep(delay)
                    continue
                granted = self._turns.next().granted
                if not granted.done():  # Its task may be cancelled already and not yet have run.
                    self._running += 1
                    granted.set_result(None)
        finally:
            if self._pump is asyncio.current_task():
                self._pump = None

    def _delay(self) -> float | None:
        """Return the seconds until the next call may start; None if one that is running must end first."""
        if self._running >= self._limits.in_flight:
            return None
        now = self._clock.monotonic()
        opens = [window.opens(self._running, now) for window in (self._second, self._minute)]
        if None in opens:
            return None
        moment = max(self._cooling_until, *(moment for moment in opens if moment is not None))
        return moment - now if moment - now > _GRAIN else 0

    def _remember(self, ends: Iterable[float]) -> None:
        for end in ends:
            self._second.ends.append(end)
            self._minute.ends.append(end)


def _rounded_up(moment: float, wall: float) -> float:
    # Whole seconds keep a snapshot small; rounding up never makes a call look older than it is.
    return round(moment, 3) if wall - moment < _FINE_SECONDS else float(math.ceil(moment))
