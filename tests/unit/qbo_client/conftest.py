import random
import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web

from qbo_client.budget import Budget, Limits
from qbo_client.client import QBOClient
from qbo_client.emulator.app import build_runner
from qbo_client.emulator.world import World
from tests.unit.qbo_client.emulated import Books, open_books
from tests.unit.qbo_client.vendor import REALM, Record, SkippingClock, Tokens, Vendor


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    vendor = Vendor()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", vendor.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    vendor.base_url = f"http://{host}:{port}"
    yield vendor
    vendor.released.set()
    await runner.cleanup()


@pytest.fixture
def closed_url() -> str:
    """An address on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


@pytest.fixture
def clock() -> SkippingClock:
    return SkippingClock()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def budget(clock: SkippingClock) -> Budget:
    return Budget(Limits(), clock)


MakeClient = Callable[[str, float], QBOClient]


@pytest.fixture
async def make_client(
    clock: SkippingClock, tokens: Tokens, record: Record, budget: Budget
) -> AsyncIterator[MakeClient]:
    async with aiohttp.ClientSession() as http:

        def make(base_url: str, timeout: float) -> QBOClient:
            return QBOClient(
                http=http,
                base_url=base_url,
                realm_id=REALM,
                tokens=tokens,
                budget=budget,
                clock=clock,
                before_send=record.sends.append,
                observe=record.exchanges.append,
                timeout=timeout,
                rng=random.Random(7),
            )

        yield make


@pytest.fixture
def client(make_client: MakeClient, vendor: Vendor) -> QBOClient:
    return make_client(vendor.base_url, 30.0)


@pytest.fixture
def emulator() -> World:
    world = World(client_id="app", client_secret="secret")
    world.behaviour.throttling = False
    return world


@pytest.fixture
async def emulator_url(emulator: World) -> AsyncIterator[str]:
    runner = build_runner(emulator)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
def us_books(emulator: World, emulator_url: str, http: aiohttp.ClientSession) -> Books:
    """A new American company, and our client at it."""
    return open_books(emulator, http, emulator_url)


@pytest.fixture
def gb_books(emulator: World, emulator_url: str, http: aiohttp.ClientSession) -> Books:
    return open_books(emulator, http, emulator_url, country="gb")
