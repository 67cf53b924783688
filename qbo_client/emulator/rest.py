"""One authorised API request in, one answer out: no sockets, no waiting."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qbo_client.emulator import errors, records, selecting, wire
from qbo_client.emulator.company import Company, Remembered
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.table import Row

LONGEST_REQUEST_ID = 50
_FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An HTTP request under /v3/company/{realm}."""

    method: str
    segments: tuple[str, ...]
    params: Mapping[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """For statistics and faults: query, read, create, update, void, delete or what the path says."""
        first = self.segments[0].lower() if self.segments else ""
        if first == "query":
            return "query"
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
        first = self.segments[0].lower() if self.segments else ""
        if first == "query":
            match = _FROM.search(self.select)
            first = match.group(1).lower() if match else ""
        return kinds[first].name if first in kinds else first


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    text: str
    applied: bool = False
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What request ids remember: the facts leave both open."""

    failures: bool = False
    compare_bodies: bool = False


def respond(company: Company, call: Call, memory: Memory) -> Answer:
    """Never raises for what QuickBooks refuses: the refusal is the answer."""
    try:
        if company.switches.suspended:
            raise errors.suspended()
        return _answered(company, call, memory)
    except ApiFault as fault:
        return refusal(company, fault)


def refusal(company: Company, fault: ApiFault) -> Answer:
    body = {**fault.body(), "time": company.clock.body_time()}
    return Answer(status=fault.status, text=wire.dumps(body))


def _answered(company: Company, call: Call, memory: Memory) -> Answer:
    time = company.clock.body_time()
    if call.segments == ("query",):
        return Answer(status=200, text=selecting.run(company, call.select, time))
    kind = company.kinds.get(call.segments[0].lower()) if call.segments else None
    if kind is None:
        raise errors.unsupported(f"Could not find resource for relative : /{'/'.join(call.segments)}")
    if call.method == "GET":
        return Answer(status=200, text=_read(company, kind, call, time))
    if call.method == "POST" and len(call.segments) == 1 and kind.writable:
        return _written_once(company, kind, call, memory)
    raise errors.unsupported(f"{call.method} on {kind.name}")


def _read(company: Company, kind: Kind, call: Call, time: str) -> str:
    if kind.name in {"CompanyInfo", "Preferences"}:
        identifier = "1"
    elif len(call.segments) == 2:  # noqa: PLR2004 -- entity and id
        identifier = call.segments[1]
    else:
        raise errors.unsupported(f"read of {kind.name} at this path")
    row = records.read(company, kind, identifier)
    text = row.json
    if kind.hides_inactive and row.body.get("Active") is False:
        text = wire.dumps(selecting.with_suffix(row.body, kind))
    return _wrapped(kind.name, text, time)


def _wrapped(name: str, text: str, time: str) -> str:
    return f'{{"{name}":{text},"time":"{time}"}}'


def _written_once(company: Company, kind: Kind, call: Call, memory: Memory) -> Answer:
    """A request id that was answered before is given that answer again, whatever it carries now."""
    request_id = call.params.get("requestid", "")
    if len(request_id) > LONGEST_REQUEST_ID:
        raise errors.invalid_length("requestid", LONGEST_REQUEST_ID, len(request_id))
    digest = hashlib.sha256(call.body).digest()
    known = company.answers.get(request_id) if request_id else None
    if known is not None:
        if memory.compare_bodies and known.sent != digest:
            raise errors.ApiFault(
                code="600", message="Duplicate Request Id", detail=f"Duplicate request id {request_id}"
            )
        return Answer(status=known.status, text=known.text, replayed=True)
    try:
        answer = _write(company, kind, call)
    except ApiFault as fault:
        if not memory.failures:
            raise
        answer = refusal(company, fault)
    if request_id:
        company.remember(request_id, Remembered(sent=digest, status=answer.status, text=answer.text))
    return answer


def _write(company: Company, kind: Kind, call: Call) -> Answer:
    sent = company.schema.clean(kind.name, wire.loads(call.body))
    options = frozenset(call.params.get("include", "").lower().split(","))
    time = company.clock.body_time()
    if call.operation in {"void", "delete", "update"} and not sent.get("Id"):
        raise errors.missing("Id")
    if call.operation == "delete":
        stub = records.delete(company, kind, sent)
        return Answer(status=200, text=_wrapped(kind.name, wire.dumps(stub), time), applied=True)
    row, applied = _saved(company, kind, call.operation, sent, options)
    return Answer(status=200, text=_wrapped(kind.name, row.json, time), applied=applied)


def _saved(
    company: Company, kind: Kind, operation: str, sent: Mapping[str, Any], options: frozenset[str]
) -> tuple[Row, bool]:
    if operation == "void":
        return records.void(company, kind, sent)
    if operation not in {"write", "update", "create"}:
        raise errors.unsupported(f"{operation} of {kind.name}")
    # Some clients send Id 0 or "" for what is new.
    if sent.get("Id") in {None, "", "0"}:
        return records.create(company, kind, sent, options), True
    return records.update(company, kind, sent, options)
