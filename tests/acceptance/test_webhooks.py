"""What Intuit pushes, as a process receives it that an operator runs: signed or not, with and without PostgreSQL."""

import base64
import hmac
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import requests
import simplejson

from deploy.local.errors import LocalStackError
from deploy.local.product import Process
from deploy.local.stack import LocalStack
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import PATIENCE_SECONDS, House

TOKEN = "verifier-token"
BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """A process that receives webhooks, seen from Intuit's side."""

    house: House
    process: Process
    url: str

    def post(self, body: bytes, *, signed: bytes | None = None, content_type: str = BATCH) -> int:
        digest = hmac.digest(TOKEN.encode(), body if signed is None else signed, "sha256")
        headers = {"intuit-signature": base64.b64encode(digest).decode(), "Content-Type": content_type}
        return requests.post(self.url, data=body, headers=headers, timeout=30).status_code

    def counted(self, name: str) -> dict[str, float]:
        page = requests.get(f"{self.house.addresses['bridge']}/metrics", timeout=30).text
        return {label: float(n) for label, n in re.findall(rf'^{name}{{\w+="(\w+)"}} (\S+)$', page, re.MULTILINE)}

    @property
    def fates(self) -> dict[str, float]:
        return self.counted("qbo_bridge_webhook_events_total")

    def until_hints(self, count: int) -> list[tuple[str, ...]]:
        """Wait until so many hints are stored, and return them."""
        query = "SELECT * FROM hint ORDER BY realm_id, entity, qbo_id, operation, deleted_id"
        rows = self.house.until(lambda: len(found := self.house.rows(query)) >= count and found, f"{count} hints")
        return [(r["realm_id"], r["entity"], r["qbo_id"], r["operation"], r["deleted_id"]) for r in rows]


def receive(house: House, *, roles: Sequence[str] = ("webhooks",)) -> Reception:
    address = house.folder / "webhooks.address"
    process = house.start(
        roles=roles,
        QBO_BRIDGE_WEBHOOK_VERIFIER_TOKEN=f"newer-token,{TOKEN}",
        QBO_BRIDGE_WEBHOOK_PORT="0",
        QBO_BRIDGE_WEBHOOK_ADDRESS_FILE=str(address),
    )
    return Reception(house=house, process=process, url=f"{address.read_text()}/webhooks/quickbooks")


def cloud(realm_id: str, identifier: str, kind: str = "qbo.customer.updated.v1", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{realm_id}-{identifier}",
        "source": "intuit.abc=",
        "type": kind,
        "time": "2026-10-07T19:59:07.034359333Z",
        "intuitentityid": identifier,
        "intuitaccountid": realm_id,
        "data": data,
    }


def packed(payload: Any) -> bytes:
    return simplejson.dumps(payload).encode()


def watch_all(house: House) -> None:
    """Have every company watched, its next poll far away, and no webhook ever heard."""
    house.rows(
        "INSERT INTO watch (realm_id, tenant_id, began_at, customers_since, invoices_since, poll_at)"
        " SELECT realm_id, tenant_id, now(), now(), now(), now() + interval '1 hour' FROM connection"
        " ON CONFLICT (realm_id, tenant_id) DO UPDATE SET poll_at = excluded.poll_at, announced_at = NULL RETURNING 1"
    )


