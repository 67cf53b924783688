"""What is news about customers: judged by content, against what the CRM knows and what the bridge itself writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mapping.from_qbo.customer import created, known_fields, last_updated
from producers.events import CUSTOMER_CHANGED, Teller
from producers.memory import KnownCustomer, Memory, Row, TakenIn
from producers.payers import contact_of
from producers.watched import CUSTOMER
from schemas.events.quickbooks import Cause, CustomerChange

_NOTHING: frozenset[str] = frozenset()
#: Beside the fields of a customer that is no more: since when, by QuickBooks' clock, and what took it in.
_END = "end"
#: So long before the beginning an earlier owner of the lane may have begun to make one: less than the overlap, with
#: which the first poll asks.
_JUST_BEFORE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A customer that is no more: merged into another, or deleted."""

    survivor: str | None
    at: datetime
    #: It is still listed, as inactive: only that its documents moved away speaks of a merge.
    inactive: bool = False


def being_made(customer: Row, memory: Memory) -> bool:
    """Whether this may be what an open create of ours is about to bring: its answer must come first."""
    if is_living(memory.customers.get(str(customer["Id"]))):
        return False
    return str(customer.get("DisplayName", "")).strip().casefold() in memory.writing.names


def is_living(known: KnownCustomer | None) -> bool:
    """Whether the CRM knows the customer, and was not told that it is no more."""
    return known is not None and not known.gone


def is_disputed(customer: Row, memory: Memory) -> bool:
    """Whether an open write of ours is about this customer: what it shows of that is ours, or a person's over it.

    Only the answer tells which, so that the row has to be seen again after it.
    """
    customer_id = str(customer["Id"])
    return customer_id in memory.writing.touched and is_living(memory.customers.get(customer_id))


def is_remnant(customer: Row, memory: Memory) -> bool:
    """Whether this is only what is left of a customer that is no more.

    QuickBooks may go on listing it as inactive, and change data capture may lag behind its end.
    """
    known = memory.customers.get(str(customer["Id"]))
    if known is None or not known.gone:
        return False
    return customer.get("Active") is False or last_updated(customer) <= _ended_at(known)


def is_older(row: Row, kind: str, memory: Memory) -> bool:
    """Whether an answer of QuickBooks since showed a newer state: that one is judged, when it is read."""
    copy = memory.copies.get((kind, str(row["Id"])))
    return copy is not None and int(row.get("SyncToken") or 0) < int(copy.get("SyncToken") or 0)


def take_customer(row: Row, memory: Memory, taken: TakenIn, teller: Teller, *, began_at: datetime) -> bool:
    """Add what follows from a customer as it stands; return whether that is a change by another hand."""
    customer_id = str(row["Id"])
    if is_remnant(row, memory):
        taken.dropped.append((CUSTOMER, customer_id))
        return False
    if memory.copies.get((CUSTOMER, customer_id)) != row:
        taken.copies.append((CUSTOMER, row))
    known = memory.customers.get(customer_id)
    touched = memory.writing.touched.get(customer_id, _NOTHING)
    change = change_of(known, known_fields(row), touched)
    if change is None:
        return False
    old = change is CustomerChange.CREATED and created(row) < began_at
    cause = Cause.INITIAL_IMPORT if old else Cause.CHANGED
    event = teller.customer_changed(row, contact_of(customer_id, memory), change, cause)
    taken.events.append((CUSTOMER_CHANGED, event))
    taken.customers[customer_id] = KnownCustomer(fields=_learnt(known, known_fields(row), touched))
    return not old


def change_of(
    known: KnownCustomer | None, shown: Mapping[str, Any], touched: frozenset[str] = _NOTHING
) -> CustomerChange | None:
    """Say what happened to a customer; None where nothing did that the CRM does not know.

    `touched` are the fields of a write of ours that has no answer yet: whatever they show is ours.
    """
    if known is None or known.gone:
        return CustomerChange.CREATED
    differing = {field for field in shown if field not in touched and shown[field] != known.fields.get(field)}
    if not differing:
        return None
    if "active" in differing:
        return CustomerChange.REACTIVATED if shown["active"] else CustomerChange.DEACTIVATED
    return CustomerChange.UPDATED


def take_initial(row: Row, memory: Memory, taken: TakenIn, teller: Teller, *, began_at: datetime) -> None:
    """Add a customer that was there at the beginning; one that the bridge made is known to the CRM.

    The copy that is recalled is judged: a write of ours may have changed it since `row` was read.
    """
    customer_id = str(row["Id"])
    row = memory.copies.get((CUSTOMER, customer_id), row)
    if created(row) >= began_at - _JUST_BEFORE and being_made(row, memory):
        return  # Whoever made it, the first poll shows it again.
    taken.customers[customer_id] = KnownCustomer(fields=known_fields(row))
    if customer_id not in memory.made:
        contact = contact_of(customer_id, memory)
        event = teller.customer_changed(row, contact, CustomerChange.CREATED, Cause.INITIAL_IMPORT)
        taken.events.append((CUSTOMER_CHANGED, event))


def is_gone(customer_id: str, gone: Gone, memory: Memory) -> bool:
    """Whether the memory does not speak against it: what was inactive before is merged by nothing that moves now."""
    known = memory.customers.get(customer_id)
    return not gone.inactive or known is None or known.gone or bool(known.fields.get("active"))


def take_gone(customer_id: str, gone: Gone, memory: Memory, taken: TakenIn, teller: Teller) -> None:
    """Add what follows from a customer that is no more, once; of one told as deleted, what took it in if that shows."""
    taken.dropped.append((CUSTOMER, customer_id))
    survivor = _last_survivor(customer_id, gone.survivor, memory)
    if survivor is not None:
        taken.merged[customer_id] = survivor
    known = memory.customers.get(customer_id)
    if known is None or (known.gone and (survivor is None or _end(known)["survivor"] is not None)):
        return
    fields = {name: value for name, value in known.fields.items() if name != _END}
    event = teller.customer_gone(customer_id, fields, contact_of(customer_id, memory), survivor, gone.at)
    taken.events.append((CUSTOMER_CHANGED, event))
    end = {"at": gone.at.isoformat(), "survivor": survivor}
    taken.customers[customer_id] = KnownCustomer(fields={**fields, _END: end}, gone=True)


def _last_survivor(customer_id: str, survivor: str | None, memory: Memory) -> str | None:
    """Follow the merges that are known to have come after this one; webhooks come in any order."""
    seen = {customer_id}
    while survivor is not None and survivor not in seen:
        seen.add(survivor)
        known = memory.customers.get(survivor)
        following = _end(known)["survivor"] if known is not None and known.gone else None
        if following is None:
            return survivor
        survivor = following
    return None


def _ended_at(known: KnownCustomer) -> datetime:
    return datetime.fromisoformat(_end(known)["at"])


def _end(known: KnownCustomer) -> Mapping[str, Any]:
    end: Mapping[str, Any] = known.fields[_END]
    return end


def _learnt(known: KnownCustomer | None, shown: Mapping[str, Any], touched: frozenset[str]) -> dict[str, Any]:
    """Return what the CRM knows from now on; what our own write touches it learns from that write's answer."""
    before = known.fields if known is not None and not known.gone else {}
    return {**shown, **{field: before[field] for field in touched if field in before}}
