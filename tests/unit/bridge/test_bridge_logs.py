"""Never a secret in a log."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bridge.logs import mask, set_up_logs

SECRET = "s3cr3t-value"


@pytest.fixture(autouse=True)
def root_log() -> Iterator[None]:
    """Leave logging as it was found: the next test's standard error is another."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "name",
    ["access_token", "refresh_token", "token", "client_secret", "password", "Authorization", "api_key", "token_keys"],
)
def test_mask_takes_out_what_is_named_like_a_secret(name: str) -> None:
    assert SECRET not in str(mask(None, "info", {"event": "x", name: SECRET}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Authorization: Bearer {SECRET}", "Authorization: Bearer ***"),
        (f"sent Basic {SECRET}=", "sent Basic ***"),
        (f"postgresql://bridge:{SECRET}@db:5432/books", "postgresql://bridge:***@db:5432/books"),
        (
            f"could not connect to postgresql://u:{SECRET}@h/d: refused",
            "could not connect to postgresql://u:***@h/d: refused",
        ),
    ],
)
def test_mask_takes_secrets_out_of_texts(text: str, left: str) -> None:
    assert mask(None, "info", {"event": text, "error": text}) == {"event": left, "error": left}


@pytest.mark.parametrize("facts", [{"realm_id": "462", "count": 3, "intuit_tid": "1-ok"}, {"url": "http://h:80/p"}])
def test_mask_leaves_facts_as_they_are(facts: dict[str, Any]) -> None:
    assert mask(None, "info", {"event": "x", **facts}) == {"event": "x", **facts}


@pytest.mark.parametrize("form", ["json", "text"])
def test_set_up_logs_masks_what_reaches_standard_error(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", form)
    log = structlog.get_logger("bridge.test")
    log.info("tokens_renewed", access_token=SECRET, error=f"Bearer {SECRET}", realm_id="462")
    log.debug("not_at_this_level")
    written = capsys.readouterr().err
    assert SECRET not in written
    assert "not_at_this_level" not in written
    assert "tokens_renewed" in written
    assert "462" in written


def failed(log: Any) -> None:
    try:
        int(f"postgresql://bridge:{SECRET}@db/books")
    except ValueError:
        log.exception("failed")


def test_set_up_logs_masks_traces(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "json")
    failed(structlog.get_logger("bridge.test"))
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("failed", "error")
    assert "ValueError" in line["exception"]
    assert SECRET not in line["exception"]


def test_set_up_logs_masks_traces_in_text_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "text")
    failed(structlog.get_logger("bridge.test"))
    assert SECRET not in capsys.readouterr().err


def test_set_up_logs_gives_what_libraries_log_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "json")
    logging.getLogger("librdkafka").warning("GETPID %s", f"postgresql://bridge:{SECRET}@db/books")
    logging.getLogger("librdkafka").info("not at this level")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("GETPID postgresql://bridge:***@db/books", "warning")
    assert line["logger"] == "librdkafka"
    assert line["timestamp"].endswith("Z")


def test_set_up_logs_masks_the_traces_of_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "json")
    failed(logging.getLogger("some.library"))
    line = json.loads(capsys.readouterr().err)
    assert "ValueError" in line["exception"]
    assert SECRET not in line["exception"]


def test_mask_looks_into_values() -> None:
    assert SECRET not in str(
        mask(None, "info", {"event": "x", "body": {"access_token": SECRET}, "to": [f"Bearer {SECRET}"]})
    )
