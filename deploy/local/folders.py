import os
import shutil
import sys
from pathlib import Path

from deploy.local.errors import LocalStackError

PROJECT = Path(__file__).resolve().parents[2]
MEBIBYTE = 1024 * 1024


def cache_folder() -> Path:
    """Where fetched packages stay between runs; QBO_BRIDGE_CACHE moves it."""
    if chosen := os.environ.get("QBO_BRIDGE_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "qbo-bridge"


def require_space(folder: Path, *, mebibytes: int) -> None:
    """Raise LocalStackError unless the disk of `folder`, which may not exist yet, has that much free."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free // MEBIBYTE
    if free < mebibytes:
        raise LocalStackError(
            f"The disk of {folder} has {free} MiB free and {mebibytes} MiB are needed. Free some space and try again."
        )


def require_platform(platform: str = sys.platform) -> None:
    if platform not in ("linux", "darwin"):
        raise LocalStackError(
            f"Kafka and PostgreSQL cannot be started here on {platform}, only on Linux and macOS. "
            "Set KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL to servers that run elsewhere, or start Docker."
        )
