"""What changes in QuickBooks is on Kafka, once, whatever happens to the processes and servers on the way."""

import json
import signal

from deploy.local.stack import LocalStack
from schemas.events.quickbooks import ConnectionState, ImportState
from tests.acceptance.bookkeeping import customer, invoice, metered, pay, settled_history
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import House

FAST = {"QBO_BRIDGE_POLL_SECONDS": "1"}
_OLD = 600


def watched(house: House, companies: int = 1) -> bool:
    """Whether the history of every company was read: from then on paid invoices are news."""
    return len(house.rows("SELECT 1 FROM watch WHERE history_counted AND history_since IS NULL")) == companies


def test_several_processes_tell_each_change_once_and_poll_no_company_twice(new_house: NewHouse) -> None:
    house = new_house(["us"] * 4, **FAST)
    for name in ("first", "second", "third"):
        house.start(name)
    house.until(lambda: watched(house, 4), "all are watched")
    reads = {tenant: metered(house, tenant) for tenant in house.realms}
    polls = {r["tenant_id"]: r["polled_at"] for r in house.rows("SELECT tenant_id, polled_at FROM watch")}
    for tenant in house.realms:
        amy = customer(house, "Amy", tenant, email="amy@example.com")
        pay(house, invoice(house, amy["Id"], tenant=tenant), tenant=tenant)
    told = house.until(lambda: len(found := house.told("qb.invoice.paid")) == 4 and found, "all are told")
    later = "SELECT 1 FROM watch WHERE polled_at > now() - interval '1 second' AND polled_at > %s"
    house.until(lambda: all(house.rows(later, [moment]) for moment in polls.values()), "they are polled again")

    assert {one.envelope.tenant_id for one in told} == set(house.realms)
    assert len(house.told("qb.customer.changed")) == 4
    elapsed = house.rows("SELECT extract(epoch FROM max(polled_at) - %s) AS s FROM watch", [min(polls.values())])[0][
        "s"
    ]
    for tenant, before in reads.items():
        # One poll a second at most by all three processes together, and one for the reads while it was counted.
        assert metered(house, tenant) - before <= float(elapsed) / 0.9 + 2


def test_an_import_under_kill_9_is_told_once_each_and_ends(new_house: NewHouse) -> None:
    house = new_house(fill=lambda house: settled_history(house, _OLD), import_invoices=True, **FAST)
    house.quickbooks.control("/latency", {"seconds": 0.3})
    for number in range(2):
        bridge = house.start(f"bridge-{number}")
        done = house.rows("SELECT coalesce(max(import_done), 0) AS n FROM watch")[0]["n"]
        more = "SELECT 1 FROM watch WHERE import_done > %s OR import_state = 'done'"
        house.until_row(more, done, what="a page was imported")
        bridge.kill()
    house.start("last")
    house.until(lambda: house.rows("SELECT 1 FROM watch WHERE import_state = 'done'"), "the import ends")
    house.until_all_told()

    imported = house.told("qb.invoice.imported")
    by_event = {one.envelope.event_id: one.invoice.invoice_id for one in imported}
    assert len(by_event) == len(set(by_event.values())) == _OLD
    assert house.told("qb.invoice.paid") == []
    standings = [(s.import_state, s.import_done, s.import_total) for s in house.told("qb.connection.changed")]
    assert standings[-1] == (ImportState.DONE, _OLD, _OLD)
    assert f"{_OLD} done" in house.command("connections", "list")


def test_killed_and_paused_pollers_tell_every_change_once(new_house: NewHouse) -> None:
    house = new_house(**FAST)
    first, second = house.start("first"), house.start("second")
    house.until(lambda: watched(house), "it is watched")
    names = [f"Customer {n}" for n in range(30)]
    for number, name in enumerate(names):
        customer(house, name)
        if number == 10:
            first.kill()
        if number == 15:
            second.signal(signal.SIGSTOP)
            house.start("third")
        if number == 25:
            second.signal(signal.SIGCONT)
    known = "SELECT count(*) AS n FROM known_customer"
    house.until(lambda: house.rows(known)[0]["n"] == len(names), "all are known")
    house.until_all_told()

    told = house.told("qb.customer.changed")
    assert sorted(e.customer.display_name for e in {one.envelope.event_id: one for one in told}.values()) == sorted(
        names
    )


