import errno
import os
import socket
from pathlib import Path

import pytest

from deploy.local.errors import LocalStackError, disk_errors_told
from deploy.local.folders import cache_folder, require_platform, require_space
from deploy.local.java import java, wheel_folder
from deploy.local.ports import FIRST, LAST, free_ports, is_free, require_free


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"QBO_BRIDGE_CACHE": "/chosen", "XDG_CACHE_HOME": "/xdg"}, "/chosen"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/qbo-bridge"),
        ({"HOME": "/home/someone"}, "/home/someone/.cache/qbo-bridge"),
    ],
)
def test_cache_folder_by_environment_is_chosen(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name in ("QBO_BRIDGE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "is full. Free some space"),
        (errno.EDQUOT, "is full. Free some space"),
        (errno.EACCES, "Choose a folder of your own"),
        (errno.EROFS, "Choose a folder of your own"),
    ],
)
def test_disk_error_known_becomes_a_sentence(number: int, sentence: str) -> None:
    with pytest.raises(LocalStackError, match=sentence), disk_errors_told(Path("/somewhere")):
        raise OSError(number, os.strerror(number), "/somewhere/file")


def test_disk_error_unknown_passes_unchanged() -> None:
    with pytest.raises(FileNotFoundError), disk_errors_told(Path("/somewhere")):
        Path("/nowhere/at/all").read_bytes()


def test_space_folder_not_yet_there_is_measured_above_it(tmp_path: Path) -> None:
    require_space(tmp_path / "not" / "yet", mebibytes=1)
    with pytest.raises(LocalStackError, match="Free some space"):
        require_space(tmp_path / "not" / "yet", mebibytes=10**9)


@pytest.mark.parametrize("platform", ["win32", "sunos5"])
def test_platform_unsupported_names_the_ways_out(platform: str) -> None:
    with pytest.raises(LocalStackError, match="KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL"):
        require_platform(platform)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_platform_supported_passes(platform: str) -> None:
    require_platform(platform)


def test_wheel_not_installed_says_how_to_install() -> None:
    with pytest.raises(LocalStackError, match="no_such_package is not installed"):
        wheel_folder("no_such_package")


def test_java_of_the_wheel_can_be_run() -> None:
    assert os.access(java(), os.X_OK)


def test_free_ports_are_distinct_and_below_the_outgoing_range() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(FIRST <= port <= LAST for port in ports)


def test_free_ports_preferred_is_taken_only_while_free() -> None:
    (port,) = free_ports(1)
    assert free_ports(1, preferred=[port]) == (port,)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert free_ports(1, preferred=[port]) != (port,)


def test_require_free_busy_port_names_server_and_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(LocalStackError, match=f"Port {port} .*, which Kafka needs, is taken"):
            require_free("Kafka", [port])
