"""The review service for other teams, run as they would run it, on a real Kafka."""

import ast
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from deploy.local.ports import free_ports
from schemas.events.quickbooks import ReviewRequest
from schemas.versions import fingerprint_of, newest_text
from tests.integration.examples.conftest import (
    EXAMPLES,
    PAID,
    PATIENCE_SECONDS,
    SCHEMA_ID,
    SCHEMAS,
    Reviews,
    StandIn,
    confluent,
    line,
    paid,
    single_object,
)
from tests.unit.schemas.by_hand import body


@pytest.mark.parametrize("name", ["review_service.py", "publish_payment.py"])
def test_example_is_short_and_needs_nothing_of_ours(name: str) -> None:
    source = (EXAMPLES / name).read_text()
    assert len(source.splitlines()) < 60
    nodes = list(ast.walk(ast.parse(source)))
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    packages = {module.partition(".")[0] for module in imported}
    assert packages - sys.stdlib_module_names == {"confluent_kafka", "fastavro"}


def test_review_service_asks_what_it_is_told_in_both_wire_forms(reviews: Reviews, registry: StandIn) -> None:
    reviews.publish(
        single_object(paid("Ann")),
        confluent(paid("Ben")),
        single_object(paid("Cem", review=ReviewRequest.OFF)),
        confluent(paid("Dan", review=ReviewRequest.NOT_FIRST)),
        single_object(paid("Eve", review=ReviewRequest.UNKNOWN)),
        confluent(paid("Zoe")),
    )
    assert reviews.asked("--registry", registry.url, count=3) == [line("Ann"), line("Ben"), line("Zoe")]
    assert reviews.errors() == []


def test_review_service_writes_to_the_address_of_the_bill_where_the_customer_has_none(reviews: Reviews) -> None:
    ann, ben = (replace(one, customer=replace(one.customer, email=None)) for one in (paid("Ann"), paid("Ben")))
    ann = replace(ann, invoice=replace(ann.invoice, billing_email="Ann@example.com"))
    reviews.publish(*(single_object(event) for event in (ann, ben, paid("Cem"))))
    assert reviews.asked(count=2) == [line("Ann"), line("Cem")]


def test_review_service_asks_once_for_an_event_whatever_is_repeated(reviews: Reviews) -> None:
    first, second, third = (single_object(paid(name)) for name in ("Ann", "Ben", "Cem"))
    reviews.publish(first, first, second)
    assert reviews.asked(count=2) == [line("Ann"), line("Ben")]
    reviews.publish(first, third)
    assert reviews.asked(count=1) == [line("Cem")], "after a restart"
    reviews.publish(single_object(paid("Zoe")))
    assert reviews.asked("--group", f"{reviews.topic}.new", count=1) == [line("Zoe")], "with all of it read again"


def test_review_service_goes_on_behind_what_it_committed(reviews: Reviews) -> None:
    reviews.publish(single_object(paid("Ann")))
    assert reviews.asked(count=1) == [line("Ann")]
    (reviews.folder / "seen.sqlite").unlink()
    reviews.publish(single_object(paid("Zoe")))
    assert reviews.asked(count=1) == [line("Zoe")]


def test_review_service_says_of_unreadable_records_that_they_are_and_goes_on(
    reviews: Reviews, registry: StandIn
) -> None:
    good = single_object(paid("Ann"))
    unreadable = [
        None, b"", b"\x00", b"\xc3\x01", b'{"this is": "JSON"}',
        good[:-9], good[:10], b"\xc3\x01" + b"\xff" * 8 + good[10:],
        b"\x00" + SCHEMA_ID.to_bytes(4, "big") + b"\xff" * 40, confluent(paid("Ben"), schema_id=8),
    ]  # fmt: skip
    reviews.publish(*unreadable, good)
    assert reviews.asked("--registry", registry.url, count=1) == [line("Ann")]
    told = reviews.errors()
    assert [said.split()[:4] for said in told] == [["no", "event:", "0", str(n)] for n in range(len(unreadable))]


def test_review_service_without_a_registry_leaves_its_form_aside(reviews: Reviews) -> None:
    reviews.publish(confluent(paid("Ann")), single_object(paid("Zoe")))
    assert reviews.asked(count=1) == [line("Zoe")]
    assert len(reviews.errors()) == 1


@pytest.mark.parametrize("trouble", ["nobody", "a proxy's page"])
def test_review_service_loses_nothing_while_the_registry_is_away(
    reviews: Reviews, registry: StandIn, trouble: str
) -> None:
    reviews.publish(single_object(paid("Ann")), confluent(paid("Ben")))
    wrong = f"{registry.url}/elsewhere" if trouble == "a proxy's page" else f"http://127.0.0.1:{free_ports(1)[0]}"
    done = subprocess.run(
        reviews.command("--registry", wrong), capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (done.returncode, done.stdout.splitlines()) == (1, [line("Ann")])
    assert done.stderr.startswith("The registry does not say")
    assert reviews.asked("--registry", registry.url, count=1) == [line("Ben")]


def test_review_service_reads_old_and_new_writers(reviews: Reviews) -> None:
    schemas = reviews.folder / "schemas"
    shutil.copytree(SCHEMAS, schemas)
    newer = json.loads(newest_text(PAID))
    newer["fields"].append({"name": "stars", "type": ["null", "long"], "default": None})
    for file in (schemas / f"{PAID}.avsc", schemas / "versions" / PAID / "v99.avsc"):
        file.write_text(json.dumps(newer))
    event = paid("Zoe")
    told = {name: getattr(event, name) for name in event.__slots__} | {"stars": None}
    reviews.publish(single_object(paid("Ann")), b"\xc3\x01" + fingerprint_of(newer) + body(told, newer))
    assert reviews.asked("--schemas", str(schemas), count=2) == [line("Ann"), line("Zoe")]


def test_review_service_ends_by_itself_when_nothing_comes_for_long(reviews: Reviews) -> None:
    assert subprocess.run(reviews.command("--until-idle", "1"), check=True, timeout=PATIENCE_SECONDS).returncode == 0
