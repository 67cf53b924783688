"""Operating system processes by pid and start, so that a number given to another program is never ours."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05
PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    pid: int
    started: str  # As the system tells it; only compared.


def identify(pid: int) -> ProcessIdentity | None:
    """Say who has this pid now, or None if nobody has or only a zombie is left."""
    started = _started_by_proc(pid) if (PROC / "self" / "stat").exists() else _started_by_ps(pid)
    return ProcessIdentity(pid=pid, started=started) if started else None


def is_alive(process: ProcessIdentity) -> bool:
    return identify(process.pid) == process


def send(process: ProcessIdentity, sent: signal.Signals) -> None:
    """Send a signal to exactly this process; one that has ended meanwhile is left alone."""
    if is_alive(process):
        try:
            os.kill(process.pid, sent)
        except ProcessLookupError:
            return


def end(process: ProcessIdentity, sent: signal.Signals, *, patience_seconds: float = 20) -> None:
    """End exactly this process: by the signal, and by SIGKILL if it has not gone in time."""
    send(process, sent)
    if not _gone(process, patience_seconds):
        send(process, signal.SIGKILL)
        _gone(process, patience_seconds)


def _gone(process: ProcessIdentity, patience_seconds: float) -> bool:
    deadline = time.monotonic() + patience_seconds
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _started_by_proc(pid: int) -> str | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text()
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The command's name, in parentheses, may hold spaces; state and start follow it (proc_pid_stat(5)).
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def _started_by_ps(pid: int) -> str | None:
    asked = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    return None if not answer or answer[0].startswith("Z") else " ".join(answer[1:])
