"""Structured logs: constant event names, facts as fields, never a secret."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_NAMES = re.compile(r"token|secret|password|authorization|key$", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^:/@\s]+):[^@\s]+@")
_BEARER = re.compile(r"(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+")


def mask(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take out whatever is named like a secret, and passwords and bearer tokens within texts, however deep."""
    for name, value in event.items():
        event[name] = _masked(name, value)
    return event


def _masked(name: str, value: Any) -> Any:
    match value:
        case str():
            text = _URL_PASSWORD.sub(r"\1:***@", _BEARER.sub(r"\1 ***", value))
            return "***" if _SECRET_NAMES.search(name) else text
        case dict():
            return {key: _masked(str(key), one) for key, one in value.items()}
        case list() | tuple():
            return [_masked(name, one) for one in value]
    return value


def set_up_logs(level: str, form: str) -> None:
    """Send structured logs to standard error, as JSON lines or for reading; what libraries log, alike."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # The trace becomes text before the mask, so that nothing passes it by.
    tail: list[Any] = [structlog.processors.format_exc_info, mask]
    structlog.configure(
        processors=[*shared, *tail, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    of_libraries = logging.StreamHandler(sys.stderr)
    of_libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail, renderer],
        )
    )
    logging.basicConfig(handlers=[of_libraries], level=logging.WARNING, force=True)
