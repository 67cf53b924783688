"""Whatever is sent twice, reused or unreadable: nothing is written twice, nothing is lost, nothing is silent."""

from dataclasses import replace

import requests

from deploy.local.demo.crm import US, trade
from schemas.events.crm import ContactActive
from schemas.events.quickbooks import SyncState
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import House, soon


def test_a_thousand_events_sent_twice_make_no_second_write(new_house: NewHouse) -> None:
    house = new_house(["us"] * 10)
    house.start()
    shops = [replace(US, tenant_id=tenant_id) for tenant_id in house.realms]
    traded = [trade(shop, contacts=15, sales=81, seed=n, now=soon()) for n, shop in enumerate(shops)]
    events = [event for published in traded for event in published.events]
    assert len(events) == 1000

    house.publish(events)
    house.until_settled(1000, patience_seconds=150)
    written = house.writes()
    house.publish(events)
    house.until(
        lambda: house.rows("SELECT count(*) AS n FROM inbox")[0]["n"] == 1000 and _read_all(house, 2000),
        "all 2,000 records are read",
    )

    assert house.writes() == written
    assert written["SalesReceipt"] == 810
    assert house.states() == {"done": 990, "skipped": 10}


def test_an_event_id_with_another_content_comes_before_a_person(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    published = trade(replace(US, tenant_id="loc_0"), contacts=1, sales=0, seed=1, now=soon())
    first = published.events[0]
    assert isinstance(first, ContactActive)
    other = replace(first, contact=replace(first.contact, phone="+15550001111"))

    house.publish([first])
    house.until(lambda: house.states() == {"done": 1}, "the first is done")
    house.publish([other, other])
    house.until(lambda: house.states() == {"done": 1, "attention": 1}, "the second needs attention")

    (row,) = house.rows("SELECT cause, event_id FROM inbox WHERE state = 'attention'")
    assert row["cause"] == "event_id_reused"
    assert row["event_id"].startswith(first.envelope.event_id + "#")


def test_unreadable_records_become_dead_letters_and_their_neighbours_go_on(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    published = trade(replace(US, tenant_id="loc_0"), contacts=2, sales=1, seed=1, now=soon())
    good = published.events
    contact = good[0]
    assert isinstance(contact, ContactActive)
    nul_id = replace(contact, envelope=replace(contact.envelope, event_id="ev\x00nul", entity_id="ct\x00"))
    nul_name = replace(
        contact,
        envelope=replace(contact.envelope, event_id="ev_nul_name", entity_id="ct_nul"),
        contact=replace(contact.contact, contact_id="ct_nul", email="nul@example.com", display_name="Nul\x00a Berg"),
    )

    house.publish_raw([("contact.active", b"loc_0", b"\x00\x01no avro"), ("payment.completed", b"loc_0", None)])
    house.publish([nul_id, nul_name, *good])
    house.until_settled(len(good) + 1)
    house.until(lambda: len(house.values("qbo-bridge.dead-letter")) == 3, "three dead letters are on Kafka")

    reasons = house.rows("SELECT reason FROM dead_letter ORDER BY reason")
    assert [row["reason"] for row in reasons] == ["bad_id", "empty", "no_registry"]
    names = [c["DisplayName"] for c in house.quickbooks.objects(house.realms["loc_0"], "Customer")]
    assert "Nul a Berg" in names
    told = house.until(
        lambda: [t for t in house.told("qb.sync.status") if t.record_id == "ct_nul"], "its standing is told"
    )
    assert told[-1].state is SyncState.SYNCED


def _read_all(house: House, count: int) -> bool:
    text = requests.get(f"{house.addresses['bridge']}/metrics", timeout=5).text
    read = [
        float(line.split()[-1]) for line in text.splitlines() if line.startswith("qbo_bridge_records_received_total{")
    ]
    return sum(read) >= count
