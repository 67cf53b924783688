"""How working on a record can end. Every one of them is visible to a person."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Result(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    #: A newer state of the same CRM record was applied, or stands in the inbox.
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Done:
    result: Result
    #: What a person may want to know although nothing is to be done.
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """It does not belong in the books, for a reason that does not change by trying again."""

    cause: str
    message: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """It will be tried again at `due`, without anybody's doing."""

    cause: str
    message: str
    due: datetime
    #: The key whose landing in the books ends the wait at once.
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Attention:
    """A person must do something; `message` says what."""

    cause: str
    message: str
    trace: str | None = None


#: A write that a day brought no answer to: its intent and its row are before a person together.
UNANSWERED = Attention(
    "no_answer",
    "QuickBooks never answered this write, and looking for it gave nothing sure. Look in QuickBooks whether it is "
    "there, then retry: the same request is sent again and can make no second object.",
)

Outcome = Done | Skipped | Waiting | Attention


def state_of(outcome: Outcome) -> str:
    """Return the inbox state that stands for this outcome."""
    match outcome:
        case Done():
            return "done"
        case Skipped():
            return "skipped"
        case Waiting():
            return "waiting"
        case Attention():
            return "attention"


def printable(text: str) -> str:
    """Return text that PostgreSQL and UTF-8 can hold: QuickBooks' words are passed on, whatever is in them."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def storable(outcome: Outcome) -> Outcome:
    """Return the outcome with its texts printable."""
    match outcome:
        case Attention():
            trace = printable(outcome.trace) if outcome.trace else None
            return replace(outcome, message=printable(outcome.message), trace=trace)
        case Skipped() | Waiting():
            return replace(outcome, message=printable(outcome.message))
        case Done(note=str(note)):
            return replace(outcome, note=printable(note))
    return outcome
