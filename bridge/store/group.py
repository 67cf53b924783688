"""Commits of many lanes in one transaction.

A transaction per row costs three times the processor time of the row itself, so whatever is handed in
while one transaction is under way leaves together in the next. An idle process commits at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from bridge.store.database import Away

Item = TypeVar("Item")
Verdict = TypeVar("Verdict")

log = structlog.get_logger(__name__)

_LARGEST_GROUP = 256
_AWAY_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class _Member(Generic[Item, Verdict]):
    item: Item
    done: "asyncio.Future[Verdict]"


class GroupCommit(Generic[Item, Verdict]):
    """Hands items to `commit` in groups, in the order they came.

    `commit` runs one transaction and returns one verdict an item; a verdict that is an exception is
    raised to that item's caller only. If the whole transaction fails, its halves are tried, so that one
    bad row does not fail its neighbours. While PostgreSQL is away it waits: the fence decides afterwards
    whether the item may still be committed.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Verdict | Exception]]]) -> None:
        self._commit = commit
        self._waiting: list[_Member[Item, Verdict]] = []
        self._arrived = asyncio.Event()

    async def submit(self, item: Item) -> Verdict:
        """Return once the item is committed. Cancelling the caller does not take the item back."""
        member = _Member(item, asyncio.get_running_loop().create_future())
        self._waiting.append(member)
        self._arrived.set()
        return await asyncio.shield(member.done)

    async def run(self) -> None:
        """Commit groups until cancelled."""
        while True:
            await self._arrived.wait()
            group = self._waiting[:_LARGEST_GROUP]
            del self._waiting[:_LARGEST_GROUP]
            if not self._waiting:
                self._arrived.clear()
            await self._settle(group)

    async def _settle(self, group: list[_Member[Item, Verdict]]) -> None:
        try:
            verdicts = await self._commit_when_there([member.item for member in group])
        except Exception as error:  # noqa: BLE001 - whatever one item provokes, its neighbours are committed
            await self._bisect(group, error)
        else:
            for member, verdict in zip(group, verdicts, strict=True):
                _resolve(member, verdict)

    async def _commit_when_there(self, items: list[Item]) -> Sequence[Verdict | Exception]:
        while True:
            try:
                return await self._commit(items)
            except Away as error:
                log.warning("group_commit_waits_for_postgresql", error=str(error), group=len(items))
                await asyncio.sleep(_AWAY_PAUSE_SECONDS)

    async def _bisect(self, group: list[_Member[Item, Verdict]], error: Exception) -> None:
        if len(group) == 1:
            _resolve(group[0], error)
            return
        middle = len(group) // 2
        await self._settle(group[:middle])
        await self._settle(group[middle:])


def _resolve(member: _Member[Item, Verdict], verdict: Verdict | Exception) -> None:
    if member.done.done():
        return
    if isinstance(verdict, Exception):
        member.done.set_exception(verdict)
        # The caller may have been cancelled meanwhile; its exception is then nobody's to retrieve.
        member.done.exception()
    else:
        member.done.set_result(verdict)
