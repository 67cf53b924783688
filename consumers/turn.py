"""One company's turn: due rows oldest first, one at a time per key, several contacts at once."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from consumers.apply import Applier, CompanyParked
from consumers.intents import Intent
from consumers.keys import Event, KeyRing, keys_of
from consumers.outcomes import UNANSWERED, Attention, Outcome, Waiting
from consumers.ports import LaneLost, StoreAway
from consumers.records import Row
from consumers.writing import COMPANY, NoAnswer, Writer
from qbo_client.clock import Clock
from qbo_client.errors import QBOError

log = structlog.get_logger(__name__)

#: A row whose claims ended twice without a decision may be what killed the process: it runs alone.
_SUSPECT_CLAIMS = 3
#: Rows that fall due while others are worked on are seen at the latest after this time.
_LOOK_AGAIN_SECONDS = 1.0
#: A row behind an open intent looks again shortly after that is sent again; behind one that a person must see
#: to, now and then.
_BEHIND_OPEN = timedelta(seconds=1)
_BEHIND_ATTENTION = timedelta(minutes=15)


class Rows(Protocol):
    """The lane's view of its inbox rows."""

    async def take(self, *, in_hand: Sequence[int], limit: int) -> list[Row]: ...

    async def put_back(self, rows: Sequence[Row]) -> None: ...

    async def mark_alone(self, row: Row) -> None: ...

    async def next_due(self) -> float | None:
        """Seconds until the next row is due; None when nothing is to come."""
        ...

    async def open_intents(self) -> list[Intent]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPolicy:
    """How a turn is worked."""

    window: int = 100
    at_once: int = 10
    linger_seconds: float = 5.0
    drain_seconds: float = 20.0


