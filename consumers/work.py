"""One record's work: what a handler is given, and how it says what to write last."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from consumers.effects import Effects
from consumers.intents import CrmRef, Draft, Link, Source
from consumers.keys import KeyRing
from consumers.outcomes import Attention, Done, Outcome, Result, Skipped
from consumers.ports import Books, Lane
from consumers.records import Row
from consumers.writing import Writer
from mapping.company import Company
from qbo_client.client import QBOClient
from schemas.codec import Codec


@dataclass(frozen=True, slots=True)
class LastWrite:
    """The write after which nothing is left to do: its answer and the row's outcome are one transaction."""

    draft: Draft
    then: Outcome
    #: The draft under its next number, where another document has the first.
    renumbered: Callable[[int], Draft] | None = None


@dataclass(frozen=True, slots=True)
class Concluded:
    """Everything is written: the link as it stands now and the row's outcome are one transaction."""

    outcome: Outcome
    link: Link
    #: What the CRM is told of; the link itself where nothing is named.
    tells: tuple[Link, ...] = ()


@dataclass(slots=True, kw_only=True)
class Work:
    """Everything a handler may touch while it works on one row."""

    row: Row
    lane: Lane
    writer: Writer
    ring: KeyRing
    keys: tuple[str, ...]
    codec: Codec
    #: True after QuickBooks said that something read before is out of date: local copies are read anew.
    read_again: bool = False
    written: list[Link] = field(default_factory=list)

    @property
    def company(self) -> Company:
        return self.lane.company

    @property
    def books(self) -> Books:
        return self.lane.books

    @property
    def client(self) -> QBOClient:
        return self.lane.client

    @property
    def sync_from(self) -> datetime:
        """The moment before which nothing is booked: the first consent, unless the settings move it."""
        return self.company.settings.sync_from or self.lane.sync_from

    @property
    def under_way(self) -> Source:
        """The source of a write after which others follow: it is never taken for the whole state of the event."""
        return Source(version=self.row.entity_version, occurred_at=self.row.occurred_at, content_hash=b"")

    async def write(self, draft: Draft) -> Mapping[str, Any]:
        """Make a write that others may build on at once; return the object as QuickBooks has it now."""
        intent = await self.writer.prepare(draft, inbox_id=self.row.id, keys=self.keys)
        async with self.writer.unanswered_if_broken(intent):
            answer = await self.writer.send(intent)
            await self.lane.commit(Effects(answer=answer))
        self.written.append(answer.link)
        return answer.object

    async def remember(self, link: Link) -> None:
        """Store a link without a write: the object was there."""
        await self.lane.commit(Effects(link=link))

    async def forget(self, ref: CrmRef) -> None:
        """End a link without a write: what it stood for is gone."""
        await self.lane.commit(Effects(unlinks=(ref,)))


def unless_known(link: Link | None, row: Row) -> Outcome | None:
    """Say what an event is worth when its record was written before: nothing, if it is not newer."""
    if link is None or link.version is None:
        return None
    if link.is_skipped and link.source_hash == row.content_hash:
        return skipped_before(link)
    known, arrived = (link.version, link.occurred_at or link.version), (row.entity_version, row.occurred_at)
    if link.source_hash == row.content_hash:
        if link.discrepancy:
            return Attention("totals_differ", totals_differ(link.discrepancy))
        return Done(Result.UNCHANGED)
    return Done(Result.SUPERSEDED) if known > arrived else None


def as_of(link: Link, work: Work, content_hash: bytes) -> Link:
    """Return the link as it stands once this event's state was worked on; with its hash, completely."""
    row = work.row
    return replace(link, version=row.entity_version, occurred_at=row.occurred_at, source_hash=content_hash)


def skipped_before(link: Link) -> Skipped:
    """Say of a record that it was kept out of the books, for the reason that its link remembers."""
    why = link.last_sent or {}
    return Skipped(str(why.get("cause")), str(why.get("message")))


def totals_differ(discrepancy: str | None) -> str:
    """Say what to do about totals that QuickBooks shows otherwise."""
    return (
        f"QuickBooks shows other totals than the CRM billed: {discrepancy}. "
        "Compare the document in QuickBooks, correct it there, then retry."
    )


def after_writing(write: LastWrite, link: Link) -> Outcome:
    """Return the outcome once the last write was answered: totals that differ outrank what was planned."""
    return Attention("totals_differ", totals_differ(link.discrepancy)) if link.discrepancy else write.then
