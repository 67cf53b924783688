from typing import Any

import pytest

from tests.unit.emulator.driver import Books, Reply, control, line

LONG_AGO = "2011-01-01T00:00:00-08:00"
RECEIPT = {"Line": [line("12.50")]}


async def cdc(books: Books, entities: str, since: str = LONG_AGO) -> Reply:
    return await books.call("GET", "cdc", params={"entities": entities, "changedSince": since})


async def slots(books: Books, entities: str, since: str = LONG_AGO) -> list[dict[str, Any]]:
    reply = await cdc(books, entities, since)
    assert reply.status == 200, reply.text
    (response,) = reply.body["CDCResponse"]
    found: list[dict[str, Any]] = response["QueryResponse"]
    return found


async def advance(books: Books, seconds: int = 10) -> str:
    """Puts the clock forward and says what time it was in between."""
    shown = await control(books, "clock", {"advance_seconds": seconds})
    await control(books, "clock", {"advance_seconds": seconds})
    return str(shown["now"])


async def test_cdc_has_a_slot_for_each_entity_asked_and_none_changed_is_empty(us: Books) -> None:
    made = await us.made("Customer", {"DisplayName": "Amy"})
    found = await slots(us, "customer,SalesReceipt,ITEM")
    assert found[0] == {"Customer": [made], "startPosition": 1, "maxResults": 1}
    assert found[1] == {}
    assert [one["Name"] for one in found[2]["Item"]] == ["Services", "Hours"]


async def test_cdc_gives_each_object_once_as_it_is_now_by_its_last_update(us: Books) -> None:
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    await advance(us)
    await us.made("Customer", {"DisplayName": "Bob"})
    await advance(us)
    await us.made("Customer", {**amy, "Notes": "called"})
    (slot,) = await slots(us, "Customer")
    assert [(one["DisplayName"], one.get("Notes")) for one in slot["Customer"]] == [("Bob", None), ("Amy", "called")]


async def test_cdc_leaves_out_what_changed_before(us: Books) -> None:
    await us.made("Customer", {"DisplayName": "Amy"})
    since = await advance(us)
    await us.made("Customer", {"DisplayName": "Bob"})
    (slot,) = await slots(us, "Customer", since)
    assert [one["DisplayName"] for one in slot["Customer"]] == ["Bob"]


async def test_cdc_lists_the_deleted_as_stubs_behind_the_living(us: Books) -> None:
    gone, kept = [await us.made("SalesReceipt", RECEIPT) for _ in range(2)]
    await us.post("SalesReceipt", {"Id": gone["Id"], "SyncToken": "0"}, operation="delete")
    await advance(us)
    kept = await us.made("SalesReceipt", {"Id": kept["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "n"})
    (slot,) = await slots(us, "SalesReceipt")
    living, stub = slot["SalesReceipt"]
    assert living == kept
    assert set(stub) == {"domain", "status", "Id", "MetaData"}
    assert (stub["Id"], stub["status"], set(stub["MetaData"])) == (gone["Id"], "Deleted", {"LastUpdatedTime"})
    assert slot["maxResults"] == 2


async def test_cdc_shows_a_void_as_a_row_and_a_deactivated_name_with_its_suffix(us: Books) -> None:
    receipt = await us.made("SalesReceipt", RECEIPT)
    await us.post(
        "SalesReceipt", {"Id": receipt["Id"], "SyncToken": "0", "sparse": True}, operation="update", include="void"
    )
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    await us.made("Customer", {**amy, "Active": False})
    receipts, customers = await slots(us, "SalesReceipt,Customer")
    assert (receipts["SalesReceipt"][0]["TotalAmt"], receipts["SalesReceipt"][0]["PrivateNote"]) == (0, "Voided")
    assert customers["Customer"][0]["DisplayName"] == "Amy (deleted)"


async def test_cdc_of_an_update_that_changes_nothing_tells_nothing(us: Books) -> None:
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    since = await advance(us)
    await us.made("Customer", amy)
    assert await slots(us, "Customer", since) == [{}]


async def test_cdc_gives_so_many_objects_in_all_and_no_more(us: Books) -> None:
    await control(us, "batches", {"most_changes": 3})
    for name in ("Amy", "Bob"):
        await us.made("Customer", {"DisplayName": name})
    for _ in range(2):
        await us.made("SalesReceipt", RECEIPT)
    customers, receipts, items = await slots(us, "Customer,SalesReceipt,Item")
    assert (customers["maxResults"], receipts["maxResults"], items) == (2, 1, {})


@pytest.mark.parametrize("entity", ["TaxCode", "taxrate", "TaxAgency", "TimeActivity", "Nothing", "Customer,"])
async def test_cdc_of_an_entity_that_has_none_is_refused(us: Books, entity: str) -> None:
    assert (await cdc(us, entity)).code == "2000"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "2020"),
        ({"entities": "Customer"}, "2020"),
        ({"changedSince": LONG_AGO}, "2020"),
        ({"entities": "Customer", "changedSince": "yesterday"}, "2060"),
    ],
)
async def test_cdc_needs_both_its_parameters(us: Books, params: dict[str, str], expected: str) -> None:
    assert (await us.call("GET", "cdc", params=params)).code == expected


@pytest.mark.parametrize(
    "since", ["2011-05-01", "2011-05-01T00:00:00", "2011-05-01T00:00:00Z", "2011-05-01T00:00:00 02:00"]
)
async def test_cdc_takes_moments_in_each_spelling(us: Books, since: str) -> None:
    assert (await slots(us, "Item", since))[0]["maxResults"] == 2