def test_a_company_whose_polls_fail_delays_no_other_and_says_so(new_house: NewHouse) -> None:
    house = new_house(["us", "us"], **FAST)
    house.start()
    house.until(lambda: watched(house, 2), "both are watched")
    fault = {"kind": "status_503", "operation": "cdc", "realm_id": house.realms["loc_0"], "count": 10_000}
    house.quickbooks.control("/faults", fault)
    customer(house, "Amy", "loc_0")
    customer(house, "Bob", "loc_1")

    house.until(lambda: [e.customer.display_name for e in house.told("qb.customer.changed")] == ["Bob"], "Bob is told")
    house.until(lambda: "polls_fail" in house.command("connections", "list"), "the trouble shows")
    house.quickbooks.session.delete(f"{house.quickbooks.base_url}/emulator/faults", timeout=5).raise_for_status()
    house.until(lambda: len(house.told("qb.customer.changed")) == 2, "Amy is told afterwards")
    assert "polls_fail" not in house.command("connections", "list")


def test_reads_are_metered_as_quickbooks_counts_them(new_house: NewHouse) -> None:
    house = new_house(["us", "gb"], fill=lambda house: settled_history(house, 5), **FAST)
    bridge = house.start()
    house.until(lambda: watched(house, 2), "both are watched")
    bridge.stop()

    shown = {row["tenant"]: row["this_month"] for row in json.loads(house.command("reads", "--json"))}
    assert shown == {tenant: metered(house, tenant) for tenant in house.realms}
    assert f"In all {sum(shown.values())} reads this month" in house.command("reads")


def test_a_consent_that_ended_is_found_by_a_poll_and_told_once(new_house: NewHouse) -> None:
    house = new_house(**FAST)
    house.start()
    house.until(lambda: watched(house), "it is watched")
    house.quickbooks.control(f"/companies/{house.realms['loc_0']}/revoke", {})

    house.until(lambda: house.rows("SELECT 1 FROM connection WHERE state = 'reconnect_needed'"), "it is parked")
    house.until_all_told()
    states = [one.state for one in house.told("qb.connection.changed")]
    assert states.count(ConnectionState.RECONNECT_NEEDED) == 1


def test_postgresql_stopped_while_changes_come_loses_and_doubles_nothing(
    new_house: NewHouse, stack: LocalStack
) -> None:
    assert stack.postgres is not None, "this test needs the embedded PostgreSQL"
    house = new_house(**FAST)
    house.start()
    house.until(lambda: watched(house), "it is watched")
    customer(house, "Before")
    house.until(lambda: len(house.told("qb.customer.changed")) == 1, "the first is told")
    stack.postgres.stop()
    customer(house, "Meanwhile")
    stack.postgres.start()
    customer(house, "After")

    house.until(lambda: house.rows("SELECT 1 FROM known_customer WHERE fields ->> 'display_name' = 'After'"), "polled")
    house.until_all_told()
    told = {one.envelope.event_id: one.customer.display_name for one in house.told("qb.customer.changed")}
    assert sorted(told.values()) == ["After", "Before", "Meanwhile"]


def test_kafka_stopped_while_changes_come_sends_them_in_order_afterwards(
    new_house: NewHouse, stack: LocalStack
) -> None:
    assert stack.kafka is not None, "this test needs the embedded Kafka"
    house = new_house(**FAST)
    bridge = house.start()
    house.until(lambda: watched(house), "it is watched")
    amy = customer(house, "Amy 0")
    house.until(lambda: len(house.told("qb.customer.changed")) == 1, "the first is told")
    stack.kafka.stop()
    for number in range(1, 6):
        house.person("edit", entity="Customer", Id=amy["Id"], set={"DisplayName": f"Amy {number}"})
        known = "SELECT 1 FROM known_customer WHERE fields ->> 'display_name' = %s"
        house.until_row(known, f"Amy {number}", what="it was polled")
    bridge.kill()
    house.start("again", roles=("sync", "relay"))
    stack.kafka.start()
    house.until_all_told()

    told = house.told("qb.customer.changed")
    ids = list(dict.fromkeys(one.envelope.event_id for one in told))
    names = {one.envelope.event_id: one.customer.display_name for one in told}
    assert [names[one] for one in ids] == [f"Amy {n}" for n in range(6)]
