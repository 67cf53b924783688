"""The short lists, each with names of its own."""

from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.hierarchy import INDEXED, place, rename_below
from qbo_client.emulator.entities.kind import Body, Draft, Kind, Reference, Settle
from qbo_client.emulator.fields import TIMES, FieldType

NAMED = {
    **TIMES,
    "Name": FieldType.TEXT,
    "Active": FieldType.BOOL,
}
_LAST_DAY = 31


def shape_listed(draft: Draft) -> dict[str, Any]:
    """A name that is unique in its own list, and is so again when an entry comes back into use."""
    body, old = draft.body, draft.old or {}
    body.setdefault("Active", old.get("Active", True))
    if not draft.changed("Name") and body["Active"] == old["Active"]:
        return body
    for row in draft.company.table(draft.kind.name).find("Name", [body["Name"].casefold()]):
        free = draft.company.switches.inactive_names_are_free and row.keys["Active"] is False
        if row.identifier != old.get("Id") and not free:
            raise errors.duplicate_name()
    return body


def shape_payment_method(draft: Draft) -> dict[str, Any]:
    shape_listed(draft)
    draft.body.setdefault("Type", "NON_CREDIT_CARD")
    return draft.body


def shape_term(draft: Draft) -> dict[str, Any]:
    """Due so many days later, or on a day of the month."""
    body = shape_listed(draft)
    if "DayOfMonthDue" in body:
        if not 1 <= body["DayOfMonthDue"] <= _LAST_DAY:
            raise errors.business("DayOfMonthDue is a day of the month.")
        body["Type"] = "DATE_DRIVEN"
        return body
    if "DueDays" not in body:
        raise errors.missing("DueDays")
    body["Type"] = "STANDARD"
    return body


def shape_class(draft: Draft) -> dict[str, Any]:
    body = shape_listed(draft)
    body["SubClass"] = place(draft, "Name") > 0
    return body


def shape_department(draft: Draft) -> dict[str, Any]:
    body = shape_listed(draft)
    body["SubDepartment"] = place(draft, "Name") > 0
    return body


def settling_names_below(kind_name: str) -> Settle:
    def settle(company: Company, old: Body | None, new: Body | None) -> None:
        if new is not None:
            rename_below(company, kind_name, old, new)

    return settle


PAYMENT_METHOD = Kind(
    name="PaymentMethod",
    id_space="payment methods",
    filterable=NAMED,
    shape=shape_payment_method,
    required=("Name",),
    lengths={"Name": 31},
    suffixed=("Name",),
    hides_inactive=True,
)
TERM = Kind(
    name="Term",
    id_space="terms",
    filterable=NAMED,
    shape=shape_term,
    required=("Name",),
    lengths={"Name": 31},
    suffixed=("Name",),
    hides_inactive=True,
)
CLASS = Kind(
    name="Class",
    id_space="classes",
    filterable={**NAMED, "FullyQualifiedName": FieldType.TEXT},
    indexed=INDEXED,
    shape=shape_class,
    settle=settling_names_below("Class"),
    required=("Name",),
    lengths={"Name": 100},
    references={"ParentRef": Reference(kind="Class", list_name="Klasses")},
    read_only=frozenset({"FullyQualifiedName", "SubClass"}),
    suffixed=("Name", "FullyQualifiedName"),
    hides_inactive=True,
)
DEPARTMENT = Kind(
    name="Department",
    id_space="departments",
    filterable={**NAMED, "FullyQualifiedName": FieldType.TEXT},
    indexed=INDEXED,
    shape=shape_department,
    settle=settling_names_below("Department"),
    required=("Name",),
    lengths={"Name": 100},
    references={"ParentRef": Reference(kind="Department", list_name="Depts")},
    addresses=("Address",),
    read_only=frozenset({"FullyQualifiedName", "SubDepartment"}),
    suffixed=("Name", "FullyQualifiedName"),
    hides_inactive=True,
)
