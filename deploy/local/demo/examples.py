"""The examples for the teams on either side, run as those teams would run them."""

import subprocess
import sys
from pathlib import Path

from deploy.local.errors import LocalStackError
from deploy.local.folders import PROJECT

_EXAMPLES = PROJECT / "docs" / "examples"
_PATIENCE_SECONDS = 120
_TRANSACTION = "tx_published_by_the_example"


def publish_payment(bootstrap_servers: str, prefix: str, tenant_id: str) -> str:
    """Publish a payment as a CRM team would; returns its transaction id."""
    _run(
        "publish_payment.py", "--bootstrap-servers", bootstrap_servers, "--topic", f"{prefix}payment.completed",
        "--tenant", tenant_id, "--amount", "59.90", "--currency", "CAD", "--email", "otto@example.com",
        "--name", "Otto Lund", "--transaction", _TRANSACTION,
    )  # fmt: skip
    return _TRANSACTION


def review_requests(bootstrap_servers: str, prefix: str, folder: Path) -> list[str]:
    """Run the review service over everything that is there; returns whom it would ask."""
    seen = folder / "review-service.sqlite"
    seen.unlink(missing_ok=True)
    said = _run(
        "review_service.py", "--bootstrap-servers", bootstrap_servers, "--topic", f"{prefix}qb.invoice.paid",
        "--group", f"{prefix}review-service", "--seen", str(seen), "--until-idle", "3",
    )  # fmt: skip
    return said.splitlines()


def _run(example: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(_EXAMPLES / example), "--schemas", str(PROJECT / "schemas"), *arguments],
        capture_output=True, text=True, check=False, timeout=_PATIENCE_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise LocalStackError(f"docs/examples/{example} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout
