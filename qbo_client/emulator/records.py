"""Create, update, void, delete and read of one object: what each request does to a company's tables."""

from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft, Kind
from qbo_client.emulator.entities.references import resolve_all
from qbo_client.emulator.entities.sales_receipt import check_books_open, voided
from qbo_client.emulator.table import Row

_ENVELOPE = ("Id", "SyncToken", "MetaData", "domain", "sparse", "status")


def read(company: Company, kind: Kind, identifier: str) -> Row:
    if not identifier.lstrip("-").isdigit():
        raise errors.invalid_id(identifier)
    row = company.table(kind.name).get(identifier)
    if row is None:
        raise errors.not_found()
    return row


def create(company: Company, kind: Kind, sent: Mapping[str, Any], options: frozenset[str]) -> Row:
    body = _content(kind, sent)
    draft = Draft(company=company, kind=kind, body=body, sent=sent, old=None, options=options)
    shaped = _shaped(draft)
    stamp = company.clock.stamp()
    return company.table(kind.name).put(
        {
            **shaped,
            "domain": "QBO",
            "sparse": False,
            "Id": company.next_id(kind.id_space),
            "SyncToken": "0",
            "MetaData": {"CreateTime": stamp, "LastUpdatedTime": stamp},
        }
    )


def update(company: Company, kind: Kind, sent: Mapping[str, Any], options: frozenset[str]) -> tuple[Row, bool]:
    """The row as it stands afterwards, and whether anything changed; nothing changed keeps the SyncToken."""
    row = _current(company, kind, sent)
    merging = bool(sent.get("sparse")) and kind.sparse
    body = _merged(kind, row.body, sent) if merging else _replaced(kind, row.body, sent)
    draft = Draft(company=company, kind=kind, body=body, sent=sent, old=row.body, options=options)
    shaped = _shaped(draft)
    if shaped == _without_envelope(row.body):
        return row, False
    return _put_changed(company, kind, row, shaped), True


def void(company: Company, kind: Kind, sent: Mapping[str, Any]) -> tuple[Row, bool]:
    if not kind.transaction:
        raise errors.unsupported(f"void of {kind.name}")
    row = _current(company, kind, sent)
    _check_open(company, kind, row)
    content = _without_envelope(row.body)
    if str(content.get("PrivateNote", "")).startswith("Voided") and not content["TotalAmt"]:
        return row, False
    return _put_changed(company, kind, row, voided(content)), True


def delete(company: Company, kind: Kind, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The stub that stands for the deleted object in the answer."""
    if not kind.transaction:
        raise errors.unsupported(f"delete of {kind.name}")
    row = _current(company, kind, sent)
    _check_open(company, kind, row)
    company.table(kind.name).remove(row.identifier)
    return {"domain": "QBO", "status": "Deleted", "Id": row.identifier}


def _check_open(company: Company, kind: Kind, row: Row) -> None:
    check_books_open(Draft(company=company, kind=kind, body=dict(row.body), sent={}, old=None))


def _current(company: Company, kind: Kind, sent: Mapping[str, Any]) -> Row:
    """The row that a request means; raises ApiFault 610 where it is gone, 5010 where it has moved on."""
    row = read(company, kind, str(sent["Id"]))
    token = sent.get("SyncToken")
    if token is None or token == "":
        raise errors.missing("SyncToken")
    if str(token) != row.body["SyncToken"]:
        raise errors.stale()
    return row


def _put_changed(company: Company, kind: Kind, row: Row, shaped: Mapping[str, Any]) -> Row:
    return company.table(kind.name).put(
        {
            **shaped,
            "domain": "QBO",
            "sparse": False,
            "Id": row.identifier,
            "SyncToken": str(int(row.body["SyncToken"]) + 1),
            "MetaData": {**row.body["MetaData"], "LastUpdatedTime": company.clock.stamp()},
        }
    )


def _content(kind: Kind, sent: Mapping[str, Any]) -> dict[str, Any]:
    """What a request sets: no envelope, nothing read-only, nothing blank."""
    return {
        name: value
        for name, value in sent.items()
        if name not in _ENVELOPE and name not in kind.read_only and value is not None and value != ""
    }


def _without_envelope(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _ENVELOPE}


def _merged(kind: Kind, old: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Sparse: what is not named stays. Null and "" clear a field, but never the name (facts, section 9)."""
    cleared = {name for name, value in sent.items() if value is None or value == ""}
    kept = {
        name: value
        for name, value in _without_envelope(old).items()
        if name not in cleared or name in {"DisplayName", "Name"}
    }
    return {**kept, **_content(kind, sent)}


def _replaced(kind: Kind, old: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Full: what is not named is cleared, which for fields with a usual value means that value again."""
    kept = {name: old[name] for name in kind.kept if name in old and name not in sent}
    return {**kept, **_content(kind, sent)}


def _shaped(draft: Draft) -> dict[str, Any]:
    for name in draft.kind.required:
        if not draft.body.get(name):
            raise errors.missing(name)
    _check_lengths(draft)
    resolve_all(draft, draft.kind.references)
    shaped = draft.kind.shape(draft)
    _identify_addresses(draft, shaped)
    return shaped


def _check_lengths(draft: Draft) -> None:
    for path, longest in draft.kind.lengths.items():
        value: Any = draft.body
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if isinstance(value, str) and len(value) > longest:
            raise errors.invalid_length(path, longest, len(value))


def _identify_addresses(draft: Draft, shaped: dict[str, Any]) -> None:
    """Addresses are objects with Ids of their own, which an update keeps."""
    for name in draft.kind.addresses:
        if name in shaped:
            before = (draft.old or {}).get(name, {}).get("Id")
            shaped[name] = {**shaped[name], "Id": before or draft.company.next_id("addresses")}
