"""How working on a record can end. Every one of them is visible to a person."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Attention:
    """A person must do something; `message` says what."""

    cause: str
    message: str
    trace: str | None = None


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
