"""Whose turn it is when more want to call than may."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum

#: One turn in so many is the poll's, however much else waits.
POLL_SHARE = 10


class Share(Enum):
    LIVE = "live"
    """Fresh events: before everything but the poll's share."""
    BACKFILL = "backfill"
    """Replay, import, reconcile: what live work leaves over."""
    POLL = "poll"
    """Change data capture, the scan of history: one turn in ten that nothing can take."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Turn:
    number: int
    share: Share
    granted: asyncio.Future[None] = field(repr=False)


class Turns:
    """Those who wait, in the order in which they are to be served."""

    def __init__(self) -> None:
        self._queues: dict[Share, OrderedDict[int, Turn]] = {share: OrderedDict() for share in Share}
        self._joined = 0
        self._since_poll = 0

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def join(self, share: Share) -> Turn:
        self._joined += 1
        turn = Turn(number=self._joined, share=share, granted=asyncio.get_running_loop().create_future())
        self._queues[share][turn.number] = turn
        return turn

    def leave(self, turn: Turn) -> None:
        """Take a turn out that was never granted; no harm if it is out already."""
        self._queues[turn.share].pop(turn.number, None)

    def next(self) -> Turn:
        """Take out the one to be served now; somebody must be waiting."""
        share = self._next_share()
        self._since_poll = 0 if share is Share.POLL else self._since_poll + 1
        _, turn = self._queues[share].popitem(last=False)
        return turn

    def _next_share(self) -> Share:
        if self._queues[Share.POLL] and self._since_poll >= POLL_SHARE - 1:
            return Share.POLL
        if self._queues[Share.LIVE]:
            return Share.LIVE
        return min((Share.BACKFILL, Share.POLL), key=self._oldest)

    def _oldest(self, share: Share) -> float:
        return next(iter(self._queues[share]), float("inf"))
