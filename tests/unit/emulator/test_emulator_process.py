import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import simplejson
import typer

from bridge.cli.emulator import become
from qbo_client.emulator.__main__ import main

COMMAND = (sys.executable, "-m", "qbo_client.emulator")
BRIDGE_COMMAND = (sys.executable, "-m", "bridge.cli", "emulator")


@pytest.fixture(params=[COMMAND, BRIDGE_COMMAND], ids=["module", "bridge"])
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    command = [*request.param, "--company", "us", "--company", "gb", "--json", "--latency", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.kill()


def test_emulator_started_says_where_it_is_and_ends_on_sigterm(
    process: subprocess.Popen[str],
) -> None:
    assert process.stdout is not None
    told = simplejson.loads(process.stdout.readline())["quickbooks"]
    assert [(one["tenant_id"], one["country"], one["currency"]) for one in told["companies"]] == [
        (None, "US", "USD"),
        (None, "GB", "GBP"),
    ]
    assert requests.get(told["discovery_url"], timeout=10).json()["token_endpoint"].startswith(told["base_url"])
    company = told["companies"][0]
    answer = requests.get(
        f"{told['base_url']}/v3/company/{company['realm_id']}/query",
        params={"query": "select count(*) from Item"},
        headers={"Authorization": f"Bearer {company['access_token']}", "Accept": "application/json"},
        timeout=10,
    )
    assert answer.json()["QueryResponse"] == {"totalCount": 2}
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert process.stdout.read() == ""


def test_bridge_hands_every_option_to_the_emulator() -> None:
    ended = subprocess.run([*BRIDGE_COMMAND, "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0
    assert "--no-throttling" in ended.stdout


def test_bridge_without_the_emulator_says_that_it_is_for_development(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        become("qbo_client.not_installed", [])
    assert ended.value.exit_code == 1
    assert "for development" in capsys.readouterr().err


def test_emulator_with_an_unknown_country_says_which_it_knows() -> None:
    ended = subprocess.run([*COMMAND, "--company", "zz"], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "US, GB, CA, AU" in ended.stderr


def test_emulator_on_a_busy_port_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [*COMMAND, "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "cannot listen on 127.0.0.1" in ended.stderr


def test_emulator_starts_with_the_companies_and_objects_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    customer = {"DisplayName": "Amy"}
    file.write_text(simplejson.dumps({"companies": [{"country": "au", "objects": {"Customer": [customer]}}]}))
    with subprocess.Popen([*COMMAND, "--seed", str(file), "--json"], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        told = simplejson.loads(started.stdout.readline())["quickbooks"]
        (company,) = told["companies"]
        shown = f"{told['base_url']}/emulator/companies/{company['realm_id']}/objects/customer"
        assert [one["DisplayName"] for one in requests.get(shown, timeout=10).json()["Customer"]] == ["Amy"]
        assert company["country"] == "AU"
        started.terminate()


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ("nonsense", "does not hold"),
        ('{"companies": [{}]}', "country is missing"),
        ('{"companies": [{"country": "us", "objects": {"Customer": [{}]}}]}', "6080"),
    ],
)
def test_emulator_with_a_seed_that_makes_no_sense_says_why(tmp_path: Path, seed: str, said: str) -> None:
    file = tmp_path / "seed.json"
    file.write_text(seed)
    command = [*COMMAND, "--seed", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert said in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--latency", "1", "--latency-p99", "0.5"], "0 < p50 <= p99"),
        (["--webhook-url", "https://example.com/hook"], "http://localhost"),
        (["--state", "/"], "cannot be kept in /"),
        (["--seed", "/nowhere.json"], "/nowhere.json"),
    ],
)
def test_emulator_started_with_a_mistake_says_which(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
