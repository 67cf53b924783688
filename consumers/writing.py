"""How a write is made.

The order of effects stands here and nowhere else:

1. `intent_of` freezes the draft: exact body, derived request id.
2. The intent is committed, under the lane's epoch.       killed after: the next owner sends it
3. Exactly that body leaves with that request id.         killed after: sent again verbatim, answered from memory
4. The answer is committed with all that follows from it. killed after: nothing is left to do

No answer leaves the intent open. It is sent again verbatim before anything else about its keys happens, after
ten minutes only once the object has been looked for, and after a day a person is asked.
"""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from consumers.effects import Effects, Refused, Unanswered, Written
from consumers.failures import RetryPolicy
from consumers.intents import Draft, Intent, intent_of, link_after
from consumers.outcomes import printable
from consumers.ports import Lane, LaneLost, StoreAway, WritesStopped
from consumers.search import find_written
from qbo_client.clock import Clock
from qbo_client.decisions import Decision
from qbo_client.errors import QBOError, StaleObject
from qbo_client.oauth import OAuthError
from qbo_client.writes import Operation

log = structlog.get_logger(__name__)

_REPLAY_IS_REMEMBERED = timedelta(minutes=10)
_ASK_A_PERSON_AFTER = timedelta(days=1)
_WRITES_STOPPED_SECONDS = 15.0
_DUPLICATE_REQUEST_ID = "600"
#: These say that this attempt wrote nothing; about an earlier one they say nothing.
_PROVES_NOTHING = frozenset({Decision.RETRY, Decision.WAIT, Decision.UNCERTAIN})
COMPANY = frozenset({Decision.TOKEN, Decision.RECONNECT, Decision.COMPANY})


class NoAnswer(Exception):
    """Nobody knows whether the intent was written; it is stored as open and is settled before anything else."""

    def __init__(self, intent: Intent, due: datetime, *, attention: bool) -> None:
        super().__init__(f"no answer to request {intent.write.request_id}")
        self.intent = intent
        self.due = due
        #: It was asked for too long: a person was asked instead, and it is not sent again by itself.
        self.attention = attention


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Makes writes for one lane."""

    lane: Lane
    clock: Clock
    policy: RetryPolicy
    rng: random.Random

    async def prepare(self, draft: Draft, *, inbox_id: int, keys: tuple[str, ...]) -> Intent:
        """Commit the intent (steps 1 and 2)."""
        number = await self.lane.books.last_number(draft.ref) + 1
        intent = intent_of(
            draft,
            realm_id=self.lane.realm_id,
            tenant_id=self.lane.tenant_id,
            inbox_id=inbox_id,
            number=number,
            keys=keys,
        )
        await self.lane.store_intent(intent)
        return replace(intent, created_at=self.clock.now())

    @asynccontextmanager
    async def unanswered_if_broken(self, intent: Intent) -> AsyncIterator[None]:
        """Keep an intent open that something unexpected came between: its answer may not be committed.

        Whatever is raised otherwise, the caller would forget an open intent and could decide anew beside it.
        """
        try:
            yield
        except (QBOError, NoAnswer, LaneLost, StoreAway):
            raise
        except Exception as error:
            log.exception("answer_not_committed", request_id=intent.write.request_id)
            raise await self._unanswered(intent, None) from error

    async def send(self, intent: Intent, *, in_doubt: bool = False) -> Written:
        """Send a stored intent (step 3) and return its answer, not yet committed.

        `in_doubt`: it may have been sent before, so that a refusal of this attempt proves nothing about the
        earlier one. A refusal is committed and raised as QBOError; no answer is committed as such and raised
        as NoAnswer.
        """
        try:
            answer = await self.lane.client.send(intent.write)
        except QBOError as error:
            if error.code == _DUPLICATE_REQUEST_ID:
                return await self._used_before(intent, error)
            if in_doubt or error.maybe_written:
                return await self._in_doubt(intent, error)
            if error.decision is Decision.UNCERTAIN:
                raise await self._unanswered(intent, None) from error
            await self._refused(intent, error)
            raise
        except (LaneLost, StoreAway):
            raise
        except WritesStopped as error:
            raise await self._unanswered(intent, _WRITES_STOPPED_SECONDS) from error
        except Exception as error:
            # Tokens that cannot be had, or a failure of ours: an earlier attempt of this call may have left.
            log.exception("request_failed", request_id=intent.write.request_id)
            raise await self._unanswered(intent, None) from error
        return written(intent, answer.entity, answer.intuit_tid)

    async def settle(self, intent: Intent) -> None:
        """Bring an open intent to its answer: look for the object if it is old, else send it again."""
        age = self.clock.now() - (intent.created_at or self.clock.now())
        found = await self._look(intent) if age > _REPLAY_IS_REMEMBERED else None
        answer = written(intent, found, None) if found is not None else await self.send(intent, in_doubt=True)
        await self.lane.commit(Effects(answer=answer))

    async def give_up(self, intent: Intent) -> None:
        """Put an open intent before a person: settling it failed for a reason that is ours."""
        effects = Effects(answer=Unanswered(intent=intent, due=self.clock.now(), attention=True))
        await self.lane.commit(effects)

    async def _in_doubt(self, intent: Intent, error: QBOError) -> Written:
        """Judge a failed attempt of a write that an earlier attempt may have made."""
        if error.decision in _PROVES_NOTHING:
            raise await self._unanswered(intent, error.retry_after) from error
        if error.decision in COMPANY:
            # The lane parks with the intent open; it is settled first when the company is back.
            raise error
        if (found := await self._look(intent)) is not None:
            return written(intent, found, None)
        await self._refused(intent, error)
        raise error

    async def _look(self, intent: Intent) -> Mapping[str, Any] | None:
        try:
            return await find_written(self.lane.client, intent)
        except QBOError as error:
            if error.decision in COMPANY:
                raise
            raise await self._unanswered(intent, error.retry_after) from error
        except (OAuthError, WritesStopped) as error:
            raise await self._unanswered(intent, _WRITES_STOPPED_SECONDS) from error

    async def _used_before(self, intent: Intent, error: QBOError) -> Written:
        """QuickBooks knows the request id and gives no answer for it (600): look for what it made."""
        if (found := await self._look(intent)) is not None:
            return written(intent, found, None)
        if intent.write.operation is Operation.CREATE:
            raise await self._unanswered(intent, None) from error
        await self._refused(intent, error)
        # An update that was applied shows when the object is read again.
        raise StaleObject(error.detail, status=error.status, code=error.code, intuit_tid=error.intuit_tid) from error

    async def _refused(self, intent: Intent, error: QBOError) -> None:
        refused = Refused(
            intent=intent,
            code=error.code or str(error.status or "unreachable"),
            detail=printable(error.detail or str(error)),
            intuit_tid=error.intuit_tid,
        )
        await self.lane.commit(Effects(answer=refused))

    async def _unanswered(self, intent: Intent, after_seconds: float | None) -> NoAnswer:
        now = self.clock.now()
        too_old = now - (intent.created_at or now) > _ASK_A_PERSON_AFTER
        delay = timedelta(seconds=after_seconds) if after_seconds else self.policy.delay(intent.attempts, self.rng)
        await self.lane.commit(Effects(answer=Unanswered(intent=intent, due=now + delay, attention=too_old)))
        return NoAnswer(intent, now + delay, attention=too_old)


def written(intent: Intent, answer: Mapping[str, Any], intuit_tid: str | None) -> Written:
    """Return what a definite answer means for the books."""
    return Written(intent=intent, link=link_after(intent, answer), object=answer, intuit_tid=intuit_tid)
