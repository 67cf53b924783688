"""From an error to what happens next: one pure table, so that every class of failure has its place.

=========== ============================================ ================================================
class       shown by                                     what happens
=========== ============================================ ================================================
transient   429, failing to connect                      nothing was written: wait, with backoff
token       401                                          the client renewed once; still refused: company
uncertain   time-out, reset, 502-504, 10000, 600         the intent stays open and is sent again verbatim
stale       5010                                         read again, decide again, a bounded number of times
reference   610, 2500                                    find again, once
company     token revoked, 3100, 6190                    the lane parks; one event, one alert
data        6000, 6210, 6540 ...                         attention with cause and what to do
bug         anything else                                attention with the trace
=========== ============================================ ================================================
"""

import random
import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta

from consumers.effects import Parked
from consumers.outcomes import Attention, Waiting
from consumers.ports import WritesStopped
from mapping.errors import CannotBook
from qbo_client.decisions import Decision
from qbo_client.errors import QBOError
from qbo_client.oauth import ClientInvalid, OAuthError, OAuthUnavailable
from schemas.events.quickbooks import ConnectionState

_THROTTLED_SECONDS = 60.0
_WRITES_STOPPED_SECONDS = 15.0
_MANUAL = "Look at the record, correct it in the CRM or in QuickBooks, then retry it."

#: What a person is to do, by QuickBooks' error code. The code decides; messages are localised.
_WHAT_TO_DO: dict[str, tuple[str, str]] = {
    "620": (
        "cannot_be_linked",
        "QuickBooks does not link this payment to the invoice. Compare the two's customers, then retry.",
    ),
    "6000": ("refused_by_quickbooks", _MANUAL),
    "6140": ("number_taken", "Another document has this number. Change the number in the CRM, then retry."),
    "6200": ("books_closed", "Reopen the books in QuickBooks for this date, then retry."),
    "6210": ("books_closed", "Reopen the books in QuickBooks for this date, then retry."),
    "6240": (
        "name_taken",
        "Another customer, vendor or employee has this name. Rename one of them, then retry.",
    ),
    "6430": (
        "wrong_account_type",
        "Choose an income account for the bridge's items in QuickBooks, then retry.",
    ),
    "6450": ("settled_in_quickbooks", "The transaction is settled. Change it by hand in QuickBooks."),
    "6480": (
        "reconciled_in_quickbooks",
        "The transaction is matched to the bank. Change it by hand in QuickBooks.",
    ),
    "6540": ("deposited_in_quickbooks", "Undo the deposit in QuickBooks, then retry."),
}

#: Codes that park the whole company, with the state its connection takes.
_COMPANY: dict[str, tuple[ConnectionState, str, str]] = {
    "10200": (
        ConnectionState.PAUSED,
        "company_data_reset",
        "The data of this QuickBooks company was reset. Check it, then resume the connection.",
    ),
    "6190": (
        ConnectionState.PAUSED,
        "subscription_ended",
        "The QuickBooks subscription of this company ended. Renew it, then resume the connection.",
    ),
}
_RECONNECT = (
    ConnectionState.RECONNECT_NEEDED,
    "token_revoked",
    "QuickBooks no longer accepts this connection. Connect the company again.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a record waits before it is tried again by itself."""

    first_seconds: float = 2.0
    longest_seconds: float = 900.0
    #: After this many tries without success a person is asked.
    attempts: int = 300

    def delay(self, attempts: int, rng: random.Random) -> timedelta:
        """Return an exponential delay with full jitter in its upper half, for the `attempts`-th try (from 0)."""
        seconds = min(self.first_seconds * 2 ** min(attempts, 20), self.longest_seconds)
        return timedelta(seconds=seconds * rng.uniform(0.5, 1.0))


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Decide anew at once: what was read before is out of date."""

    read_again: bool


Verdict = Waiting | Attention | Parked | TryAgain


def judge(
    error: Exception, *, now: datetime, attempts: int, tries: int, policy: RetryPolicy, rng: random.Random
) -> Verdict:
    """Say what happens to a record whose handling raised `error`.

    `attempts` counts decisions on this row over time, `tries` those of the turn under way.
    Uncertain answers are not judged here: their intent stays open (`writing.py`).
    """
    match error:
        case CannotBook():
            return Attention(error.cause, error.message)
        case WritesStopped():
            due = now + timedelta(seconds=_WRITES_STOPPED_SECONDS)
            return Waiting("writes_stopped", f"An operator stopped all writes: {error}", due)
        case OAuthUnavailable():
            due = now + policy.delay(attempts, rng)
            return Waiting("quickbooks_unreachable", f"Intuit's token service does not answer: {error}", due)
        case ClientInvalid():
            message = "Intuit refuses the client id or secret. Correct QBO_BRIDGE_QBO_CLIENT_ID and _SECRET."
            return Waiting("client_credentials_refused", message, now + policy.delay(attempts, rng))
        case OAuthError():
            message = f"No token can be had: {error}. The bridge tries again."
            return Waiting("no_token", message, now + policy.delay(attempts, rng))
        case QBOError():
            return _judge_quickbooks(error, now=now, attempts=attempts, tries=tries, policy=policy, rng=rng)
        case _:
            return bug(error)


def bug(error: BaseException) -> Attention:
    """Put an unexpected failure before a person, with its trace."""
    trace = "".join(traceback.format_exception(error))
    return Attention("bug", f"The bridge failed on this record ({type(error).__name__}). Report it.", trace)


def _judge_quickbooks(
    error: QBOError, *, now: datetime, attempts: int, tries: int, policy: RetryPolicy, rng: random.Random
) -> Verdict:
    match error.decision:
        case Decision.WAIT:
            seconds = error.retry_after or _THROTTLED_SECONDS
            return Waiting("throttled", "QuickBooks asked to slow down.", now + timedelta(seconds=seconds))
        case Decision.RETRY | Decision.UNCERTAIN:
            return _wait(error, now=now, attempts=attempts, policy=policy, rng=rng)
        case Decision.TOKEN | Decision.RECONNECT | Decision.COMPANY:
            state, cause, message = _COMPANY.get(error.code or "", _RECONNECT)
            return Parked(state=state, cause=cause, message=message)
        case Decision.STALE if tries < _STALE_TRIES:
            return TryAgain(read_again=True)
        case Decision.REFERENCE if tries < 1:
            return TryAgain(read_again=True)
        case Decision.BUG:
            return bug(error)
        case _:
            return needs_a_person(error)


_STALE_TRIES = 4


def needs_a_person(error: QBOError) -> Attention:
    """Name the cause of a refusal by its code, with QuickBooks' own words for the person who looks."""
    cause, what_to_do = _WHAT_TO_DO.get(error.code or "", (f"quickbooks_{error.code or error.status}", _MANUAL))
    return Attention(cause, f"{what_to_do} QuickBooks said: {error.detail or error}")


def _wait(
    error: QBOError, *, now: datetime, attempts: int, policy: RetryPolicy, rng: random.Random
) -> Waiting | Attention:
    if attempts >= policy.attempts:
        return Attention("quickbooks_unreachable", f"Tried {attempts} times without an answer: {error}. Retry later.")
    return Waiting("quickbooks_unreachable", str(error), now + policy.delay(attempts, rng))
