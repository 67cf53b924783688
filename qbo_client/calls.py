from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from qbo_client.answers import Answer
from qbo_client.writes import Write


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
    #: Whether Intuit counts it against the month's free reads.
    metered: bool
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
    write: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A readable answer that is no fault."""

    payload: Mapping[str, Any]
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
        content_type="application/json",
        write=True,
    )


def reading(operation: str, entity: str, path: str) -> Call:
    return Call(operation=operation, entity=entity, method="GET", path=path)


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
    )
