"""/emulator/companies/{realm}/person/...: what a person does on QuickBooks' own screens, over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any

from qbo_client.emulator import person
from qbo_client.emulator.company import Company
from qbo_client.emulator.control_json import ControlError, check_known, need
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.table import Row

Action = Callable[[Company, Mapping[str, Any]], Any]


def acted(company: Company, name: str, sent: Mapping[str, Any]) -> Any:
    """The object as it stands afterwards; nobody asks a person for a SyncToken.

    Raises ControlError, or ApiFault where QuickBooks would not let a person do that either.
    """
    action = _ACTIONS.get(name)
    if action is None:
        raise ControlError(f"a person may {', '.join(sorted(_ACTIONS))}")
    return action(company, sent)


def _enter(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"entity": "Customer", "object": {"DisplayName": "Amy"}}`."""
    check_known(sent, "entity", "object")
    kind = _kind(company, sent)
    return {kind.name: person.enter(company, kind, need(sent, "object")).body}


def _edit(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"entity": "Customer", "Id": "1", "set": {"Notes": "called"}}`."""
    check_known(sent, "entity", "Id", "set")
    kind = _kind(company, sent)
    return {kind.name: person.edit(company, kind, str(need(sent, "Id")), need(sent, "set")).body}


def _merge(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"keep": "1", "lose": "2"}`: two customers become one."""
    check_known(sent, "keep", "lose")
    keep, lose = str(need(sent, "keep")), str(need(sent, "lose"))
    return {"Customer": person.merge(company, keep, lose).body}


def _close_books(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"date": "2026-01-31"}`; null opens them again."""
    check_known(sent, "date")
    return {"Preferences": person.close_books(company, need(sent, "date")).body}


def _one(act: Callable[[Company, Kind, str], Row]) -> Action:
    """`{"entity": "SalesReceipt", "Id": "1"}`."""

    def action(company: Company, sent: Mapping[str, Any]) -> Any:
        check_known(sent, "entity", "Id")
        kind = _kind(company, sent)
        return {kind.name: act(company, kind, str(need(sent, "Id"))).body}

    return action


def _kind(company: Company, sent: Mapping[str, Any]) -> Kind:
    kind = company.kinds.get(str(need(sent, "entity")).lower())
    if kind is None:
        raise ControlError(f"{sent['entity']} is no entity")
    return kind


_ACTIONS: Mapping[str, Action] = {
    "enter": _enter,
    "edit": _edit,
    "void": _one(person.void),
    "delete": _one(person.delete),
    "merge": _merge,
    "deposit": _one(person.deposit),
    "undo-deposit": _one(person.undo_deposit),
    "close-books": _close_books,
}
