"""Which errors end the producer, and which concern one record."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from bridge.kafka import is_fatal


@pytest.mark.parametrize(
    ("error", "fatal"),
    [
        # As it is raised by what polls, and by `produce` ever after.
        (KafkaException(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "out of sequence", fatal=True)), True),
        (KafkaException(KafkaError(KafkaError._FATAL, "Unable to produce message")), True),
        (KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large")), False),
        (BufferError("Local: Queue full"), False),
    ],
)
def test_is_fatal_only_where_the_producer_can_send_nothing_more(error: Exception, fatal: bool) -> None:
    assert is_fatal(error) is fatal
