import base64
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.local.errors import LocalStackError, disk_errors_told
from deploy.local.folders import require_platform, require_space
from deploy.local.jars import kafka_classpath
from deploy.local.java import QUICK_START, java
from deploy.local.ports import free_ports
from deploy.local.server import Server, ServerSpec
from deploy.local.topics import answers

FORMAT_SECONDS = 60
LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRef.stdout.ref = STDOUT
appender.stdout.type = Console
appender.stdout.name = STDOUT
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = [%d] %p %m (%c)%n
"""


def common_properties() -> dict[str, str]:
    """What a broker of ours needs wherever it runs: one node, and groups that rebalance quickly."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "auto.create.topics.enable": "false",
        "num.partitions": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "log.cleaner.dedupe.buffer.size": "4194304",
        # A killed broker may come back only when its old session has ended (9 s by default).
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # A group's change is noticed by heartbeats: with the usual ones each rebalance costs a test 3 to 5 s.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "group.consumer.min.heartbeat.interval.ms": "100",
        "group.consumer.heartbeat.interval.ms": "300",
        "group.consumer.min.session.timeout.ms": "1000",
        "group.consumer.session.timeout.ms": "6000",
    }


def embedded_properties(*, logs: Path, port: int, controller_port: int) -> dict[str, str]:
    broker, controller = f"127.0.0.1:{port}", f"127.0.0.1:{controller_port}"
    return common_properties() | {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "log.dirs": str(logs),
    }


def render_properties(properties: Mapping[str, str]) -> str:
    # A backslash would escape what follows it in a Java properties file.
    return "".join(f"{name}={value.replace(chr(92), chr(92) * 2)}\n" for name, value in properties.items())


def prepare_kafka(folder: Path, *, keep: bool = False) -> tuple[str, Server]:
    """Make Apache Kafka ready to start, all it keeps under `folder`; earlier data and ports are used again.

    Returns its bootstrap servers and the server, not yet started. Fetches jars if the cache lacks them.
    Raises LocalStackError.
    """
    require_platform()
    require_space(folder, mebibytes=500)
    binary, classpath = java(), kafka_classpath()
    with disk_errors_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        port, controller_port = _ports(folder / "ports.json")
        properties = embedded_properties(logs=folder / "data", port=port, controller_port=controller_port)
        # Named by its port: preparing the folder anew leaves alone what a running broker restarts on.
        configuration = folder / f"server-{port}.properties"
        configuration.write_text(render_properties(properties))
        (folder / "log4j2.properties").write_text(LOGGING)
    _format_once(folder, (binary, *QUICK_START, "-cp", classpath), configuration)
    bootstrap_servers = f"127.0.0.1:{port}"
    spec = ServerSpec(
        name="Kafka",
        command=(binary, *_broker_options(folder), "-cp", classpath, "kafka.Kafka", str(configuration)),
        log=folder / "kafka.log",
        ports=(port, controller_port),
        ready=lambda: answers(bootstrap_servers),
    )
    return bootstrap_servers, Server(spec, keep=keep)


def _broker_options(folder: Path) -> tuple[str, ...]:
    logging = f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"
    return ("-Xms128m", "-Xmx512m", *QUICK_START, logging)


def _ports(path: Path) -> tuple[int, ...]:
    """Choose the ports used last time if they are still free, and note them."""
    ports = free_ports(2, preferred=json.loads(path.read_text()) if path.exists() else ())
    path.write_text(json.dumps(ports))
    return ports


def _format_once(folder: Path, java_command: tuple[str, ...], configuration: Path) -> None:
    if (folder / "data" / "meta.properties").exists():
        return
    tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id_of(os.urandom(16)), "-c", str(configuration))
    done = subprocess.run(
        (*java_command, *tool),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=FORMAT_SECONDS,
    )
    if done.returncode:
        raise LocalStackError(f"Kafka's storage in {folder} could not be made:\n{done.stdout}{done.stderr}")


def cluster_id_of(noise: bytes) -> str:
    """Return the base64url of 16 bytes as a Kafka id; one that began with a dash would be taken for an option."""
    encoded = base64.urlsafe_b64encode(noise).decode().rstrip("=")
    return f"A{encoded[1:]}" if encoded.startswith("-") else encoded
