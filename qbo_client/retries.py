"""When a call is sent again, and what is left to say when it is not."""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from qbo_client.batches import Outcome
from qbo_client.clock import Clock
from qbo_client.decisions import Decision
from qbo_client.errors import QBOError, Unavailable, Uncertain

T = TypeVar("T")

#: QuickBooks knows this request id already: to send it a third time brings no answer.
_REPEATED_REQUEST_ID = "600"

#: These tell how it stands with the connection, not what became of an attempt before.
_SAY_NOTHING_OF_BEFORE = frozenset(
    {Decision.RETRY, Decision.WAIT, Decision.TOKEN, Decision.RECONNECT, Decision.COMPANY}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often one call is sent within one turn, and how long it waits in between (with jitter)."""

    attempts: int = 3
    first_seconds: float = 0.5
    longest_seconds: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    policy: RetryPolicy
    clock: Clock
    rng: random.Random

    async def read(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat a read that got no usable answer; raises Unavailable if it never does."""
        try:
            return await self._retrying(_worth_repeating)(Doubt().watch, attempt)
        except Uncertain as error:
            raise _as(Unavailable, error) from error

    async def once(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat only what nothing of has left."""
        return await self._retrying(_never_left)(Doubt().watch, attempt)

    async def write(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat a write verbatim while nobody knows what became of it.

        An attempt that got no answer casts doubt on all that follow. If the last one was only kept from being
        made (throttled, unreachable, no longer let in), the whole is Uncertain; if it was refused on its
        merits, that is raised with `maybe_written` set.
        """
        doubt = Doubt()
        try:
            return await self._retrying(_worth_repeating)(doubt.watch, attempt)
        except QBOError as error:
            judged = doubt.judge(error)
            if judged is error:
                raise
            raise judged from error

    async def batch(self, attempt: Callable[[], Awaitable[Mapping[str, Outcome]]]) -> dict[str, Outcome]:
        """Repeat a batch as a write is repeated; what is said of its errors holds for those of its items too."""
        doubt = Doubt()

        async def judged() -> dict[str, Outcome]:
            outcomes = await doubt.watch(attempt)
            return {b_id: doubt.judge(one) if isinstance(one, QBOError) else one for b_id, one in outcomes.items()}

        return await self.write(judged)

    def _retrying(self, repeated: Callable[[BaseException], bool]) -> AsyncRetrying:
        return AsyncRetrying(
            sleep=self.clock.sleep,
            stop=stop_after_attempt(self.policy.attempts),
            wait=self._pause,
            retry=retry_if_exception(repeated),
            reraise=True,
        )

    def _pause(self, state: RetryCallState) -> float:
        seconds = min(self.policy.first_seconds * 2.0 ** (state.attempt_number - 1), self.policy.longest_seconds)
        return seconds * self.rng.uniform(0.5, 1.0)


class Doubt:
    """Remembers whether an attempt may have been written without our being told."""

    def __init__(self) -> None:
        self.cast = False

    async def watch(self, attempt: Callable[[], Awaitable[T]]) -> T:
        try:
            return await attempt()
        except Uncertain:
            self.cast = True
            raise

    def judge(self, error: QBOError) -> QBOError:
        """Return what an error means after all that was attempted before."""
        if not self.cast or error.decision is Decision.UNCERTAIN:
            return error
        if error.decision in _SAY_NOTHING_OF_BEFORE:
            return _as(Uncertain, error)
        error.maybe_written = True
        return error


def _worth_repeating(error: BaseException) -> bool:
    if not isinstance(error, QBOError) or error.code == _REPEATED_REQUEST_ID:
        return False
    return error.decision in {Decision.RETRY, Decision.UNCERTAIN}


def _never_left(error: BaseException) -> bool:
    return isinstance(error, QBOError) and error.decision is Decision.RETRY


def _as(kind: type[QBOError], error: QBOError) -> QBOError:
    return kind(
        error.detail,
        status=error.status,
        code=error.code,
        element=error.element,
        intuit_tid=error.intuit_tid,
        retry_after=error.retry_after,
    )
