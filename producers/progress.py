"""What a poll leaves behind: from when the next one asks, when it is due, and which hints are done with. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mapping.from_qbo.customer import last_updated
from producers.memory import TakenIn
from producers.reading import Reading
from producers.watched import CUSTOMER, INVOICE, Hint, Watched, WatchPolicy, Webhooks

_SECOND = timedelta(seconds=1)
#: Polls of many companies spread by themselves.
_JITTER = (0.9, 1.0)
#: While the bridge is busy, some write of its own is under way at every poll: that alone is no reason to hurry.
_SHORTEST_WAIT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One reading, and what it is judged by."""

    reading: Reading
    watched: Watched
    policy: WatchPolicy
    now: datetime
    #: Between 0 and 1.
    chance: float

    @property
    def at(self) -> datetime:
        """When it was read, by QuickBooks' clock; by ours where the answer gave no time."""
        return self.reading.taken_at or self.now

    def may_catch_up(self, answered_at: datetime) -> bool:
        """Whether QuickBooks may soon show what an answer to a write of ours showed at that moment of its clock.

        Change data capture lags by seconds. What it does not show after the overlap it may never show (a company
        that was restored, say): that is waited for no longer. Until then no cursor passes it.
        """
        return abs(self.at - answered_at) <= self.policy.overlap


@dataclass(slots=True, kw_only=True)
class Noted:
    """What judging a reading noted, by kind and id of the rows."""

    #: Times of what has to be seen again: an open intent of ours has no answer yet, or the row was older than one.
    waiting: dict[tuple[str, str], datetime] = field(default_factory=dict)
    #: Those of them that an answer of ours was newer than.
    outrun: set[tuple[str, str]] = field(default_factory=set)
    #: When changes happened that no webhook told of.
    unannounced: list[datetime] = field(default_factory=list)

    @property
    def unannounced_at(self) -> datetime | None:
        return max(self.unannounced, default=None)

    def waits(self, hint: Hint) -> bool:
        return (hint.entity, hint.qbo_id) in self.waiting


def close(taken: TakenIn, poll: Poll, noted: Noted) -> None:
    """Add to the last of what a poll stores how far it has come."""
    progress = taken.progress
    progress.polled, progress.piece = True, False
    progress.unannounced_at = noted.unannounced_at
    progress.poll_in_seconds = next_in(poll, noted)
    _settle_hints(taken, poll, noted)
    _move_on(taken, poll, noted)


def is_overtaken(poll: Poll, noted: Noted) -> bool:
    """Whether to read again at once: an answer of ours came after what was read, so that nothing has to catch up.

    Where so many polls were made that hints have to wait, this waits for the next poll, too.
    """
    at = poll.at.replace(microsecond=0)
    overtaken = any(noted.waiting[one] >= at for one in noted.outrun)
    return overtaken and poll.watched.hour_polls < poll.policy.polls_at_once


def next_in(poll: Poll, noted: Noted) -> float:
    """Return in how many seconds the next poll is due."""
    webhooks = Webhooks(
        began_at=poll.watched.began_at,
        announced_at=poll.watched.announced_at,
        unannounced_at=noted.unannounced_at or poll.watched.unannounced_at,
    )
    # Since when the company is watched was noted by QuickBooks' clock, which may be ahead of ours.
    low, high = _JITTER
    usual = webhooks.poll_seconds(max(poll.now, poll.at), poll.policy) * (low + (high - low) * poll.chance)
    if not noted.waiting:
        return usual
    # As long again as it has waited already.
    age = (poll.at - min(noted.waiting.values())).total_seconds()
    return min(max(age, _SHORTEST_WAIT), usual)


def _settle_hints(taken: TakenIn, poll: Poll, noted: Noted) -> None:
    """Be done with the hints whose change was seen; the others are looked for again, a few times.

    One whose row waits is kept for as long: a webhook did tell of what that will turn out to be.
    """
    waits, next_poll = poll.policy.look_again_seconds, taken.progress.poll_in_seconds or 0.0
    for hint in poll.reading.hints:
        if noted.waits(hint):
            taken.unanswered.append((hint, next_poll))
        elif _saw(hint, poll) or hint.tries >= len(waits):
            taken.answered.append(hint)
        else:
            taken.unanswered.append((hint, waits[hint.tries]))


def _saw(hint: Hint, poll: Poll) -> bool:
    reading = poll.reading
    if hint.entity not in poll.watched.entities:
        return True  # The history comes first; the poll after it finds it anyway.
    if hint.qbo_id in reading.deleted.get(hint.entity, ()) or hint.deleted_id in reading.gone:
        return True
    row = reading.of(hint.entity).get(hint.qbo_id)
    # The object and the event about it are stamped one after the other.
    return row is not None and last_updated(row) >= hint.at.replace(microsecond=0) - _SECOND


def _move_on(taken: TakenIn, poll: Poll, noted: Noted) -> None:
    """Move the cursors. Only of customers everything was seen where all of them were compared.

    A row that waits may do so for hours: it holds both, because one call asks for all while they are the same.
    """
    at, watched, policy = poll.reading.taken_at, poll.watched, poll.policy
    if at is None:
        return
    waiting, unseen = list(noted.waiting.values()), [hint for hint, _ in taken.unanswered if not noted.waits(hint)]
    of_customers = [hint.at for hint in unseen if hint.entity == CUSTOMER]
    overlap = policy.short_overlap if poll.reading.whole else policy.overlap
    taken.progress.customers_since = _moved(watched.customers_since, at - overlap, waiting, of_customers)
    if INVOICE in watched.entities:
        of_others = [hint.at for hint in unseen if hint.entity != CUSTOMER]
        taken.progress.invoices_since = _moved(watched.invoices_since, at - policy.overlap, waiting, of_others)


def _moved(since: datetime, to: datetime, waiting: Sequence[datetime], told: Sequence[datetime]) -> datetime:
    """Return a cursor's new place: never past a row that waits, nor past what a hint told of and did not show yet.

    A hint from before the cursor holds nothing: it came late, and no poll asks from so early again.
    """
    held = [moment - _SECOND for moment in (*waiting, *(moment for moment in told if moment >= since))]
    return max(since, min([to, *held]))
