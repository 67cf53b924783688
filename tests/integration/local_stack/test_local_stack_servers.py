import uuid
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, Producer

from deploy.local.errors import LocalStackError
from deploy.local.kafka import prepare_kafka
from deploy.local.postgres import prepare_postgres
from deploy.local.stack import LocalStack
from deploy.local.topics import create_topics

READ_SECONDS = 30


def produce(bootstrap_servers: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all", "log_level": 0})
    producer.produce(topic, value)
    assert producer.flush(READ_SECONDS) == 0


def read_all(bootstrap_servers: str, topic: str, count: int) -> list[bytes | None]:
    group = {"group.id": f"{topic}{uuid.uuid4().hex}", "auto.offset.reset": "earliest"}
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "log_level": 0, **group})
    try:
        consumer.subscribe([topic])
        return [record.value() for record in consumer.consume(count, timeout=READ_SECONDS)]
    finally:
        consumer.close()


def test_kafka_record_produced_is_consumed(bootstrap_servers: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}events"
    create_topics(bootstrap_servers, {topic: 1})
    produce(bootstrap_servers, topic, b"first")
    assert read_all(bootstrap_servers, topic, 1) == [b"first"]


def test_topic_made_twice_is_no_error(bootstrap_servers: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}events"
    create_topics(bootstrap_servers, {topic: 3})
    create_topics(bootstrap_servers, {topic: 3, f"{topic_prefix}other": 1})


def test_topic_with_a_forbidden_name_is_told(bootstrap_servers: str) -> None:
    with pytest.raises(LocalStackError, match="Topic not/allowed could not be made"):
        create_topics(bootstrap_servers, {"not/allowed": 1})


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_kafka_started_again_has_same_address_and_records(
    stack: LocalStack, bootstrap_servers: str, topic_prefix: str, ending: str
) -> None:
    if stack.kafka is None:
        pytest.skip("Kafka was not started as a process of ours")
    topic = f"{topic_prefix}events"
    create_topics(bootstrap_servers, {topic: 1})
    produce(bootstrap_servers, topic, b"before")
    getattr(stack.kafka, ending)()
    assert stack.kafka.pid is None
    stack.kafka.start()
    produce(bootstrap_servers, topic, b"after")
    assert read_all(bootstrap_servers, topic, 2) == [b"before", b"after"]


def test_postgres_database_of_a_test_answers(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_folds_case_beyond_ascii(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT lower('ÄÉ')").fetchone() == ("äé",)


def test_postgres_writes_survive_a_crash_of_the_machine(stack: LocalStack, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_postgres_started_again_has_same_address_and_rows(stack: LocalStack, database_url: str, ending: str) -> None:
    if stack.postgres is None:
        pytest.skip("PostgreSQL was not started as a process of ours")
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    getattr(stack.postgres, ending)()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database_url)
    stack.postgres.start()
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_postgres_without_its_password_lets_nobody_in(stack: LocalStack, database_url: str) -> None:
    if stack.postgres is None:
        pytest.skip("PostgreSQL was not started as a process of ours")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(database_url, password="wrong")


def test_databases_of_tests_are_dropped_at_the_end(stack: LocalStack, database_url: str) -> None:
    url = stack.create_database("shortlived")
    with psycopg.connect(url) as connected:
        stack.drop_database("shortlived")
        with pytest.raises(psycopg.OperationalError):
            connected.execute("SELECT 1")
    stack.drop_database("shortlived")


def test_database_made_twice_is_told(stack: LocalStack, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        name = connection.info.dbname
    with pytest.raises(LocalStackError, match=f'"{name}" already exists'):
        stack.create_database(name)


def test_kafka_second_on_the_same_folder_is_told(stack: LocalStack, bootstrap_servers: str, topic_prefix: str) -> None:
    if stack.kafka is None:
        pytest.skip("Kafka was not started as a process of ours")
    _, second = prepare_kafka(stack.kafka.spec.log.parent)
    with pytest.raises(LocalStackError, match=r"An older (Kafka|PostgreSQL) still uses"):
        second.start()
    create_topics(bootstrap_servers, {f"{topic_prefix}after": 1})


def test_postgres_second_on_the_same_folder_is_told(stack: LocalStack, database_url: str) -> None:
    if stack.postgres is None:
        pytest.skip("PostgreSQL was not started as a process of ours")
    _, second = prepare_postgres(stack.postgres.spec.log.parent)
    with pytest.raises(LocalStackError, match=r"An older (Kafka|PostgreSQL) still uses"):
        second.start()


def test_postgres_data_of_another_version_is_refused(run_folder: Path) -> None:
    data = run_folder / "old" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(LocalStackError, match="holds data of PostgreSQL 16 and this is 18"):
        prepare_postgres(run_folder / "old")
