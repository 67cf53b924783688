import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from deploy.local.containers import engine_answers
from deploy.local.folders import PROJECT
from deploy.local.processes import identify
from deploy.local.registry import local_registry
from deploy.local.stack import LocalStack, Source, choose, local_stack
from deploy.local.topics import delete_topics

# A developer's own settings must not decide a test. The cache's place is no setting of the product.
for name in [name for name in os.environ if name.startswith("QBO_BRIDGE_") and name != "QBO_BRIDGE_CACHE"]:
    del os.environ[name]
# Nor the width of a terminal, which pytest-xdist sets for its workers: commands are read as a program reads them.
os.environ.pop("COLUMNS", None)

# No test is timed: a busy machine must not fail one.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

RUNS = PROJECT / ".local"
PREFIX = "test-"


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """This run's folder for data and logs; it goes with the run, and those of killed runs with the next."""
    for old in RUNS.glob(f"{PREFIX}*"):
        if identify(int(old.name.removeprefix(PREFIX))) is None:
            shutil.rmtree(old, ignore_errors=True)
    folder = RUNS / f"{PREFIX}{os.getpid()}"
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stack(run_folder: Path) -> Iterator[LocalStack]:
    """Kafka and PostgreSQL, started once a run and only if a test asks.

    A test may stop, kill and start `stack.kafka` and `stack.postgres`; they are None where they were given.
    """
    if choose(os.environ, "KAFKA_BOOTSTRAP_SERVERS", engine_answers).source is Source.EMBEDDED:
        fetch("fetch")
    with local_stack(run_folder) as started:
        yield started


@pytest.fixture(scope="session")
def registry_url(run_folder: Path) -> Iterator[str]:
    """A schema registry for a client of Confluent's; for tests marked `registry`."""
    fetch("fetch-registry")
    with local_registry(run_folder / "registry") as url:
        yield url


def fetch(command: str) -> None:
    """Fetch packages in a process of its own, because this one may connect to loopback alone."""
    subprocess.run([sys.executable, "-m", "deploy.local", command], check=True, cwd=PROJECT)


@pytest.fixture
def database_url(stack: LocalStack) -> Iterator[str]:
    """An empty database of this test's own."""
    if stack.postgres:
        stack.postgres.start()  # A test before this one may have left it stopped.
    database = f"test_{uuid.uuid4().hex[:16]}"
    yield stack.create_database(database)
    if stack.postgres:
        stack.postgres.start()
    stack.drop_database(database)


@pytest.fixture
def bootstrap_servers(stack: LocalStack) -> str:
    if stack.kafka:
        stack.kafka.start()
    return stack.bootstrap_servers


@pytest.fixture
def topic_prefix(stack: LocalStack, bootstrap_servers: str) -> Iterator[str]:
    """What this test's topics and consumer groups begin with; its topics are deleted afterwards."""
    prefix = f"t{uuid.uuid4().hex[:12]}."
    yield prefix
    if stack.kafka:
        stack.kafka.start()
    delete_topics(bootstrap_servers, prefix)
