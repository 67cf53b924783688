"""A company of the emulator in this very process: QuickBooks' rules without sockets, in virtual time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from consumers.outcomes import Outcome
from consumers.preflight import preflight
from consumers.records import Row
from mapping.company import Company
from mapping.settings import Settings
from qbo_client.answers import parse
from qbo_client.budget import Budget, Limits
from qbo_client.calls import Call, Reply
from qbo_client.client import QBOClient
from qbo_client.emulator import person, rest
from qbo_client.emulator.world import World
from qbo_client.emulator.writing import Memory
from qbo_client.errors import Uncertain
from qbo_client.faults import raise_for_fault
from qbo_client.retries import RetryPolicy
from schemas.codec import Codec
from tests.unit.consumers.build import T0, row_of
from tests.unit.consumers.memory import MemoryBooks, MemoryLane
from tests.unit.consumers.turns import turn_of
from tests.unit.qbo_client.virtual_time import VirtualClock, run

T = TypeVar("T")

_FORGOTTEN_AFTER_SECONDS = 700.0
_CODEC = Codec()  # Made once: it reads every schema.
_ONE_ATTEMPT = RetryPolicy(attempts=1)


class Killed(BaseException):
    """The process dies here; nothing after it happens."""


class InProcess(QBOClient):
    """Calls one emulated company. `before` may raise before a call has its effect, `after` once it had it."""

    def __init__(self, company: Any, *, seconds: float = 0.1) -> None:
        clock = VirtualClock()
        super().__init__(
            http=None,  # type: ignore[arg-type]  # nothing leaves this process
            base_url="",
            realm_id=company.realm_id,
            tokens=None,  # type: ignore[arg-type]
            budget=Budget(Limits(), clock),
            clock=clock,
            retries=_ONE_ATTEMPT,
        )
        self.emulated, self.clock, self.seconds = company, clock, seconds
        self.calls: list[tuple[str, str]] = []
        self.before: Callable[[Call], None] = lambda _call: None
        self.after: Callable[[Call], None] = lambda _call: None

    async def _attempt(self, call: Call, extract: Callable[[Reply], T]) -> T:
        await asyncio.sleep(self.seconds)
        self.before(call)
        self.calls.append((call.operation, call.entity))
        path = tuple(part for part in call.path.split("/") if part)
        asked = rest.Call(method=call.method, segments=path, params=call.query, body=call.body or b"")
        answer = rest.respond(self.emulated, asked, Memory())
        self.after(call)
        body = answer.text.encode()
        raise_for_fault(answer.status, {}, body)
        return extract(Reply(payload=parse(body), body=body, status=answer.status, intuit_tid=None))


class PreparedBooks(MemoryBooks):
    company: Company | None = None

    async def save_company(self, company: Company) -> None:
        self.company = company


@dataclass
class Emulated:
    """A company, the lane that works on it, and what the CRM publishes for it."""

    country: str = "US"
    settings: Settings = field(default_factory=Settings)
    preferences: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lane: MemoryLane = field(init=False)
    client: InProcess = field(init=False)
    number: int = 0
    codec: Codec = _CODEC

    def __post_init__(self) -> None:
        world = World(client_id="client", client_secret="secret")
        self.emulated = world.add_company(self.country)
        if self.preferences:
            person.change_preferences(self.emulated, self.preferences)
        self.start()

    def start(self) -> None:
        """Prepare the lane as the first owner does."""

        async def prepare() -> None:
            self.client = InProcess(self.emulated)
            books = PreparedBooks()
            company = await preflight(self.client, books)
            self.lane = MemoryLane(clock=VirtualClock(), client=self.client, books=books)
            self.lane.supersedes = True
            self.lane.company = replace(company, settings=self.settings)
            self.lane.sync_from = T0.replace(year=2020)

        run(prepare())
        self.client.calls.clear()

    def hear(self, *events: Any) -> list[Outcome]:
        """Publish events, work until nothing is due, and return the last outcome of each."""
        rows = [self.row(event) for event in events]
        self.lane.add(*rows)
        self.work()
        return [self.lane.outcomes[row.id][-1] for row in rows]

    def row(self, event: Any) -> Row:
        self.number += 1
        return row_of(event, self.number)

    def hear_for_long(self, *events: Any) -> list[Outcome]:
        """Like `hear`, staying at work for longer than any answer takes to be looked for."""
        rows = [self.row(event) for event in events]
        self.lane.add(*rows)
        self.work(linger_seconds=3600.0)
        return [self.lane.outcomes[row.id][-1] for row in rows]

    def forget_lost_answers(self) -> None:
        """Once an answer was lost, let nobody reach QuickBooks until it has forgotten the request ids."""
        lose, silent_until = self.client.after, 0.0

        def after(call: Call) -> None:
            nonlocal silent_until
            try:
                lose(call)
            except Uncertain:
                silent_until = self.client.clock.monotonic() + _FORGOTTEN_AFTER_SECONDS
                self.emulated.answers.clear()
                raise

        def before(_call: Call) -> None:
            if self.client.clock.monotonic() < silent_until:
                raise Uncertain("nobody answers")

        self.client.after, self.client.before = after, before

    def work(self, *, linger_seconds: float = 1.0) -> None:
        async def work() -> None:
            await turn_of(self.lane, linger_seconds=linger_seconds).run()

        run(work())

    def objects(self, entity: str) -> list[dict[str, Any]]:
        """Return what stands in the books, oldest first."""
        rows = self.emulated.table(entity)
        return sorted((dict(row.body) for row in rows), key=lambda body: int(body["Id"]))

    def one(self, entity: str) -> dict[str, Any]:
        (body,) = self.objects(entity)
        return body

    def written(self) -> list[tuple[str, str]]:
        """Return the writes that were sent since this was asked last, and forget all calls."""
        writes = [call for call in self.client.calls if call[0] not in {"query", "read"}]
        self.client.calls.clear()
        return writes

    def person_enters(self, entity: str, **fields: Any) -> dict[str, Any]:
        return dict(person.enter(self.emulated, self.emulated.kinds[entity.lower()], fields).body)

    def person_edits(self, entity: str, identifier: str, **fields: Any) -> None:
        person.edit(self.emulated, self.emulated.kinds[entity.lower()], identifier, fields)

    def person_voids(self, entity: str, identifier: str) -> None:
        person.void(self.emulated, self.emulated.kinds[entity.lower()], identifier)

    def person_deletes(self, entity: str, identifier: str) -> None:
        person.delete(self.emulated, self.emulated.kinds[entity.lower()], identifier)

    def person_merges(self, *, keep: str, lose: str) -> None:
        person.merge(self.emulated, keep, lose)


def lose_answers_of(client: InProcess, operations: Iterable[tuple[str, str]]) -> None:
    """Lose the answer to the next call of each of these operations once it had its effect."""
    left = list(operations)

    def after(call: Call) -> None:
        if (call.operation, call.entity) in left:
            left.remove((call.operation, call.entity))
            raise Uncertain("the answer was lost")

    client.after = after
