from typing import Any

import pytest

from tests.unit.emulator.driver import Books
from tests.unit.emulator.sales import customer, invoice, key, payment, seen


async def balances(books: Books, *identifiers: str) -> list[tuple[int, int]]:
    found = [await seen(books, "Customer", identifier) for identifier in identifiers]
    return [(int(one["Balance"]), int(one["BalanceWithJobs"])) for one in found]


async def family(books: Books) -> tuple[str, str, str]:
    top = await customer(books, "Top")
    middle = await customer(books, "Middle", Job=True, ParentRef={"value": top})
    return top, middle, await customer(books, "Low", Job=True, ParentRef={"value": middle})


async def test_what_sub_customers_owe_shows_at_every_customer_above(us: Books) -> None:
    top, middle, low = await family(us)
    owed = await invoice(us, low, "10")
    await invoice(us, middle, "5")
    assert await balances(us, top, middle, low) == [(0, 15), (5, 15), (10, 10)]
    await payment(us, low, "10", {owed["Id"]: "4"})
    assert await balances(us, top, middle, low) == [(0, 5), (5, 5), (0, 0)]


async def test_sub_customer_moved_takes_its_balance_along(us: Books) -> None:
    top, middle, low = await family(us)
    other = await customer(us, "Other")
    await invoice(us, low, "10")
    await us.made("Customer", {"Id": middle, "SyncToken": "0", "sparse": True, "ParentRef": {"value": other}})
    assert await balances(us, top, other, middle, low) == [(0, 0), (0, 10), (0, 10), (10, 10)]
    assert (await seen(us, "Customer", low))["FullyQualifiedName"] == "Other:Middle:Low"
    freed = await us.made("Customer", {"Id": middle, "SyncToken": "1", "sparse": True, "ParentRef": None})
    assert (freed["FullyQualifiedName"], "Level" in freed) == ("Middle", False)
    assert await balances(us, other, middle) == [(0, 0), (0, 10)]


async def test_children_follow_a_rename_of_their_parent(us: Books) -> None:
    top, middle, low = await family(us)
    await us.made("Customer", {"Id": top, "SyncToken": "0", "sparse": True, "DisplayName": "Peak"})
    names = [(await seen(us, "Customer", one))["FullyQualifiedName"] for one in (middle, low)]
    assert names == ["Peak:Middle", "Peak:Middle:Low"]
    (found,) = await us.rows("Customer", "WHERE FullyQualifiedName = 'Peak:Middle'")
    assert (found["Id"], found["SyncToken"], found["ParentRef"]["name"]) == (middle, "1", "Peak")


async def test_sub_customer_cannot_lie_under_itself_or_below_the_fifth_level(us: Books) -> None:
    top, _, low = await family(us)
    ring = {"Id": top, "SyncToken": "0", "sparse": True, "ParentRef": {"value": low}}
    assert (await us.post("Customer", ring)).code == "6000"
    chain = await customer(us, "A")
    for name in "BC":
        chain = await customer(us, name, ParentRef={"value": chain})
    deep = {"Id": top, "SyncToken": "0", "sparse": True, "ParentRef": {"value": chain}}
    assert (await us.post("Customer", deep)).code == "6180"


async def test_parent_cannot_be_asked_for_in_a_query(us: Books) -> None:
    assert (await us.query("SELECT * FROM Customer WHERE ParentRef = '1'")).code == "4001"


@pytest.mark.parametrize("owing", ["own", "sub"])
async def test_customer_with_a_balance_stays_active(us: Books, owing: str) -> None:
    top, middle, _ = await family(us)
    await invoice(us, top if owing == "own" else middle, "10")
    body = {"Id": top, "SyncToken": "0", "sparse": True, "Active": False}
    assert (await us.post("Customer", body)).code == "6220"


async def test_balance_counts_as_an_update_of_the_customer_but_never_as_a_change_by_hand(us: Books) -> None:
    first = await us.made("Customer", {"DisplayName": "Amy"})
    await us.control("switches", {"balance_updates_customer": False})
    await invoice(us, first["Id"], "10")
    owing = await seen(us, "Customer", first["Id"])
    assert (owing["SyncToken"], owing["MetaData"]) == ("0", first["MetaData"])
    unchanged = await us.made("Customer", {**key(first), "sparse": True, "DisplayName": "Amy"})
    assert (unchanged["Balance"], unchanged["SyncToken"]) == (10, "0")


async def test_customer_reactivated_is_there_under_its_bare_name(us: Books) -> None:
    made = await us.made("Customer", {"DisplayName": "Amy"})
    await us.made("Customer", {**key(made), "sparse": True, "Active": False})
    back = await us.made("Customer", {"Id": made["Id"], "SyncToken": "1", "sparse": True, "Active": True})
    assert (back["DisplayName"], back["FullyQualifiedName"]) == ("Amy", "Amy")
    assert [row["DisplayName"] for row in await us.rows("Customer")] == ["Amy"]


@pytest.mark.parametrize(
    ("entity", "body"),
    [("Customer", {"DisplayName": "Amy"}), ("Item", {"Name": "Amy", "IncomeAccountRef": {"value": "1"}})],
)
async def test_name_taken_meanwhile_keeps_the_old_one_inactive(us: Books, entity: str, body: dict[str, Any]) -> None:
    await us.control("switches", {"inactive_names_are_free": True})
    made = await us.made(entity, body)
    await us.made(entity, {**body, **key(made), "Active": False})
    await us.made(entity, body)
    again = {**body, "Id": made["Id"], "SyncToken": "1", "Active": True}
    assert (await us.post(entity, again)).code == "6240"
