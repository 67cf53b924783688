"""Many writes in one request: what is stored before it is sent, and what became of each item.

A batch is not atomic. QuickBooks answers each item by itself, in no promised order, under its bId; it knows an
item again by the batch's request id and the item's bId together. So a batch whose answer was lost is sent again
to the byte, whole, and an item that was refused for being too many (3001) is a new request.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID, uuid5

from qbo_client.answers import Answer, Rows, Unreadable, parse, rows_of, written_of
from qbo_client.calls import JSON, Call, Reply
from qbo_client.decisions import Decision
from qbo_client.entities import Operation, check_allowed
from qbo_client.errors import QBOError, Throttled, Uncertain
from qbo_client.faults import THROTTLED_SECONDS, error_of, fault_in
from qbo_client.query import entity_asked_for
from qbo_client.writes import Write, check_body, dump

#: More items QuickBooks refuses (1040).
MOST_ITEMS = 30
#: Together with a bId it must stay within what one write's request id may have.
BATCH_REQUEST_ID_LENGTH = 36
B_ID_LENGTH = 10

_REQUEST_ID = re.compile(rf"[A-Za-z0-9._:-]{{1,{BATCH_REQUEST_ID_LENGTH}}}")
_B_ID = re.compile(rf"[A-Za-z0-9._:-]{{1,{B_ID_LENGTH}}}")
_NAMESPACE = UUID("8b2f6f0e-3d5b-5c39-9c0a-6a1f5a0f7d11")

#: An item's operation as QuickBooks names it in a batch; a void is an update with an option.
_OPERATIONS: Mapping[tuple[str, str], Operation] = MappingProxyType(
    {
        ("create", ""): Operation.CREATE,
        ("update", ""): Operation.UPDATE,
        ("update", "void"): Operation.VOID,
        ("delete", ""): Operation.DELETE,
    }
)
_FORMS: Mapping[Operation, tuple[str, str]] = MappingProxyType({form[1]: form[0] for form in _OPERATIONS.items()})

#: What became of an item: the object as it stands now, the rows of a query, or why there is neither.
Outcome: TypeAlias = Answer | Rows | QBOError


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One item as its batch tells of it."""

    b_id: str
    #: Of a query, what it selects from; "" if it does not say.
    entity: str
    #: None is a query.
    operation: Operation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWrite:
    """One batch: exactly these bytes under exactly this request id, however often it is sent.

    It is kept as these two texts and made again from them; the items are read from the body. Raises ValueError
    for what QuickBooks would surely refuse, as Write does, so that it is never stored.
    """

    request_id: str
    body: str
    items: tuple[BatchItem, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _REQUEST_ID.fullmatch(self.request_id):
            raise ValueError(
                f"a batch's request id has 1 to {BATCH_REQUEST_ID_LENGTH} plain characters: {self.request_id!r}"
            )
        object.__setattr__(self, "items", _items_in(self.body))

    @property
    def queries(self) -> int:
        """How many of the items are queries: metered reads."""
        return sum(item.operation is None for item in self.items)


def batch_of(writes: Sequence[Write]) -> tuple[BatchWrite, tuple[Write, ...]]:
    """Return the one batch of these writes, and the writes in the order of its items.

    The same writes make the same batch to the byte, whatever their order: its request id is derived from
    theirs. A write that leaves in a batch is known to QuickBooks by the batch's id and its bId, not by its own
    request id; to send it alone as well would write it twice.
    """
    ordered = tuple(sorted(writes, key=lambda write: write.request_id))
    if len({write.request_id for write in ordered}) < len(ordered):
        raise ValueError("a batch cannot hold the same request id twice")
    request_id = str(uuid5(_NAMESPACE, "\n".join(write.request_id for write in ordered)))
    return compose({str(number): write for number, write in enumerate(ordered, start=1)}, request_id), ordered


def compose(requests: Mapping[str, Write | str], request_id: str) -> BatchWrite:
    """Return a batch of writes and queries (their text) by bId; the bytes of each write go in as they are."""
    items = ",".join(_item_text(b_id, request) for b_id, request in requests.items())
    return BatchWrite(request_id=request_id, body=f'{{"BatchItemRequest":[{items}]}}')


def batching(batch: BatchWrite) -> Call:
    return Call(
        operation="batch",
        entity="",
        method="POST",
        path="batch",
        query={"requestid": batch.request_id},
        body=batch.body.encode(),
        content_type=JSON,
        reads=batch.queries,
        batch=True,
    )


def outcomes_of(batch: BatchWrite, reply: Reply) -> dict[str, Outcome]:
    """Return what became of every item, by bId: each is there, Uncertain if QuickBooks did not tell of it.

    Raises Unreadable if the answer is none to a batch at all.
    """
    listed = reply.payload.get("BatchItemResponse")
    if not isinstance(listed, list):
        raise Unreadable("the body holds no BatchItemResponse")
    told = {str(one.get("bId")): one for one in reversed(listed) if isinstance(one, Mapping)}
    return {item.b_id: _outcome(item, told.get(item.b_id), reply) for item in batch.items}


def _outcome(item: BatchItem, told: Mapping[str, Any] | None, reply: Reply) -> Outcome:
    if told is None:
        return _uncertain("the answer does not tell of this item", reply)
    if (fault := fault_in(told)) is not None:
        error = error_of(HTTPStatus.OK, {"intuit_tid": reply.intuit_tid or ""}, fault)
        if isinstance(error, Throttled):
            error.retry_after = THROTTLED_SECONDS
        return error
    try:
        if item.operation is None:
            return Rows(rows=tuple(rows_of(told)), intuit_tid=reply.intuit_tid)
        return reply.answer(written_of(told, item.entity))
    except Unreadable as error:
        return _uncertain(str(error), reply)


def _uncertain(detail: str, reply: Reply) -> Uncertain:
    return Uncertain(detail, status=reply.status, intuit_tid=reply.intuit_tid, decision=Decision.UNCERTAIN)


def _item_text(b_id: str, request: Write | str) -> str:
    if isinstance(request, str):
        return dump({"bId": b_id, "Query": request})
    operation, option = _FORMS[request.operation]
    head = dump({"bId": b_id, "operation": operation} | ({"optionsData": option} if option else {}))
    return f'{head[:-1]},"{request.entity}":{request.body}}}'


def _items_in(body: str) -> tuple[BatchItem, ...]:
    try:
        listed = parse(body.encode()).get("BatchItemRequest")
    except Unreadable as error:
        raise ValueError(f"a batch must be a JSON object: {error}") from error
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_ITEMS:
        raise ValueError(f"a batch has 1 to {MOST_ITEMS} items")
    items = tuple(_item_in(one) for one in listed)
    if len({item.b_id for item in items}) < len(items):
        raise ValueError("every item of a batch has a bId of its own")
    return items


def _item_in(item: Mapping[str, Any]) -> BatchItem:
    b_id = item.get("bId")
    if not isinstance(b_id, str) or not _B_ID.fullmatch(b_id):
        raise ValueError(f"a bId has 1 to {B_ID_LENGTH} plain characters: {b_id!r}")
    if isinstance(item.get("Query"), str):
        return BatchItem(b_id=b_id, entity=entity_asked_for(item["Query"]), operation=None)
    form = (str(item.get("operation")), str(item.get("optionsData", "")))
    objects = [(name, value) for name, value in item.items() if isinstance(value, Mapping)]
    if form not in _OPERATIONS or len(objects) != 1:
        raise ValueError(f"item {b_id} is neither a query nor one object to write")
    [(name, value)], operation = objects, _OPERATIONS[form]
    if not check_allowed(name, operation).batched:
        raise ValueError(f"QuickBooks takes no {name} in a batch")
    check_body(name, operation, value)
    return BatchItem(b_id=b_id, entity=name, operation=operation)
