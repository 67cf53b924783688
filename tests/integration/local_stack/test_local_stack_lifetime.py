import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from deploy.local.folders import PROJECT
from deploy.local.processes import ProcessIdentity, identify, is_alive
from deploy.local.topics import answers

STARTER = """
import json, sys, time
from pathlib import Path
from deploy.local.stack import start_stack
stack = start_stack(Path(sys.argv[1]))
print(json.dumps([stack.kafka.pid, stack.postgres.pid]), flush=True)
time.sleep(600)
"""
GONE_SECONDS = 30


def embedded_environment() -> dict[str, str]:
    """Make sure of processes of ours, whatever is given or installed here."""
    given = {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in given}
    return kept | {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def await_gone(processes: Sequence[ProcessIdentity]) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    while any(is_alive(process) for process in processes):
        assert time.monotonic() < deadline, "a server outlived the process that started it"
        time.sleep(0.05)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_servers_end_with_the_process_that_started_them(run_folder: Path, sent: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(run_folder / f"ended-{sent.name}")],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        env=embedded_environment(),
    ) as starter:
        assert starter.stdout
        servers = [identify(pid) for pid in json.loads(starter.stdout.readline())]
        starter.send_signal(sent)
    assert None not in servers
    await_gone([server for server in servers if server])


@pytest.fixture
def left_folder(run_folder: Path) -> Iterator[Path]:
    """A folder whose servers are ended afterwards, whatever becomes of the test."""
    folder = run_folder / "left"
    yield folder
    command("down", folder)


def command(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", name, "--folder", str(folder)],
        cwd=PROJECT,
        env=embedded_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_up_leaves_servers_that_down_ends_and_up_finds_again(left_folder: Path) -> None:
    assert command("status", left_folder).returncode == 1
    up = command("up", left_folder)
    assert up.returncode == 0, up.stderr
    stack = json.loads((left_folder / "stack.json").read_text())
    assert answers(stack["kafka"]["bootstrap_servers"])
    with psycopg.connect(stack["database_url"]) as connection:
        connection.execute("CREATE TABLE kept ()")
    assert command("status", left_folder).returncode == 0

    assert command("up", left_folder).returncode == 0
    assert json.loads((left_folder / "stack.json").read_text()) == stack

    servers = [identify(pid) for pid in stack["processes"].values()]
    assert command("down", left_folder).returncode == 0
    await_gone([server for server in servers if server])
    assert not (left_folder / "stack.json").exists()

    assert command("up", left_folder).returncode == 0
    again = json.loads((left_folder / "stack.json").read_text())
    assert again["database_url"] == stack["database_url"]
    with psycopg.connect(again["database_url"]) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
