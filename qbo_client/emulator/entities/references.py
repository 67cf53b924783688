from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft

_LABELS = {"Customer": "DisplayName", "Vendor": "DisplayName", "Employee": "DisplayName"}


def find(company: Company, kind_name: str, list_name: str, reference: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object referred to; raises ApiFault 2500 where the id never stood in that list."""
    value = str(reference.get("value", ""))
    row = company.table(kind_name).get(value) if kind_name.lower() in company.kinds else None
    if row is None:
        raise errors.invalid_reference(list_name, value)
    return row.body


def named(kind_name: str, target: Mapping[str, Any]) -> dict[str, str]:
    """A reference as answers carry it."""
    label = "FullyQualifiedName" if kind_name in {"Item", "Account"} else _LABELS.get(kind_name, "Name")
    return {"value": target["Id"], "name": target.get(label, "")}


def resolve_all(draft: Draft, references: Mapping[str, Any]) -> None:
    """Fills in the names of the draft's references; a new reference to an inactive object is 610."""
    for name, reference in references.items():
        given = draft.body.get(name)
        if not given:
            draft.body.pop(name, None)
            continue
        target = find(draft.company, reference.kind, reference.list_name, given)
        before = (draft.old or {}).get(name, {}).get("value")
        if target.get("Active") is False and before != target["Id"]:
            raise errors.not_found()
        draft.body[name] = named(reference.kind, target)