def test_both_shapes_become_hints_and_the_companies_are_due(new_house: NewHouse) -> None:
    house = new_house(["us", "gb", "us"])
    first, second, third = house.realms.values()
    watch_all(house)
    house.rows("UPDATE lane SET due_at = NULL RETURNING 1")
    reception = receive(house)
    entities = [
        {"name": "Invoice", "id": "9", "operation": "Void", "lastUpdated": "2026-10-05T14:42:19-0700"},
        {
            "name": "Customer",
            "id": "7",
            "operation": "Merge",
            "deletedId": "8",
            "lastUpdated": "2026-10-05T14:42:19-0700",
        },
    ]
    legacy = {"eventNotifications": [{"realmId": first, "dataChangeEvent": {"entities": entities}}]}

    assert reception.post(packed(legacy), content_type="application/json") == 200
    merge = cloud(second, "7", "qbo.customer.merged.v1", deletedId="8")
    assert reception.post(packed([merge, cloud(second, "3", "qbo.payment.void.v1")]), content_type="text/plain") == 200

    assert reception.until_hints(4) == sorted(
        [
            (first, "Customer", "7", "merged", "8"),
            (first, "Invoice", "9", "voided", ""),
            (second, "Customer", "7", "merged", "8"),
            (second, "Payment", "3", "voided", ""),
        ]
    )
    due = house.rows("SELECT realm_id FROM lane WHERE due_at <= now() ORDER BY realm_id")
    heard = house.rows("SELECT realm_id FROM watch WHERE announced_at IS NOT NULL ORDER BY realm_id")
    assert [row["realm_id"] for row in due] == [row["realm_id"] for row in heard] == sorted([first, second])
    assert third not in {row["realm_id"] for row in due}


def test_hundred_events_over_many_companies_are_one_hint_each_however_often_they_come(new_house: NewHouse) -> None:
    house = new_house(["us"] * 10)
    reception = receive(house)
    realms = list(house.realms.values())
    body = packed([cloud(realms[number % 10], str(number)) for number in range(100)])

    assert [reception.post(body) for _ in range(3)] == [200] * 3
    hints = reception.until_hints(100)
    house.until(lambda: reception.fates.get("hint") == 300, "all are stored")
    assert reception.post(body) == 200
    house.until(lambda: reception.fates.get("hint") == 400, "all are stored again")

    assert reception.until_hints(100) == hints
    assert len({(realm_id, identifier) for realm_id, _, identifier, *_ in hints}) == len(hints) == 100
    assert reception.counted("qbo_bridge_webhook_requests_total") == {"accepted": 4}


def test_unknown_companies_other_entities_and_odd_events_are_acknowledged_and_counted(new_house: NewHouse) -> None:
    house = new_house(["us", "us"])
    known, gone = house.realms.values()
    house.command("connections", "disconnect", "loc_1")
    watch_all(house)
    reception = receive(house)
    events = [
        cloud(known, "1"),
        cloud("9999", "1"),
        cloud(gone, "1"),
        cloud(known, "2", "qbo.vendor.created.v1"),
        cloud(known, "2", "qbo.hologram.created.v1"),
        {"type": "com.example.x"},
        None,
    ]

    assert reception.post(packed(events)) == 200
    assert reception.post(b"<html>") == 200
    expected = {"hint": 1, "unknown_company": 2, "unwatched": 2, "not_understood": 2}
    house.until(lambda: reception.fates == expected, f"they are counted: {expected}")

    assert reception.until_hints(1) == [(known, "Customer", "1", "updated", "")]
    assert reception.counted("qbo_bridge_webhook_requests_total") == {"accepted": 1, "unreadable": 1}
    heard = house.rows("SELECT realm_id FROM watch WHERE announced_at IS NOT NULL")
    assert heard == [{"realm_id": known}]


def test_only_the_very_bytes_that_were_signed_are_taken(new_house: NewHouse) -> None:
    house = new_house()
    reception = receive(house)
    body = packed([cloud(house.realms["loc_0"], "1")])

    assert reception.post(body + b" ", signed=body) == 403
    assert reception.post(body.replace(b": ", b":"), signed=body) == 403
    assert requests.post(reception.url, data=body, timeout=30).status_code == 403
    assert requests.get(reception.url, timeout=30).status_code == 405
    assert reception.post(body.replace(b'"1"', b'"2"')) == 200

    assert [hint[2] for hint in reception.until_hints(1)] == ["2"]
    assert reception.counted("qbo_bridge_webhook_requests_total") == {"bad_signature": 3, "accepted": 1}
    assert TOKEN not in reception.process.log.read_text()


