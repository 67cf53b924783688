"""The object graph of one process, built in one place. Nothing else knows which concrete part serves which port."""

import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bridge.lanes.working import LaneWorks
from bridge.metrics import Metrics
from bridge.settings import Settings
from bridge.store.connections import ConnectionStore
from bridge.store.database import Pool, open_pool
from bridge.store.group import GroupCommit
from bridge.store.inbox import InboxStore
from bridge.store.lanes import LaneStore, Lease
from bridge.store.outcomes import OutcomeStore
from bridge.store.reads import ReadMeter
from consumers.effects import Effects
from consumers.failures import RetryPolicy
from consumers.intents import Intent
from consumers.turn import TurnPolicy
from producers.watched import WatchPolicy
from qbo_client.clock import Clock, SystemClock
from qbo_client.oauth import OAuthApp, discover
from schemas.codec import Codec

#: The default of 100 connections would starve companies: each may have ten requests under way.
_HTTP_CONNECTIONS = 2000


@dataclass(slots=True, kw_only=True)
class Core:
    """What every role and every command builds on."""

    settings: Settings
    clock: Clock
    rng: random.Random
    metrics: Metrics
    codec: Codec
    pool: Pool
    connections: ConnectionStore
    owner: str


def codec_of(settings: Settings) -> Codec:
    """Return the codec, with the schema registry if one is configured."""
    if settings.schema_registry_url is None:
        return Codec()
    from schemas.registry import Registry

    return Codec(Registry(str(settings.schema_registry_url)))


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncIterator[Core]:
    """Yield the core with an open pool."""
    codec = codec_of(settings)
    async with open_pool(settings.database_url.get_secret_value(), size=settings.database_connections) as pool:
        yield Core(
            settings=settings,
            clock=SystemClock(),
            rng=random.Random(),  # noqa: S311 - jitter, no secret
            metrics=Metrics(),
            codec=codec,
            pool=pool,
            connections=ConnectionStore(pool, codec, settings.keys),
            owner=f"{socket.gethostname()}/{os.getpid()}/{os.urandom(4).hex()}",
        )


def oauth_app(settings: Settings) -> OAuthApp:
    """Return the OAuth app with the endpoints that Intuit's discovery document names. Blocks on HTTP."""
    return OAuthApp(
        client_id=settings.qbo_client_id,
        client_secret=settings.qbo_client_secret.get_secret_value(),
        redirect_uri=settings.qbo_redirect_uri,
        endpoints=discover(str(settings.qbo_discovery_url)),
    )


@asynccontextmanager
async def open_lane_works(core: Core, app: OAuthApp) -> AsyncIterator["Works"]:
    """Yield everything that works lanes, with the two group commits ready to run."""
    settings = core.settings
    outcomes = OutcomeStore(core.pool, core.codec)
    intents: GroupCommit[tuple[Lease, Intent], None] = GroupCommit(outcomes.commit_intents)
    effects: GroupCommit[tuple[Lease, Effects], None] = GroupCommit(outcomes.commit_effects)
    lanes = LaneStore(core.pool, owner=core.owner, lease_seconds=settings.lease_seconds)
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=_HTTP_CONNECTIONS)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        yield Works(
            groups=(intents.run, effects.run),
            store=lanes,
            lanes=LaneWorks(
                pool=core.pool,
                http=http,
                base_url=str(settings.qbo_base_url).rstrip("/"),
                app=app,
                codec=core.codec,
                clock=core.clock,
                rng=core.rng,
                lanes=lanes,
                inbox=InboxStore(core.pool),
                connections=core.connections,
                intents=intents,
                effects=effects,
                meter=ReadMeter(core.pool),
                metrics=core.metrics,
                watch_policy=WatchPolicy(
                    poll_seconds=settings.poll_seconds, proven_poll_seconds=settings.proven_poll_seconds
                ),
                timeout_seconds=settings.qbo_timeout_seconds,
                retry=RetryPolicy(first_seconds=settings.retry_first_seconds),
                turn=TurnPolicy(linger_seconds=settings.linger_seconds, drain_seconds=settings.drain_seconds),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    lanes: LaneWorks
    store: LaneStore
    groups: tuple[Callable[[], Coroutine[Any, Any, None]], ...]


def kafka_config(settings: Settings) -> dict[str, Any]:
    """Return what every Kafka client of this process shares."""
    return {"bootstrap.servers": settings.kafka_bootstrap_servers, **settings.kafka_properties}
