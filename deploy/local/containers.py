import importlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deploy.local.errors import LocalStackError
from deploy.local.kafka import common_properties
from deploy.local.ports import free_ports
from deploy.local.postgres import answers as postgres_answers
from deploy.local.processes import POLL_SECONDS
from deploy.local.server import TAIL_LINES
from deploy.local.topics import answers

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock"
DOCKER_TCP_PORT = 2375
PING_SECONDS = 2
READY_SECONDS = 120
KAFKA_PORT, CONTROLLER_PORT, POSTGRES_PORT = 9092, 9093, 5432


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningContainer:
    container_id: str
    address: str
    stop: Callable[[], None]


def engine_answers() -> bool:
    """Whether a Docker engine answers; an installed client alone is none."""
    if not _listens(os.environ.get("DOCKER_HOST") or DEFAULT_DOCKER_HOST):
        return False
    docker = importlib.import_module("docker")
    try:
        client = docker.from_env(timeout=PING_SECONDS)
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        client.close()


def _listens(docker_host: str) -> bool:
    """Try the address first: the docker package leaks the socket of a refused connection."""
    where = urlsplit(docker_host)
    if where.scheme not in ("unix", "tcp", "http", "https"):
        return True  # Another way (ssh, a named pipe): the docker package has to find out.
    unix = where.scheme == "unix"
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as probe:
        probe.settimeout(PING_SECONDS)
        try:
            probe.connect(where.path if unix else (where.hostname, where.port or DOCKER_TCP_PORT))
        except OSError:
            return False
    return True


def kafka_environment(advertised: str) -> dict[str, str]:
    """Render the broker's properties as the image wants them: KAFKA_ and the name in capitals."""
    properties = common_properties() | {
        "controller.quorum.voters": f"1@localhost:{CONTROLLER_PORT}",
        "listeners": f"PLAINTEXT://:{KAFKA_PORT},CONTROLLER://:{CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "log.dirs": "/tmp/kafka-logs",  # noqa: S108 - inside the container, where the image's user may write.
    }
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}


def start_kafka(*, keep: bool = False) -> RunningContainer:
    """Start Kafka and return when it answers. Raises LocalStackError."""
    from testcontainers.core.docker_client import DockerClient

    (port,) = free_ports(1)
    bootstrap_servers = f"{DockerClient().host()}:{port}"
    container = _container(KAFKA_IMAGE, kafka_environment(bootstrap_servers), keep=keep)
    container.with_bind_ports(KAFKA_PORT, port)
    return _started(container, lambda: bootstrap_servers, answers)


def start_postgres(*, keep: bool = False) -> RunningContainer:
    """Start PostgreSQL and return when it answers. Raises LocalStackError."""
    container = _container(POSTGRES_IMAGE, {"POSTGRES_PASSWORD": "postgres"}, keep=keep)
    container.with_exposed_ports(POSTGRES_PORT)

    def url() -> str:
        host, port = container.get_container_host_ip(), container.get_exposed_port(POSTGRES_PORT)
        return f"postgresql://postgres:postgres@{host}:{port}/postgres"

    return _started(container, url, postgres_answers)


def remove_container(container_id: str) -> None:
    """Remove a container that was left running; nothing if it has gone."""
    docker = importlib.import_module("docker")
    client = docker.from_env()
    try:
        client.containers.get(container_id).remove(force=True, v=True)
    except docker.errors.NotFound:
        return
    finally:
        client.close()


def _container(image: str, environment: Mapping[str, str], *, keep: bool) -> Any:
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    # testcontainers' reaper removes what its starter leaves behind: wanted, unless it is left on purpose.
    testcontainers_config.ryuk_disabled = keep or testcontainers_config.ryuk_disabled
    container = DockerContainer(image)
    for name, value in environment.items():
        container.with_env(name, value)
    return container


def _started(container: Any, address: Callable[[], str], ready: Callable[[str], bool]) -> RunningContainer:
    try:
        container.start()
        where = address()
        _await(container, lambda: ready(where))
    except LocalStackError:
        container.stop()
        raise
    except Exception as error:
        container.stop()
        raise LocalStackError(f"Docker could not start {container.image}: {error}") from error
    identity = container.get_wrapped_container().id
    return RunningContainer(container_id=identity, address=where, stop=container.stop)


def _await(container: Any, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        container.reload()
        if container.status in ("exited", "dead") or time.monotonic() > deadline:
            output = b"".join(container.get_logs()).decode(errors="replace")
            last = "\n".join(output.splitlines()[-TAIL_LINES:])
            raise LocalStackError(f"{container.image} is {container.status} and does not answer. Its log ends:\n{last}")
        time.sleep(POLL_SECONDS)
