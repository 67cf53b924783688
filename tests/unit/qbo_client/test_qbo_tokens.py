"""Two processes renew the tokens of one company against the emulator's OAuth: nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from qbo_client.decisions import Decision
from qbo_client.emulator.app import build_runner
from qbo_client.emulator.grants import Rotation
from qbo_client.emulator.oauth_routes import AUTHORIZE, REVOKE, TOKEN
from qbo_client.emulator.world import World
from qbo_client.errors import Unauthorized
from qbo_client.oauth import ClientInvalid, Endpoints, Grant, OAuthApp, OAuthUnavailable
from qbo_client.tokens import StoredTokens

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    access_token: str
    access_expires_at: datetime
    refresh_token: str


@dataclass(kw_only=True)
class Table:
    """What two processes share, with the compare-and-swap that a database row gives."""

    row: Row
    swaps: list[bool] = field(default_factory=list)
    #: Set once a swap may go on; what happens before it finds the row as it was.
    open: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    swapped: asyncio.Event = field(default_factory=asyncio.Event)

    async def load(self) -> Row:
        await asyncio.sleep(0)
        return self.row

    async def swap(self, grant: Grant, *, exchanged: str) -> bool:
        self.asked.set()
        await self.open.wait()
        fits = self.row.refresh_token == exchanged
        if fits:
            self.row = row_of(grant.access_token, grant.refresh_token, grant.expires_in)
        self.swaps.append(fits)
        self.swapped.set()
        return fits


class StillClock:
    """Time stands still. Who sleeps lets the others store, and wakes when they have."""

    def __init__(self, table: Table | None = None) -> None:
        self._table = table
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self._table is not None:
            self._table.open.set()
            await self._table.swapped.wait()


def row_of(access_token: str, refresh_token: str, seconds: int = 3600) -> Row:
    return Row(
        access_token=access_token, access_expires_at=NOW + timedelta(seconds=seconds), refresh_token=refresh_token
    )


@pytest.fixture
def world() -> World:
    return World(client_id="app", client_secret="secret")


@pytest.fixture
async def app(world: World) -> AsyncIterator[OAuthApp]:
    runner = build_runner(world)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    endpoints = Endpoints(authorize=url + AUTHORIZE, token=url + TOKEN, revoke=url + REVOKE)
    yield OAuthApp(client_id="app", client_secret="secret", redirect_uri="http://localhost:1/", endpoints=endpoints)
    await runner.cleanup()


@pytest.fixture
def table(world: World) -> Table:
    granted = world.connect(world.add_company("us"))
    table = Table(row=row_of(granted.access_token, granted.refresh_token))
    table.open.set()
    return table


def process(table: Table, app: OAuthApp, clock: StillClock | None = None) -> StoredTokens:
    return StoredTokens(store=table, app=app, clock=clock or StillClock())


@pytest.mark.parametrize("rotation", list(Rotation))
async def test_tokens_renewed_by_two_processes_at_once_stay_good(
    world: World, app: OAuthApp, table: Table, rotation: Rotation
) -> None:
    world.authority.rotation = rotation
    processes = [process(table, app, StillClock(table)), process(table, app, StillClock(table))]
    for _ in range(5):
        table.swapped.clear()
        old = table.row.access_token
        renewed = await asyncio.gather(*(one.renew(old) for one in processes))
        assert all(world.authority.grant_of(token) is not None for token in (*renewed, table.row.access_token))
        assert old not in renewed
    # The chain goes on: what is stored can still be exchanged.
    assert (await asyncio.to_thread(app.refresh, table.row.refresh_token)).access_token


async def test_tokens_refused_while_the_other_process_is_storing_wait_for_it(
    world: World, app: OAuthApp, table: Table
) -> None:
    world.authority.rotation = Rotation.ALWAYS
    table.open.clear()
    slow, old = process(table, app), table.row
    storing = asyncio.create_task(slow.renew(old.access_token))
    await table.asked.wait()  # Intuit has exchanged the token, and nothing of that is stored.
    clock = StillClock(table)
    token = await process(table, app, clock).renew(old.access_token)
    assert token == await storing == table.row.access_token
    assert clock.pauses != []
    assert world.authority.grant_of(token) is not None


async def test_tokens_stored_by_another_process_in_the_meantime_are_kept(app: OAuthApp, table: Table) -> None:
    table.open.clear()
    renewing = asyncio.create_task(process(table, app).renew(table.row.access_token))
    table.row = row_of("theirs", "RT1-theirs")
    table.open.set()
    assert await renewing == "theirs"
    assert table.row.refresh_token == "RT1-theirs"


async def test_tokens_of_a_dead_grant_ask_for_reconnecting(world: World, app: OAuthApp, table: Table) -> None:
    [company] = world.companies
    world.authority.disconnect(company)
    with pytest.raises(Unauthorized) as caught:
        await process(table, app).renew(table.row.access_token)
    assert (caught.value.decision, caught.value.code) == (Decision.RECONNECT, "invalid_grant")
    assert table.swaps == []


async def test_tokens_with_a_wrong_secret_blame_no_company(app: OAuthApp, table: Table) -> None:
    wrong = OAuthApp(client_id="app", client_secret="x", redirect_uri=app.redirect_uri, endpoints=app.endpoints)
    with pytest.raises(ClientInvalid):
        await process(table, wrong).renew(table.row.access_token)


async def test_tokens_without_answer_can_be_renewed_later(app: OAuthApp, table: Table, closed_url: str) -> None:
    nowhere = Endpoints(authorize=closed_url, token=closed_url, revoke=closed_url)
    away = OAuthApp(client_id="app", client_secret="secret", redirect_uri=app.redirect_uri, endpoints=nowhere)
    with pytest.raises(OAuthUnavailable):
        await process(table, away).renew(table.row.access_token)
    old = table.row.access_token
    assert await process(table, app).renew(old) != old


async def test_tokens_that_were_renewed_since_are_not_renewed_again(app: OAuthApp, table: Table) -> None:
    tokens, old = process(table, app), table.row.access_token
    renewed = await asyncio.gather(tokens.renew(old), tokens.renew(old), tokens.renew(old))
    assert len(set(renewed)) == 1
    assert table.swaps == [True]


@pytest.mark.parametrize(("seconds", "renewed"), [(301, False), (300, True), (-1, True)])
async def test_tokens_are_renewed_before_they_end(app: OAuthApp, table: Table, seconds: int, renewed: bool) -> None:
    table.row = row_of(table.row.access_token, table.row.refresh_token, seconds)
    old, tokens = table.row.access_token, process(table, app)
    assert (await tokens.access_token() != old) is renewed
    assert await tokens.access_token() == table.row.access_token
    assert len(table.swaps) == int(renewed)


async def test_tokens_being_stored_are_stored_although_the_caller_gives_up(app: OAuthApp, table: Table) -> None:
    table.open.clear()
    tokens, old = process(table, app), table.row.access_token
    renewing = asyncio.create_task(tokens.renew(old))
    await table.asked.wait()
    renewing.cancel()
    await asyncio.gather(renewing, return_exceptions=True)
    table.open.set()
    await table.swapped.wait()
    assert table.row.access_token != old
