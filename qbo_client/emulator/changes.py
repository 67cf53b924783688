"""What changed in one company's books, in order: what CDC lists and what webhooks tell."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from qbo_client.emulator.clock import Clock
from qbo_client.emulator.entities.voiding import is_void


class Operation(Enum):
    """As a webhook in the older shape spells it."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"
    VOID = "Void"
    EMAILED = "Emailed"
    MERGE = "Merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The last thing that happened to one object."""

    number: int
    kind: str
    identifier: str
    operation: Operation
    moment: datetime
    # Of a merge: the Id that is no more.
    loser: str | None = None

    @property
    def deleted(self) -> bool:
        return self.operation is Operation.DELETE


Listener = Callable[[Change], None]


class Changes:
    """The latest change of every object there is or was, in the order of changing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._number = 0
        # By kind; of each kind the oldest change first.
        self._latest: dict[str, dict[str, Change]] = {}
        self._listeners: list[Listener] = []
        self._recorders: list[Listener] = []
        self._silenced: set[tuple[str, str]] = set()

    def listen(self, listener: Listener) -> None:
        """Have it called with every change as applications are told of it, from now on."""
        self._listeners.append(listener)

    def record(self, recorder: Listener) -> None:
        """Have it called with every change of an object, told or not."""
        self._recorders.append(recorder)

    def stored(self, kind: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> None:
        """A change that leaves the SyncToken as it was, such as of a customer's balance, is told to nobody."""
        change = self._add(kind, str(new["Id"]), operation_of(old, new))
        if old is None or old.get("SyncToken") != new.get("SyncToken"):
            self._tell(change)

    def removed(self, kind: str, identifier: str) -> None:
        self._tell(self._add(kind, identifier, Operation.DELETE))

    @contextmanager
    def merging(self, kind: str, *, winner: str, loser: str) -> Iterator[None]:
        """While two names become one, what happens to either is told as one merge of the winner."""
        self._silenced = {(kind, winner), (kind, loser)}
        try:
            yield
        finally:
            self._silenced = set()
        # Not told where the merge was refused.
        self._tell(
            Change(
                number=self._number,
                kind=kind,
                identifier=winner,
                operation=Operation.MERGE,
                moment=self._clock.now(),
                loser=loser,
            )
        )

    def since(self, kind: str, moment: datetime) -> list[Change]:
        """Changes of that kind no older than the moment, to the second, the oldest first."""
        found: list[Change] = []
        for change in reversed(self._latest.get(kind, {}).values()):
            if change.moment < moment:
                break
            found.append(change)
        return found[::-1]

    def latest(self) -> Iterator[Change]:
        """The last change of every object there is or was."""
        for changes in self._latest.values():
            yield from changes.values()

    def restore(self, change: Change) -> None:
        """Puts a saved change back; they come in the order of their numbers."""
        self._number = change.number
        self._latest.setdefault(change.kind, {})[change.identifier] = change

    def _add(self, kind: str, identifier: str, operation: Operation) -> Change:
        self._number += 1
        change = Change(
            number=self._number,
            kind=kind,
            identifier=identifier,
            operation=operation,
            moment=self._clock.now().replace(microsecond=0),
        )
        latest = self._latest.setdefault(kind, {})
        latest.pop(identifier, None)
        latest[identifier] = change
        for recorder in self._recorders:
            recorder(change)
        return change

    def _tell(self, change: Change) -> None:
        if (change.kind, change.identifier) in self._silenced:
            return
        for listener in self._listeners:
            listener(change)


def operation_of(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Operation:
    if old is None:
        return Operation.CREATE
    if "TotalAmt" in new and is_void(new) and not is_void(old):
        return Operation.VOID
    if new.get("EmailStatus") == "EmailSent" and new.get("DeliveryInfo") != old.get("DeliveryInfo"):
        return Operation.EMAILED
    return Operation.UPDATE
