"""Several writes and queries in one request. Each item stands alone; what one made the next cannot name."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qbo_client.emulator import cdc, errors, selecting, wire
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.writing import Memory, Write, fragment_of, once, write

MOST_ITEMS = 30
LONGEST_REQUEST_ID = 36
LONGEST_ITEM_ID = 10
_RESERVED = frozenset({"bId", "operation", "optionsData"})
_OPERATIONS = frozenset({"create", "update", "delete", "void"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """What the emulator was told about batches and change data capture.

    Without `shuffled` the answers come in the order of the items, which Intuit does not promise.
    An item without a bId spoils the whole batch; with `lenient` only itself: the facts leave it open.
    """

    shuffled: random.Random | None = None
    lenient: bool = False
    most_changes: int = cdc.MOST_OBJECTS
    # Given an item's entity, the fault that it is to meet.
    injected: Callable[[str], ApiFault | None] = lambda _entity: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Each item's answer in JSON, the entities written to, and how many were answered from memory."""

    items: tuple[str, ...]
    writes: tuple[str, ...]
    replays: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    fragment: str
    wrote: str | None = None
    replayed: bool = False


def run(company: Company, sent: object, request_id: str, memory: Memory, batches: Batches) -> Ran:
    """Raises ApiFault for a batch that is refused as a whole."""
    items = _items(sent, request_id, lenient=batches.lenient)
    answered = [_answered(company, item, request_id, memory, batches) for item in items]
    listed = [
        f'{{{one.fragment},"bId":{wire.dumps(str(item.get("bId", "")))}}}'
        for item, one in zip(items, answered, strict=True)
    ]
    if batches.shuffled is not None:
        batches.shuffled.shuffle(listed)
    return Ran(
        items=tuple(listed),
        writes=tuple(one.wrote for one in answered if one.wrote is not None),
        replays=sum(one.replayed for one in answered),
    )


def _items(sent: object, request_id: str, *, lenient: bool) -> list[Mapping[str, Any]]:
    items = sent.get("BatchItemRequest") if isinstance(sent, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise errors.invalid_property("BatchItemRequest is a list of objects;")
    if len(items) > MOST_ITEMS:
        raise errors.ApiFault(
            code="1040",
            message="Batch request limit exceeded",
            detail=f"The batch has {len(items)} items, more than the {MOST_ITEMS} that are allowed.",
        )
    if len(request_id) > LONGEST_REQUEST_ID:
        raise errors.invalid_length("requestid", LONGEST_REQUEST_ID, len(request_id))
    for item in items:
        if not item.get("bId") and not lenient:
            raise errors.missing("bId")
        if request_id and len(str(item.get("bId", ""))) > LONGEST_ITEM_ID:
            raise errors.invalid_length("bId", LONGEST_ITEM_ID, len(str(item["bId"])))
    return items


def _answered(
    company: Company, item: Mapping[str, Any], request_id: str, memory: Memory, batches: Batches
) -> _Answered:
    try:
        if not item.get("bId"):
            raise errors.missing("bId")
        fault = batches.injected(_entity(company, item))
        if fault is not None:
            raise fault
        return _performed(company, item, request_id, memory, batches)
    except ApiFault as refused:
        return _Answered(fragment=fragment_of(refused))


def _performed(
    company: Company, item: Mapping[str, Any], request_id: str, memory: Memory, batches: Batches
) -> _Answered:
    if "Query" in item:
        return _Answered(fragment=selecting.run(company, str(item["Query"])))
    if "CDCQuery" in item:
        asked = item["CDCQuery"] if isinstance(item["CDCQuery"], dict) else {}
        entities, since = str(asked.get("Entities", "")), str(asked.get("ChangedSince", ""))
        slots = cdc.run(company, entities, since, batches.most_changes)
        return _Answered(fragment=f'"CDCResponse":{{"QueryResponse":{slots}}}')
    wanted = _write(company, item)
    key = f"{request_id}{item['bId']}" if request_id else ""
    outcome = once(company, key, wire.dumps(item).encode(), memory, lambda: write(company, wanted))
    return _Answered(
        fragment=outcome.fragment,
        wrote=wanted.kind.name if outcome.applied else None,
        replayed=outcome.replayed,
    )


def _entity(company: Company, item: Mapping[str, Any]) -> str:
    kind = _kind(company, item)
    return kind.name if kind else ""


def _kind(company: Company, item: Mapping[str, Any]) -> Kind | None:
    for name in item:
        kind = company.kinds.get(name.lower())
        if kind is not None and kind.name == name:
            return kind
    return None


def _write(company: Company, item: Mapping[str, Any]) -> Write:
    kind = _kind(company, item)
    if kind is None or not kind.writable:
        raise errors.ApiFault(
            code="2000",
            message="Unsupported object name",
            detail=f"None of {', '.join(sorted(set(item) - _RESERVED)) or 'the keys given'} can be written.",
        )
    operation = str(item.get("operation", "")).lower()
    options = frozenset(part.strip() for part in str(item.get("optionsData", "")).lower().split(","))
    if operation not in _OPERATIONS:
        raise errors.unsupported(f"{operation or 'without a name'} of {kind.name}")
    if operation == "update" and "void" in options:
        operation = "void"
    return Write(kind=kind, operation=operation, sent=item[kind.name], options=options)
