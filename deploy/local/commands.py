from pathlib import Path

from deploy.local.containers import remove_container
from deploy.local.folders import cache_folder
from deploy.local.jars import kafka_classpath
from deploy.local.processes import end
from deploy.local.records import (
    STACK_FILE,
    forget,
    left_containers,
    left_running,
    read_stack,
    record_container,
    record_process,
    update_stack,
)
from deploy.local.registry import unpacked_registry
from deploy.local.stack import LocalStack, start_stack


def up(folder: Path) -> int:
    """Start Kafka and PostgreSQL and leave them running; what runs already is left alone."""
    if _all_running(folder):
        return status(folder)
    down(folder)
    stack = start_stack(folder, keep=True)
    try:
        record(folder, stack)
    except BaseException:
        stack.stop()
        raise
    for name, part in stack.parts.items():
        print(f"{name}: {part.address} ({part.source.value})")
    print(f"Addresses are in {folder / STACK_FILE}; `python -m deploy.local down` ends it.")
    return 0


def down(folder: Path) -> int:
    """End exactly what is noted in the folder; data stays."""
    for noted in left_running(folder):
        if noted.running:
            end(noted.process, noted.stop_signal)
            print(f"{noted.name}: ended (pid {noted.process.pid})")
        else:
            print(f"{noted.name}: had ended already")
    for name, container_id in left_containers(folder).items():
        remove_container(container_id)
        print(f"{name}: container removed")
    forget(folder)
    return 0


def fetch(_folder: Path) -> int:
    """Bring Kafka's jars into the cache; what is there already needs no network."""
    count = len(kafka_classpath().split(":"))
    print(f"{count} jars are in {cache_folder()}.")
    return 0


def fetch_registry(_folder: Path) -> int:
    """Bring the schema registry into the cache."""
    print(f"The registry is in {unpacked_registry()}.")
    return 0


def status(folder: Path) -> int:
    """Say what is noted in the folder and whether it runs; 1 unless all of it does."""
    noted = left_running(folder)
    stack = read_stack(folder)
    if not stack:
        print(f"Nothing was left running in {folder}.")
        return 1
    print(f"kafka: {stack['kafka']['bootstrap_servers']}\npostgres: {stack['database_url']}")
    for one in noted:
        print(f"{one.name}: pid {one.process.pid} {'runs' if one.running else 'has ended'}")
    return 0 if all(one.running for one in noted) else 1


def _all_running(folder: Path) -> bool:
    noted = left_running(folder)
    return bool(noted) and all(one.running for one in noted)


def record(folder: Path, stack: LocalStack) -> None:
    for name, part in stack.parts.items():
        if part.server and part.server.pid:
            record_process(folder, name, part.server.pid, part.server.spec.stop_signal)
        if part.container:
            record_container(folder, name, part.container.container_id)
    kafka = {"bootstrap_servers": stack.bootstrap_servers}
    update_stack(folder, {"kafka": kafka, "database_url": stack.database_url})
    for part in stack.parts.values():
        if part.server:
            part.server.detach()
