from typing import Any

import pytest

from tests.unit.emulator.driver import Books, Reply, control, line

RECEIPT = {"Line": [line("12.50")]}


def create(number: object, name: str) -> dict[str, Any]:
    return {"bId": str(number), "operation": "create", "Customer": {"DisplayName": name}}


async def batch(books: Books, *items: dict[str, Any], **params: str) -> Reply:
    return await books.post("batch", {"BatchItemRequest": list(items)}, **params)


async def answers(books: Books, *items: dict[str, Any], **params: str) -> dict[str, Any]:
    """By bId, which is how a client finds its own."""
    reply = await batch(books, *items, **params)
    assert reply.status == 200, reply.text
    return {one["bId"]: one for one in reply.body["BatchItemResponse"]}


def code(answer: dict[str, Any]) -> str:
    return str(answer["Fault"]["Error"][0]["code"])


async def test_batch_mixes_every_kind_of_item_and_each_stands_alone(us: Books) -> None:
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    gone, voided = [await us.made("SalesReceipt", RECEIPT) for _ in range(2)]
    got = await answers(
        us,
        create(1, "Bob"),
        create(2, "Amy"),
        {
            "bId": "3",
            "operation": "update",
            "Customer": {"Id": amy["Id"], "SyncToken": "0", "sparse": True, "Notes": "n"},
        },
        {"bId": "4", "operation": "update", "Customer": {"Id": amy["Id"], "SyncToken": "9", "sparse": True}},
        {"bId": "5", "operation": "delete", "SalesReceipt": {"Id": gone["Id"], "SyncToken": "0"}},
        {
            "bId": "6",
            "operation": "update",
            "optionsData": "void",
            "SalesReceipt": {"Id": voided["Id"], "SyncToken": "0"},
        },
        {"bId": "7", "Query": "select * from Customer where DisplayName = 'Bob'"},
        {"bId": "8", "Query": "select * from Nothing"},
        {"bId": "9", "CDCQuery": {"Entities": "Customer", "ChangedSince": "2020-01-01"}},
    )
    assert got["1"]["Customer"]["DisplayName"] == "Bob"
    assert code(got["2"]) == "6240"
    assert (got["3"]["Customer"]["Notes"], got["3"]["Customer"]["SyncToken"]) == ("n", "1")
    assert code(got["4"]) == "5010"
    assert got["5"]["SalesReceipt"] == {"domain": "QBO", "status": "Deleted", "Id": gone["Id"]}
    assert (got["6"]["SalesReceipt"]["PrivateNote"], got["6"]["SalesReceipt"]["TotalAmt"]) == ("Voided", 0)
    assert got["7"]["QueryResponse"]["Customer"] == [got["1"]["Customer"]]
    assert code(got["8"]) == "4001"
    (slot,) = got["9"]["CDCResponse"]["QueryResponse"]
    assert [one["DisplayName"] for one in slot["Customer"]] == ["Bob", "Amy"]


async def test_batch_void_is_an_operation_too(us: Books) -> None:
    made = await us.made("SalesReceipt", RECEIPT)
    item = {"bId": "1", "operation": "void", "SalesReceipt": {"Id": made["Id"], "SyncToken": "0"}}
    assert (await answers(us, item))["1"]["SalesReceipt"]["PrivateNote"] == "Voided"


async def test_batch_option_lets_a_number_be_used_twice(us: Books) -> None:
    item = {"operation": "create", "SalesReceipt": {**RECEIPT, "DocNumber": "7"}}
    got = await answers(
        us, {"bId": "1", **item}, {"bId": "2", **item}, {"bId": "3", "optionsData": "allowduplicatedocnum", **item}
    )
    assert code(got["2"]) == "6140"
    assert got["3"]["SalesReceipt"]["DocNumber"] == "7"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"operation": "create", "Nothing": {}}, "2000"),
        ({"operation": "create", "TaxRate": {}}, "2000"),
        ({"operation": "revert", "Customer": {}}, "500"),
        ({"Customer": {"DisplayName": "Bob"}}, "500"),
        ({"operation": "create", "Customer": []}, "2010"),
        ({"operation": "update", "Customer": {"SyncToken": "0"}}, "2020"),
        ({"operation": "delete", "Customer": {"Id": "1", "SyncToken": "0"}}, "500"),
        ({"CDCQuery": "Customer"}, "2020"),
        ({"CDCQuery": {"Entities": "Customer"}}, "2020"),
    ],
)
async def test_batch_item_that_makes_no_sense_fails_alone(us: Books, item: dict[str, Any], expected: str) -> None:
    got = await answers(us, {"bId": "bad", **item}, create("good", "Bob"))
    assert code(got["bad"]) == expected
    assert "Customer" in got["good"]


async def test_batch_over_thirty_items_is_1040_and_does_nothing(us: Books) -> None:
    reply = await batch(us, *(create(number, f"C{number}") for number in range(31)))
    assert (reply.status, reply.code) == (400, "1040")
    assert await us.rows("Customer") == []
    assert len(await answers(us, *(create(number, f"C{number}") for number in range(30)))) == 30


