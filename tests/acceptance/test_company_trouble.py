"""One company's trouble never delays another's."""

from dataclasses import replace

from deploy.local.demo.books import compare
from deploy.local.demo.crm import US, trade
from deploy.local.product import connect
from schemas.events.quickbooks import ConnectionState
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import soon


def test_a_revoked_company_parks_while_another_goes_on_and_drains_after_reconnect(new_house: NewHouse) -> None:
    house = new_house(["us", "us"])
    house.start()
    shops = [replace(US, tenant_id=tenant_id) for tenant_id in house.realms]
    revoked, healthy = [trade(shop, contacts=3, sales=6, seed=n, now=soon()) for n, shop in enumerate(shops)]
    house.until(
        lambda: len(house.rows("SELECT 1 FROM connection WHERE company IS NOT NULL")) == 2, "preflight ran for both"
    )
    house.quickbooks.control(f"/companies/{house.realms['loc_0']}/revoke", {})

    house.publish(revoked.events + healthy.events)
    house.until_settled(len(healthy.events))

    assert [f for f in compare(healthy, house.quickbooks, house.realms["loc_1"]) if not f.equal] == []
    # Only after a look whether another process renewed the tokens at the same moment: the other company was not kept.
    parked = "SELECT cause FROM connection WHERE tenant_id = 'loc_0' AND state = 'reconnect_needed'"
    assert house.until(lambda: house.rows(parked), "the company is parked") == [{"cause": "token_revoked"}]
    told = house.until(
        lambda: [t for t in house.told("qb.connection.changed") if t.state is ConnectionState.RECONNECT_NEEDED],
        "the trouble is told",
    )
    assert len(told) == 1

    connect(house.environment, "loc_0", house.realms["loc_0"], folder=house.folder)
    house.until_settled(len(healthy.events) + len(revoked.events))
    assert [f for f in compare(revoked, house.quickbooks, house.realms["loc_0"]) if not f.equal] == []


def test_writes_stopped_by_an_operator_wait_and_go_on(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    published = trade(replace(US, tenant_id="loc_0"), contacts=1, sales=0, seed=1, now=soon())
    house.command("stop-writes", "wrong tax rates since noon")

    house.publish(published.events[:1])
    house.until(lambda: house.states() == {"waiting": 1}, "the record waits")
    assert house.writes() == {}
    house.command("allow-writes")
    house.until_settled(1)

    assert house.writes() == {"Customer": 1}


def test_books_closed_needs_a_person_and_a_retry_books_it(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    realm_id = house.realms["loc_0"]
    published = trade(replace(US, tenant_id="loc_0"), contacts=1, sales=1, seed=1, now=soon())
    house.until(lambda: house.rows("SELECT 1 FROM connection WHERE company IS NOT NULL"), "preflight ran")
    house.quickbooks.control(f"/companies/{realm_id}/close-books", {"date": "2099-12-31"})

    house.publish(published.events)
    house.until_settled(len(published.events))
    assert "books_closed" in house.command("attention")
    house.quickbooks.control(f"/companies/{realm_id}/close-books", {"date": None})
    assert house.command("retry", "--cause", "books_closed").startswith("1 record is")

    house.until(lambda: house.states() == {"done": 2, "skipped": 1}, "it is booked")
    assert house.writes()["SalesReceipt"] == 1


def test_settings_take_effect_at_once_and_survive_a_preflight(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    house.until(lambda: house.rows("SELECT 1 FROM connection WHERE company IS NOT NULL"), "preflight ran")
    assert "create_customers" in house.command("connections", "settings", "loc_0")
    said = house.command("connections", "settings", "loc_0", "create_customers", "transactions")
    assert "transactions" in said
    house.command("preflight", "loc_0")

    published = trade(replace(US, tenant_id="loc_0"), contacts=2, sales=0, seed=1, now=soon())
    house.publish(published.events[:2])
    house.until_settled(2)
    assert (house.states(), house.writes()) == ({"skipped": 2}, {})
    house.command("connections", "settings", "loc_0", "create_customers", "")
    assert "transactions" not in house.command("connections", "settings", "loc_0")


def test_preflight_reaches_a_company_that_is_never_idle(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    published = trade(replace(US, tenant_id="loc_0"), contacts=3, sales=300, seed=1, now=soon())
    house.until(lambda: house.rows("SELECT 1 FROM connection WHERE company IS NOT NULL"), "preflight ran")
    realm_id = house.realms["loc_0"]
    house.quickbooks.control(f"/companies/{realm_id}/preferences", {"SalesFormsPrefs": {"CustomTxnNumbers": True}})

    house.publish(published.events)
    house.until(lambda: house.states().get("done", 0) > 3, "work is under way")
    said = house.command("preflight", "loc_0")
    assert "Custom transaction numbers are on" in said
    assert house.states()["pending"] > 0, "it did not wait until the company was idle"
