"""Change data capture: what was changed or deleted since a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from qbo_client.answers import Unreadable
from qbo_client.entities import entity
from qbo_client.faults import error_of, fault_in

#: One answer holds no more objects than this and has no second page. Fewer mean that nothing was left out.
MOST_CHANGES = 1000

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What QuickBooks told of. A row is the whole object as it is now, however often it was changed.

    A void is a row of zeros with "Voided" in its PrivateNote, a name that was deactivated a row with Active
    false. A deletion is in `deleted`: Id and MetaData.LastUpdatedTime, no SyncToken.
    """

    live: Mapping[str, Sequence[Row]]
    deleted: Mapping[str, Sequence[Row]]
    #: QuickBooks' own time of the answer. The next sweep begins some minutes before it.
    taken_at: datetime | None
    #: Entities of which more may have been deleted than QuickBooks told: only a comparison of all would show.
    deletions_missed: frozenset[str] = field(default_factory=frozenset)

    @property
    def truncated(self) -> bool:
        """Whether the answer was as long as one can be, so that something may have been left out."""
        rows = (*self.live.values(), *self.deleted.values())
        return sum(map(len, rows)) >= MOST_CHANGES


def check_captured(entities: Sequence[str], since: datetime) -> None:
    """Raise ValueError for what change data capture knows nothing of."""
    if not entities:
        raise ValueError("changes of nothing need not be asked for")
    for name in entities:
        if not entity(name).captured:
            raise ValueError(f"QuickBooks captures no changes of a {name}; query it")
    if since.tzinfo is None:
        raise ValueError("changes since a time without zone could be any")


def changes_of(payload: Mapping[str, Any]) -> Changes:
    """Return what an answer tells; slots are told by their keys, not their places.

    Raises Unreadable, and QBOError for a fault in one of the slots.
    """
    live: dict[str, list[Row]] = {}
    deleted: dict[str, list[Row]] = {}
    for name, rows in _lists(payload):
        for row in rows:
            (deleted if row.get("status") == "Deleted" else live).setdefault(name, []).append(row)
    return Changes(live=live, deleted=deleted, taken_at=moment_of(payload.get("time")))


def moment_of(text: object) -> datetime | None:
    """Return a time as QuickBooks writes it; None if it is none or has no zone."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def overlapping(taken_at: datetime, overlap: timedelta = timedelta(minutes=5)) -> datetime:
    """Return from when the next sweep must ask, so that what was on its way meanwhile is not missed."""
    return taken_at - overlap


def _lists(payload: Mapping[str, Any]) -> list[tuple[str, list[Row]]]:
    answers = payload.get("CDCResponse")
    if not isinstance(answers, list):
        raise Unreadable("the body holds no CDCResponse")
    slots = [slot for answer in map(_sound, answers) for slot in map(_sound, answer.get("QueryResponse") or [])]
    return [(name, rows) for slot in slots for name, rows in slot.items() if isinstance(rows, list)]


def _sound(part: Any) -> Mapping[str, Any]:
    if not isinstance(part, Mapping):
        raise Unreadable("a part of the CDCResponse is no object")
    if (fault := fault_in(part)) is not None:
        raise error_of(HTTPStatus.OK, {}, fault)
    return part
