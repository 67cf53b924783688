"""One write, alone or as an item of a batch: what it does, and what is answered when it comes again."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qbo_client.emulator import company_address, errors, records, wire
from qbo_client.emulator.company import Company, Remembered
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.table import Row

LONGEST_REQUEST_ID = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What request ids remember: the facts leave both open."""

    failures: bool = False
    compare_bodies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    kind: Kind
    # write (create or update, by its Id), create, update, void, delete
    operation: str
    sent: object
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`fragment` is what is answered, as JSON without its outer braces."""

    fragment: str
    applied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    status: int
    fragment: str
    time: str
    applied: bool = False
    replayed: bool = False


def once(company: Company, request_id: str, sent: bytes, memory: Memory, effect: Callable[[], Written]) -> Outcome:
    """A request id that was answered before is given that answer again, whatever it carries now.

    Raises ApiFault where the effect does.
    """
    known = company.answers.get(request_id) if request_id else None
    digest = hashlib.sha256(sent).digest() if request_id else b""
    if known is not None:
        if memory.compare_bodies and known.sent != digest:
            raise errors.ApiFault(
                code="600", message="Duplicate Request Id", detail=f"Duplicate request id {request_id}"
            )
        return Outcome(status=known.status, fragment=known.fragment, time=known.time, replayed=True)
    outcome = _outcome(company, memory, effect)
    if request_id:
        company.remember(
            request_id,
            Remembered(sent=digest, status=outcome.status, fragment=outcome.fragment, time=outcome.time),
        )
    return outcome


def _outcome(company: Company, memory: Memory, effect: Callable[[], Written]) -> Outcome:
    time = company.clock.body_time()
    try:
        written = effect()
    except ApiFault as fault:
        if not memory.failures:
            raise
        return Outcome(status=fault.status, fragment=fragment_of(fault), time=time)
    return Outcome(status=200, fragment=written.fragment, time=time, applied=written.applied)


def fragment_of(fault: ApiFault) -> str:
    return wire.dumps(fault.body())[1:-1]


def write(company: Company, wanted: Write) -> Written:
    """Raises ApiFault for what QuickBooks refuses."""
    kind = wanted.kind
    sent = company.schema.clean(kind.name, wanted.sent)
    if kind.name == "CompanyInfo":
        sent = company_address.with_letters(sent)
    if wanted.operation in {"void", "delete", "update"} and not sent.get("Id"):
        raise errors.missing("Id")
    if wanted.operation == "delete":
        stub = records.delete(company, kind, sent)
        return Written(fragment=f'"{kind.name}":{wire.dumps(stub)}', applied=True)
    row, applied = _saved(company, wanted, sent)
    return Written(fragment=f'"{kind.name}":{row.json}', applied=applied)


def _saved(company: Company, wanted: Write, sent: Mapping[str, Any]) -> tuple[Row, bool]:
    kind = wanted.kind
    if wanted.operation == "void":
        return records.void(company, kind, sent)
    if wanted.operation not in {"write", "update", "create"}:
        raise errors.unsupported(f"{wanted.operation} of {kind.name}")
    # Some clients send Id 0 or "" for what is new.
    if sent.get("Id") in {None, "", "0"}:
        return records.create(company, kind, sent, wanted.options), True
    return records.update(company, kind, sent, wanted.options)
