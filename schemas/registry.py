"""A Confluent-compatible schema registry, where one is configured."""

from typing import Any, Self

import simplejson

from schemas.errors import Reason, RegistryRefused, RegistryUnavailable, SchemaError, Undecodable
from schemas.versions import AvroSchema, newest_text

#: The registry's own code. A 404 without it comes from a wrong URL or a proxy, and says nothing about the schema.
_SCHEMA_NOT_FOUND = 40403
_CLIENT_ERRORS = range(400, 500)
#: Of the client errors these say nothing about the schema: they pass, or an operator mends URL or credentials.
_PASSING = frozenset({401, 403, 404, 408, 429})


class Registry:
    """Satisfies `schemas.codec.SchemaIds`. Blocks on HTTP the first time it meets an id; then answers from memory."""

    def __init__(self, url: str, *, basic_auth: str | None = None, timeout_seconds: float = 5) -> None:
        """`basic_auth` is `user:password`. Certificates are checked against the system's authorities."""
        # No retries here: whoever asks waits and asks again, with nothing else held up.
        config: dict[str, Any] = {"url": url, "timeout": timeout_seconds, "max.retries": 0}
        if basic_auth:
            config["basic.auth.user.info"] = basic_auth
        self._client, self._as_avro = _client(config)
        self._schemas: dict[int, AvroSchema] = {}
        self._ids: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a process that keeps the registry for its life need not."""
        self._client.close()

    def schema(self, schema_id: int) -> AvroSchema | None:
        """Return the schema of an id, None if there is none.

        Raises Undecodable if it is none of Avro's, RegistryUnavailable if nobody says.
        """
        if schema_id not in self._schemas:
            try:
                found = self._client.get_schema(schema_id)
            except Exception as error:
                if getattr(error, "error_code", None) == _SCHEMA_NOT_FOUND:
                    return None
                raise RegistryUnavailable(f"the schema registry does not answer: {error}") from error
            self._schemas[schema_id] = _avro(found, schema_id)
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
            return int(self._client.register_schema(subject_of(topic), self._as_avro(text)))
        except Exception as error:
            raise _translated(error, topic) from error

    def require_full_transitive(self, topic: str) -> None:
        """Have the registry itself refuse a change that old or new readers could not live with."""
        try:
            self._client.set_compatibility(subject_of(topic), level="FULL_TRANSITIVE")
        except Exception as error:
            raise _translated(error, topic) from error


def subject_of(topic: str) -> str:
    """Return the registry's subject for the values of a topic (TopicNameStrategy)."""
    return f"{topic}-value"


def _client(config: dict[str, Any]) -> tuple[Any, Any]:
    """Return the client, and what makes its schema of a text; both are of an optional extra."""
    try:
        from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
    except ImportError as error:
        raise SchemaError("a schema registry is configured: install qbo-bridge[registry]") from error
    return SchemaRegistryClient(config), lambda text: Schema(text, "AVRO")


def _avro(found: Any, schema_id: int) -> AvroSchema:
    if found.schema_type not in {None, "AVRO"}:
        raise Undecodable(Reason.UNKNOWN_SCHEMA, f"schema id {schema_id} is {found.schema_type}, not Avro")
    try:
        schema: AvroSchema = simplejson.loads(found.schema_str)
    except (TypeError, ValueError) as error:
        raise Undecodable(Reason.UNKNOWN_SCHEMA, f"schema id {schema_id} is no JSON ({error})") from error
    return schema


def _translated(error: Exception, topic: str) -> SchemaError:
    status = getattr(error, "http_status_code", 0)
    if status in _CLIENT_ERRORS and status not in _PASSING:
        return RegistryRefused(f"the schema registry refuses {topic}: {getattr(error, 'error_message', error)}")
    return RegistryUnavailable(f"the schema registry does not answer: {error}")
