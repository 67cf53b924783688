"""Applying one inbox row: handler, failures, and the transaction that decides it."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

import structlog

from consumers.effects import Decided, Effects, Parked, Written
from consumers.failures import RetryPolicy, TryAgain, bug, judge
from consumers.handlers.contact_active import contact_active
from consumers.handlers.invoice_changed import invoice_changed
from consumers.handlers.payment_completed import payment_completed
from consumers.intents import CrmRef, Draft, Link
from consumers.keys import Event, KeyRing
from consumers.numbers import under_free_number
from consumers.outcomes import Done, Outcome, Result, Waiting, storable
from consumers.ports import Lane, LaneLost, StoreAway
from consumers.records import Row
from consumers.standing import told
from consumers.work import Concluded, LastWrite, Work, after_writing
from consumers.writing import NoAnswer, Writer
from qbo_client.clock import Clock
from qbo_client.errors import QBOError
from schemas.codec import Codec

log = structlog.get_logger(__name__)

Handler = Callable[[Event, Work], Awaitable[Outcome | LastWrite | Concluded]]

#: The whole service, in one table: which handler serves which topic.
HANDLERS: Mapping[str, Handler] = {
    "contact.active": contact_active,  # type: ignore[dict-item]  # the topic names the event's type
    "payment.completed": payment_completed,  # type: ignore[dict-item]
    "invoice.sent": invoice_changed,  # type: ignore[dict-item]
    "invoice.updated": invoice_changed,  # type: ignore[dict-item]
}


NO_ANSWER = "QuickBooks did not answer; the same request is sent again until it does."


class CompanyParked(Exception):
    """The company cannot be worked on until somebody does something; its rows stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """Applies the rows of one lane."""

    lane: Lane
    writer: Writer
    ring: KeyRing
    clock: Clock
    policy: RetryPolicy
    rng: random.Random
    codec: Codec = field(default_factory=Codec)

    async def apply(self, row: Row, event: Event, keys: tuple[str, ...]) -> Outcome:
        """Work on a row until it is decided, and return its outcome.

        Raises CompanyParked, LaneLost or NoAnswer; then the row is not decided, or waits for the answer.
        """
        if row.superseded:
            return await self.decide(row, Done(Result.SUPERSEDED))
        tries = 0
        while True:
            work = Work(
                row=row, lane=self.lane, writer=self.writer, ring=self.ring, keys=keys, codec=self.codec,
                read_again=tries > 0,
            )  # fmt: skip
            try:
                return await self._once(event, work)
            except (LaneLost, CompanyParked, StoreAway):
                raise
            except NoAnswer as error:
                if not error.attention:  # Else the row went before a person with its intent.
                    await self.decide(row, Waiting("no_answer", NO_ANSWER, error.due))
                raise
            except Exception as error:  # noqa: BLE001 - the edge: every failure becomes a visible state
                verdict = judge(
                    error,
                    now=self.clock.now(),
                    attempts=row.attempts,
                    tries=tries,
                    policy=self.policy,
                    rng=self.rng,
                )
                log.info("row_not_applied", inbox_id=row.id, error=str(error), verdict=type(verdict).__name__)
            if isinstance(verdict, Parked):
                await self._park(verdict)
            if not isinstance(verdict, TryAgain):
                return await self.decide(row, verdict)
            tries += 1

    async def decide(self, row: Row, outcome: Outcome, written: Written | None = None) -> Outcome:
        """Commit a row's outcome, with the answer of its last write if there was one."""
        link = written.link if written else await self._link(row)
        return await self._commit(row, outcome, [link] if link else [], Effects(answer=written))

    async def conclude(self, row: Row, step: Concluded) -> Outcome:
        """Commit a row's outcome together with the link that says that all of it is written."""
        return await self._commit(row, step.outcome, step.tells or (step.link,), Effects(link=step.link))

    async def _commit(self, row: Row, outcome: Outcome, links: Sequence[Link], effects: Effects) -> Outcome:
        outcome = storable(outcome)
        decided = Decided(row=row, outcome=outcome, told=told(row, outcome, links, at=self.clock.now()))
        await self.lane.commit(replace(effects, decided=decided))
        return outcome

    async def fail(self, row: Row, error: Exception) -> Outcome:
        """Put a row whose event cannot even be read before a person."""
        return await self.decide(row, bug(error))

    async def park_for(self, error: Exception) -> None:
        """Park the company if the error is about all of it: raises CompanyParked then, returns otherwise."""
        verdict = judge(error, now=self.clock.now(), attempts=0, tries=0, policy=self.policy, rng=self.rng)
        if isinstance(verdict, Parked):
            await self._park(verdict)

    async def park(self, error: QBOError) -> None:
        """Park the company for an error that is about all of it; raises CompanyParked."""
        verdict = judge(error, now=self.clock.now(), attempts=0, tries=0, policy=self.policy, rng=self.rng)
        assert isinstance(verdict, Parked), "only errors about a company park it"
        await self._park(verdict)

    async def _park(self, parked: Parked) -> NoReturn:
        await self.lane.commit(Effects(parked=parked))
        raise CompanyParked(parked.cause)

    async def _once(self, event: Event, work: Work) -> Outcome:
        step = await HANDLERS[work.row.topic](event, work)
        if isinstance(step, Concluded):
            return await self.conclude(work.row, step)
        if not isinstance(step, LastWrite):
            return await self.decide(work.row, step)

        async def write(draft: Draft) -> Outcome:
            intent = await self.writer.prepare(draft, inbox_id=work.row.id, keys=work.keys)
            async with self.writer.unanswered_if_broken(intent):
                written = await self.writer.send(intent)
                return await self.decide(work.row, after_writing(step, written.link), written)

        return await (under_free_number(write, step.draft, step.renumbered) if step.renumbered else write(step.draft))

    async def _link(self, row: Row) -> Link | None:
        return await self.lane.books.link(CrmRef(kind=row.entity_kind, id=row.entity_id))
