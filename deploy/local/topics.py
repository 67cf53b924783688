from collections.abc import Mapping
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from deploy.local.errors import LocalStackError

# -1: the broker's defaults, so that the same call serves one broker and a cluster.
BROKER_DEFAULT = -1
ANSWER_SECONDS = 60


def answers(bootstrap_servers: str) -> bool:
    """Whether a broker answers with its metadata within a second."""
    try:
        return bool(_admin(bootstrap_servers).list_topics(timeout=1).brokers)
    except KafkaException:
        return False


def create_topics(bootstrap_servers: str, partitions: Mapping[str, int]) -> None:
    """Make the topics named, with that many partitions each; ones that exist are left as they are.

    Returns when the broker knows them. Raises LocalStackError.
    """
    wanted = [
        NewTopic(name, num_partitions=count, replication_factor=BROKER_DEFAULT) for name, count in partitions.items()
    ]
    if not wanted:
        return
    admin = _admin(bootstrap_servers)  # Held: its end would end what it was asked.
    for name, made in admin.create_topics(wanted, operation_timeout=30).items():
        _await(made, f"Topic {name} could not be made", KafkaError.TOPIC_ALREADY_EXISTS)


def delete_topics(bootstrap_servers: str, prefix: str) -> None:
    """Delete every topic whose name begins so; one gone meanwhile is no error. Raises LocalStackError."""
    admin = _admin(bootstrap_servers)
    ours = [name for name in admin.list_topics(timeout=ANSWER_SECONDS).topics if name.startswith(prefix)]
    if ours:
        for name, deleted in admin.delete_topics(ours, operation_timeout=30).items():
            _await(deleted, f"Topic {name} could not be deleted", KafkaError.UNKNOWN_TOPIC_OR_PART)


def _await(answer: Future[None], failure: str, harmless: int) -> None:
    try:
        answer.result(timeout=ANSWER_SECONDS)
    except KafkaException as error:
        if error.args[0].code() != harmless:
            raise LocalStackError(f"{failure}: {error}. Is Kafka running?") from error


def _admin(bootstrap_servers: str) -> AdminClient:
    # Being refused is expected while a broker starts: librdkafka need not print it.
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
