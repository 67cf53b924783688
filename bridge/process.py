"""One running process: its roles, started together and stopped in order.

Webhooks and ingest stop first (nothing new), then the lanes drain and are given back, then the relay sends what
that made, then the pool closes. A background task that dies stops the process instead of letting it limp.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

import structlog

from bridge.bootstrap import Core, kafka_config, oauth_app, open_core, open_lane_works
from bridge.health import Checks, http_server
from bridge.kafka import KafkaRecords, KafkaSender
from bridge.lanes.keeper import KeeperPolicy, LaneKeeper
from bridge.receiving import open_receiving
from bridge.settings import Settings
from bridge.store.database import Away, session
from bridge.store.ingest import IngestInbox
from bridge.store.migrate import pending
from bridge.store.outbox import OutboxStore
from bridge.store.shards import ShardLocks
from bridge.store.survey import Survey
from bridge.store.switch import WriteSwitch
from bridge.store.wakeups import listen
from consumers.dead_letters import DeadLetterLimit, TooManyDeadLetters
from consumers.ingest import Ingest, IngestPolicy
from consumers.reading import ENTITY_KINDS
from consumers.records import Received
from producers.ports import Unsent
from producers.relay import Relay, RelayPolicy

log = structlog.get_logger(__name__)

_SURVEY_SECONDS = 5.0
_DEAD_SECONDS = 5.0


class Role(StrEnum):
    INGEST = "ingest"
    SYNC = "sync"
    RELAY = "relay"
    WEBHOOKS = "webhooks"


class NotMigrated(Exception):
    """The database is behind this release."""


class NoVerifierToken(Exception):
    """Webhooks cannot be told from anybody's requests."""


@dataclass(slots=True)
class Part:
    """A role's loop, and how it is asked to end."""

    name: str
    run: Callable[[], Coroutine[Any, Any, None]]
    stop: Callable[[], None]


@dataclass(slots=True)
class Running:
    """What the roles of one process need of each other."""

    parts: list[Part] = field(default_factory=list)
    #: What serves the parts until all of them have ended; if one dies, the process stops.
    background: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    checks: dict[str, Callable[[], Awaitable[str | None]]] = field(default_factory=dict)
    works_lanes: bool = False
    want: Callable[[tuple[str, ...]], None] = lambda _: None
    nudge_relay: Callable[[], None] = lambda: None


def roles_of(settings: Settings, asked: Sequence[Role]) -> Sequence[Role]:
    """Return the roles that were asked for; if none was, all that the settings allow. Raises NoVerifierToken."""
    if settings.webhook_verifier_tokens:
        return asked or list(Role)
    if Role.WEBHOOKS in asked:
        raise NoVerifierToken(
            "Webhooks are received only with QBO_BRIDGE_WEBHOOK_VERIFIER_TOKEN. Set it to the verifier token that "
            "Intuit shows beside the application's webhooks."
        )
    return asked or [role for role in Role if role is not Role.WEBHOOKS]


async def run(settings: Settings, roles: Sequence[Role]) -> None:
    """Run until SIGTERM or SIGINT, then drain. Raises what killed a part, if one died."""
    if missing := await pending(settings.database_url.get_secret_value()):
        raise NotMigrated(f"The database lacks {', '.join(missing)}. Run `qbo-bridge migrate` first.")
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(open_core(settings))
        running = Running()
        # They are stopped in reverse: webhooks first, the relay last.
        if Role.RELAY in roles:
            await stack.enter_async_context(_relay(core, running))
        if Role.SYNC in roles:
            await stack.enter_async_context(_sync(core, running))
        if Role.INGEST in roles:
            await stack.enter_async_context(_ingest(core, running))
        if Role.WEBHOOKS in roles:
            await stack.enter_async_context(_webhooks(core, running))
        running.checks["postgresql"] = lambda: _postgresql(core)
        await stack.enter_async_context(_http(core, running.checks))
        await _until_stopped(core, running)


async def _until_stopped(core: Core, running: Running) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    serving: list[Callable[[], Coroutine[Any, Any, None]]] = [*running.background, partial(_survey, core)]
    background = [asyncio.create_task(serve()) for serve in serving]
    tasks = {part.name: asyncio.create_task(part.run(), name=part.name) for part in running.parts}
    waiter = asyncio.create_task(stopped.wait(), name="signal")
    log.info("running", parts=list(tasks), owner=core.owner)
    try:
        await asyncio.wait({*tasks.values(), *background, waiter}, return_when=asyncio.FIRST_COMPLETED)
        log.info("draining")
        dead = [task for task in background if task.done()]
        for part in reversed(running.parts):
            part.stop()
            # Without what serves it a part cannot end in order: its leases lapse, and nothing is lost.
            await asyncio.wait({tasks[part.name]}, timeout=_DEAD_SECONDS if dead else None)
    finally:
        for task in (waiter, *background):
            task.cancel()
    await asyncio.gather(*dead)
    await asyncio.gather(*tasks.values())
    if not stopped.is_set():
        raise RuntimeError("a part of the process ended by itself")
    log.info("stopped")


@asynccontextmanager
async def _relay(core: Core, running: Running) -> AsyncIterator[None]:
    settings = core.settings
    shards = ShardLocks(settings.database_url.get_secret_value())
    sender = KafkaSender(kafka_config(settings), topic_prefix=settings.topic_prefix)

    def sent(rows: Sequence[Unsent]) -> None:
        for row in rows:
            core.metrics.outbox_sent.labels(row.topic).inc()

    relay = Relay(
        outbox=OutboxStore(core.pool), shards=shards, wire=core.codec, sender=sender,
        policy=RelayPolicy(topic_prefix=settings.topic_prefix), monotonic=core.clock.monotonic, on_sent=sent,
    )  # fmt: skip

    def stop() -> None:
        relay.stop()
        asyncio.get_running_loop().call_later(settings.drain_seconds, sender.stop)

    running.parts.append(Part("relay", relay.run, stop))
    running.nudge_relay = relay.nudge
    try:
        yield
    finally:
        sender.stop()
        await shards.close()