def test_hints_are_kept_while_postgresql_is_stopped_and_then_everything_is_due(
    new_house: NewHouse, stack: LocalStack
) -> None:
    assert stack.postgres is not None, "this test needs the embedded PostgreSQL"
    house = new_house(["us", "us", "us"])
    realms = list(house.realms.values())
    watch_all(house)
    reception = receive(house)
    assert reception.post(packed([cloud(realms[0], "before")])) == 200
    reception.until_hints(1)

    stack.postgres.stop()
    for number in range(20):
        assert (
            reception.post(packed([cloud(realms[number % 2], f"during-{number}"), cloud(realms[0], "before")])) == 200
        )
    house.until(lambda: "hints_wait_for_postgresql" in reception.process.log.read_text(), "it noticed")
    stack.postgres.start()
    hints = reception.until_hints(21)

    assert {hint[2] for hint in hints} == {"before", *(f"during-{number}" for number in range(20))}
    polled = "SELECT 1 FROM watch w JOIN lane l USING (realm_id) WHERE w.poll_at <= now() AND l.due_at <= now()"
    house.until(lambda: len(house.rows(polled)) == 3, "everything is due, also what no hint told of")
    assert reception.process.popen.poll() is None


def test_sigterm_stores_what_was_acknowledged(new_house: NewHouse) -> None:
    house = new_house()
    reception = receive(house)
    realm_id = house.realms["loc_0"]

    with psycopg.connect(house.environment["DATABASE_URL"]) as blocker:
        blocker.execute("LOCK TABLE hint IN EXCLUSIVE MODE")
        posts = [packed([cloud(realm_id, f"{n}-{m}") for m in range(100)]) for n in range(20)]
        assert [reception.post(body) for body in posts] == [200] * 20
        reception.process.signal(signal.SIGTERM)
        house.until(lambda: "draining" in reception.process.log.read_text(), "it is asked to end")
    assert reception.process.popen.wait(PATIENCE_SECONDS) == 0

    assert house.rows("SELECT count(*) AS n FROM hint") == [{"n": 2000}]
    with pytest.raises(requests.ConnectionError):
        reception.post(b"[]")


def test_hint_has_the_company_worked_on_by_the_process_that_heard_it(new_house: NewHouse) -> None:
    house = new_house()
    reception = receive(house, roles=[])
    epoch = "SELECT epoch FROM lane WHERE owner IS NULL"
    house.until(lambda: house.rows("SELECT 1 FROM connection WHERE company IS NOT NULL"), "preflight ran")
    (idle,) = house.until(lambda: house.rows(epoch), "the company rests")

    assert reception.post(packed([cloud(house.realms["loc_0"], "1")])) == 200
    again = "SELECT 1 FROM lane WHERE epoch > %s"
    house.until(lambda: house.rows(again, [idle["epoch"]]), "it is worked on")


def test_role_without_a_verifier_token_says_what_to_set(new_house: NewHouse) -> None:
    house = new_house(connected=False)
    with pytest.raises(LocalStackError, match=r"\(2\): .*QBO_BRIDGE_WEBHOOK_VERIFIER_TOKEN"):
        house.command("run", "--role", "webhooks")


@pytest.mark.parametrize("shape", ["cloudevents", "legacy"])
def test_what_a_person_does_in_quickbooks_becomes_a_hint(new_house: NewHouse, shape: str) -> None:
    house = new_house()
    realm_id = house.realms["loc_0"]
    reception = receive(house)
    house.quickbooks.control(
        "/webhooks", {"url": reception.url, "verifier": TOKEN, "shape": shape, "gather_seconds": 0}
    )

    def enters(name: str) -> str:
        sent = {"entity": "Customer", "object": {"DisplayName": name}}
        return str(house.quickbooks.control(f"/companies/{realm_id}/person/enter", sent)["Customer"]["Id"])

    kept, lost = enters("Amy"), enters("Amie")
    house.quickbooks.control(f"/companies/{realm_id}/person/merge", {"keep": kept, "lose": lost})
    hints = reception.until_hints(3)

    assert set(hints) >= {
        (realm_id, "Customer", kept, "created", ""),
        (realm_id, "Customer", lost, "created", ""),
        (realm_id, "Customer", kept, "merged", lost),
    }
    house.until(lambda: house.quickbooks.control("/webhooks")["acknowledged"] == 3, "all are acknowledged")
    assert reception.counted("qbo_bridge_webhook_requests_total").keys() == {"accepted"}
