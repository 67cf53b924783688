"""One authorised API request in, one answer out: no sockets, no waiting."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qbo_client.emulator import batch, cdc, errors, paper, records, selecting, sending, taxservice, wire
from qbo_client.emulator.batch import Batches
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.invoice import with_link
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.writing import LONGEST_REQUEST_ID, Memory, Write, Written, once, write

__all__ = ["Answer", "Call", "Memory", "refusal", "respond"]

_FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
# entity, id, and what is done with it
_WITH_ACTION = 3
_BEFORE_ALL = "2030"
# Paths whose first step names what is done instead of an entity.
_OPERATIONS = frozenset({"query", "batch", "cdc"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An HTTP request under /v3/company/{realm}."""

    method: str
    segments: tuple[str, ...]
    params: Mapping[str, str]
    body: bytes

    @property
    def _first(self) -> str:
        return self.segments[0].lower() if self.segments else ""

    @property
    def operation(self) -> str:
        """For statistics and faults: query, batch, cdc, pdf, send, read, write or what the parameters say."""
        if self._first in _OPERATIONS:
            return self._first
        if len(self.segments) == _WITH_ACTION:
            return self.segments[2].lower()
        if self.method == "GET":
            return "read"
        asked = self.params.get("operation", "")
        if asked == "update" and self.params.get("include") == "void":
            return "void"
        return asked or "write"

    @property
    def select(self) -> str:
        return self.body.decode("utf-8", "replace") if self.method == "POST" else self.params.get("query", "")

    def entity(self, kinds: Mapping[str, Kind]) -> str:
        first = self._first
        if first == "query":
            match = _FROM.search(self.select)
            first = match.group(1).lower() if match else ""
        return kinds[first].name if first in kinds else first


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    text: str
    # The entity of each write that took effect.
    writes: tuple[str, ...] = ()
    replays: int = 0
    items: int = 0
    # A file instead of the text.
    pdf: bytes | None = None


def respond(company: Company, call: Call, memory: Memory, batches: Batches | None = None) -> Answer:
    """Never raises for what QuickBooks refuses: the refusal is the answer."""
    try:
        if company.switches.suspended:
            raise errors.suspended()
        return _answered(company, call, memory, batches or Batches())
    except ApiFault as fault:
        return refusal(company, fault)


def refusal(company: Company, fault: ApiFault) -> Answer:
    # The recorded refusal of an Id that is no number carries no time: it comes before anything is looked at.
    time = {} if fault.code == _BEFORE_ALL else {"time": company.clock.body_time()}
    body = {**fault.body(), **time}
    return Answer(status=fault.status, text=wire.dumps(body))


def _answered(company: Company, call: Call, memory: Memory, batches: Batches) -> Answer:
    time = company.clock.body_time()
    if call.segments == ("query",):
        return _ok(selecting.run(company, call.select), time)
    if call.segments == ("batch",) and call.method == "POST":
        ran = batch.run(company, wire.loads(call.body), call.params.get("requestid", ""), memory, batches)
        text = f'{{"BatchItemResponse":[{",".join(ran.items)}],"time":"{time}"}}'
        return Answer(status=200, text=text, writes=ran.writes, replays=ran.replays, items=len(ran.items))
    if call.segments == ("cdc",) and call.method == "GET":
        slots = cdc.run(
            company, call.params.get("entities", ""), call.params.get("changedSince", ""), batches.most_changes
        )
        return _ok(f'"CDCResponse":[{{"QueryResponse":{slots}}}]', time)
    if call.segments == ("taxservice", "taxcode") and call.method == "POST":
        return _once(company, call, memory, "TaxService", lambda: _tax_service(company, call.body))
    return _of_an_entity(company, call, memory, time)


def _of_an_entity(company: Company, call: Call, memory: Memory, time: str) -> Answer:
    kind = company.kinds.get(call.segments[0].lower()) if call.segments else None
    if kind is None:
        path = "/".join(("/v3/company", company.realm_id, *call.segments))
        raise errors.unsupported(f"Could not find resource for relative : {path}")
    if len(call.segments) == _WITH_ACTION and kind.transaction:
        return _done_with(company, kind, call, memory)
    if call.method == "GET":
        return _ok(_read(company, kind, call), time)
    if call.method == "POST" and len(call.segments) == 1 and kind.writable:
        return _written(company, kind, call, memory)
    raise errors.unsupported(f"{call.method} on {kind.name}")


def _done_with(company: Company, kind: Kind, call: Call, memory: Memory) -> Answer:
    _, identifier, action = call.segments
    if (call.method, action.lower()) == ("GET", "pdf"):
        body = records.read(company, kind, identifier).body
        return Answer(status=200, text="", pdf=paper.printed(kind.name, body, company.name))
    if (call.method, action.lower()) == ("POST", "send"):

        def effect() -> Written:
            row = sending.send(company, kind, identifier, call.params.get("sendTo"))
            return Written(fragment=f'"{kind.name}":{row.json}', applied=True)

        return _once(company, call, memory, kind.name, effect)
    raise errors.unsupported(f"{call.method} {action} of {kind.name}")


def _ok(fragment: str, time: str) -> Answer:
    return Answer(status=200, text=f'{{{fragment},"time":"{time}"}}')


def _read(company: Company, kind: Kind, call: Call) -> str:
    if kind.name in {"CompanyInfo", "Preferences"}:
        identifier = "1"
    elif len(call.segments) == 2:  # noqa: PLR2004 -- entity and id
        identifier = call.segments[1]
    else:
        raise errors.unsupported(f"read of {kind.name} at this path")
    row = records.read(company, kind, identifier)
    if "invoicelink" in _included(call) and kind.name == "Invoice":
        return f'"{kind.name}":{wire.dumps(with_link(company, row.body))}'
    return f'"{kind.name}":{selecting.shown(row, kind)}'


def _included(call: Call) -> frozenset[str]:
    return frozenset(part.strip() for part in call.params.get("include", "").lower().split(","))


def _written(company: Company, kind: Kind, call: Call, memory: Memory) -> Answer:

    def effect() -> Written:
        sent = wire.loads(call.body)
        return write(company, Write(kind=kind, operation=call.operation, sent=sent, options=_included(call)))

    return _once(company, call, memory, kind.name, effect)


def _tax_service(company: Company, body: bytes) -> Written:
    """Answered without an entity's name around it."""
    return Written(fragment=wire.dumps(taxservice.create(company, wire.loads(body)))[1:-1], applied=True)


def _once(company: Company, call: Call, memory: Memory, entity: str, effect: Callable[[], Written]) -> Answer:
    request_id = call.params.get("requestid", "")
    if len(request_id) > LONGEST_REQUEST_ID:
        raise errors.invalid_length("requestid", LONGEST_REQUEST_ID, len(request_id))
    outcome = once(company, request_id, call.body, memory, effect)
    return Answer(
        status=outcome.status,
        text=f'{{{outcome.fragment},"time":"{outcome.time}"}}',
        writes=(entity,) if outcome.applied else (),
        replays=int(outcome.replayed),
    )
