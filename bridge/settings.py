"""Every setting, read once from the environment, typed, with secrets masked. Nobody else reads the environment."""

from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet
from pydantic import AliasChoices, Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one process. Names in the environment: `QBO_BRIDGE_` and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="QBO_BRIDGE_", extra="ignore", populate_by_name=True)

    database_url: SecretStr = Field(validation_alias=AliasChoices("DATABASE_URL", "QBO_BRIDGE_DATABASE_URL"))
    kafka_bootstrap_servers: str = Field(
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "QBO_BRIDGE_KAFKA_BOOTSTRAP_SERVERS")
    )
    #: librdkafka's own properties, for consumer and producer alike, and for the consumer only.
    kafka_properties: dict[str, str | int | bool] = {}
    kafka_consumer_properties: dict[str, str | int | bool] = {}
    consumer_group: str = "qbo-bridge"
    topic_prefix: str = ""
    schema_registry_url: HttpUrl | None = None

    #: Keys for the tokens at rest, newest first, separated by commas. `qbo-bridge new-key` prints one.
    token_keys: SecretStr

    qbo_base_url: HttpUrl = HttpUrl("https://quickbooks.api.intuit.com")
    qbo_discovery_url: HttpUrl = HttpUrl("https://developer.intuit.com/.well-known/openid_configuration")
    qbo_client_id: str
    qbo_client_secret: SecretStr
    qbo_redirect_uri: str = "http://localhost:8484/callback"
    qbo_timeout_seconds: float = Field(default=30.0, gt=0)

    lease_seconds: float = Field(default=75.0, gt=0)
    most_lanes: int = Field(default=2000, gt=0)
    lane_quantum_seconds: float = Field(default=30.0, gt=0)
    linger_seconds: float = Field(default=5.0, gt=0)
    drain_seconds: float = Field(default=20.0, gt=0)
    retry_first_seconds: float = Field(default=2.0, gt=0)
    #: Between two polls of a company: usually, and where webhooks are proven to arrive.
    poll_seconds: float = Field(default=240.0, gt=0)
    proven_poll_seconds: float = Field(default=3600.0, gt=0)
    #: What Intuit lets all companies together read in a month; `qbo-bridge reads` measures against it.
    metered_reads_per_month: int = Field(default=500_000, gt=0)
    dead_letter_share: float = Field(default=0.2, gt=0, le=1)
    dead_letter_run: int = Field(default=100, gt=0)
    most_workable: int = Field(default=50_000, gt=0)
    database_connections: int = Field(default=8, ge=3)

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=9464, ge=0, le=65535)
    #: Where the addresses really bound are written; for whoever starts this process with port 0.
    http_address_file: Path | None = None
    #: Intuit's verifier tokens, newest first, separated by commas. Without one no webhooks are received.
    webhook_verifier_token: SecretStr | None = None
    webhook_host: str = "127.0.0.1"
    webhook_port: int = Field(default=8485, ge=0, le=65535)
    webhook_address_file: Path | None = None
    log_level: str = Field(default="INFO", pattern="(?i)^(debug|info|warning|error|critical)$")
    log_format: str = Field(default="json", pattern="^(json|text)$")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.lease_seconds <= self.qbo_timeout_seconds:
            raise ValueError(
                f"QBO_BRIDGE_LEASE_SECONDS ({self.lease_seconds}) must be longer than "
                f"QBO_BRIDGE_QBO_TIMEOUT_SECONDS ({self.qbo_timeout_seconds}): nothing is sent that the lease "
                "does not outlast."
            )
        if not self.keys:
            raise ValueError("QBO_BRIDGE_TOKEN_KEYS holds no key. `qbo-bridge new-key` prints one.")
        for key in self.keys:
            _check_key(key)
        return self

    @property
    def keys(self) -> list[str]:
        return _separated(self.token_keys)

    @property
    def webhook_verifier_tokens(self) -> list[str]:
        return _separated(self.webhook_verifier_token) if self.webhook_verifier_token else []


def _separated(secrets: SecretStr) -> list[str]:
    return [secret.strip() for secret in secrets.get_secret_value().split(",") if secret.strip()]


def _check_key(key: str) -> None:
    try:
        Fernet(key)
    except ValueError as error:
        raise ValueError(
            "QBO_BRIDGE_TOKEN_KEYS holds something that is no Fernet key (32 bytes, base64url). "
            "`qbo-bridge new-key` prints a good one."
        ) from error
