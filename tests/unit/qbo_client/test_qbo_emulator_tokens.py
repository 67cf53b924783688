"""Our client with stored tokens at the emulator: expiry, races of two processes, and the end of a grant."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from qbo_client.clock import SystemClock
from qbo_client.decisions import Decision
from qbo_client.emulator.company import Company
from qbo_client.emulator.grants import Overlap, Rotation
from qbo_client.emulator.latency import Latency
from qbo_client.emulator.oauth_routes import AUTHORIZE, REVOKE, TOKEN
from qbo_client.emulator.world import World
from qbo_client.errors import Unauthorized
from qbo_client.oauth import Endpoints, Grant, OAuthApp
from qbo_client.tokens import StoredTokens
from tests.unit.qbo_client.emulated import Books, open_books


class HastyClock(SystemClock):
    """Waits for the other process, but not as long as in earnest."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    access_token: str
    access_expires_at: datetime
    refresh_token: str


@dataclass(kw_only=True)
class Table:
    """One company's row, as every process sees it."""

    row: Row
    swaps: list[bool] = field(default_factory=list)

    async def load(self) -> Row:
        await asyncio.sleep(0)
        return self.row

    async def swap(self, grant: Grant, *, exchanged: str) -> bool:
        fits = self.row.refresh_token == exchanged
        if fits:
            self.row = row_of(grant.access_token, grant.refresh_token, grant.expires_in)
        self.swaps.append(fits)
        return fits


def row_of(access_token: str, refresh_token: str, seconds: float = 3600) -> Row:
    expires = SystemClock().now() + timedelta(seconds=seconds)
    return Row(access_token=access_token, access_expires_at=expires, refresh_token=refresh_token)


@pytest.fixture
def app(emulator_url: str) -> OAuthApp:
    endpoints = Endpoints(authorize=emulator_url + AUTHORIZE, token=emulator_url + TOKEN, revoke=emulator_url + REVOKE)
    return OAuthApp(client_id="app", client_secret="secret", redirect_uri="http://localhost/", endpoints=endpoints)


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """Of the same company."""

    first: Books
    second: Books
    #: Comes later.
    third: Books
    table: Table

    @property
    def company(self) -> Company:
        return self.first.company

    async def both(self) -> list[Mapping[str, Any] | BaseException]:
        clients = (self.first.client, self.second.client)
        return list(await asyncio.gather(*(client.company_info() for client in clients), return_exceptions=True))


@pytest.fixture
def processes(us_books: Books, app: OAuthApp) -> Processes:
    granted = us_books.world.connect(us_books.company)
    table = Table(row=row_of(granted.access_token, granted.refresh_token))
    http, base_url = us_books.client._transport.http, us_books.client._transport.base_url

    def process() -> Books:
        tokens = StoredTokens(store=table, app=app, clock=HastyClock())
        return open_books(us_books.world, http, base_url, tokens=tokens, company=us_books.company)

    return Processes(first=process(), second=process(), third=process(), table=table)


async def test_token_that_ended_unseen_is_renewed_and_the_write_made_once(
    emulator: World, processes: Processes
) -> None:
    emulator.authority.expire_access_tokens(processes.company.realm_id)
    await processes.first.customer()
    assert [one.outcome for one in processes.first.exchanges] == ["token", "ok"]
    assert processes.first.standing("Customer") == 1
    assert processes.table.swaps == [True]


async def test_token_of_another_process_that_is_about_to_end_is_not_taken(
    emulator: World, processes: Processes
) -> None:
    await processes.first.client.company_info()
    emulator.authority.expire_access_tokens(processes.company.realm_id)
    processes.table.row = row_of("another's", processes.table.row.refresh_token, seconds=60)
    assert (await processes.first.client.company_info())["Country"] == "US"
    assert processes.table.swaps == [True]


async def test_token_about_to_end_is_renewed_before_anything_is_sent(processes: Processes) -> None:
    row = processes.table.row
    processes.table.row = row_of(row.access_token, row.refresh_token, seconds=60)
    await processes.first.client.company_info()
    assert [one.outcome for one in processes.first.exchanges] == ["ok"]
    assert processes.table.row.access_token != row.access_token


@pytest.mark.parametrize("rotation", Rotation)
@pytest.mark.parametrize("overlap", [Overlap.TOLERATED, Overlap.ONE_FAILS])
async def test_two_processes_renewing_at_once_both_go_on(
    emulator: World, processes: Processes, rotation: Rotation, overlap: Overlap
) -> None:
    emulator.authority.rotation, emulator.authority.overlap = rotation, overlap
    emulator.behaviour.token_latency = Latency(0.05)
    emulator.authority.expire_access_tokens(processes.company.realm_id)
    assert [one["Country"] for one in await processes.both() if not isinstance(one, BaseException)] == ["US", "US"]
    # What is stored is what works, now and at the next renewal.
    emulator.authority.expire_access_tokens(processes.company.realm_id)
    assert (await processes.third.client.company_info())["Country"] == "US"


async def test_two_processes_whose_race_is_taken_for_misuse_must_reconnect(
    emulator: World, processes: Processes
) -> None:
    emulator.authority.overlap = Overlap.ENDS_GRANT
    emulator.behaviour.token_latency = Latency(0.05)
    emulator.authority.expire_access_tokens(processes.company.realm_id)
    told = await processes.both()
    for one in told:
        assert isinstance(one, Unauthorized)
    with pytest.raises(Unauthorized) as ended:
        await processes.first.client.company_info()
    assert ended.value.decision is Decision.RECONNECT


async def test_company_disconnected_inside_quickbooks_asks_for_reconnecting(
    emulator: World, processes: Processes
) -> None:
    emulator.authority.disconnect(processes.company.realm_id)
    with pytest.raises(Unauthorized) as ended:
        await processes.first.client.company_info()
    assert ended.value.decision is Decision.RECONNECT
    assert processes.table.swaps == []


async def test_grant_revoked_behind_a_write_leaves_it_written(processes: Processes) -> None:
    processes.first.fault("revoke_after", method="POST")
    await processes.first.customer()
    with pytest.raises(Unauthorized):
        await processes.first.customer("Bob")
    assert processes.first.standing("Customer") == 1
