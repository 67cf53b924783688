"""Where nothing can be done, nothing spins; what another tenant's time left behind is not told."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg

from bridge.store.connections import ConnectionStore, Tokens
from bridge.store.database import open_pool
from schemas.codec import Codec
from schemas.events.quickbooks import ConnectionState
from tests.acceptance.bookkeeping import customer, invoice, pay
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import House
from tests.acceptance.test_watch import FAST, watched


def epoch(house: House) -> int:
    """Count how often the lane was claimed."""
    return int(house.rows("SELECT epoch FROM lane")[0]["epoch"])


def test_quickbooks_is_watched_while_writes_are_stopped_and_lanes_rest_while_it_is_away(new_house: NewHouse) -> None:
    house = new_house(**FAST)
    house.start()
    house.until(lambda: watched(house), "it is watched")
    house.command("stop-writes", "a test")
    pay(house, invoice(house, customer(house, "Amy")["Id"]))
    house.until(lambda: house.told("qb.invoice.paid"), "the payment is told")
    before = epoch(house)
    fault = {"kind": "status_503", "operation": "cdc", "count": 10_000}
    house.quickbooks.control("/faults", fault)
    with psycopg.connect(house.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("UPDATE lane SET due_at = now()")
    house.until_row("SELECT 1 FROM watch WHERE failures > 0", what="polls fail")
    house.until_row("SELECT 1 FROM lane WHERE owner IS NULL AND due_at > now() + interval '2 seconds'", what="it rests")
    assert epoch(house) - before <= 3


def test_a_company_that_goes_to_another_tenant_tells_only_who_is_there(new_house: NewHouse) -> None:
    house = new_house(fill=lambda house: [customer(house, name) for name in ("Amy", "Eve")] and None, **FAST)
    house.start()
    house.until(lambda: len(house.told("qb.customer.changed")) == 2, "both are told")
    there = {c["DisplayName"]: c["Id"] for c in house.quickbooks.objects(house.realms["loc_0"], "Customer")}
    asyncio.run(_move(house, there))

    house.until(
        lambda: [e for e in house.told("qb.customer.changed") if e.envelope.tenant_id == "loc_new"], "told anew"
    )
    house.until_row("SELECT 1 FROM watch WHERE tenant_id = 'loc_new' AND history_counted", what="it is watched")
    house.until_all_told()
    told = [e.customer.display_name for e in house.told("qb.customer.changed") if e.envelope.tenant_id == "loc_new"]
    assert told == ["Amy"]


async def _move(house: House, there: dict[str, str]) -> None:
    """Disconnect, let a merge happen that nobody watches, and connect for another tenant."""
    async with open_pool(house.environment["DATABASE_URL"], size=3) as pool:
        store = ConnectionStore(pool, Codec(), [house.environment["QBO_BRIDGE_TOKEN_KEYS"]])
        await store.set_state("loc_0", ConnectionState.DISCONNECTED, of=("connected",))
        await asyncio.to_thread(house.person, "merge", keep=there["Amy"], lose=there["Eve"])
        grant = await asyncio.to_thread(house.quickbooks.control, f"/companies/{house.realms['loc_0']}/grants", {})
        now = datetime.now(UTC)
        tokens = Tokens(
            access_token=grant["access_token"], access_expires_at=now + timedelta(hours=1),
            refresh_token=grant["refresh_token"], refresh_expires_at=now + timedelta(days=100),
        )  # fmt: skip
        await store.connect(
            tenant_id="loc_new", realm_id=house.realms["loc_0"], tokens=tokens, import_invoices=False,
            review_requests=False,
        )  # fmt: skip
