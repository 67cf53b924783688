"""Two customers become one, wholly or not at all."""

from decimal import Decimal

import pytest

from qbo_client.emulator import person
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.world import World
from tests.unit.emulator.driver import Books
from tests.unit.emulator.sales import balance, customer, invoice, key, payment, seen


async def under(books: Books, parent: str, name: str) -> str:
    return await customer(books, name, ParentRef={"value": parent}, Job=True)


def merge(world: World, books: Books, survivor: str, loser: str) -> None:
    person.merge(world.companies[books.realm_id], survivor, loser)


async def test_merge_hands_over_documents_balances_and_jobs(world: World, us: Books) -> None:
    kept, lost = [await customer(us, name) for name in ("Amy", "Amy M")]
    job = await under(us, lost, "Kitchen")
    room = await under(us, job, "Sink")
    first = await invoice(us, lost, "100")
    await invoice(us, job, "20")
    paid = await payment(us, lost, "30", {first["Id"]: "30"})
    merge(world, us, kept, lost)
    assert await balance(us, "Customer", kept) == 70
    assert (await seen(us, "Customer", kept))["BalanceWithJobs"] == 90
    assert (await seen(us, "Payment", paid["Id"]))["CustomerRef"] == {"value": kept, "name": "Amy"}
    moved, below = await seen(us, "Customer", job), await seen(us, "Customer", room)
    assert (moved["FullyQualifiedName"], below["FullyQualifiedName"]) == ("Amy:Kitchen", "Amy:Kitchen:Sink")
    assert (await us.call("GET", f"customer/{lost}")).code == "610"


async def test_merge_deeper_down_counts_the_levels_anew(world: World, us: Books) -> None:
    top, lost = [await customer(us, name) for name in ("Amy", "Bob")]
    kept = await under(us, top, "House")
    job = await under(us, await under(us, lost, "Kitchen"), "Sink")
    merge(world, us, kept, lost)
    found = await seen(us, "Customer", job)
    assert (found["FullyQualifiedName"], found["Level"]) == ("Amy:House:Kitchen:Sink", 3)


async def test_merge_beyond_the_fifth_level_leaves_everything_as_it_was(world: World, us: Books) -> None:
    kept = await customer(us, "Amy")
    for name in ("2", "3", "4"):
        kept = await under(us, kept, name)
    lost = await customer(us, "Bob")
    job = await under(us, await under(us, lost, "Kitchen"), "Sink")
    owed = await invoice(us, lost, "100")
    with pytest.raises(ApiFault) as refused:
        merge(world, us, kept, lost)
    assert refused.value.code == "6180"
    assert (await seen(us, "Customer", job))["FullyQualifiedName"] == "Bob:Kitchen:Sink"
    assert (await seen(us, "Invoice", owed["Id"]))["CustomerRef"]["value"] == lost


async def test_merge_into_an_inactive_name_leaves_everything_as_it_was(world: World, us: Books) -> None:
    kept, lost = [await customer(us, name) for name in ("Amy", "Bob")]
    job = await under(us, lost, "Kitchen")
    owed = await invoice(us, lost, "100")
    away = {**key(await seen(us, "Customer", kept)), "sparse": True, "Active": False}
    await us.made("Customer", away)
    with pytest.raises(ApiFault):
        merge(world, us, kept, lost)
    assert (await seen(us, "Customer", job))["FullyQualifiedName"] == "Bob:Kitchen"
    assert (await seen(us, "Invoice", owed["Id"]))["Balance"] == Decimal(100)


@pytest.mark.parametrize("below", [True, False])
async def test_merge_with_itself_or_what_lies_under_it_is_refused(world: World, us: Books, *, below: bool) -> None:
    lost = await customer(us, "Amy")
    kept = await under(us, lost, "Kitchen") if below else lost
    with pytest.raises(ApiFault):
        merge(world, us, kept, lost)
    assert (await seen(us, "Customer", lost))["Active"] is True


async def test_rename_of_a_parent_leaves_its_children_unchanged_by_a_later_update(us: Books) -> None:
    parent = await customer(us, "Amy")
    child = await under(us, parent, "Kitchen")
    await us.made("Customer", {**key(await seen(us, "Customer", parent)), "sparse": True, "DisplayName": "Zoe"})
    renamed = await seen(us, "Customer", child)
    assert (renamed["FullyQualifiedName"], renamed["ParentRef"]["name"]) == ("Zoe:Kitchen", "Zoe")
    same = await us.made("Customer", {**key(renamed), "sparse": True, "DisplayName": "Kitchen"})
    assert same["SyncToken"] == renamed["SyncToken"]


async def test_child_that_leaves_its_parent_has_no_level(us: Books) -> None:
    child = await under(us, await customer(us, "Amy"), "Kitchen")
    freed = {**key(await seen(us, "Customer", child)), "sparse": True, "ParentRef": None, "Job": False}
    made = await us.made("Customer", freed)
    assert made["FullyQualifiedName"] == "Kitchen"
    assert "Level" not in made
