"""What one transaction after an answer, or after a decision, holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consumers.intents import CrmRef, Intent, Link
from consumers.outcomes import Outcome
from consumers.records import Row
from schemas.events.quickbooks import ConnectionState, SyncStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """QuickBooks answered with the object it wrote: the intent is done."""

    intent: Intent
    link: Link
    object: Mapping[str, Any]
    intuit_tid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """QuickBooks refused, or was never reached: nothing was written and the intent is closed."""

    intent: Intent
    code: str
    detail: str
    intuit_tid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """Nobody knows whether it was written: the intent stays open and is sent again at `due`.

    `attention` set: a person must look; it keeps its keys and is not sent again by itself.
    """

    intent: Intent
    due: datetime
    attention: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The row's new state, and what is told about its record if that changed its standing."""

    row: Row
    outcome: Outcome
    told: SyncStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """The whole company cannot be worked on until somebody does something."""

    state: ConnectionState
    cause: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    answer: Written | Refused | Unanswered | None = None
    link: Link | None = None
    #: Links that end: what they stood for is gone.
    unlinks: tuple[CrmRef, ...] = ()
    decided: Decided | None = None
    parked: Parked | None = None
