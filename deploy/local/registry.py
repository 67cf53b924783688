import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import disk_errors_told
from deploy.local.folders import cache_folder, require_platform, require_space
from deploy.local.jars import PinnedArtifact, fetch
from deploy.local.java import QUICK_START, java
from deploy.local.ports import free_ports
from deploy.local.server import Server, ServerSpec

APICURIO = PinnedArtifact(
    group="io.apicurio",
    name="apicurio-registry-app",
    version="3.3.3",
    classifier="all",
    packaging="tar.gz",
    sha256="8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63",
)


@contextmanager
def local_registry(folder: Path) -> Iterator[str]:
    """Have a schema registry for as long as the context lasts; it forgets everything afterwards.

    Yields the URL for a client of Confluent's registry. Raises LocalStackError.
    """
    url, server = prepare_registry(folder)
    server.start()
    try:
        yield url
    finally:
        server.stop()


def prepare_registry(folder: Path, *, keep: bool = False) -> tuple[str, Server]:
    """Make Apicurio Registry ready to start.

    Returns its Confluent-compatible URL and the server, not yet started. Raises LocalStackError.
    """
    require_platform()
    binary, home = java(), unpacked_registry()
    port, management_port = free_ports(2)
    with disk_errors_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    spec = ServerSpec(
        name="Apicurio Registry",
        command=(binary, "-Xmx384m", *QUICK_START, "-jar", str(home / "quarkus-run.jar")),
        log=folder / "registry.log",
        ports=(port, management_port),
        ready=lambda: _answers(f"{url}/subjects"),
        environment={
            "QUARKUS_HTTP_HOST": "127.0.0.1",
            "QUARKUS_HTTP_PORT": str(port),
            "QUARKUS_MANAGEMENT_HOST": "127.0.0.1",
            "QUARKUS_MANAGEMENT_PORT": str(management_port),
            "APICURIO_STORAGE_KIND": "sql",
            "APICURIO_STORAGE_SQL_KIND": "h2",
        },
    )
    return url, Server(spec, keep=keep)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address, always http.
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def unpacked_registry() -> Path:
    """Return the folder that holds quarkus-run.jar, fetching and unpacking it if the cache lacks it."""
    cache = cache_folder()
    place = cache / f"apicurio-registry-{APICURIO.version}-{APICURIO.sha256[:12]}"
    if not place.exists():
        (archive,) = fetch([APICURIO], into=cache, mebibytes=600)
        require_space(cache, mebibytes=300)
        _unpack(archive, place)
    return next(place.rglob("quarkus-run.jar")).parent


def _unpack(archive: Path, place: Path) -> None:
    """Unpack beside the place and move there, so that a broken attempt is never taken for the whole."""
    with (
        disk_errors_told(place.parent),
        tempfile.TemporaryDirectory(dir=place.parent, prefix=".unpack-") as new,
    ):
        with tarfile.open(archive) as tar:
            tar.extractall(Path(new) / "all", filter="data")
        (Path(new) / "all").rename(place)
