from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web

from qbo_client.emulator.app import build_runner
from qbo_client.emulator.world import World
from tests.unit.emulator.driver import Books


@pytest.fixture
def world() -> World:
    world = World(client_id="app", client_secret="secret")
    world.behaviour.throttling = False
    return world


@pytest.fixture
async def base_url(world: World) -> AsyncIterator[str]:
    runner = build_runner(world)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def _books(world: World, session: aiohttp.ClientSession, base_url: str, country: str) -> Books:
    company = world.add_company(country)
    tokens = world.connect(company)
    return Books(session=session, base_url=base_url, realm_id=company.realm_id, token=tokens.access_token)


@pytest.fixture
def open_books(world: World, session: aiohttp.ClientSession, base_url: str) -> Callable[[str], Books]:
    """A new company of any country."""
    return lambda country: _books(world, session, base_url, country)


@pytest.fixture
def us(world: World, session: aiohttp.ClientSession, base_url: str) -> Books:
    return _books(world, session, base_url, "us")


@pytest.fixture
def gb(world: World, session: aiohttp.ClientSession, base_url: str) -> Books:
    return _books(world, session, base_url, "gb")


@pytest.fixture
def ca(world: World, session: aiohttp.ClientSession, base_url: str) -> Books:
    return _books(world, session, base_url, "ca")
