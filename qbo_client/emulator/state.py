"""Keeps the world in a SQLite file, so that it survives a restart.

What changes is noted as it happens and written behind, in one transaction per interval and one at the end.
An answer that was given is therefore kept after an orderly end; a kill loses the last interval at most, and
whatever is in the file belongs together. Kept are companies with their objects, changes, counters, settings
and remembered request ids, grants, codes, the clock, and webhooks not yet acknowledged. Faults, limits,
latency and statistics begin anew.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from qbo_client.emulator import snapshots, wire
from qbo_client.emulator.changes import Change, Operation
from qbo_client.emulator.company import Company, Remembered
from qbo_client.emulator.world import World

INTERVAL_SECONDS = 0.2
LOCK_SECONDS = 0.5
VERSION = 1
_SCHEMA = """
CREATE TABLE world (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE companies (realm_id TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE objects (
    realm_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT,  -- null where it was deleted
    number INTEGER NOT NULL,  -- of its last change, in the order of all changes of the company
    operation TEXT NOT NULL,
    moment TEXT NOT NULL,
    PRIMARY KEY (realm_id, kind, id)
) WITHOUT ROWID;
CREATE TABLE answers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    realm_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    sent BLOB NOT NULL,
    status INTEGER NOT NULL,
    fragment TEXT NOT NULL,
    time TEXT NOT NULL,
    UNIQUE (realm_id, request_id)
);
"""
_PUT_OBJECT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT_COMPANY = "INSERT OR REPLACE INTO companies VALUES (?, ?)"
_PUT_WORLD = "INSERT OR REPLACE INTO world VALUES (?, ?)"
_PUT_ANSWER = """
INSERT OR REPLACE INTO answers (realm_id, request_id, sent, status, fragment, time) VALUES (?, ?, ?, ?, ?, ?)
"""
Rows = dict[str, list[tuple[object, ...]]]


class StateError(Exception):
    """The file cannot be used; the sentence says why."""


class State:
    """Belongs to one world from `restore` on. Only one process at a time may hold a file."""

    def __init__(self, path: Path, world: World) -> None:
        self._world = world
        self._connection = _opened(path)
        self._objects: dict[tuple[str, str, str], Change] = {}
        self._companies: set[str] = set()
        self._answers: dict[tuple[str, str], Remembered] = {}
        self._told: dict[str, str] = {}
        self._grants_seen = -1

    def restore(self) -> None:
        """Puts what the file holds into the world, which is still empty, and keeps it from then on."""
        connection = self._connection
        for realm_id, value in connection.execute("SELECT realm_id, value FROM companies ORDER BY realm_id"):
            self._restore_company(snapshots.restore_company(self._world, realm_id, wire.restored(value)))
        for name, value in connection.execute("SELECT name, value FROM world"):
            snapshots.restore(self._world, name, wire.restored(value))
            self._told[name] = value
        for company in self._world.companies.values():
            self._watch(company)
        self._world.newcomers.append(self._take_in)

    async def run(self, end: asyncio.Event) -> None:
        """Saves at each interval until the end; it is waited for and never cancelled in the middle of a write."""
        while not end.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(end.wait(), INTERVAL_SECONDS)
            await self.save()

    async def save(self) -> None:
        """Returns once all that has happened until now is in the file. One call at a time.

        Raises sqlite3.Error where the file cannot be written; what was to be saved is then lost.
        """
        rows = self._unsaved()
        if rows:
            await asyncio.to_thread(self._write, rows)

    def close(self) -> None:
        self._connection.close()

    def _restore_company(self, company: Company) -> None:
        connection, realm = self._connection, (company.realm_id,)
        for kind, body in connection.execute(
            "SELECT kind, body FROM objects WHERE realm_id = ? AND body IS NOT NULL ORDER BY CAST(id AS INTEGER)", realm
        ):
            company.table(kind).restore(wire.restored(body))
        for kind, identifier, number, operation, moment in connection.execute(
            "SELECT kind, id, number, operation, moment FROM objects WHERE realm_id = ? ORDER BY number", realm
        ):
            company.changes.restore(
                Change(
                    number=number,
                    kind=kind,
                    identifier=identifier,
                    operation=Operation(operation),
                    moment=datetime.fromisoformat(moment),
                )
            )
        for request_id, sent, status, fragment, time in connection.execute(
            "SELECT request_id, sent, status, fragment, time FROM answers WHERE realm_id = ? ORDER BY number", realm
        ):
            company.remember(request_id, Remembered(sent=sent, status=status, fragment=fragment, time=time))

    def _take_in(self, company: Company) -> None:
        """A company that is new, with all it was seeded with."""
        self._watch(company)
        self._companies.add(company.realm_id)
        for change in company.changes.latest():
            self._objects[company.realm_id, change.kind, change.identifier] = change

    def _watch(self, company: Company) -> None:
        realm_id = company.realm_id

        def changed(change: Change) -> None:
            self._objects[realm_id, change.kind, change.identifier] = change
            self._companies.add(realm_id)

        def remembered(request_id: str, answer: Remembered) -> None:
            self._answers[realm_id, request_id] = answer

        company.changes.record(changed)
        company.on_remembered = remembered
        company.on_set = lambda: self._companies.add(realm_id)

    def _unsaved(self) -> Rows:
        rows: Rows = {}
        if self._companies:
            rows[_PUT_COMPANY] = [
                (realm_id, wire.dumps(snapshots.company(self._world.companies[realm_id])))
                for realm_id in self._companies
            ]
        if self._objects:
            rows[_PUT_OBJECT] = list(self._object_rows())
        if self._answers:
            rows[_PUT_ANSWER] = [
                (*key, one.sent, one.status, one.fragment, one.time) for key, one in self._answers.items()
            ]
        told = {name: wire.dumps(value) for name, value in snapshots.world(self._world).items()}
        if self._grants_seen != self._world.authority.changes:
            self._grants_seen = self._world.authority.changes
            told["grants"] = wire.dumps(self._world.authority.snapshot())
        changed: list[tuple[object, ...]] = [
            (name, text) for name, text in told.items() if self._told.get(name) != text
        ]
        if changed:
            rows[_PUT_WORLD] = changed
        self._told |= told
        self._companies, self._objects, self._answers = set(), {}, {}
        return rows

    def _object_rows(self) -> Iterator[tuple[object, ...]]:
        for (realm_id, kind, identifier), change in self._objects.items():
            row = self._world.companies[realm_id].table(kind).get(identifier)
            body = row.json if row else None
            moment = change.moment.isoformat()
            yield realm_id, kind, identifier, body, change.number, change.operation.value, moment

    def _write(self, rows: Rows) -> None:
        with self._connection:
            for statement, values in rows.items():
                self._connection.executemany(statement, values)


def _opened(path: Path) -> sqlite3.Connection:
    """Raises StateError for a file that is in use, or that holds something else."""
    try:
        # Used by one thread at a time: the event loop's while starting, then a worker's.
        connection = sqlite3.connect(path, timeout=LOCK_SECONDS, check_same_thread=False)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    except sqlite3.Error as error:
        raise StateError(f"the state cannot be kept in {path}: {error}") from error
    if version not in {0, VERSION}:
        raise StateError(f"{path} is of version {version}; this emulator keeps version {VERSION}")
    return connection
