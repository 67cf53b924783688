"""What an operator is told when something is not as it should be: a sentence, never a trace."""

import socket
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import House


def refused(house: House, *arguments: str, **settings: str) -> str:
    """Run a command that fails, and return what it says."""
    line = [sys.executable, "-m", "bridge.cli", *arguments]
    done = subprocess.run(
        line, env={**house.environment, **settings}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (1, 2), done.stdout
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


def test_a_company_whose_consent_ended_in_quickbooks_can_be_disconnected(new_house: NewHouse) -> None:
    """Else its tenant could never be connected to another company."""
    house = new_house()
    house.quickbooks.control(f"/companies/{house.realms['loc_0']}/revoke", {})
    assert "disconnected" in house.command("connections", "disconnect", "loc_0")
    assert house.rows("SELECT state FROM connection") == [{"state": "disconnected"}]


def test_a_company_whose_tokens_cannot_be_read_is_not_disconnected(new_house: NewHouse) -> None:
    house = new_house()
    said = refused(house, "connections", "disconnect", "loc_0", QBO_BRIDGE_TOKEN_KEYS=Fernet.generate_key().decode())
    assert "QBO_BRIDGE_TOKEN_KEYS" in said
    assert house.rows("SELECT state FROM connection") == [{"state": "connected"}]


def test_a_database_that_is_away_is_named(new_house: NewHouse) -> None:
    house = new_house(connected=False)
    away = "postgresql://postgres@127.0.0.1:1/nothing"
    assert "PostgreSQL does not answer" in refused(house, "status", DATABASE_URL=away)


@pytest.mark.parametrize(
    "arguments", [["status"], ["connections", "list"], ["connections", "pause", "loc_0"], ["reads"]]
)
def test_a_database_that_is_empty_is_named(new_house: NewHouse, arguments: list[str]) -> None:
    house = new_house(connected=False)
    empty = house.environment["DATABASE_URL"].rpartition("/")[0] + "/postgres"
    assert "qbo-bridge migrate" in refused(house, *arguments, DATABASE_URL=empty)


def test_a_limit_below_one_is_refused(new_house: NewHouse) -> None:
    house = new_house(connected=False)
    assert "--limit" in refused(house, "attention", "--limit", "-1")
    assert "--limit" in refused(house, "dead-letters", "--limit", "0")


def test_a_callback_address_that_is_taken_is_named(new_house: NewHouse) -> None:
    house = new_house(connected=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"http://localhost:{taken.getsockname()[1]}/callback"
        said = refused(house, "connections", "connect", "loc_0", "--no-browser", QBO_BRIDGE_QBO_REDIRECT_URI=uri)
    assert uri in said


def test_status_says_that_writes_are_stopped(new_house: NewHouse) -> None:
    house = new_house()
    house.command("stop-writes", "wrong tax rates")
    line = [sys.executable, "-m", "bridge.cli", "status"]
    done = subprocess.run(line, env=house.environment, capture_output=True, text=True, timeout=60, check=True)
    assert "wrong tax rates" in done.stderr