@dataclass(slots=True)
class _Queued:
    row: Row
    event: Event
    keys: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Turn:
    """Works one lane until it is idle, told to stop, lost or parked."""

    rows: Rows
    applier: Applier
    writer: Writer
    ring: KeyRing
    clock: Clock
    policy: TurnPolicy
    read: Callable[[Row], Event]
    #: Held by one suspect at a time in the whole process, so that its death names the record.
    alone: asyncio.Lock
    done: Callable[[Row, Outcome], None]
    #: Whether other work goes on in this lane: it is not given back meanwhile.
    busy: Callable[[], bool] = lambda: False
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    #: False once the turn ended because the lane could not be worked on.
    in_order: bool = True
    _stopping: bool = False
    _fresh: bool = True
    _worked: bool = False
    _refilled_at: float = 0.0
    _queue: list[_Queued] = field(default_factory=list)
    _running: dict[asyncio.Task[None], Row | None] = field(default_factory=dict)
    _open: dict[str, Intent] = field(default_factory=dict)
    _settling: set[str] = field(default_factory=set)
    _undecided: list[Row] = field(default_factory=list)

    def stop(self) -> None:
        """Start nothing more; what is under way is finished, the rest handed back."""
        self._stopping = True
        self.woken.set()

    def nudge(self) -> None:
        """Say that rows may have come."""
        self._fresh = True
        self.woken.set()

    async def run(self) -> None:
        for intent in await self.rows.open_intents():
            self._hold(intent)
        idle_since: float | None = None
        try:
            while not self._stopping:
                self.woken.clear()
                await self._refill()
                self._start_settling()
                await self._start_rows()
                if self._running or self._queue or self.busy():
                    idle_since = None
                else:
                    idle_since = self.clock.monotonic() if idle_since is None else idle_since
                    if self.clock.monotonic() - idle_since >= self._linger_seconds:
                        break
                await self._pause()
        finally:
            await self._wind_up()

    @property
    def _linger_seconds(self) -> float:
        """Rows come in company: where there was nothing to do, nothing is waited for."""
        return self.policy.linger_seconds if self._worked or self._open else 0.0

    async def _refill(self) -> None:
        """Take more rows in hand when something came, fell due, or the queue ran low after a full take."""
        stale = self.clock.monotonic() - self._refilled_at >= _LOOK_AGAIN_SECONDS
        if not (self._fresh or stale) or len(self._queue) > self.policy.window // 2:
            return
        self._refilled_at = self.clock.monotonic()
        self._fresh = False
        in_hand = [q.row.id for q in self._queue] + [row.id for row in self._running.values() if row]
        rows = await self.rows.take(in_hand=in_hand, limit=self.policy.window)
        self._fresh = len(rows) == self.policy.window
        self._worked = self._worked or bool(rows)
        if rows and any(intent.in_attention for intent in self._open.values()):
            await self._take_up_retried()
        for row in rows:
            await self._enqueue(row)

    async def _take_up_retried(self) -> None:
        """See which intents that were before a person are to be tried again.

        Only those: what else is stored as open is under way here, and would be sent beside itself.
        """
        for intent in await self.rows.open_intents():
            known = self._open.get(intent.write.request_id)
            if known and known.in_attention:
                self._open[intent.write.request_id] = intent

    async def _enqueue(self, row: Row) -> None:
        try:
            event = self.read(row)
        except Exception as error:  # noqa: BLE001 - the edge: a payload that cannot be read needs a person
            self.done(row, await self.applier.fail(row, error))
            return
        self._queue.append(_Queued(row, event, keys_of(event)))

    async def _start_rows(self) -> None:
        """Start every row whose keys are free and not wanted by an older row, up to the limit."""
        wanted: set[str] = set()
        waiting: list[_Queued] = []
        queue, self._queue = self._queue, waiting
        for position, queued in enumerate(queue):
            if len(self._running) >= self.policy.at_once:
                waiting.extend(queue[position:])
                return
            if intent := self._open_on(queued.keys):
                self._spawn(self._wait_behind(queued.row, intent), queued.row)
            elif self.ring.free(queued.keys) and wanted.isdisjoint(queued.keys):
                self.ring.take(queued.keys)
                self._spawn(self._work(queued), queued.row)
            else:
                wanted.update(queued.keys)
                waiting.append(queued)

    async def _work(self, queued: _Queued) -> None:
        keep_keys = False
        try:
            self.done(queued.row, await self._apply(queued))
            # An invoice that landed ended the wait of its payments.
            self._fresh = self._fresh or queued.row.entity_kind == "invoice"
        except NoAnswer as error:
            # The intent holds the keys from here on, until it is settled.
            keep_keys = True
            self._open[error.intent.write.request_id] = _due_again(error)
        finally:
            if not keep_keys:
                await asyncio.shield(self.ring.give_back(queued.keys))

    async def _apply(self, queued: _Queued) -> Outcome:
        row = queued.row
        if row.claims < _SUSPECT_CLAIMS:
            return await self.applier.apply(row, queued.event, queued.keys)
        if row.ran_alone:
            message = "The bridge died each time it worked on this record. Report it; retry it after an upgrade."
            return await self.applier.decide(row, Attention("kills_the_process", message))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.alone)
            await self.rows.mark_alone(row)
            return await self.applier.apply(row, queued.event, queued.keys)

    async def _wait_behind(self, row: Row, intent: Intent) -> None:
        if intent.in_attention and intent.inbox_id == row.id:
            self.done(row, await self.applier.decide(row, UNANSWERED))
            return
        now = self.clock.now()
        due = now + _BEHIND_ATTENTION if intent.in_attention else max(intent.due_at or now, now) + _BEHIND_OPEN
        message = "Waits for QuickBooks' answer to an earlier request about the same record."
        self.done(row, await self.applier.decide(row, Waiting("waits_for_answer", message, due)))

    def _start_settling(self) -> None:
        for request_id, intent in self._open.items():
            due = intent.due_at is None or intent.due_at <= self.clock.now()
            if due and not intent.in_attention and request_id not in self._settling:
                self._settling.add(request_id)
                self._spawn(self._settle(intent), None)

    async def _settle(self, intent: Intent) -> None:
        request_id = intent.write.request_id
        try:
            await self.writer.settle(intent)
        except NoAnswer as error:
            self._open[request_id] = _due_again(error)
            return
        except QBOError as error:
            if error.decision in COMPANY:
                await self.applier.park(error)
            # A definite refusal closed the intent; its row is tried again and says what is wrong.
            log.info("open_intent_refused", request_id=request_id, error=str(error))
        except (LaneLost, StoreAway, CompanyParked):
            raise
        except Exception:
            log.exception("open_intent_not_settled", request_id=request_id)
            await self.writer.give_up(intent)
            self._open[request_id] = replace(intent, in_attention=True)
            return
        finally:
            self._settling.discard(request_id)
        del self._open[request_id]
        await self.ring.give_back(intent.keys)
        self._fresh = True

    def _hold(self, intent: Intent) -> None:
        self._open[intent.write.request_id] = intent
        if self.ring.free(intent.keys):
            self.ring.take(intent.keys)

    def _open_on(self, keys: Sequence[str]) -> Intent | None:
        wanted = set(keys)
        return next((i for i in self._open.values() if not wanted.isdisjoint(i.keys)), None)

    def _spawn(self, work: Coroutine[Any, Any, None], row: Row | None) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running[task] = row
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        row = self._running.pop(task)
        if row and _ended_undecided(task):
            self._undecided.append(row)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, CompanyParked | LaneLost | StoreAway):
            log.info("turn_ends", reason=str(error) or type(error).__name__)
            self._stopping, self.in_order = True, False
        elif error is not None:
            log.error("row_undecided", inbox_id=row.id if row else None, exc_info=error)
            self._stopping, self.in_order = True, False
        self.woken.set()

    async def _pause(self) -> None:
        """Wait until something is to be done: a row finished, came or fell due, or an intent did."""
        seconds = _LOOK_AGAIN_SECONDS
        if not self._fresh and not self._running:
            next_due = await self.rows.next_due()
            if next_due is not None and next_due < seconds:
                seconds, self._fresh = max(next_due, 0.01), True
        seconds = min([seconds, *(self._seconds_until(intent.due_at) for intent in self._unsettled())])
        try:
            await asyncio.wait_for(self.woken.wait(), timeout=seconds)
        except TimeoutError:
            self.woken.clear()

    def _unsettled(self) -> list[Intent]:
        return [i for i in self._open.values() if not i.in_attention and i.write.request_id not in self._settling]

    def _seconds_until(self, due: datetime | None) -> float:
        return max(0.01, (due - self.clock.now()).total_seconds()) if due else 0.01

    async def _wind_up(self) -> None:
        """Finish what is under way within the limit, cancel the rest, and hand undecided rows back."""
        self._undecided += [queued.row for queued in self._queue]
        self._queue.clear()
        if self._running:
            running = list(self._running)
            _, late = await asyncio.wait(running, timeout=self.policy.drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await asyncio.sleep(0)  # The callbacks of the last ones note whether they were decided.
        await self._put_back()

    async def _put_back(self) -> None:
        """Hand undecided rows back. Where PostgreSQL is away it is waited for: an outage is no row's fault."""
        until = self.clock.monotonic() + self.policy.drain_seconds
        while True:
            try:
                await self.rows.put_back(self._undecided)
            except StoreAway:
                if self.clock.monotonic() >= until:
                    raise
                await self.clock.sleep(_LOOK_AGAIN_SECONDS)
            else:
                return


def _ended_undecided(task: asyncio.Task[None]) -> bool:
    """Tell whether the row is to be worked on again as if nothing had been: one that raised anew and anew is not."""
    return task.cancelled() or isinstance(task.exception(), LaneLost | StoreAway | CompanyParked)


def _due_again(error: NoAnswer) -> Intent:
    intent = error.intent
    return replace(intent, due_at=error.due, attempts=intent.attempts + 1, in_attention=error.attention)
