"""One emulator for all foreign clients, and for each test a company of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import simplejson
from intuitlib.client import AuthClient
from quickbooks import QuickBooks

from tests.contract.foreign import Emulator


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    command = [sys.executable, "-m", "qbo_client.emulator", "--json", "--no-throttling"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = simplejson.loads(process.stdout.readline())["quickbooks"]
        yield Emulator(
            base_url=told["base_url"],
            discovery_url=told["discovery_url"],
            client_id=told["client_id"],
            client_secret=told["client_secret"],
        )
        process.terminate()


@pytest.fixture
def auth(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthClient]:
    # oauthlib refuses http even on the loopback unless told.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with emulator.auth() as auth:
        yield auth


@contextmanager
def _connected(emulator: Emulator, country: str) -> Iterator[QuickBooks]:
    company = emulator.new_company(country)
    with emulator.auth(company["refresh_token"]) as auth:
        client = emulator.client(auth, company["realm_id"])
        yield client
        client.session.close()


@pytest.fixture
def us(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[QuickBooks]:
    """A new company's books, for a client that refreshes its way in."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with _connected(emulator, "us") as client:
        yield client


@pytest.fixture
def gb(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[QuickBooks]:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with _connected(emulator, "gb") as client:
        yield client
