import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import server as server_module
from deploy.local.errors import LocalStackError
from deploy.local.ports import free_ports
from deploy.local.processes import is_alive
from deploy.local.server import Server, ServerSpec

LISTEN = """
import socket, sys
port = int(sys.argv[1])
with socket.create_server(("127.0.0.1", port)) as listening:
    print("listening", flush=True)
    while True:
        listening.accept()[0].close()
"""


def spec(folder: Path, code: str = LISTEN) -> ServerSpec:
    (port,) = free_ports(1)

    def ready() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return ServerSpec(
        name="Listener",
        command=(sys.executable, "-c", code, str(port)),
        log=folder / "listener.log",
        ports=(port,),
        ready=ready,
    )


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Server]:
    server = Server(spec(tmp_path))
    yield server
    server.kill()


def test_server_started_answers_and_stopped_is_gone(listener: Server) -> None:
    listener.start()
    identity = listener.identity
    assert identity is not None
    assert listener.spec.ready()
    listener.stop()
    assert listener.pid is None
    assert not is_alive(identity)
    assert not listener.spec.ready()


def test_server_started_twice_stays_the_same_process(listener: Server) -> None:
    listener.start()
    pid = listener.pid
    listener.start()
    assert listener.pid == pid


def test_server_stopped_twice_is_no_error(listener: Server) -> None:
    listener.start()
    listener.stop()
    listener.stop()
    assert listener.pid is None


def test_server_restarted_answers_on_the_same_port(listener: Server) -> None:
    listener.start()
    pid = listener.pid
    listener.restart()
    assert listener.spec.ready()
    assert listener.pid not in (pid, None)


def test_server_killed_from_outside_starts_again(listener: Server) -> None:
    listener.start()
    pid = listener.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    listener.start()
    assert listener.pid not in (pid, None)
    assert listener.spec.ready()


def test_server_deaf_to_its_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "STOP_SECONDS", 0.2)
    deaf = Server(spec(tmp_path, "import signal; signal.signal(15, signal.SIG_IGN)\n" + LISTEN))
    deaf.start()
    deaf.stop()
    assert deaf.pid is None


def test_server_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    failing = Server(spec(tmp_path, "import sys; sys.exit('no such memory')"))
    with pytest.raises(LocalStackError, match=r"(?s)Listener ended with status 1 .*no such memory"):
        failing.start()
    assert failing.pid is None


def test_server_whose_log_is_understood_says_what_to_do(tmp_path: Path) -> None:
    failing = Server(spec(tmp_path, "import sys; sys.exit('write: No space left on device')"))
    with pytest.raises(LocalStackError, match="The disk is full: free some space"):
        failing.start()


def test_server_that_never_answers_is_given_up_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "READY_SECONDS", 0.2)
    silent = Server(spec(tmp_path, "import signal; signal.pause()"))
    with pytest.raises(LocalStackError, match="did not answer within"):
        silent.start()
    assert silent.pid is None


def test_server_second_on_the_same_folder_is_told(
    listener: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "LOCK_SECONDS", 0.1)
    listener.start()
    with pytest.raises(LocalStackError, match="An older Listener still uses"):
        Server(spec(tmp_path)).start()
    assert listener.spec.ready()


def test_server_that_cannot_be_run_passes_the_error(tmp_path: Path) -> None:
    missing = ServerSpec(name="Missing", command=("/nowhere/java",), log=tmp_path / "log", ports=(), ready=lambda: True)
    with pytest.raises(FileNotFoundError):
        Server(missing).start()


def test_server_port_taken_meanwhile_is_told(listener: Server) -> None:
    with (
        socket.create_server(("127.0.0.1", listener.spec.ports[0])),
        pytest.raises(LocalStackError, match="which Listener needs, is taken"),
    ):
        listener.start()
