"""An event on Kafka becomes an object in a QuickBooks company, once, and its standing comes back on Kafka."""

from dataclasses import replace

import requests

from deploy.local.demo.books import compare
from deploy.local.demo.crm import GB, US, trade
from deploy.local.product import connect
from schemas.events.quickbooks import ConnectionState, SyncState
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import soon


def test_sales_of_a_us_and_a_gb_company_stand_in_the_books_to_the_cent(new_house: NewHouse) -> None:
    house = new_house(("us", "gb"))
    house.start()
    shops = [replace(shop, tenant_id=f"loc_{n}") for n, shop in enumerate((US, GB))]
    traded = [trade(shop, contacts=8, sales=20, seed=7, now=soon()) for shop in shops]

    house.publish(event for published in traded for event in published.events)
    house.until_settled(sum(len(published.events) for published in traded))

    figures = [f for p in traded for f in compare(p, house.quickbooks, house.realms[p.shop.tenant_id])]
    assert [f for f in figures if not f.equal] == []
    assert house.states() == {"done": sum(len(p.events) for p in traded) - 3, "skipped": 2, "attention": 1}
    attention = house.rows("SELECT cause FROM inbox WHERE state = 'attention'")
    assert attention == [{"cause": "tax_code_missing"}]


def test_every_change_of_standing_is_told_once_and_leads_to_the_object(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    published = trade(replace(US, tenant_id="loc_0"), contacts=2, sales=3, seed=1, now=soon())

    house.publish(published.events)
    house.until_settled(len(published.events))
    house.until(lambda: not house.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL"), "the outbox is empty")

    told = house.told("qb.sync.status")
    assert len(told) == len({(t.record_type, t.record_id, t.state) for t in told})
    sales = {t.record_id: t for t in told if t.record_id.startswith("tx_us_") and t.state is SyncState.SYNCED}
    receipts = {r["Id"]: r for r in house.quickbooks.objects(house.realms["loc_0"], "SalesReceipt")}
    assert len(sales) == len(receipts) == 3
    for record_id, status in sales.items():
        (reference,) = status.quickbooks
        assert receipts[reference.id]["PrivateNote"].startswith(f"crm:payment/{record_id}")


def test_connecting_goes_through_consent_and_stores_no_token_in_the_clear(new_house: NewHouse) -> None:
    house = new_house(connected=False)
    house.start()
    realm_id = house.realms["loc_0"]

    said = connect(house.environment, "loc_0", realm_id, folder=house.folder, options=["--review-requests"])

    assert "connected: tenant loc_0" in said
    assert "a company in US with the home currency USD" in said
    (row,) = house.rows("SELECT state, access_token, refresh_token, review_requests FROM connection")
    assert row["state"] == "connected"
    assert row["review_requests"]
    for token in ("access_token", "refresh_token"):
        assert bytes(row[token]).startswith(b"gAAAA"), f"{token} is no Fernet token"
    house.until(lambda: house.told("qb.connection.changed"), "the connection is told")
    assert house.told("qb.connection.changed")[0].state is ConnectionState.CONNECTED
    answer = requests.get(f"{house.addresses['bridge']}/metrics", timeout=5)
    assert "qbo_bridge_connections" in answer.text


def test_events_of_a_tenant_that_never_connected_are_counted_and_not_stored(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    published = trade(replace(US, tenant_id="loc_stranger"), contacts=2, sales=2, seed=1, now=soon())

    house.publish(published.events)

    def counted() -> bool:
        text = requests.get(f"{house.addresses['bridge']}/metrics", timeout=5).text
        return f'records_received_total{{fate="not_connected"}} {len(published.events)}.0' in text

    house.until(counted, "the events are counted")
    assert house.states() == {}
    assert house.writes() == {}
