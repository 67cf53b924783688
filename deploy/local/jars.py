"""Fetches what Maven would, against a list of hashes.

Not transitively: a resolver's choice of versions can differ from Maven's.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tenacity

from deploy.local.errors import LocalStackError, disk_errors_told
from deploy.local.folders import cache_folder, require_space

FETCH_THREADS = 8
TIMEOUT_SECONDS = 60
JAR_LIST = Path(__file__).with_name("kafka-jars.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedArtifact:
    group: str
    name: str
    version: str
    sha256: str
    classifier: str = ""
    packaging: str = "jar"

    @property
    def filename(self) -> str:
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{classifier}.{self.packaging}"


def read_jar_list(path: Path = JAR_LIST) -> tuple[PinnedArtifact, ...]:
    """Read lines of `group:name:version sha256:<hash>`."""
    return tuple(_parse(line) for line in path.read_text().splitlines() if line.strip())


def kafka_classpath() -> str:
    """Return Kafka's class path, fetching what the cache lacks. Raises LocalStackError."""
    return ":".join(str(path) for path in fetch(read_jar_list(), into=cache_folder() / "jars", mebibytes=150))


def fetch(
    artifacts: Iterable[PinnedArtifact],
    *,
    into: Path,
    mebibytes: int,
    repositories: Mapping[str, str] | None = None,
) -> list[Path]:
    """Return the artifacts' verified files, in order; only what is missing or damaged is fetched.

    `mebibytes` must be free before anything is fetched. `repositories` (name to address) replace jgo's own.
    Raises LocalStackError.
    """
    wanted = list(artifacts)
    missing = [artifact for artifact in wanted if not _is_sound(into / artifact.filename, artifact)]
    if missing:
        require_space(into, mebibytes=mebibytes)
        with disk_errors_told(into), _system_certificates():
            into.mkdir(parents=True, exist_ok=True)
            with ThreadPoolExecutor(FETCH_THREADS) as pool:
                list(pool.map(lambda artifact: _fetch_one(artifact, into, repositories), missing))
    return [into / artifact.filename for artifact in wanted]


def verify(path: Path, artifact: PinnedArtifact) -> None:
    """Raise LocalStackError unless the file has the pinned hash."""
    got = _sha256(path)
    if got != artifact.sha256:
        raise LocalStackError(
            f"{artifact.filename} is not the file that was pinned: "
            f"expected SHA-256 {artifact.sha256}, got {got}. "
            "Something between here and the registry changed it, or the pin is wrong; do not use it."
        )


def _parse(line: str) -> PinnedArtifact:
    coordinate, _, pin = line.strip().partition(" sha256:")
    group, name, version = coordinate.split(":")
    return PinnedArtifact(group=group, name=name, version=version, sha256=pin)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_sound(path: Path, artifact: PinnedArtifact) -> bool:
    return path.is_file() and _sha256(path) == artifact.sha256


@contextmanager
def _system_certificates() -> Iterator[None]:
    """Trust what the system trusts, a company's own authority too, for as long as it takes to fetch."""
    import truststore

    truststore.inject_into_ssl()
    try:
        yield
    finally:
        truststore.extract_from_ssl()


def _fetch_one(artifact: PinnedArtifact, into: Path, repositories: Mapping[str, str] | None) -> None:
    # The fetching folder is on the same disk, so that only whole and verified files ever appear in the cache.
    with tempfile.TemporaryDirectory(dir=into, prefix=".fetch-") as folder:
        fetched = _download(artifact, Path(folder), repositories)
        verify(fetched, artifact)
        fetched.chmod(0o644)
        fetched.replace(into / artifact.filename)


def _download(artifact: PinnedArtifact, folder: Path, repositories: Mapping[str, str] | None) -> Path:
    import requests

    # jgo says that a file is not there by a bare RuntimeError.
    troubles = (requests.RequestException, RuntimeError)
    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(3),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=4),
        retry=tenacity.retry_if_exception_type(troubles),
        reraise=True,
    )
    try:
        return attempts(_resolve, artifact, folder, repositories)
    except troubles as error:
        raise LocalStackError(
            f"{artifact.filename} could not be fetched ({error}). "
            f"Check the network, or copy {cache_folder()} from a machine that has it; "
            "QBO_BRIDGE_CACHE can name that folder."
        ) from error


def _resolve(artifact: PinnedArtifact, folder: Path, repositories: Mapping[str, str] | None) -> Path:
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(
        resolver=PythonResolver(),
        repo_cache=Path(tempfile.mkdtemp(dir=folder)),  # jgo refuses to go on with a broken attempt's rest.
        remote_repos=dict(repositories) if repositories else None,
        timeout=TIMEOUT_SECONDS,
    )
    component = context.project(artifact.group, artifact.name).at_version(artifact.version)
    return Path(component.artifact(classifier=artifact.classifier, packaging=artifact.packaging).resolve())
