"""The role `webhooks`: when it runs, and how it ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from bridge.hints import Hints
from bridge.metrics import Metrics
from bridge.process import NoVerifierToken, Role, roles_of
from bridge.receiving import Receiving
from bridge.settings import Settings
from tests.unit.bridge.memory_hints import SOON, MemoryStore, StillClock, change, until


@dataclass(slots=True)
class Server:
    """Takes a last hint while it closes, as a server does that has one request under way."""

    hints: Hints
    closed: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        yield
        for _ in range(10):
            await asyncio.sleep(0)  # Whatever else can go on meanwhile does.
        self.hints.take([change(identifier="last")])
        self.closed = True


@dataclass(slots=True)
class House:
    store: MemoryStore
    server: Server
    hints: Hints
    receiving: Receiving
    running: "asyncio.Task[None]"


@asynccontextmanager
async def opened(*, drain_seconds: float = SOON) -> AsyncIterator[House]:
    store = MemoryStore()
    hints = Hints(store, StillClock(), Metrics(), want=lambda _: None)
    server = Server(hints)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(server.open())
        receiving = Receiving(hints, stack, drain_seconds=drain_seconds)
        yield House(store, server, hints, receiving, asyncio.create_task(receiving.run()))


async def test_stop_closes_the_server_first_and_stores_what_it_took_last() -> None:
    async with opened() as house:
        house.hints.take([change(identifier="first")])
        await until(lambda: house.store.ids)
        house.receiving.stop()
        house.receiving.stop()
        await asyncio.wait_for(house.running, SOON)
        assert (house.server.closed, house.store.ids) == (True, ["first", "last"])


async def test_stop_before_it_ran_ends_it() -> None:
    async with opened() as house:
        house.receiving.stop()
        await asyncio.wait_for(house.running, SOON)
        assert house.store.ids == ["last"]


async def test_stop_while_postgresql_is_away_ends_after_the_drain_time_and_says_so() -> None:
    with capture_logs() as logs:
        async with opened(drain_seconds=0.01) as house:
            house.store.away = True
            house.hints.take([change()])
            house.receiving.stop()
            await asyncio.wait_for(house.running, SOON)
    (log,) = [log for log in logs if log["event"] == "hints_not_stored"]
    assert (log["log_level"], log["waiting"]) == ("error", 2)


async def test_stop_ends_also_if_a_cancellation_is_lost_on_the_way() -> None:
    async with opened(drain_seconds=0.01) as house:
        house.store.away, house.store.swallows = True, 1
        house.store.gate.clear()
        house.hints.take([change()])
        house.receiving.stop()
        await asyncio.wait_for(house.running, SOON)
        assert house.store.swallows == 0


async def test_loop_that_dies_closes_the_server_and_ends_the_part() -> None:
    async with opened() as house:
        house.store.broken, house.store.broken_for_all = ValueError("a bug"), LookupError("another")
        house.hints.take([change()])
        with pytest.raises(LookupError):
            await asyncio.wait_for(house.running, SOON)
        assert house.server.closed


def settings(token: str | None) -> Settings:
    values = {
        "database_url": "postgresql://db/books",
        "kafka_bootstrap_servers": "broker:9092",
        "token_keys": Fernet.generate_key().decode(),
        "qbo_client_id": "AB1",
        "qbo_client_secret": "hidden",
        "webhook_verifier_token": token,
    }
    return Settings.model_validate(values)


@pytest.mark.parametrize(
    ("token", "tokens"),
    [
        (None, []),
        ("", []),
        (" , ", []),
        ("one", ["one"]),
        ("new, old,", ["new", "old"]),
    ],
)
def test_verifier_tokens_are_several_with_the_newest_first(token: str | None, tokens: list[str]) -> None:
    read = settings(token)
    assert read.webhook_verifier_tokens == tokens
    assert "old" not in repr(read)


ALL = list(Role)
BUT_WEBHOOKS = [Role.INGEST, Role.SYNC, Role.RELAY]


@pytest.mark.parametrize(
    ("token", "asked", "roles"),
    [
        ("token", [], ALL),
        (None, [], BUT_WEBHOOKS),
        ("", [], BUT_WEBHOOKS),
        ("token", [Role.WEBHOOKS], [Role.WEBHOOKS]),
        ("token", [Role.SYNC], [Role.SYNC]),
        (None, [Role.SYNC], [Role.SYNC]),
    ],
)
def test_roles_are_those_asked_for_or_all_that_the_settings_allow(
    token: str | None, asked: Sequence[Role], roles: Sequence[Role]
) -> None:
    assert roles_of(settings(token), asked) == roles


@pytest.mark.parametrize("token", [None, "", ","])
def test_webhooks_asked_for_without_a_token_say_what_to_set(token: str | None) -> None:
    with pytest.raises(NoVerifierToken, match="QBO_BRIDGE_WEBHOOK_VERIFIER_TOKEN"):
        roles_of(settings(token), [Role.SYNC, Role.WEBHOOKS])