@asynccontextmanager
async def _sync(core: Core, running: Running) -> AsyncIterator[None]:
    settings = core.settings
    app = await asyncio.to_thread(oauth_app, settings)
    async with open_lane_works(core, app) as works:
        works.lanes.on_outbox = running.nudge_relay
        keeper = LaneKeeper(
            store=works.store, clock=core.clock, metrics=core.metrics, work=works.lanes.work,
            policy=KeeperPolicy(
                lease_seconds=settings.lease_seconds,
                most_lanes=settings.most_lanes,
                quantum_seconds=settings.lane_quantum_seconds,
            ),
        )  # fmt: skip
        running.parts.append(Part("lanes", keeper.run, keeper.stop))
        running.want, running.works_lanes = keeper.want, True
        switch = WriteSwitch(core.pool, core.clock)
        await switch.look()
        works.lanes.may_send = switch.check
        running.background += [
            *works.groups,
            works.lanes.count_reads_forever,
            switch.run,
            lambda: listen(settings.database_url.get_secret_value(), keeper.want),
        ]
        yield
        await works.lanes.count_reads()


@asynccontextmanager
async def _ingest(core: Core, running: Running) -> AsyncIterator[None]:
    settings = core.settings
    topics = {settings.topic_prefix + topic: topic for topic in ENTITY_KINDS}
    records = KafkaRecords(_consumer_config(core), list(topics))
    ingest = Ingest(
        records=records, inbox=IngestInbox(core.pool, tell_others=not running.works_lanes),
        codec=core.codec, clock=core.clock, topics=topics, on_received=partial(_received, core, running, records),
        on_pause=core.metrics.ingest_paused.set,
        policy=IngestPolicy(
            most_workable=settings.most_workable,
            dead_letters=DeadLetterLimit(share=settings.dead_letter_share, run=settings.dead_letter_run),
        ),
    )  # fmt: skip
    stopped = asyncio.Event()

    def stop() -> None:
        ingest.stop()
        stopped.set()

    running.parts.append(Part("ingest", partial(_ingest_or_halt, core, running, ingest, stopped), stop))
    running.checks["kafka"] = lambda: _assigned(records)
    try:
        yield
    finally:
        await asyncio.to_thread(records.close)


def _consumer_config(core: Core) -> dict[str, str | int | bool]:
    settings = core.settings
    return {
        **kafka_config(settings),
        **settings.kafka_consumer_properties,
        "group.id": settings.consumer_group,
        "client.id": core.owner,
    }


def _received(core: Core, running: Running, records: KafkaRecords, what: Received) -> None:
    running.want(what.due_realms)
    if what.dead or what.reused_ids:
        running.nudge_relay()
    fates = {"stored": what.stored, "duplicate": what.duplicates, "reused_id": what.reused_ids,
             "not_connected": what.not_connected, "dead": what.dead}  # fmt: skip
    for fate, count in fates.items():
        core.metrics.received.labels(fate).inc(count)
    core.metrics.lag.set(records.lag())


async def _ingest_or_halt(core: Core, running: Running, ingest: Ingest, stopped: asyncio.Event) -> None:
    """Ingest until stopped. Once it halted the rest of the process goes on, and an operator looks at the records."""
    try:
        await ingest.run()
    except TooManyDeadLetters as error:
        log.exception("ingest_halted")
        core.metrics.ingest_halted.set(1)
        running.checks["ingest"] = _always(f"Ingest halted: {error}. Look at `qbo-bridge dead-letters`, restart.")
        await stopped.wait()


@asynccontextmanager
async def _webhooks(core: Core, running: Running) -> AsyncIterator[None]:
    async with open_receiving(core, want=running.want) as receiving:
        running.parts.append(Part("webhooks", receiving.run, receiving.stop))
        yield


@asynccontextmanager
async def _http(core: Core, checks: Checks) -> AsyncIterator[None]:
    settings = core.settings
    server = http_server(host=settings.http_host, port=settings.http_port, metrics=core.metrics, ready=checks)
    async with server as address:
        log.info("listening", url=address.url)
        if settings.http_address_file is not None:
            settings.http_address_file.write_text(address.url, encoding="utf-8")
        yield


async def _survey(core: Core) -> None:
    survey, outbox = Survey(core.pool, core.metrics), OutboxStore(core.pool)
    core.metrics.month_reads.labels("allowed").set(core.settings.metered_reads_per_month)
    while True:
        try:
            await survey.take()
            unsent, age = await outbox.backlog()
            core.metrics.outbox_unsent.set(unsent)
            core.metrics.outbox_age.set(age)
        except Away as error:
            log.warning("survey_waits_for_postgresql", error=str(error))
        await core.clock.sleep(_SURVEY_SECONDS)


async def _postgresql(core: Core) -> str | None:
    try:
        async with session(core.pool) as connection:
            await connection.execute("SELECT 1")
    except Away as error:
        return f"PostgreSQL does not answer: {error}"
    return None


async def _assigned(records: KafkaRecords) -> str | None:
    return None if records.assigned else "Kafka has not assigned partitions to this process yet."


def _always(sentence: str) -> Callable[[], Awaitable[str | None]]:
    async def check() -> str | None:
        return sentence

    return check
