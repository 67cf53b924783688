"""What can be wrong with bytes and values.

::

    SchemaError
      Undecodable          these bytes are no event of this topic: a dead letter
      ValueOutOfRange      this event cannot be written exactly: nothing is rounded
      RegistryUnavailable  the registry does not answer: wait, the bytes may be fine
      RegistryRefused      the registry refuses a schema
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why bytes are no event: stable codes, which dead letters carry."""

    #: No value at all; the contract knows no tombstones.
    EMPTY = "empty"
    #: Begins like neither wire form.
    UNKNOWN_FORM = "unknown_form"
    #: Neither kept here nor in the registry.
    UNKNOWN_SCHEMA = "unknown_schema"
    #: Names a schema id while no registry is configured.
    NO_REGISTRY = "no_registry"
    #: Written with a registered schema that the contract's newest cannot read without a change of meaning.
    INCOMPATIBLE_SCHEMA = "incompatible_schema"
    #: A record of another topic.
    WRONG_TOPIC = "wrong_topic"
    TRUNCATED = "truncated"
    NOT_UTF8 = "not_utf8"
    #: The body does not fit its schema in another way.
    DAMAGED = "damaged"
    TRAILING_BYTES = "trailing_bytes"
    DECIMAL_OUT_OF_RANGE = "decimal_out_of_range"
    TIME_OUT_OF_RANGE = "time_out_of_range"


class SchemaError(Exception):
    pass


class Undecodable(SchemaError):
    """`reason` is a stable code, one of `Reason` where this package says it; `detail` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = str(reason)
        self.detail = detail


class ValueOutOfRange(SchemaError):
    """`field` is the path of the value that its schema cannot hold."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field


class RegistryUnavailable(SchemaError):
    pass


class RegistryRefused(SchemaError):
    pass
