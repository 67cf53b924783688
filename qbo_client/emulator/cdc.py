"""Change data capture: what changed since a moment, entity by entity."""

from datetime import datetime
from operator import itemgetter

from qbo_client.emulator import errors, selecting, wire
from qbo_client.emulator.changes import Change
from qbo_client.emulator.clock import PACIFIC
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Kind

MOST_OBJECTS = 1000
# Captured by QuickBooks and not kept here: nothing of them ever changes.
_NOT_KEPT = frozenset(
    {
        *("attachable", "bill", "billpayment", "budget", "companycurrency", "deposit", "estimate", "journalentry"),
        *("purchase", "purchaseorder", "transfer", "vendorcredit"),
    }
)
UNSUPPORTED = frozenset({"JournalCode", "TaxAgency", "TimeActivity", "TaxCode", "TaxRate"})


def run(company: Company, entities: str, changed_since: str, most: int = MOST_OBJECTS) -> str:
    """The slots in the order asked, as a JSON list of QueryResponses; `{}` where nothing changed.

    All slots together hold at most so many objects, and nothing says where some are left out.
    Raises ApiFault 2020, 2000 or 2060.
    """
    if not entities.strip():
        raise errors.missing("entities")
    if not changed_since:
        raise errors.missing("changedSince")
    since = _moment(changed_since)
    slots, left = [], most
    for name in map(str.strip, entities.split(",")):
        if name.lower() in _NOT_KEPT:
            slots.append("{}")
            continue
        kind = _kind(company, name)
        rows = changed(company, kind, since)[:left]
        left -= len(rows)
        slots.append(selecting.listed(kind, rows) if rows else "{}")
    return f"[{','.join(slots)}]"


def changed(company: Company, kind: Kind, since: datetime) -> list[str]:
    """Living objects by their last update, then a stub for each deleted one."""
    changes = company.changes.since(kind.name, since)
    table = company.table(kind.name)
    # A change that leaves the time of the last update as it was is none that CDC sees.
    updated = [
        (moment, row)
        for change in changes
        if (row := table.get(change.identifier)) is not None
        and isinstance(moment := row.keys["MetaData.LastUpdatedTime"], datetime)
        and moment >= since
    ]
    updated.sort(key=itemgetter(0))
    stubs = [_stub(change) for change in changes if change.deleted]
    return [selecting.shown(row, kind) for _, row in updated] + stubs


def _stub(change: Change) -> str:
    updated = change.moment.astimezone(PACIFIC).isoformat(timespec="seconds")
    return wire.dumps(
        {"domain": "QBO", "status": "Deleted", "Id": change.identifier, "MetaData": {"LastUpdatedTime": updated}}
    )


def _kind(company: Company, name: str) -> Kind:
    kind = company.kinds.get(name.lower())
    if kind is None or kind.name in UNSUPPORTED:
        raise errors.ApiFault(
            code="2000",
            message="Unsupported object name",
            detail=f"Change data capture is not supported for {name}",
            element="entities",
        )
    return kind


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # An offset's plus that was not URL-encoded.
    except ValueError:
        raise errors.ApiFault(
            code="2060", message="Invalid Date", detail=f"Invalid Date : {text}", element="changedSince"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=PACIFIC)
