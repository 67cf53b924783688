"""The product's own processes on this machine: the emulator, the bridge, and a person who gives consent.

Used by the demo, the acceptance tests and the benchmarks, so that all three run what an operator runs.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from cryptography.fernet import Fernet

from deploy.local.errors import LocalStackError
from deploy.local.folders import PROJECT
from deploy.local.ports import free_ports
from deploy.local.processes import POLL_SECONDS

_START_SECONDS = 60
_LOOPBACK_SECONDS = 30


@dataclass(slots=True, kw_only=True)
class Process:
    """A process of the product, its log, and how it ends."""

    name: str
    popen: "subprocess.Popen[str]"
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def stop(self, *, patience_seconds: float = 60) -> int:
        """Ask it to end and wait; returns its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LocalStackError(f"{self.name} did not end within {patience_seconds} s; see {self.log}") from None

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.popen.kill()
        self.popen.wait()

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickBooks:
    """The emulator as it announced itself, and its control API."""

    process: Process
    announced: Mapping[str, Any]
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    @property
    def base_url(self) -> str:
        return str(self.announced["base_url"])

    @property
    def companies(self) -> Sequence[Mapping[str, Any]]:
        return list(self.announced["companies"])

    def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the control API: POST with a body, GET without. Raises LocalStackError with what it refused."""
        url = f"{self.base_url}/emulator{path}"
        if body is None:
            answer = self.session.get(url, timeout=_LOOPBACK_SECONDS)
        else:
            answer = self.session.post(url, json=body, timeout=_LOOPBACK_SECONDS)
        if not answer.ok:
            raise LocalStackError(f"The emulator refused {path} ({answer.status_code}): {answer.text}")
        return answer.json()

    def objects(self, realm_id: str, entity: str) -> list[dict[str, Any]]:
        """Return all objects of an entity as they stand in the books."""
        answer = self.session.get(
            f"{self.base_url}/emulator/companies/{realm_id}/objects/{entity.lower()}",
            timeout=_LOOPBACK_SECONDS,
        )
        answer.raise_for_status()
        return list(json.loads(answer.text, parse_float=str)[entity])


def start(name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None) -> Process:
    """Start a process of the product with its output in `folder/<name>.log`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("a") as output:
        popen = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=PROJECT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    return Process(name=name, popen=popen, log=log)


def start_emulator(folder: Path, *, port: int = 0, arguments: Sequence[str] = ()) -> QuickBooks:
    """Start the QuickBooks emulator and wait until it has announced where it listens."""
    command = ["qbo_client.emulator", "--json", "--port", str(port), *arguments]
    log = folder / "emulator.log"
    written = log.stat().st_size if log.exists() else 0
    process = start("emulator", command, folder=folder)
    line = _wait_for_line(process, re.compile(r'^\{"quickbooks".*\}$'), after=written)
    return QuickBooks(process=process, announced=json.loads(line)["quickbooks"])


def new_environment(*, database_url: str, bootstrap_servers: str, quickbooks: QuickBooks) -> dict[str, str]:
    """Return the settings with which the bridge runs against this stack."""
    return {
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "QBO_BRIDGE_TOKEN_KEYS": Fernet.generate_key().decode(),
        "QBO_BRIDGE_QBO_BASE_URL": quickbooks.base_url,
        "QBO_BRIDGE_QBO_DISCOVERY_URL": quickbooks.announced["discovery_url"],
        "QBO_BRIDGE_QBO_CLIENT_ID": quickbooks.announced["client_id"],
        "QBO_BRIDGE_QBO_CLIENT_SECRET": quickbooks.announced["client_secret"],
        "QBO_BRIDGE_QBO_REDIRECT_URI": f"http://localhost:{free_ports(1)[0]}/callback",
        "QBO_BRIDGE_HTTP_PORT": "0",
    }


def command(environment: Mapping[str, str], *arguments: str) -> str:
    """Run `qbo-bridge` with these arguments and return what it printed; raises LocalStackError if it failed."""
    done = subprocess.run(
        [sys.executable, "-m", "bridge.cli", *arguments],
        cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
        timeout=_START_SECONDS,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise LocalStackError(f"qbo-bridge {' '.join(arguments)} failed ({done.returncode}): {said}")
    return done.stdout


def start_bridge(
    environment: Mapping[str, str], *, folder: Path, name: str = "bridge", roles: Sequence[str] = ()
) -> tuple[Process, str]:
    """Start `qbo-bridge run`, wait until it is ready, and return it with its HTTP address."""
    address_file = folder / f"{name}.address"
    folder.mkdir(parents=True, exist_ok=True)
    address_file.unlink(missing_ok=True)
    arguments = [word for role in roles for word in ("--role", role)]
    process = start(
        name,
        ["bridge.cli", "run", *arguments],
        folder=folder,
        environment={**environment, "QBO_BRIDGE_HTTP_ADDRESS_FILE": str(address_file)},
    )
    return process, _wait_until_ready(process, address_file)


def connect(
    environment: Mapping[str, str], tenant: str, realm_id: str, *, folder: Path, options: Sequence[str] = ()
) -> str:
    """Run `qbo-bridge connections connect` and give consent on Intuit's page as a person would."""
    log = folder / f"connect-{tenant}.log"
    written = log.stat().st_size if log.exists() else 0
    process = start(
        f"connect-{tenant}",
        ["bridge.cli", "connections", "connect", tenant, "--no-browser", "--wait", "60", *options],
        folder=folder,
        environment=environment,
    )
    give_consent(_wait_for_line(process, re.compile(r"^http\S+$"), after=written), realm_id)
    if process.popen.wait(_START_SECONDS):
        raise LocalStackError(f"Connecting {tenant} failed:\n{process.tail()}")
    return process.log.read_text()[written:]


def give_consent(authorize_url: str, realm_id: str) -> None:
    """Open the consent page, choose the company, press Connect, and follow the redirect to the callback."""
    with requests.Session() as browser:
        page = browser.get(authorize_url, timeout=_LOOPBACK_SECONDS)
        page.raise_for_status()
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        fields = dict(parse_qsl(urlsplit(authorize_url).query)) | {n: unescape(v) for n, v in hidden.items()}
        action = re.search(r'<form[^>]*action="([^"]*)"', page.text)
        target = urljoin(authorize_url, unescape(action[1]) if action else "")
        answer = browser.post(
            target, data=fields | {"realm_id": realm_id, "action": "connect"}, timeout=_LOOPBACK_SECONDS
        )
        answer.raise_for_status()


@contextmanager
def ended(*processes: Process) -> Iterator[None]:
    """End the processes when the block is left, however it is left."""
    try:
        yield
    finally:
        for process in processes:
            if process.popen.poll() is None:
                process.kill()


def _wait_for_line(process: Process, pattern: "re.Pattern[str]", *, after: int = 0) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        for line in process.log.read_text(errors="replace")[after:].splitlines(keepends=True):
            if line.endswith("\n") and pattern.match(line.strip()):
                return line.strip()
        if process.popen.poll() is not None:
            break
        time.sleep(POLL_SECONDS)
    raise LocalStackError(f"{process.name} did not get going; the end of {process.log}:\n{process.tail()}")


def _wait_until_ready(process: Process, address_file: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.popen.poll() is None:
        address = address_file.read_text() if address_file.exists() else ""
        if address and _ready(address):
            return address
        time.sleep(POLL_SECONDS)
    raise LocalStackError(f"{process.name} did not become ready; the end of {process.log}:\n{process.tail()}")


def _ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False
