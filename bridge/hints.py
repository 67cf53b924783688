"""What webhooks told of, on its way into PostgreSQL: nothing here waits but the loop that writes."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import structlog

from bridge.metrics import Metrics
from bridge.store.database import Away
from bridge.store.hints import Stored
from qbo_client.clock import Clock
from qbo_client.webhooks import Change

log = structlog.get_logger(__name__)

#: What polls look for. A change of anything else only proves that webhooks arrive for its company.
WATCHED = frozenset({"Customer", "Invoice", "Payment"})

_MOST_WAITING = 100_000
_LARGEST_GROUP = 1_000
_AWAY_SECONDS = 0.5

_Key = tuple[str, str, str, str, str | None]


class Store(Protocol):
    """Where hints go. Both raise Away where waiting helps."""

    async def add(self, changes: Sequence[Change], heard: Collection[str]) -> Stored: ...

    async def everything_is_due(self) -> tuple[str, ...]: ...


class _Waiting(NamedTuple):
    """A hint that is not stored, and how many events told it."""

    change: Change
    events: int


class Hints:
    """Keeps each hint until it is stored; what comes while one group is written leaves with the next.

    After PostgreSQL was away every company is due. So hints beyond `most_waiting` are forgotten, but for merges:
    change data capture may not show which customer is no more.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        *,
        want: Callable[[tuple[str, ...]], None],
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        """`want` is told of the companies for which something was stored."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._want = want
        self._most_waiting = most_waiting
        self._waiting: dict[_Key, _Waiting] = {}
        self._heard: set[str] = set()
        self._everything = False
        self._stopping = False
        self._arrived = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many hints are not stored, but for those being written."""
        return len(self._waiting)

    def take(self, changes: Iterable[Change]) -> None:
        """Keep the changes in memory. Never blocks, never fails."""
        for change in changes:
            if change.entity in WATCHED:
                self._keep(_Waiting(change, 1))
            else:
                self._heard.add(change.realm_id)
                self._count("unwatched", 1)
        self._bound()
        self._arrived.set()

    def stop(self) -> None:
        """Let `run` end once everything is stored."""
        self._stopping = True
        self._arrived.set()

    async def run(self) -> None:
        """Store what comes until stopped, then what is left. Only PostgreSQL being away is waited for."""
        while await self._something_to_store():
            try:
                await self._store_some()
            except Away as error:
                self._everything = True
                log.warning("hints_wait_for_postgresql", error=str(error), waiting=self.waiting)
                await self._clock.sleep(_AWAY_SECONDS)

    async def _something_to_store(self) -> bool:
        while not (self._waiting or self._heard or self._everything):
            if self._stopping:
                return False
            self._arrived.clear()
            await self._arrived.wait()
        return True

    async def _store_some(self) -> None:
        if self._waiting or self._heard:
            await self._store_group()
        # Asked after each group, not after the last: more may come without an end.
        if self._everything:
            realms = await self._store.everything_is_due()
            self._everything = False
            self._want(realms)
            log.info("everything_is_due", companies=len(realms))

    async def _store_group(self) -> None:
        group = [self._waiting.pop(key) for key in list(islice(self._waiting, _LARGEST_GROUP))]
        heard, self._heard = self._heard, set()
        try:
            stored = await self._store.add([one.change for one in group], heard)
        except Away:
            self._take_back(group, heard)
            raise
        except Exception:
            # Not theirs to lose: whatever one of them provokes, polls find what they told of.
            log.exception("hints_refused", group=len(group))
            self._give_up(group)
        else:
            self._settle(group, stored)
        self._metrics.webhook_hints.set(self.waiting)

    def _settle(self, group: Sequence[_Waiting], stored: Stored) -> None:
        for one in group:
            known = one.change.realm_id in stored.known_realms
            self._count("hint" if known else "unknown_company", one.events)
        self._want(tuple(sorted(stored.known_realms)))

    def _keep(self, one: _Waiting) -> None:
        change = one.change
        key = (change.realm_id, change.entity, change.id, change.operation, change.deleted_id)
        if before := self._waiting.get(key):
            latest = max(before.change, change, key=lambda told: told.at)
            one = _Waiting(latest, before.events + one.events)
        self._waiting[key] = one

    def _take_back(self, group: Iterable[_Waiting], heard: set[str]) -> None:
        for one in group:
            self._keep(one)
        self._heard |= heard
        self._bound()

    def _bound(self) -> None:
        """Forget what is too much to keep, and have everything due instead."""
        if len(self._waiting) + len(self._heard) > self._most_waiting:
            merges = {key: one for key, one in self._waiting.items() if one.change.operation == "merged"}
            kept = merges if len(merges) <= self._most_waiting // 2 else {}
            log.error("hints_forgotten_everything_is_due", forgotten=self.waiting - len(kept), kept=len(kept))
            self._give_up([one for key, one in self._waiting.items() if key not in kept])
            self._waiting, self._heard = kept, set()
        self._metrics.webhook_hints.set(self.waiting)

    def _give_up(self, forgotten: Iterable[_Waiting]) -> None:
        self._everything = True
        self._count("forgotten", sum(one.events for one in forgotten))

    def _count(self, fate: str, events: int) -> None:
        self._metrics.webhook_events.labels(fate).inc(events)
