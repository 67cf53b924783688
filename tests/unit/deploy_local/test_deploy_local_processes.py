import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.commands import down, status
from deploy.local.errors import LocalStackError
from deploy.local.processes import end, identify, is_alive
from deploy.local.records import (
    left_running,
    read_stack,
    record_environment,
    record_process,
    update_stack,
)

Sleeper = Callable[[], subprocess.Popen[bytes]]
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """Start processes that do nothing until they are ended."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str = "import signal; print(flush=True); signal.pause()") -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_identity_of_a_running_process_is_stable(sleeper: Sleeper) -> None:
    process = sleeper()
    identity = identify(process.pid)
    assert identity is not None
    assert identity == identify(process.pid)
    assert is_alive(identity)


def test_identity_of_a_zombie_is_none(sleeper: Sleeper) -> None:
    process = sleeper()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert identify(process.pid) is None


def test_identity_by_ps_agrees_that_it_runs(sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/bin/ps").exists():
        pytest.skip("this system has no ps")
    process = sleeper()
    monkeypatch.setattr("deploy.local.processes.PROC", Path("/nowhere"))
    identity = identify(process.pid)
    assert identity is not None
    end(identity, signal.SIGTERM)
    assert process.wait(5) == -signal.SIGTERM
    assert identify(process.pid) is None


def test_end_other_start_leaves_the_process_alone(sleeper: Sleeper) -> None:
    process = sleeper()
    identity = identify(process.pid)
    assert identity is not None
    end(replace(identity, started="another boot/1"), signal.SIGKILL)
    assert process.poll() is None


def test_end_deaf_to_the_signal_is_killed(sleeper: Callable[[str], subprocess.Popen[bytes]]) -> None:
    process = sleeper(STUBBORN)
    identity = identify(process.pid)
    assert identity is not None
    end(identity, signal.SIGTERM, patience_seconds=0.2)
    assert process.wait(5) == -signal.SIGKILL


def test_record_running_process_is_in_both_files(sleeper: Sleeper, tmp_path: Path) -> None:
    first, second = sleeper(), sleeper()
    update_stack(tmp_path, {"bridge": {"console_url": None}})
    record_process(tmp_path, "kafka", first.pid)
    record_process(tmp_path, "emulator", second.pid, signal.SIGINT)
    assert read_stack(tmp_path) == {
        "bridge": {"console_url": None},
        "processes": {"kafka": first.pid, "emulator": second.pid},
    }
    assert [(one.name, one.stop_signal, one.running) for one in left_running(tmp_path)] == [
        ("emulator", signal.SIGINT, True),
        ("kafka", signal.SIGTERM, True),
    ]


def test_record_holds_secrets_for_the_owner_alone(sleeper: Sleeper, tmp_path: Path) -> None:
    update_stack(tmp_path, {"database_url": "postgresql://u:secret@h/d"})
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0


def test_record_environment_sourced_by_a_shell_gives_the_same_settings(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": "postgresql://u:it's $HOME@h/d", "QBO_BRIDGE_TOPIC_PREFIX": ""}
    file = record_environment(tmp_path, settings)
    assert file.stat().st_mode & 0o077 == 0
    script = f'. {file} && printf "%s|%s" "$DATABASE_URL" "$QBO_BRIDGE_TOPIC_PREFIX"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "postgresql://u:it's $HOME@h/d|"
    assert down(tmp_path) == 0
    assert not file.exists()


def test_record_ended_process_is_refused(sleeper: Sleeper, tmp_path: Path) -> None:
    process = sleeper()
    process.kill()
    process.wait()
    with pytest.raises(LocalStackError, match="has ended already"):
        record_process(tmp_path, "bridge", process.pid)


def test_record_damaged_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(LocalStackError, match=r"stack\.json is damaged"):
        read_stack(tmp_path)


def test_down_ends_what_is_noted_and_nothing_else(
    sleeper: Sleeper, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, stranger = sleeper(), sleeper()
    record_process(tmp_path, "bridge", ours.pid)
    record_process(tmp_path, "emulator", stranger.pid)
    noted = (tmp_path / "processes.json").read_text()
    stranger_start = next(one for one in left_running(tmp_path) if one.name == "emulator").process.started
    (tmp_path / "processes.json").write_text(noted.replace(stranger_start, "another boot/1", 2))
    record_process(tmp_path, "bridge", ours.pid)
    assert down(tmp_path) == 0
    assert ours.wait(5) == -signal.SIGTERM
    assert stranger.poll() is None
    assert "emulator: had ended already" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_status_nothing_running_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(tmp_path) == 1
    assert "Nothing was left running" in capsys.readouterr().out


def test_status_one_ended_tells_which(sleeper: Sleeper, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, ended = sleeper(), sleeper()
    record_process(tmp_path, "kafka", kept.pid)
    record_process(tmp_path, "postgres", ended.pid)
    update_stack(tmp_path, {"kafka": {"bootstrap_servers": "127.0.0.1:1"}, "database_url": "postgresql://h/d"})
    assert status(tmp_path) == 0
    ended.kill()
    ended.wait()
    assert status(tmp_path) == 1
    assert f"postgres: pid {ended.pid} has ended" in capsys.readouterr().out