@pytest.mark.parametrize(
    ("body", "expected"),
    [({}, "2010"), ([], "2010"), ({"BatchItemRequest": {}}, "2010"), ({"BatchItemRequest": [1]}, "2010")],
)
async def test_batch_of_another_shape_is_refused(us: Books, body: Any, expected: str) -> None:
    assert (await us.post("batch", body)).code == expected


@pytest.mark.parametrize("lenient", [False, True])
async def test_batch_item_without_a_number_spoils_all_or_itself_by_switch(us: Books, lenient: bool) -> None:
    await control(us, "batches", {"lenient": lenient})
    reply = await batch(us, create(1, "Bob"), {"operation": "create", "Customer": {"DisplayName": "Eve"}})
    assert reply.status == (200 if lenient else 400)
    assert [one["DisplayName"] for one in await us.rows("Customer")] == (["Bob"] if lenient else [])


async def test_batch_sent_again_is_answered_from_memory_item_by_item(us: Books) -> None:
    first = await answers(us, create(1, "Bob"), create(2, "Eve"), requestid="r")
    again = await answers(us, create(2, "Other"), create(1, "Bob"), create(3, "New"), requestid="r")
    assert (again["1"], again["2"]) == (first["1"], first["2"])
    assert again["3"]["Customer"]["DisplayName"] == "New"
    statistics = await us.statistics()
    assert (statistics["writes_applied"], statistics["replays"]) == ({"Customer": 3}, 2)
    assert statistics["batch_items"] == 5


async def test_batch_item_refused_is_tried_again_under_the_same_request_id(us: Books) -> None:
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    assert code((await answers(us, create(1, "Amy"), requestid="r"))["1"]) == "6240"
    await us.made("Customer", {**amy, "DisplayName": "Amelia"})
    assert "Customer" in (await answers(us, create(1, "Amy"), requestid="r"))["1"]


async def test_batch_ids_are_limited_where_they_make_a_request_id(us: Books) -> None:
    assert (await batch(us, create(1, "Bob"), requestid="r" * 37)).code == "2050"
    assert (await batch(us, create("1" * 11, "Bob"), requestid="r")).code == "2050"
    assert "Customer" in (await answers(us, create("1" * 36, "Bob")))["1" * 36]
    assert "Customer" in (await answers(us, create("1" * 10, "Eve"), requestid="r" * 36))["1" * 10]


async def test_batch_answers_are_mixed_by_a_seed(us: Books) -> None:
    items = [create(number, f"C{number}") for number in range(8)]

    async def order() -> list[str]:
        body = (await batch(us, *items, requestid="r")).body
        return [one["bId"] for one in body["BatchItemResponse"]]

    assert await order() == [str(number) for number in range(8)]
    mixed = []
    for _ in range(2):
        await control(us, "batches", {"shuffle_seed": 3})
        mixed.append(await order())
    assert mixed[0] == mixed[1] != [str(number) for number in range(8)]
    assert sorted(mixed[0]) == [str(number) for number in range(8)]


@pytest.mark.parametrize(
    ("kind", "expected", "fault_type"), [("item_throttled", "3001", "SERVICE"), ("item_failed", "10000", "SystemFault")]
)
async def test_batch_item_meets_a_fault_on_demand_and_the_others_do_not(
    us: Books, kind: str, expected: str, fault_type: str
) -> None:
    await control(us, "faults", {"kind": kind, "entity": "Customer", "realm_id": us.realm_id, "skip": 1})
    got = await answers(us, *(create(number, f"C{number}") for number in range(3)))
    assert code(got["1"]) == expected
    assert got["1"]["Fault"]["type"] == fault_type
    assert [one["DisplayName"] for one in await us.rows("Customer")] == ["C0", "C2"]


async def test_batch_calls_have_a_limit_of_their_own(us: Books) -> None:
    await control(us, "throttling", {"enabled": True, "batches_per_minute": 2})
    replies = [await batch(us, create(number, f"C{number}")) for number in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert (await us.query("select * from Customer")).status == 200
    assert (await us.statistics())["most_batches_in_a_minute"] == 3


async def test_throttled_client_is_told_how_long_to_wait_by_a_switch(us: Books) -> None:
    await control(us, "throttling", {"enabled": True, "per_minute": 1, "retry_after": 5})
    replies = [await us.query("select * from Item") for _ in range(2)]
    assert [reply.headers.get("Retry-After") for reply in replies] == [None, "5"]


async def test_all_an_app_asks_has_a_combined_limit(us: Books) -> None:
    limits = {"enabled": True, "per_minute": 2, "combined_per_minute": 3, "batches_are_requests": False}
    await control(us, "throttling", limits)
    replies = [await batch(us, create(number, f"C{number}")) for number in range(2)]
    replies += [await us.query("select * from Item") for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]


async def test_batch_of_a_suspended_company_is_refused_as_a_whole(us: Books) -> None:
    await us.control("suspend")
    assert (await batch(us, create(1, "Bob"))).code == "6190"
