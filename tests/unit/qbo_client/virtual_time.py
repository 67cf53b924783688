"""An event loop whose time passes only when everybody waits, and then at once."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


#: Far more turns of the loop than any test needs: one that never ends fails instead of eating the machine.
_MOST_TURNS = 200_000


class EverybodyWaits(AssertionError):
    """Nothing is ready and nothing ever will be."""


class NeverEnds(AssertionError):
    """The work turns in circles."""


class _Selector(selectors.SelectSelector):
    skip: Callable[[float], None]
    turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.turns += 1
        if self.turns > _MOST_TURNS:
            raise NeverEnds
        if timeout is None:
            raise EverybodyWaits
        self.skip(timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._passed = 0.0
        selector = _Selector()
        selector.skip = self.skip
        super().__init__(selector)

    def time(self) -> float:
        return self._passed

    def skip(self, seconds: float) -> None:
        self._passed += max(seconds, 0.0)


class VirtualClock:
    """The running virtual loop's time; `ahead` is how far this machine's clocks differ from another's."""

    def __init__(self, *, ahead: float = 0.0) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self._ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
