"""Requests and answers as values, before and after the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from qbo_client.answers import Answer
from qbo_client.writes import Write

JSON = "application/json"
PDF = "application/pdf"


class TokenSource(Protocol):
    """One company's access token."""

    async def access_token(self) -> str: ...

    async def renew(self, rejected: str) -> str:
        """Return a token other than `rejected`, which QuickBooks refused; called once after a 401."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One attempt, for metrics. Every text in it is one of a few."""

    operation: str
    entity: str
    #: "ok", a Decision's value or "cancelled".
    outcome: str
    status: int | None
    seconds: float
    #: How many reads Intuit counts in it against the month's free ones: none in a write, in a batch its queries.
    metered: int
    intuit_tid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it leaves, however often."""

    operation: str
    entity: str
    method: Literal["GET", "POST"]
    #: Below the company's own path.
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str | None = None
    #: What is asked for: JSON, or else the bytes as they come.
    accept: str = JSON
    #: How many metered reads it is.
    reads: int = 0
    #: Whether it goes to the batch endpoint, which has a limit of its own.
    batch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A readable answer that is no fault."""

    #: Empty where something else than JSON was asked for.
    payload: Mapping[str, Any]
    body: bytes = b""
    status: int
    intuit_tid: str | None

    def answer(self, entity: Mapping[str, Any]) -> Answer:
        time = self.payload.get("time")
        return Answer(entity=entity, intuit_tid=self.intuit_tid, time=None if time is None else str(time))


def writing(write: Write) -> Call:
    return Call(
        operation=write.operation.value,
        entity=write.entity,
        method="POST",
        path=write.path,
        query=write.query,
        body=write.body.encode(),
        content_type=JSON,
    )


def reading(operation: str, entity: str, path: str, *, accept: str = JSON) -> Call:
    return Call(operation=operation, entity=entity, method="GET", path=path, accept=accept, reads=1)


def asking(entity: str, select: str) -> Call:
    # POST rather than GET: customers' addresses stay out of access logs, length is no matter, and aiohttp
    # does not send it a second time by itself when a kept connection turns out to be closed.
    return Call(
        operation="query",
        entity=entity,
        method="POST",
        path="query",
        body=select.encode(),
        content_type="application/text",
        reads=1,
    )


def capturing(entities: Sequence[str], since: datetime) -> Call:
    query = {"entities": ",".join(entities), "changedSince": since.isoformat(timespec="seconds")}
    return Call(operation="cdc", entity="", method="GET", path="cdc", query=query, reads=1)


def mailing(entity: str, path: str, query: Mapping[str, str]) -> Call:
    content_type = "application/octet-stream"
    return Call(operation="send", entity=entity, method="POST", path=path, query=query, content_type=content_type)
