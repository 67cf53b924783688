"""Lists whose entries lie under one another: "Parent:Child", five levels at most."""

from collections.abc import Iterator, Mapping
from typing import Any

from qbo_client.emulator import errors, records
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft
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
    if len(above) + _height(draft.company, draft.kind.name, own_id) > DEEPEST:
        raise errors.business("A name may be five levels deep.", code="6180")
    body["FullyQualifiedName"] = f"{above[0].body['FullyQualifiedName']}:{body[label]}" if above else body[label]
    return len(above)


def rename_below(company: Company, kind_name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> None:
    """Children follow a rename of their parent; each of them is settled in its turn."""
    if old is None or old["FullyQualifiedName"] == new["FullyQualifiedName"]:
        return
    for row in children(company, kind_name, new["Id"]):
        content = records.without_envelope(row.body)
        own = content["FullyQualifiedName"].rpartition(":")[2]
        content["FullyQualifiedName"] = f"{new['FullyQualifiedName']}:{own}"
        content["ParentRef"] = {**content["ParentRef"], "name": new["FullyQualifiedName"]}
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
