"""docs/asyncapi.json by AsyncAPI's own parser, and its payloads by an Avro library of another language."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from deploy.local.folders import PROJECT, cache_folder
from schemas.topics import DEAD_LETTERS, TOPICS

pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

FILES = Path(__file__).parent / "asyncapi"
KEPT = PROJECT / "docs" / "asyncapi.json"

Validate = Callable[[Any], "subprocess.CompletedProcess[str]"]
Change = Callable[[Any], None]


@pytest.fixture(scope="session")
def npm() -> str:
    """npm, where it and Node are installed. Without them the tests are skipped, but not in continuous integration."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return found
    reason = "AsyncAPI's parser needs node and npm"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def modules(npm: str) -> Path:
    """The packages that the lock file names, in a folder of their own that stays between runs."""
    digest = hashlib.sha256((FILES / "package-lock.json").read_bytes()).hexdigest()
    folder = cache_folder() / "asyncapi" / digest[:16]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as space:
            fresh = shutil.copytree(FILES, Path(space) / "fresh", ignore=shutil.ignore_patterns("node_modules"))
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            installed = subprocess.run(command, cwd=fresh, capture_output=True, text=True, check=False)
            assert installed.returncode == 0, f"npm could not install the parser:\n{installed.stderr}"
            with suppress(OSError):  # Another run was faster; what it installed is the same.
                fresh.rename(folder)
    return folder / "node_modules"


@pytest.fixture
def validate(modules: Path, tmp_path: Path) -> Validate:
    """Validates a document in a process of its own."""
    # Node looks for packages beside the script.
    script = shutil.copy(FILES / "validate.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(modules)

    def run(document: Any) -> "subprocess.CompletedProcess[str]":
        file = tmp_path / "asyncapi.json"
        file.write_text(json.dumps(document))
        return subprocess.run(["node", script, file], capture_output=True, text=True, check=False, timeout=60)

    return run


def test_asyncapi_document_is_valid(validate: Validate) -> None:
    done = validate(json.loads(KEPT.read_text()))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    parts = len([*TOPICS, DEAD_LETTERS])
    assert f"{parts} channels, {parts} operations, {len(TOPICS)} Avro payloads, 0 errors" in done.stdout


def unknown_action(document: Any) -> None:
    document["operations"]["sendInvoicePaid"]["action"] = "shout"


def message_that_is_not_there(document: Any) -> None:
    document["channels"]["qb.invoice.paid"]["messages"]["InvoicePaid"]["$ref"] = "#/components/messages/Nobody"


def unknown_avro_type(document: Any) -> None:
    document["components"]["messages"]["InvoicePaid"]["payload"]["schema"]["fields"][0]["type"] = "Envelop"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (unknown_action, '"action" property must be equal to one of the allowed values'),
        (message_that_is_not_there, "'#/components/messages/Nobody' does not exist"),
        (unknown_avro_type, "undefined type name: qb.v1.Envelop"),
    ],
    ids=["action", "reference", "avro"],
)
def test_asyncapi_document_that_is_broken_is_refused(validate: Validate, change: Change, told: str) -> None:
    document = json.loads(KEPT.read_text())
    change(document)
    done = validate(document)
    assert done.returncode == 1
    assert told in done.stdout


def test_lock_file_pins_every_package_by_its_hash_and_names_no_registry() -> None:
    locked = json.loads((FILES / "package-lock.json").read_text())["packages"]
    packages = {name: package for name, package in locked.items() if name}
    assert {name for name, package in packages.items() if not package["integrity"].startswith("sha512-")} == set()
    assert {name for name, package in packages.items() if "resolved" in package} == set()
    wanted = json.loads((FILES / "package.json").read_text())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
