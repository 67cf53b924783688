"""A Confluent-compatible schema registry, where one is configured."""

from typing import Any

import simplejson
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.errors import RegistryRefused, RegistryUnavailable
from schemas.versions import newest_text

_NOT_FOUND = 404
_CLIENT_ERRORS = range(400, 500)
#: Of the client errors these say nothing about the schema: they pass, or an operator mends the credentials.
_PASSING = frozenset({401, 403, 408, 429})


class Registry:
    """Satisfies `schemas.codec.SchemaIds`. Blocks on HTTP the first time it meets an id; then answers from memory."""

    def __init__(self, url: str, *, basic_auth: str | None = None, timeout_seconds: float = 10) -> None:
        config: dict[str, Any] = {"url": url, "timeout": timeout_seconds}
        if basic_auth:
            config["basic.auth.user.info"] = basic_auth
        self._client = SchemaRegistryClient(config)
        self._schemas: dict[int, Any] = {}
        self._ids: dict[str, int] = {}

    def schema(self, schema_id: int) -> Any | None:
        """Return the schema of an id, None if there is none; raises RegistryUnavailable."""
        if schema_id not in self._schemas:
            try:
                found = self._client.get_schema(schema_id)
            except Exception as error:
                if getattr(error, "http_status_code", None) == _NOT_FOUND:
                    return None
                raise RegistryUnavailable(f"the schema registry does not answer: {error}") from error
            self._schemas[schema_id] = simplejson.loads(found.schema_str or "{}")
        return self._schemas[schema_id]

    def schema_id(self, topic: str) -> int:
        """Return the id of the newest schema of a topic, registering it if it is not there."""
        if topic not in self._ids:
            self._ids[topic] = self.register(topic)
        return self._ids[topic]

    def register(self, topic: str) -> int:
        """Register the newest schema under `<topic>-value`; raises RegistryRefused or RegistryUnavailable."""
        return self.register_text(topic, newest_text(topic))

    def register_text(self, topic: str, text: str) -> int:
        try:
            return self._client.register_schema(subject_of(topic), Schema(text, "AVRO"))
        except SchemaRegistryError as error:
            if error.http_status_code in _CLIENT_ERRORS and error.http_status_code not in _PASSING:
                raise RegistryRefused(f"the schema registry refuses {topic}: {error.error_message}") from error
            raise RegistryUnavailable(f"the schema registry does not answer: {error}") from error
        except Exception as error:
            raise RegistryUnavailable(f"the schema registry does not answer: {error}") from error

    def require_full_transitive(self, topic: str) -> None:
        """Have the registry itself refuse a change that old or new readers could not live with."""
        self._client.set_compatibility(subject_of(topic), level="FULL_TRANSITIVE")


def subject_of(topic: str) -> str:
    """Return the registry's subject for the values of a topic (TopicNameStrategy)."""
    return f"{topic}-value"
