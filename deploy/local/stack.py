import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from deploy.local import containers, databases
from deploy.local.kafka import prepare_kafka
from deploy.local.postgres import prepare_postgres
from deploy.local.server import Server


class Source(Enum):
    """Where a server comes from."""

    GIVEN = "given by the environment"
    CONTAINER = "started in Docker"
    EMBEDDED = "started as a process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    source: Source
    address: str | None = None  # Of what is given.


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Kafka or PostgreSQL, running."""

    source: Source
    address: str
    server: Server | None = None  # Where embedded.
    container: containers.RunningContainer | None = None

    def stop(self) -> None:
        """End what was started; what was given stays."""
        if self.server:
            self.server.stop()
        if self.container:
            self.container.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStack:
    bootstrap_servers: str
    database_url: str  # Of a user that may make databases.
    kafka: Server | None  # To stop, start, kill; None where it was not started as a process of ours.
    postgres: Server | None
    parts: Mapping[str, Part]

    def create_database(self, name: str) -> str:
        """Make an empty database and return its URL. Raises LocalStackError."""
        return databases.create_database(self.database_url, name)

    def drop_database(self, name: str) -> None:
        databases.drop_database(self.database_url, name)

    def stop(self) -> None:
        """End what was started, side by side."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(Part.stop, self.parts.values()))


def choose(environment: Mapping[str, str], variable: str, engine_answers: Callable[[], bool]) -> Choice:
    """Decide for one server: what the variable names, else Docker if an engine answers, else a process."""
    if address := environment.get(variable):
        return Choice(source=Source.GIVEN, address=address)
    return Choice(source=Source.CONTAINER if engine_answers() else Source.EMBEDDED)


def start_stack(folder: Path, *, keep: bool = False) -> LocalStack:
    """Start Kafka and PostgreSQL side by side with their data under `folder`. Raises LocalStackError.

    Unless `keep` is set both end with this process. If one cannot be started the other is stopped.
    """
    with ThreadPoolExecutor(2) as pool, ExitStack() as undo:
        started = {
            "kafka": pool.submit(start_kafka, folder / "kafka", keep=keep),
            "postgres": pool.submit(start_postgres, folder / "postgres", keep=keep),
        }
        for one in started.values():
            undo.callback(_undo, one)
        parts = {name: one.result() for name, one in started.items()}
        undo.pop_all()
    return LocalStack(
        bootstrap_servers=parts["kafka"].address,
        database_url=parts["postgres"].address,
        kafka=parts["kafka"].server,
        postgres=parts["postgres"].server,
        parts=parts,
    )


@contextmanager
def local_stack(folder: Path) -> Iterator[LocalStack]:
    """Have Kafka and PostgreSQL for as long as the context lasts; their data stays in `folder`.

    Raises LocalStackError.
    """
    stack = start_stack(folder)
    try:
        yield stack
    finally:
        stack.stop()


def start_kafka(folder: Path, *, keep: bool = False) -> Part:
    choice = choose(os.environ, "KAFKA_BOOTSTRAP_SERVERS", containers.engine_answers)
    if choice.address:
        return Part(source=choice.source, address=choice.address)
    if choice.source is Source.CONTAINER:
        return _contained(containers.start_kafka(keep=keep))
    return _embedded(*prepare_kafka(folder, keep=keep))


def start_postgres(folder: Path, *, keep: bool = False) -> Part:
    choice = choose(os.environ, "DATABASE_URL", containers.engine_answers)
    if choice.address:
        return Part(source=choice.source, address=choice.address)
    if choice.source is Source.CONTAINER:
        return _contained(containers.start_postgres(keep=keep))
    return _embedded(*prepare_postgres(folder, keep=keep))


def _undo(started: Future[Part]) -> None:
    if started.exception() is None:
        started.result().stop()


def _contained(container: containers.RunningContainer) -> Part:
    return Part(source=Source.CONTAINER, address=container.address, container=container)


def _embedded(address: str, server: Server) -> Part:
    server.start()
    return Part(source=Source.EMBEDDED, address=address, server=server)
