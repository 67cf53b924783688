import gc
import hashlib
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local.errors import LocalStackError
from deploy.local.jars import PinnedArtifact, fetch, read_jar_list, verify
from deploy.local.registry import APICURIO

CONTENT = b"a jar, as it were"


def pinned(content: bytes = CONTENT) -> PinnedArtifact:
    return PinnedArtifact(group="org.example", name="thing", version="1.0", sha256=hashlib.sha256(content).hexdigest())


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """A Maven repository on loopback that holds one jar."""
    root = tmp_path / "repository"
    jar = root / "org" / "example" / "thing" / "1.0" / "thing-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield {"loopback": f"http://127.0.0.1:{server.server_port}"}
    server.shutdown()
    thread.join()
    server.server_close()


def test_jar_list_every_line_has_a_hash_and_one_kafka_version() -> None:
    jars = read_jar_list()
    assert len({jar.filename for jar in jars}) == len(jars) == 46
    assert {len(jar.sha256) for jar in (*jars, APICURIO)} == {64}
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {"4.3.1"}


def test_filename_with_classifier_names_it() -> None:
    assert APICURIO.filename == "apicurio-registry-app-3.3.3-all.tar.gz"


def test_verify_other_content_names_file_and_both_hashes(tmp_path: Path) -> None:
    path = tmp_path / "thing-1.0.jar"
    path.write_bytes(b"something else")
    with pytest.raises(LocalStackError) as raised:
        verify(path, pinned())
    for part in ("thing-1.0.jar", pinned().sha256, hashlib.sha256(b"something else").hexdigest()):
        assert part in str(raised.value)


def test_fetch_empty_cache_places_the_verified_file_alone(tmp_path: Path, repository: Mapping[str, str]) -> None:
    into = tmp_path / "cache"
    assert fetch([pinned()], into=into, mebibytes=1, repositories=repository) == [into / "thing-1.0.jar"]
    assert [path.name for path in into.iterdir()] == ["thing-1.0.jar"]
    assert (into / "thing-1.0.jar").read_bytes() == CONTENT


def test_fetch_damaged_cache_fetches_again(tmp_path: Path, repository: Mapping[str, str]) -> None:
    damaged = tmp_path / "thing-1.0.jar"
    damaged.write_bytes(CONTENT[:5])
    fetch([pinned()], into=tmp_path, mebibytes=1, repositories=repository)
    assert damaged.read_bytes() == CONTENT


def test_fetch_full_cache_needs_no_repository(tmp_path: Path) -> None:
    (tmp_path / "thing-1.0.jar").write_bytes(CONTENT)
    nowhere = {"nowhere": "http://127.0.0.1:9"}
    assert fetch([pinned()], into=tmp_path, mebibytes=1, repositories=nowhere) == [tmp_path / "thing-1.0.jar"]


def test_fetch_wrong_hash_places_nothing(tmp_path: Path, repository: Mapping[str, str]) -> None:
    into = tmp_path / "cache"
    with pytest.raises(LocalStackError, match=r"thing-1\.0\.jar is not the file that was pinned"):
        fetch([pinned(b"other")], into=into, mebibytes=1, repositories=repository)
    assert list(into.iterdir()) == []


# jgo leaves the socket of an answer that is no file to the garbage collector, which would blame a later test.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("where", ["http://127.0.0.1:9", "absent"])
def test_fetch_nothing_to_be_had_says_what_to_do(
    tmp_path: Path, repository: Mapping[str, str], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    absent = PinnedArtifact(group="org.example", name="absent", version="1.0", sha256="0" * 64)
    repositories = repository if where == "absent" else {"nowhere": where}
    with pytest.raises(LocalStackError, match=r"absent-1\.0\.jar could not be fetched .* Check the network"):
        fetch([absent], into=tmp_path / "cache", mebibytes=1, repositories=repositories)
    gc.collect()


def test_fetch_too_little_space_is_told_before_fetching(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match="MiB are needed"):
        fetch([pinned()], into=tmp_path, mebibytes=10**9)
