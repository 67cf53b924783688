"""Writes of one company leave together when they have to wait together."""

import asyncio
import copy
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from qbo_client.answers import Answer
from qbo_client.batches import MOST_ITEMS, BatchWrite, Outcome, batch_of
from qbo_client.budget import Slot
from qbo_client.client import QBOClient
from qbo_client.decisions import Decision
from qbo_client.entities import entity
from qbo_client.errors import QBOError
from qbo_client.writes import Write

__all__ = ["Batcher", "Store"]

#: Called before the first send with a batch and its writes in the order of its items, and with None and the
#: writes if they are to leave alone after all. What it raises, every caller gets; then nothing has left.
Store: TypeAlias = Callable[[BatchWrite | None, Sequence[Write]], Awaitable[None]]

#: Refusals of a batch as a whole that one of its items may have brought upon the others.
_OF_ONE_ITEM = frozenset({Decision.BUG, Decision.DATA, Decision.REFERENCE, Decision.DUPLICATE, Decision.STALE})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Waiting:
    write: Write
    answer: asyncio.Future[Answer] = field(repr=False)


class Batcher:
    """Makes writes: alone while the budget lets them start at once, else with all that wait by then.

    `client` is the client whose share they wait in. A write is given here once, and stored by then as a write
    of its own; `store` records which batch it left in instead. What is Uncertain afterwards is settled by
    sending that very batch, or that very write if none was recorded, again. It belongs to one event loop.
    """

    def __init__(self, *, client: QBOClient, store: Store) -> None:
        self._client = client
        self._store = store
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()
        self._collecting: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def send(self, write: Write) -> Answer:
        """Make a write as `QBOClient.send` does; raises what it raises, for this write alone.

        Throttled means that it was refused: sent once more, it is a new request with a new id. Cancelled
        before its batch was formed, it never leaves; after that it is uncertain.
        """
        budget = self._client.budget
        if not entity(write.entity).batched or (not self._waiting and budget.free):
            return await self._client.send(write)
        waiting = _Waiting(write=write, answer=asyncio.get_running_loop().create_future())
        self._waiting[id(waiting)] = waiting
        self._collect()
        try:
            return await waiting.answer
        finally:
            self._forget(waiting)

    def _collect(self) -> None:
        if self._collecting is None:
            self._collecting = asyncio.create_task(self._form_groups(), name="qbo-batcher")

    def _forget(self, waiting: _Waiting) -> None:
        self._waiting.pop(id(waiting), None)
        if not self._waiting and self._collecting is not None:
            self._collecting.cancel()
            self._collecting = None

    async def _form_groups(self) -> None:
        while self._waiting:
            slot = await self._client.budget.reserve(self._client.share)
            if not (group := self._take()):
                slot.give_back()
                continue
            if len(group) > 1:
                slot.become_batch()
            self._send_off(group, slot)
        self._collecting = None

    def _take(self) -> list[_Waiting]:
        # While batches are over their own limit, what waits goes on one by one.
        count = MOST_ITEMS if self._client.budget.free_for_batch else 1
        group: list[_Waiting] = []
        while self._waiting and len(group) < count:
            _, one = self._waiting.popitem(last=False)
            if not one.answer.done():  # Its task may be cancelled already and not yet have run.
                group.append(one)
        return group

    def _send_off(self, group: list[_Waiting], slot: Slot) -> None:
        task = asyncio.create_task(self._deliver(group, slot), name="qbo-batch")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        # Also if it is cancelled before it has begun.
        task.add_done_callback(lambda _: slot.give_back())
        for one in group:
            one.answer.add_done_callback(lambda _: _cancel_if_unwanted(task, group))

    async def _deliver(self, group: list[_Waiting], slot: Slot) -> None:
        try:
            if len(group) == 1:
                await _deliver_alone(self._client.holding(slot), group[0])
            else:
                await self._deliver_together(group, slot)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is the callers', who wait for it.
            for one in group:
                _fail(one, error)

    async def _deliver_together(self, group: list[_Waiting], slot: Slot) -> None:
        batch, ordered = batch_of([one.write for one in group])
        await self._store(batch, ordered)
        try:
            outcomes = await self._client.holding(slot).send_batch(batch)
        except QBOError as error:
            if error.decision not in _OF_ONE_ITEM or error.maybe_written:
                raise
        else:
            by_request = zip(ordered, batch.items, strict=True)
            _tell(group, {write.request_id: outcomes[item.b_id] for write, item in by_request})
            return
        # Nothing of it was written. Whose fault it is shows when each is sent by itself.
        await self._store(None, ordered)
        await asyncio.gather(*(_deliver_alone(self._client, one) for one in group))


async def _deliver_alone(client: QBOClient, one: _Waiting) -> None:
    try:
        answer = await client.send(one.write)
    except Exception as error:  # noqa: BLE001 -- as above.
        _fail(one, error)
    else:
        _succeed(one, answer)


def _tell(group: Sequence[_Waiting], outcomes: dict[str, Outcome]) -> None:
    for one in group:
        outcome = outcomes[one.write.request_id]
        if isinstance(outcome, Answer):
            _succeed(one, outcome)
        else:
            assert isinstance(outcome, QBOError)
            _fail(one, outcome)


def _succeed(one: _Waiting, answer: Answer) -> None:
    if not one.answer.done():
        one.answer.set_result(answer)


def _fail(one: _Waiting, error: Exception) -> None:
    if not one.answer.done():
        one.answer.set_exception(_own(error))


def _own(error: Exception) -> Exception:
    """Return an error that its caller may change without telling the others."""
    if not isinstance(error, QBOError):
        return error
    own = copy.copy(error)
    own.__cause__ = error
    return own


def _cancel_if_unwanted(task: asyncio.Task[None], group: Sequence[_Waiting]) -> None:
    if all(one.answer.cancelled() for one in group):
        task.cancel()
