"""Killed, paused, cut off: every promise holds afterwards, and there is one object for each CRM record."""

import signal
from dataclasses import replace

import psycopg

from bridge.store.outbox import SHARDS
from deploy.local.demo.books import compare
from deploy.local.demo.crm import US, trade
from deploy.local.stack import LocalStack
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import soon


def test_killed_between_the_answer_and_our_commit_there_is_one_object(new_house: NewHouse) -> None:
    house = new_house()
    bridge = house.start()
    realm_id = house.realms["loc_0"]
    event = trade(replace(US, tenant_id="loc_0"), contacts=1, sales=0, seed=1, now=soon()).events[0]
    house.until(lambda: house.rows("SELECT 1 FROM connection WHERE company IS NOT NULL"), "preflight ran")

    with psycopg.connect(house.environment["DATABASE_URL"]) as blocker:
        # The answer's transaction writes the link and waits here; reading goes on.
        blocker.execute("LOCK TABLE link IN EXCLUSIVE MODE")
        house.publish([event])
        blocked = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO link%'"
        house.until(lambda: house.rows(blocked), "the answer waits to be committed")
        assert house.statistics(realm_id)["writes_applied"]["Customer"] == 1
        bridge.kill()
    assert house.rows("SELECT 1 FROM intent WHERE state = 'open'")
    house.start("again")
    house.until_settled(1)

    assert house.states() == {"done": 1}
    assert house.writes() == {"Customer": 1}
    assert house.statistics(realm_id)["replays"] == 1
    (link,) = house.rows("SELECT qbo_id FROM link")
    assert link["qbo_id"] in {c["Id"] for c in house.quickbooks.objects(realm_id, "Customer")}


def test_killed_between_intent_and_send_there_is_one_write(new_house: NewHouse) -> None:
    house = new_house()
    bridge = house.start()
    realm_id = house.realms["loc_0"]
    known, other, *rest = trade(replace(US, tenant_id="loc_0"), contacts=5, sales=0, seed=1, now=soon()).events
    moved = next(event for event in rest if event.envelope.event_id == f"ev_{known.envelope.entity_id}_moved")
    house.publish([known])
    house.until(lambda: house.states() == {"done": 1}, "the customer is made")
    # One write is throttled: the company cools down, and the next intent is stored but cannot leave.
    throttle = {"kind": "status_429", "entity": "customer", "method": "POST", "retry_after": 10, "count": 1}
    house.quickbooks.control("/faults", throttle)

    house.publish([other])
    house.until(lambda: house.states() == {"done": 1, "waiting": 1}, "the other is throttled")
    house.publish([moved])
    house.until(lambda: house.rows("SELECT 1 FROM intent WHERE state = 'open'"), "the intent is stored")
    assert house.statistics(realm_id)["writes_applied"] == {"Customer": 1}
    bridge.kill()
    house.start("again")
    house.until_settled(3)

    assert house.states() == {"done": 3}
    assert house.writes() == {"Customer": 3}
    assert house.statistics(realm_id)["replays"] == 0


