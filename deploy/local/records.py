"""What is left running is written down in files of one folder.

`stack.json` tells other programs where things are; its keys are fixed. `demo.env` gives a shell the settings of
the bridge that was left running. `processes.json` tells `down` what to end: each process with its start, so that
no other program's process is ever ended.
"""

import json
import os
import shlex
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.errors import LocalStackError, disk_errors_told
from deploy.local.processes import ProcessIdentity, identify, is_alive

STACK_FILE = "stack.json"
ENVIRONMENT_FILE = "demo.env"
PROCESSES_FILE = "processes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftRunning:
    name: str
    process: ProcessIdentity
    stop_signal: signal.Signals

    @property
    def running(self) -> bool:
        return is_alive(self.process)


def read_stack(folder: Path) -> dict[str, Any]:
    """Read `stack.json`; empty if there is none. Raises LocalStackError."""
    return _read(folder / STACK_FILE)


def update_stack(folder: Path, parts: Mapping[str, Any]) -> None:
    """Put these top-level keys in place of the ones in `stack.json`."""
    _write_json(folder / STACK_FILE, read_stack(folder) | dict(parts))


def record_environment(folder: Path, environment: Mapping[str, str]) -> Path:
    """Write the settings as a file that a shell can source; returns the file."""
    path = folder / ENVIRONMENT_FILE
    _write(path, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()))
    return path


def record_process(folder: Path, name: str, pid: int, stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """Note a running process for `down` and in `stack.json`. Raises LocalStackError if it has ended."""
    process = identify(pid)
    if process is None:
        raise LocalStackError(f"{name} (pid {pid}) has ended already; its log says why.")
    noted = {"pid": pid, "started": process.started, "stop_signal": stop_signal.name}
    _note(folder, "processes", name, noted)
    update_stack(folder, {"processes": read_stack(folder).get("processes", {}) | {name: pid}})


def left_running(folder: Path) -> tuple[LeftRunning, ...]:
    """List the noted processes, the latest first; they may have ended since."""
    noted: dict[str, Any] = _read(folder / PROCESSES_FILE).get("processes", {})
    return tuple(
        LeftRunning(
            name=name,
            process=ProcessIdentity(pid=entry["pid"], started=entry["started"]),
            stop_signal=signal.Signals[entry["stop_signal"]],
        )
        for name, entry in reversed(noted.items())
    )


def record_container(folder: Path, name: str, container_id: str) -> None:
    """Note a container that is left running."""
    _note(folder, "containers", name, container_id)


def left_containers(folder: Path) -> dict[str, str]:
    """List the noted containers' ids by name."""
    return dict(_read(folder / PROCESSES_FILE).get("containers", {}))


def forget(folder: Path) -> None:
    """Remove what was written down."""
    for name in (STACK_FILE, ENVIRONMENT_FILE, PROCESSES_FILE):
        (folder / name).unlink(missing_ok=True)


def _note(folder: Path, kind: str, name: str, entry: Any) -> None:
    noted = _read(folder / PROCESSES_FILE)
    _write_json(folder / PROCESSES_FILE, noted | {kind: noted.get(kind, {}) | {name: entry}})


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise LocalStackError(f"{path} is damaged ({error}). End what it names by hand and delete it.") from error
    return dict(content)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    _write(path, json.dumps(content, indent=1) + "\n")


def _write(path: Path, content: str) -> None:
    with disk_errors_told(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}.new")
        new.touch(mode=0o600)  # It holds passwords and tokens.
        new.write_text(content)
        new.replace(path)
