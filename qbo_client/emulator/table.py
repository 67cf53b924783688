from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qbo_client.emulator import wire
from qbo_client.emulator.changes import Changes
from qbo_client.emulator.fields import FieldType, Key, key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One stored object: its body, that body's JSON, and the values that queries compare."""

    body: Mapping[str, Any]
    json: str
    keys: Mapping[str, Key | None]

    @property
    def identifier(self) -> str:
        return str(self.body["Id"])


class Table:
    """All objects of one entity in one company, found by Id or by any filterable field without a scan.

    Whatever is put or removed is a change of the company's books; what is restored is none.
    """

    def __init__(self, kind: str, filterable: Mapping[str, FieldType], changes: Changes) -> None:
        self._kind = kind
        self._filterable = filterable
        self._changes = changes
        self._rows: dict[str, Row] = {}
        self._index: dict[str, dict[Key, dict[str, None]]] = {field: {} for field in filterable}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(list(self._rows.values()))

    def get(self, identifier: str) -> Row | None:
        return self._rows.get(identifier)

    def put(self, body: Mapping[str, Any]) -> Row:
        old = self._rows.get(str(body["Id"]))
        row = self.restore(body)
        self._changes.stored(self._kind, old.body if old else None, body)
        return row

    def restore(self, body: Mapping[str, Any]) -> Row:
        """Puts an object where it stood before, without this being a change."""
        keys = {field: key_of(body, field, kind) for field, kind in self._filterable.items()}
        row = Row(body=body, json=wire.dumps(body), keys=keys)
        old = self._rows.get(row.identifier)
        if old is not None:
            self._unindex(old)
        self._rows[row.identifier] = row
        for field, key in keys.items():
            if key is not None:
                self._index[field].setdefault(key, {})[row.identifier] = None
        return row

    def remove(self, identifier: str) -> None:
        self._unindex(self._rows.pop(identifier))
        self._changes.removed(self._kind, identifier)

    def find(self, field: str, values: Iterable[Key]) -> list[Row]:
        """Rows whose field equals one of the values, each once."""
        index = self._index[field]
        found = {identifier for value in values for identifier in index.get(value, ())}
        return [self._rows[identifier] for identifier in sorted(found, key=int)]

    def _unindex(self, row: Row) -> None:
        for field, key in row.keys.items():
            if key is not None:
                same = self._index[field][key]
                same.pop(row.identifier, None)
                if not same:
                    del self._index[field][key]
