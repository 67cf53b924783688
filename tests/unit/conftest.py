from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """Logs as structlog has them by default, whatever a test set up: its stream is closed when it ends."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
