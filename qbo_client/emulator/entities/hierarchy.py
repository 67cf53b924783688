"""Lists whose entries lie under one another: "Parent:Child", five levels at most."""

from collections.abc import Iterator, Mapping
from typing import Any

from qbo_client.emulator import errors, records
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft
from qbo_client.emulator.entities.references import named
from qbo_client.emulator.fields import FieldType
from qbo_client.emulator.table import Row

DEEPEST = 5
INDEXED: Mapping[str, FieldType] = {"ParentRef": FieldType.REF}


def place(draft: Draft, label: str) -> int:
    """Sets FullyQualifiedName and returns how many stand above. Raises ApiFault 6180 below the fifth level."""
    body = draft.body
    above = list(_above(draft.company, draft.kind.name, body))
    own_id = (draft.old or {}).get("Id")
    if any(row.identifier == own_id for row in above):
        raise errors.business("An entry cannot lie under itself.")
    check_room(draft.company, draft.kind.name, own_id, above=len(above))
    body["FullyQualifiedName"] = f"{above[0].body['FullyQualifiedName']}:{body[label]}" if above else body[label]
    return len(above)


def check_room(company: Company, kind_name: str, identifier: str | None, *, above: int) -> None:
    """Raises ApiFault 6180 where an entry and all under it are too many to stand below so many."""
    if above + _height(company, kind_name, identifier) > DEEPEST:
        raise errors.business("A name may be five levels deep.", code="6180")


def rename_below(company: Company, kind_name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> None:
    """Children follow a rename of their parent; each of them is settled in its turn."""
    if old is None or old["FullyQualifiedName"] == new["FullyQualifiedName"]:
        return
    for row in children(company, kind_name, new["Id"]):
        put_below(company, kind_name, row, new)


def put_below(company: Company, kind_name: str, row: Row, parent: Mapping[str, Any]) -> None:
    """Whether there is room is asked before."""
    content = records.without_envelope(row.body)
    own = content["FullyQualifiedName"].rpartition(":")[2]
    content["FullyQualifiedName"] = f"{parent['FullyQualifiedName']}:{own}"
    content["ParentRef"] = named(kind_name, parent)
    if "Level" in content:
        content["Level"] = content["FullyQualifiedName"].count(":")
    records.put_changed(company, company.kinds[kind_name.lower()], row, content)


def children(company: Company, kind_name: str, identifier: str) -> list[Row]:
    return company.table(kind_name).find("ParentRef", [identifier])


def _above(company: Company, kind_name: str, body: Mapping[str, Any]) -> Iterator[Row]:
    """The parent first; a ring that is about to be closed is walked once."""
    seen: set[str] = set()
    while (parent := body.get("ParentRef", {}).get("value")) is not None and parent not in seen:
        seen.add(parent)
        row = company.table(kind_name).get(parent)
        if row is None:
            return
        yield row
        body = row.body


def _height(company: Company, kind_name: str, identifier: str | None) -> int:
    if identifier is None:
        return 1
    return 1 + max(
        (_height(company, kind_name, row.identifier) for row in children(company, kind_name, identifier)), default=0
    )
