import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.local.errors import LocalStackError, disk_errors_told
from deploy.local.guard import start_guard
from deploy.local.ports import require_free
from deploy.local.processes import POLL_SECONDS, ProcessIdentity, identify

READY_SECONDS = 60
STOP_SECONDS = 30
LOCK_SECONDS = 5  # PostgreSQL's children outlive a killed parent for a moment.
TAIL_LINES = 20
# What a log says, and what a person can do about it.
HINTS = {
    "No space left on device": "The disk is full: free some space.",
    "Address already in use": "Another program was quicker to take the port: try again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Another user of this system whose rights a server takes, where it refuses to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    name: str
    command: tuple[str, ...]
    log: Path
    ports: tuple[int, ...]
    ready: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Server:
    """One server as a process of its own. Its calls are for one thread at a time.

    Unless `keep` is set the process ends with the one that started it, even if that one is killed.
    """

    def __init__(self, spec: ServerSpec, *, keep: bool = False) -> None:
        self.spec = spec
        self._keep = keep
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def identity(self) -> ProcessIdentity | None:
        return identify(self.pid) if self.pid else None

    def start(self) -> None:
        """Start it and return when it answers; nothing if it runs. Raises LocalStackError."""
        if self.pid:
            return
        self._release()
        require_free(self.spec.name, self.spec.ports)
        deadline = time.monotonic() + READY_SECONDS
        try:
            with disk_errors_told(self.spec.log.parent):
                self._launch()
                self._await_ready(deadline)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask it to end and wait until it has; nothing if it does not run."""
        self._end(self.spec.stop_signal)

    def kill(self) -> None:
        """End it without warning, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it on the same ports and data."""
        self.stop()
        self.start()

    def log_tail(self) -> str:
        """The last lines that it wrote since its latest start."""
        with self.spec.log.open("rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-TAIL_LINES:])

    def _launch(self) -> None:
        account = self.spec.account
        with self._folder_lock() as lock, self.spec.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.spec.log.parent,
                env={"PATH": os.defpath, "LANG": "C", "TZ": "UTC", **self.spec.environment},
                start_new_session=True,
                pass_fds=(lock.fileno(),),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        if not self._keep and (identity := self.identity):
            self._guard = start_guard(identity, self.spec.stop_signal)

    @contextmanager
    def _folder_lock(self) -> Iterator[IO[bytes]]:
        """Lock the folder for the server, which inherits the lock and holds it while any part of it lives.

        A second broker on a folder wrecks the first one's metadata before Kafka's own lock stops it.
        """
        folder = self.spec.log.parent
        deadline = time.monotonic() + LOCK_SECONDS
        with (folder / "lock").open("ab") as lock:
            while not _locked(lock):
                if time.monotonic() > deadline:
                    raise LocalStackError(
                        f"An older {self.spec.name} still uses {folder}. "
                        "Run `python -m deploy.local down`, or end it by its pid, or choose another folder."
                    )
                time.sleep(POLL_SECONDS)
            yield lock

    def _await_ready(self, deadline: float) -> None:
        while not (self.pid and self.spec.ready()):
            if time.monotonic() > deadline:
                raise LocalStackError(f"{self.spec.name} did not answer within {READY_SECONDS} s. {self._log_shown()}")
            if self._process and self._process.poll() is not None:
                raise LocalStackError(
                    f"{self.spec.name} ended with status {self._process.returncode} before it answered. "
                    f"{self._log_shown()}"
                )
            time.sleep(POLL_SECONDS)

    def _log_shown(self) -> str:
        tail = self.log_tail()
        hints = " ".join(hint for words, hint in HINTS.items() if words in tail)
        return f"{hints} The end of its log {self.spec.log}:\n{tail or '(empty)'}".lstrip()

    def _end(self, sent: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(sent)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._release()

    def _release(self) -> None:
        """Let go of a process that has ended, and of its guard."""
        if self._guard:
            self._guard.communicate()
        self._guard = None
        self._process = None

    def detach(self) -> None:
        """Leave a process that was started to be kept running to itself."""
        if self._process and self._keep:
            # Else Popen warns, when it is collected, of a process that still runs.
            self._process.returncode = 0
            self._process = None


def _locked(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
