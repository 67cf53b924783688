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
    """Work that can wait: what live work leaves over."""
    POLL = "poll"
    """Change data capture, the scan of history: one turn in ten that nothing can take."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Turn:
    number: int
    share: Share
    #: Whether it is a batch's, which a limit of their own may hold back while others go on.
    batch: bool
    granted: asyncio.Future[None] = field(repr=False)


class Turns:
    """Those who wait, in the order in which they are to be served."""

    def __init__(self) -> None:
        self._queues: dict[tuple[Share, bool], OrderedDict[int, Turn]] = {
            (share, batch): OrderedDict() for share in Share for batch in (False, True)
        }
        self._joined = 0
        self._since_poll = 0

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    @property
    def only_batches(self) -> bool:
        """Whether nobody waits for anything but a batch."""
        return not any(queue for (_, batch), queue in self._queues.items() if not batch)

    def join(self, share: Share, *, batch: bool = False) -> Turn:
        self._joined += 1
        granted = asyncio.get_running_loop().create_future()
        turn = Turn(number=self._joined, share=share, batch=batch, granted=granted)
        self._queues[share, batch][turn.number] = turn
        return turn

    def leave(self, turn: Turn) -> None:
        """Take a turn out that was never granted; no harm if it is out already."""
        self._queues[turn.share, turn.batch].pop(turn.number, None)

    def next(self, *, batches: bool) -> Turn:
        """Take out the one to be served now, a batch only if `batches`; somebody who may must be waiting."""
        first = {share: turn for share in Share if (turn := self._first(share, batches)) is not None}
        turn = first[self._next_share(first)]
        self._since_poll = 0 if turn.share is Share.POLL else self._since_poll + 1
        self.leave(turn)
        return turn

    def _first(self, share: Share, batches: bool) -> Turn | None:
        heads = [self._queues[share, batch] for batch in ((False, True) if batches else (False,))]
        return min((next(iter(queue.values())) for queue in heads if queue), key=lambda turn: turn.number, default=None)

    def _next_share(self, first: dict[Share, Turn]) -> Share:
        if Share.POLL in first and self._since_poll >= POLL_SHARE - 1:
            return Share.POLL
        if Share.LIVE in first:
            return Share.LIVE
        return min(first, key=lambda share: first[share].number)
