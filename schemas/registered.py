"""Writers' schemas from a registry: taken only if the contract's newest reads them without a change of meaning."""

from typing import Any

from fastavro import parse_schema

from schemas.compatibility import unreadable
from schemas.errors import Reason, Undecodable
from schemas.ranges import plain
from schemas.versions import Version, fingerprint_of


def writer_of(schema: Any, newest: Version, origin: str) -> Any | None:
    """Return the schema's plain parsed form; None where its bytes are those of the newest version.

    The registry may hold what another team registered: another record, or a decimal of another scale, whose bytes
    would read as another amount. Raises Undecodable for these.
    """
    try:
        return _writer_of(schema, newest, origin)
    except Undecodable:
        raise
    except Exception as error:
        # fastavro raises much besides its own errors for what is no Avro schema.
        detail = f"{origin} is no usable Avro schema ({type(error).__name__}: {error})"
        raise Undecodable(Reason.UNKNOWN_SCHEMA, detail) from error


def _writer_of(schema: Any, newest: Version, origin: str) -> Any | None:
    parsed = parse_schema(schema)
    name = parsed.get("name") if isinstance(parsed, dict) else None
    if name != newest.name:
        raise Undecodable(Reason.WRONG_TOPIC, f"{origin} is {name or 'no record'}, not {newest.name}")
    if findings := unreadable(schema, newest.schema):
        raise Undecodable(Reason.INCOMPATIBLE_SCHEMA, f"{origin} does not fit the contract: {findings[0]}")
    return None if fingerprint_of(schema) == newest.fingerprint else parse_schema(plain(schema))
