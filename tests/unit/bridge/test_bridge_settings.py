"""Settings: read once, secrets masked, one sentence for every mistake."""

import os
import re
from collections.abc import Callable

import pytest
import typer
from cryptography.fernet import Fernet

from bridge.cli.common import load_settings
from bridge.settings import Settings

KEYS = [Fernet.generate_key().decode() for _ in range(2)]
GOOD = {
    "DATABASE_URL": "postgresql://bridge:hidden-1@db/books",
    "KAFKA_BOOTSTRAP_SERVERS": "broker:9092",
    "QBO_BRIDGE_TOKEN_KEYS": f"{KEYS[0]}, {KEYS[1]},",
    "QBO_BRIDGE_QBO_CLIENT_ID": "AB1",
    "QBO_BRIDGE_QBO_CLIENT_SECRET": "hidden-2",
}

Mistaken = Callable[..., list[str]]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Good settings and nothing else."""
    for name in [name for name in os.environ if name.startswith("QBO_BRIDGE_")]:
        monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def settings() -> Settings:
    return Settings()  # type: ignore[call-arg]  # pydantic-settings reads the environment


@pytest.fixture
def mistaken(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mistaken:
    """Load with these changes (None: not set) and return the sentences an operator reads."""

    def load(**changes: str | None) -> list[str]:
        for name, value in changes.items():
            if value is None:
                environment.delenv(name)
            else:
                environment.setenv(name, value)
        with pytest.raises(typer.Exit) as ended:
            load_settings()
        assert ended.value.exit_code == 2
        return capsys.readouterr().err.splitlines()

    return load


def test_settings_good_environment_is_read(environment: pytest.MonkeyPatch) -> None:
    read = settings()
    assert read.database_url.get_secret_value() == GOOD["DATABASE_URL"]
    assert (read.kafka_bootstrap_servers, read.keys) == ("broker:9092", KEYS)


def test_settings_own_names_are_read_where_the_common_ones_are_missing(environment: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"):
        environment.delenv(name)
        environment.setenv(f"QBO_BRIDGE_{name}", f"own-{name}")
    read = settings()
    assert (read.database_url.get_secret_value(), read.kafka_bootstrap_servers) == (
        "own-DATABASE_URL",
        "own-KAFKA_BOOTSTRAP_SERVERS",
    )


def test_settings_never_show_a_secret(environment: pytest.MonkeyPatch) -> None:
    shown = repr(settings()) + str(settings())
    assert [s for s in ("hidden-1", "hidden-2", *KEYS) if s in shown] == []


def test_settings_kafka_properties_are_json(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("QBO_BRIDGE_KAFKA_PROPERTIES", '{"security.protocol": "SSL", "session.timeout.ms": 6000}')
    assert settings().kafka_properties == {"security.protocol": "SSL", "session.timeout.ms": 6000}


@pytest.mark.parametrize("name", list(GOOD))
def test_settings_missing_value_is_named(mistaken: Mistaken, name: str) -> None:
    assert mistaken(**{name: None}) == [f"{name} is not set."]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("QBO_BRIDGE_HTTP_PORT", "70000", "less than or equal to 65535"),
        ("QBO_BRIDGE_HTTP_PORT", "many", "valid integer"),
        ("QBO_BRIDGE_LOG_FORMAT", "xml", "^(json|text)$"),
        ("QBO_BRIDGE_DEAD_LETTER_SHARE", "1.5", "less than or equal to 1"),
        ("QBO_BRIDGE_MOST_LANES", "0", "greater than 0"),
        ("QBO_BRIDGE_DATABASE_CONNECTIONS", "2", "greater than or equal to 3"),
        ("QBO_BRIDGE_QBO_BASE_URL", "quickbooks", "valid URL"),
    ],
)
def test_settings_wrong_value_is_named(mistaken: Mistaken, name: str, value: str, said: str) -> None:
    (sentence,) = mistaken(**{name: value})
    assert sentence.startswith(f"{name}: ")
    assert said in sentence


def test_settings_several_mistakes_are_all_named(mistaken: Mistaken) -> None:
    sentences = mistaken(DATABASE_URL=None, QBO_BRIDGE_HTTP_PORT="-1")
    assert [re.split("[: ]", sentence)[0] for sentence in sentences] == ["DATABASE_URL", "QBO_BRIDGE_HTTP_PORT"]


def test_settings_lease_no_longer_than_a_request_is_refused(mistaken: Mistaken) -> None:
    (sentence,) = mistaken(QBO_BRIDGE_LEASE_SECONDS="30", QBO_BRIDGE_QBO_TIMEOUT_SECONDS="30")
    assert sentence.startswith(
        "QBO_BRIDGE_LEASE_SECONDS (30.0) must be longer than QBO_BRIDGE_QBO_TIMEOUT_SECONDS (30.0)"
    )


@pytest.mark.parametrize("keys", ["short", f"{KEYS[0]},nonsense", "ä"], ids=["short", "second", "no base64"])
def test_settings_bad_token_key_is_refused_without_showing_it(mistaken: Mistaken, keys: str) -> None:
    (sentence,) = mistaken(QBO_BRIDGE_TOKEN_KEYS=keys)
    assert sentence.startswith("QBO_BRIDGE_TOKEN_KEYS holds something that is no Fernet key")
    assert "`qbo-bridge new-key` prints a good one" in sentence
    assert keys.rsplit(",", maxsplit=1)[-1] not in sentence.replace("QBO_BRIDGE_TOKEN_KEYS", "").replace(
        "base64url", ""
    )


@pytest.mark.parametrize("keys", ["", " , "])
def test_settings_without_any_token_key_are_refused(mistaken: Mistaken, keys: str) -> None:
    assert "QBO_BRIDGE_TOKEN_KEYS" in mistaken(QBO_BRIDGE_TOKEN_KEYS=keys)[0]


@pytest.mark.parametrize("level", ["LOUD", ""])
def test_settings_unknown_log_level_is_refused(mistaken: Mistaken, level: str) -> None:
    assert "QBO_BRIDGE_LOG_LEVEL" in mistaken(QBO_BRIDGE_LOG_LEVEL=level)[0]
