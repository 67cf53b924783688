"""What can be wrong with bytes and values.

::

    SchemaError
      Undecodable          these bytes are no event of this topic: a dead letter
      ValueOutOfRange      this event cannot be written exactly: nothing is rounded
      RegistryUnavailable  the registry does not answer: wait, the bytes may be fine
      RegistryRefused      the registry refuses a schema
"""


class SchemaError(Exception):
    pass


class Undecodable(SchemaError):
    """`reason` is a stable code, `detail` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
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
