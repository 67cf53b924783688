"""Create, update, void, delete and read of one object: what each request does to a company's tables."""

from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.dates import check_books_open
from qbo_client.emulator.entities.kind import Draft, Kind
from qbo_client.emulator.entities.references import resolve_all
from qbo_client.emulator.entities.voiding import is_void
from qbo_client.emulator.table import Row

# A total of 0 is something.
_NOTHING: tuple[Any, ...] = (None, "", {}, [])
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
    row = company.table(kind.name).put(
        {
            **shaped,
            "domain": "QBO",
            "sparse": False,
            "Id": company.next_id(kind.id_space),
            "SyncToken": "0",
            "MetaData": {"CreateTime": stamp, "LastUpdatedTime": stamp},
        }
    )
    kind.settle(company, None, row.body)
    return read(company, kind, row.identifier)


def update(company: Company, kind: Kind, sent: Mapping[str, Any], options: frozenset[str]) -> tuple[Row, bool]:
    """The row as it stands afterwards, and whether anything changed; nothing changed keeps the SyncToken."""
    row = _current(company, kind, sent)
    merging = bool(sent.get("sparse")) and kind.sparse
    body = _merged(kind, row.body, sent) if merging else _replaced(kind, row.body, sent)
    draft = Draft(company=company, kind=kind, body=body, sent=sent, old=row.body, options=options)
    shaped = _shaped(draft)
    if shaped == without_envelope(row.body):
        return row, False
    _check_changeable(company, row)
    return put_changed(company, kind, row, shaped), True


def void(company: Company, kind: Kind, sent: Mapping[str, Any]) -> tuple[Row, bool]:
    if kind.void is None:
        raise errors.unsupported(f"void of {kind.name}")
    if kind.void_is_a_switch and not company.switches.credits_can_be_voided:
        raise errors.unsupported(f"void of {kind.name}")
    return void_row(company, kind, _current(company, kind, sent))


def void_row(company: Company, kind: Kind, row: Row) -> tuple[Row, bool]:
    """The row voided, and whether it was not so before."""
    if kind.void is None:
        raise errors.unsupported(f"void of {kind.name}")
    _check_changeable(company, row)
    content = without_envelope(row.body)
    if is_void(content):
        return row, False
    return put_changed(company, kind, row, kind.void(content)), True


def delete(company: Company, kind: Kind, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The stub that stands for the deleted object in the answer."""
    if not kind.transaction:
        raise errors.unsupported(f"delete of {kind.name}")
    row = _current(company, kind, sent)
    _check_changeable(company, row)
    company.table(kind.name).remove(row.identifier)
    kind.settle(company, row.body, None)
    return {"domain": "QBO", "status": "Deleted", "Id": row.identifier}


def put_changed(company: Company, kind: Kind, row: Row, content: Mapping[str, Any]) -> Row:
    """Stores what the object holds now and settles what follows from it for others; nothing is checked any more."""
    new = replaced(company, kind, row, content)
    kind.settle(company, row.body, new.body)
    return read(company, kind, row.identifier)


def replaced(
    company: Company, kind: Kind, row: Row, content: Mapping[str, Any], *, raises_sync_token: bool = True
) -> Row:
    """Stores it alone; whoever calls this settles the rest."""
    token = int(row.body["SyncToken"]) + (1 if raises_sync_token else 0)
    return company.table(kind.name).put(
        {
            **content,
            "domain": "QBO",
            "sparse": False,
            "Id": row.identifier,
            "SyncToken": str(token),
            "MetaData": {**row.body["MetaData"], "LastUpdatedTime": company.clock.stamp()},
        }
    )


def without_envelope(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _ENVELOPE}


def _check_changeable(company: Company, row: Row) -> None:
    check_books_open(company, row.body.get("TxnDate"))
    if "TxnDate" in row.body and row.identifier in company.deposited:
        raise errors.deposited()


def _current(company: Company, kind: Kind, sent: Mapping[str, Any]) -> Row:
    """The row that a request means; raises ApiFault 610 where it is gone, 5010 where it has moved on."""
    row = read(company, kind, str(sent["Id"]))
    token = sent.get("SyncToken")
    if token is None or token == "":
        raise errors.missing("SyncToken")
    if str(token) != row.body["SyncToken"]:
        raise errors.stale()
    return row


def _content(kind: Kind, sent: Mapping[str, Any]) -> dict[str, Any]:
    """What a request sets: no envelope, nothing read-only, nothing blank."""
    return {
        name: value
        for name, value in sent.items()
        if name not in _ENVELOPE and name not in kind.read_only and value is not None and value != ""
    }


def _merged(kind: Kind, old: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Sparse: what is not named stays. Null and "" clear a field, but never the name (facts, section 9)."""
    cleared = {name for name, value in sent.items() if value is None or value == ""}
    kept = {
        name: value
        for name, value in without_envelope(old).items()
        if name not in cleared or name in {"DisplayName", "Name"}
    }
    return {**kept, **_content(kind, sent)}


def _replaced(kind: Kind, old: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Full: what is not named is cleared, which for fields with a usual value means that value again."""
    kept = {name: old[name] for name in kind.kept if name in old and name not in sent}
    return {**kept, **_content(kind, sent)}


def _shaped(draft: Draft) -> dict[str, Any]:
    for name in draft.kind.required:
        if draft.body.get(name) in _NOTHING:
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