def test_answers_lost_on_the_way_leave_one_object_each(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    published = trade(replace(US, tenant_id="loc_0"), contacts=3, sales=6, seed=3, now=soon())
    house.until(lambda: house.rows("SELECT 1 FROM connection WHERE company IS NOT NULL"), "preflight ran")
    for kind in ("reset_after", "status_503_after", "hang_after"):
        house.quickbooks.control("/faults", {"kind": kind, "method": "POST", "entity": "salesreceipt", "count": 4})

    house.publish(published.events)
    house.until_settled(len(published.events))

    assert [f for f in compare(published, house.quickbooks, house.realms["loc_0"]) if not f.equal] == []
    assert house.writes()["SalesReceipt"] == published.sales
    assert not house.rows("SELECT 1 FROM intent WHERE state = 'open'")


def test_of_two_processes_one_killed_one_paused_past_its_lease_all_is_applied_once(new_house: NewHouse) -> None:
    house = new_house(["us"] * 4)
    house.quickbooks.control("/latency", {"seconds": 0.2})
    first, second = house.start("first"), house.start("second")
    shops = [replace(US, tenant_id=tenant_id) for tenant_id in house.realms]
    traded = [trade(shop, contacts=5, sales=25, seed=n, now=soon()) for n, shop in enumerate(shops)]
    events = [event for published in traded for event in published.events]

    house.publish(events)
    house.until(lambda: house.states().get("done", 0) > len(events) // 4, "a quarter is done")
    second.signal(signal.SIGSTOP)
    first.kill()
    house.start("third")
    house.until(lambda: house.states().get("done", 0) > len(events) // 2, "the third goes on")
    second.signal(signal.SIGCONT)
    house.until_settled(len(events))

    differing = [f for p in traded for f in compare(p, house.quickbooks, house.realms[p.shop.tenant_id]) if not f.equal]
    assert differing == []
    assert house.writes()["SalesReceipt"] == sum(p.sales for p in traded)
    assert not house.rows("SELECT 1 FROM intent WHERE state = 'open'")


def test_kafka_stopped_and_started_loses_and_doubles_nothing(new_house: NewHouse, stack: LocalStack) -> None:
    assert stack.kafka is not None, "this test needs the embedded Kafka"
    house = new_house()
    house.start()
    published = trade(replace(US, tenant_id="loc_0"), contacts=4, sales=12, seed=5, now=soon())

    house.publish(published.events[: len(published.events) // 2])
    house.until(lambda: house.states().get("done", 0) > 2, "work is under way")
    stack.kafka.stop()
    house.until_settled(len(published.events) // 2)
    stack.kafka.start()
    house.publish(published.events[len(published.events) // 2 :])
    house.until_settled(len(published.events))
    house.until(lambda: not house.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL"), "all is told")

    assert [f for f in compare(published, house.quickbooks, house.realms["loc_0"]) if not f.equal] == []
    synced = {t.record_id for t in house.told("qb.sync.status") if t.record_id.startswith("tx_")}
    assert len(synced) == published.sales + published.skipped


def test_postgresql_stopped_and_started_loses_and_doubles_nothing(new_house: NewHouse, stack: LocalStack) -> None:
    assert stack.postgres is not None, "this test needs the embedded PostgreSQL"
    house = new_house()
    bridge = house.start()
    published = trade(replace(US, tenant_id="loc_0"), contacts=4, sales=25, seed=5, now=soon())

    house.publish(published.events)
    house.until(lambda: house.states().get("done", 0) > 3, "work is under way")
    stack.postgres.stop()
    assert bridge.popen.poll() is None
    stack.postgres.start()
    house.until_settled(len(published.events))

    assert bridge.popen.poll() is None, "the process went on"
    assert [f for f in compare(published, house.quickbooks, house.realms["loc_0"]) if not f.equal] == []
    assert house.writes()["SalesReceipt"] == published.sales


def test_sigterm_drains_and_hands_the_companies_back(new_house: NewHouse) -> None:
    house = new_house(["us", "us"])
    house.quickbooks.control("/latency", {"seconds": 0.2})
    bridge = house.start()
    shops = [replace(US, tenant_id=tenant_id) for tenant_id in house.realms]
    traded = [trade(shop, contacts=3, sales=15, seed=n, now=soon()) for n, shop in enumerate(shops)]
    events = [event for published in traded for event in published.events]

    house.publish(events)
    house.until(lambda: house.states().get("done", 0) > 3, "work is under way")
    assert bridge.stop() == 0
    assert not house.rows("SELECT 1 FROM lane WHERE owner IS NOT NULL")
    assert not house.rows("SELECT 1 FROM intent WHERE state = 'open'")
    assert not house.rows("SELECT 1 FROM inbox WHERE claims > 0")
    house.start("next")
    house.until_settled(len(events))

    assert house.writes()["SalesReceipt"] == sum(p.sales for p in traded)


def test_a_paused_process_keeps_nobody_from_being_told(new_house: NewHouse) -> None:
    """Its database session lives on, and with it the locks on the shards that it relayed."""
    house = new_house()
    first = house.start("first")
    held = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
    house.until(lambda: len(house.rows(held)) >= SHARDS, "the first relays every shard")
    house.start("second")
    published = trade(replace(US, tenant_id="loc_0"), contacts=2, sales=2, seed=5, now=soon())

    first.signal(signal.SIGSTOP)
    house.publish(published.events)
    house.until_settled(len(published.events))
    house.until(lambda: not house.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL"), "all is told")
    first.signal(signal.SIGCONT)

    synced = {t.record_id for t in house.told("qb.sync.status") if t.record_id.startswith("tx_")}
    assert len(synced) == published.sales + published.skipped
