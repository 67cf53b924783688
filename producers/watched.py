"""How far a company is watched, and what is to be done next. Values and pure decisions; no clock."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

#: What is watched. Of QuickBooks' other objects the CRM is told nothing.
CUSTOMER, INVOICE, PAYMENT = "Customer", "Invoice", "Payment"
ENTITIES = (CUSTOMER, INVOICE, PAYMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """How often QuickBooks is asked, and how far back. Every read counts against Intuit's monthly allowance."""

    #: Where webhooks are not proven to arrive.
    poll_seconds: float = 240.0
    #: Where they are: what one of them missed is found after so long.
    proven_poll_seconds: float = 3600.0
    #: Asked again each time, for what was on its way while the last answer was made.
    overlap: timedelta = timedelta(minutes=5)
    #: The same of customers, after all were compared: change data capture would show more than one answer holds again.
    short_overlap: timedelta = timedelta(seconds=10)
    #: Change data capture looks back 30 days (facts); before that, everything is compared.
    stale_after: timedelta = timedelta(days=25)
    #: A change so young may be announced yet: a poll that finds it first proves nothing against webhooks.
    grace: timedelta = timedelta(seconds=60)
    #: So long a company is polled often, whatever its webhooks do; and so long what they did counts.
    proof_takes: timedelta = timedelta(days=1)
    proof_lasts: timedelta = timedelta(days=7)
    #: While the bridge itself writes, what webhooks tell is gathered so long into one read.
    gather_seconds: float = 3.0
    #: After so many polls in an hour, hints wait so long after the last: a company in which something changes every
    #: second costs less than the month's allowance then.
    polls_at_once: int = 120
    crowded_seconds: float = 10.0
    #: Change data capture may lag behind a webhook: looked for again after these waits.
    look_again_seconds: tuple[float, ...] = (5.0, 30.0, 120.0)
    #: A webhook's wake-up may be lost on its way through PostgreSQL: while a lane is held, it is looked this often.
    look_seconds: float = 15.0
    retry_first_seconds: float = 10.0
    retry_longest_seconds: float = 900.0
    #: Invoices of a page of history, and rows of a poll that are judged in one transaction.
    page: int = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a webhook told of: something happened to this object at that moment of QuickBooks' clock."""

    entity: str
    qbo_id: str
    operation: str
    deleted_id: str
    at: datetime
    arrived_at: datetime
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is stored of a watched company. Moments are QuickBooks' own unless said otherwise."""

    began_at: datetime
    customers_since: datetime
    invoices_since: datetime
    #: Whether all customers were copied since the beginning.
    customers_read: bool
    customers_told: bool
    #: From which creation on the history of invoices is to be read; None when all of it was.
    history_since: datetime | None
    history_counted: bool
    import_running: bool
    #: The import was chosen and has not begun.
    import_wanted: bool
    import_until: datetime | None
    import_done: int
    import_total: int | None
    announced_at: datetime | None
    unannounced_at: datetime | None
    failures: int
    history_failures: int
    #: How many polls were made in the hour that is running.
    hour_polls: int
    #: Seconds since the last poll.
    polled_ago: float
    #: Seconds until what is to be told or read of the past is tried.
    history_in: float
    #: Seconds until the next poll is due, by our clock; negative when it is late.
    poll_in: float
    #: The same of the earliest hint.
    hint_in: float | None
    #: How long ago the oldest of the hints that are due arrived.
    hint_age: float
    review_requests: bool
    home_currency: str

    @property
    def since(self) -> datetime:
        """From when the next poll asks, the earlier of both cursors."""
        return min(self.customers_since, self.invoices_since) if self.history_counted else self.customers_since

    @property
    def entities(self) -> tuple[str, ...]:
        """Invoices and Payments are polled once the history is counted: their news waits for that."""
        return ENTITIES if self.history_counted else (CUSTOMER,)


class Step(Enum):
    """What is done next for a company, the most urgent first."""

    BEGIN = "begin"
    READ_CUSTOMERS = "read_customers"
    TELL_CUSTOMERS = "tell_customers"
    POLL = "poll"
    BEGIN_IMPORT = "begin_import"
    READ_HISTORY = "read_history"


def next_step(state: Watched | None, *, quiet: bool, policy: WatchPolicy) -> Step | None:
    """Return what is due; None when nothing is. `quiet`: the bridge itself has not written for a while."""
    if state is None:
        return Step.BEGIN
    past_is_due = state.history_in <= 0
    if not state.customers_told and past_is_due:
        return Step.TELL_CUSTOMERS if state.customers_read else Step.READ_CUSTOMERS
    if state.poll_in <= 0 or _may_follow_hint(state, quiet=quiet, policy=policy):
        return Step.POLL
    if state.import_wanted and past_is_due:
        return Step.BEGIN_IMPORT
    return Step.READ_HISTORY if state.history_since is not None and past_is_due else None


def is_hinted(state: Watched) -> bool:
    """Whether a webhook asks for a poll. After one that failed, hints wait with the next."""
    return state.hint_in is not None and state.hint_in <= 0 and state.failures == 0


def seconds_until_due(state: Watched, policy: WatchPolicy) -> float:
    """Return how long nothing will be due, as far as is known now."""
    hint = state.hint_in if state.hint_in is None or state.hint_in > 0 else policy.gather_seconds / 3
    waits = [state.poll_in, policy.look_seconds]
    waits += [hint] if hint is not None and state.failures == 0 else []
    waits += [state.history_in] if state.history_in > 0 else []
    return max(0.05, min(waits))


def retry_seconds(failures: int, policy: WatchPolicy) -> float:
    """Return how long to wait after a step that failed, and failed so often before."""
    return float(min(policy.retry_first_seconds * 2 ** min(failures, 20), policy.retry_longest_seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """What is known of a company's webhooks."""

    #: Since when the company is watched.
    began_at: datetime
    #: When one told of a change last, and when a poll last found a change that none had told of.
    announced_at: datetime | None
    unannounced_at: datetime | None

    def are_proven(self, now: datetime, policy: WatchPolicy) -> bool:
        """Whether they are known to arrive: watched for long enough, one came of late, and none was missed."""
        since = now - policy.proof_lasts
        heard = self.announced_at is not None and self.announced_at > since
        missed = self.unannounced_at is not None and self.unannounced_at > since
        return heard and not missed and self.began_at <= now - policy.proof_takes

    def poll_seconds(self, now: datetime, policy: WatchPolicy) -> float:
        """Return how long after a poll the next one is due if no webhook asks for it earlier."""
        return policy.proven_poll_seconds if self.are_proven(now, policy) else policy.poll_seconds


def merges_in(hints: Collection[Hint]) -> dict[str, str]:
    """Return, by the customer that is no more, which one took it in."""
    merged = (h for h in hints if h.entity == CUSTOMER and h.operation == "merged" and h.deleted_id)
    return {hint.deleted_id: hint.qbo_id for hint in merged}


def _may_follow_hint(state: Watched, *, quiet: bool, policy: WatchPolicy) -> bool:
    """Whether a hint is followed now: each costs a read, so that what comes thick and fast is gathered."""
    if not is_hinted(state):
        return False
    if state.hour_polls >= policy.polls_at_once and state.polled_ago < policy.crowded_seconds:
        return False
    return quiet or state.hint_age >= policy.gather_seconds
