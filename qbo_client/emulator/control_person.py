"""/emulator/companies/{realm}/person/...: what a person does in QuickBooks' own screens."""

from collections.abc import Callable, Mapping
from typing import Any

from qbo_client.emulator import person
from qbo_client.emulator.company import Company
from qbo_client.emulator.control_json import ControlError, check_known, need
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.table import Row

PersonAction = Callable[[Company, Mapping[str, Any]], Any]


def act(company: Company, action: str, sent: Mapping[str, Any]) -> Any:
    """Raises ControlError for what no person can do, ApiFault for what QuickBooks would not let happen."""
    wanted = PERSON.get(action)
    if wanted is None:
        raise ControlError(f"a person may {', '.join(sorted(PERSON))}")
    return wanted(company, sent)


def enter(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"entity": "Customer", "set": {"DisplayName": "Amy"}}`."""
    check_known(sent, "entity", "set")
    kind = _kind(company, sent)
    return _shown(kind, person.enter(company, kind, need(sent, "set")))


def edit(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"entity": "Customer", "Id": "1", "set": {"Notes": "called"}}`: all else stays as it is."""
    check_known(sent, "entity", "Id", "set")
    kind = _kind(company, sent)
    return _shown(kind, person.edit(company, kind, _id(sent), need(sent, "set")))


def delete(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"entity": "SalesReceipt", "Id": "1"}`: answered by the stub that the API answers with, too."""
    check_known(sent, "entity", "Id")
    kind = _kind(company, sent)
    return {kind.name: {"domain": "QBO", "status": "Deleted", "Id": person.delete(company, kind, _id(sent)).identifier}}


def merge(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"survivor": "1", "loser": "2"}`: two customers."""
    check_known(sent, "survivor", "loser")
    survivor, loser = (str(need(sent, name)) for name in ("survivor", "loser"))
    return _shown(company.kinds["customer"], person.merge(company, survivor, loser))


def close_books(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"date": "2026-01-31"}` closes up to that day, `{"date": null}` opens again."""
    check_known(sent, "date")
    return _shown(company.kinds["preferences"], person.close_books(company, need(sent, "date")))


def _on_one(what: Callable[[Company, Kind, str], Row]) -> PersonAction:
    def action(company: Company, sent: Mapping[str, Any]) -> Any:
        check_known(sent, "entity", "Id")
        kind = _kind(company, sent)
        return _shown(kind, what(company, kind, _id(sent)))

    return action


#: `void`, `deposit` and `undo-deposit` take `{"entity": "SalesReceipt", "Id": "1"}`.
PERSON: Mapping[str, PersonAction] = {
    "enter": enter,
    "edit": edit,
    "void": _on_one(person.void),
    "delete": delete,
    "merge": merge,
    "deposit": _on_one(person.deposit),
    "undo-deposit": _on_one(person.undo_deposit),
    "close-books": close_books,
}


def _shown(kind: Kind, row: Row) -> dict[str, Any]:
    return {kind.name: row.body}


def _id(sent: Mapping[str, Any]) -> str:
    return str(need(sent, "Id"))


def _kind(company: Company, sent: Mapping[str, Any]) -> Kind:
    kind = company.kinds.get(str(need(sent, "entity")).lower())
    if kind is None:
        raise ControlError(f"{sent['entity']} is no entity")
    return kind
