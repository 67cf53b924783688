from typing import Any

import pytest

from tests.unit.emulator.driver import Books, line

RECEIPT: dict[str, Any] = {"Line": [line("12.50"), line("2")], "PrivateNote": "n"}


async def refused(books: Books, action: str, body: dict[str, Any]) -> str:
    url = f"{books.base_url}/emulator/companies/{books.realm_id}/person/{action}"
    async with books.session.post(url, json=body) as got:
        assert got.status == 400
        return str((await got.json())["error"])


async def test_person_edits_some_fields_and_all_else_stays(us: Books) -> None:
    made = await us.made("SalesReceipt", RECEIPT)
    wanted = {"entity": "SalesReceipt", "Id": made["Id"], "set": {"PrivateNote": "called"}}
    edited = (await us.control("person/edit", wanted))["SalesReceipt"]
    assert (edited["PrivateNote"], edited["SyncToken"], edited["TotalAmt"]) == ("called", "1", made["TotalAmt"])
    assert edited["Line"] == made["Line"]
    assert (await us.statistics())["writes_applied"] == {"SalesReceipt": 1}  # What a person does is none.


async def test_person_edits_an_item_whole_though_the_api_would_not(us: Books) -> None:
    item = await us.id_of("Item", "Services")
    await us.control("person/edit", {"entity": "Item", "Id": item, "set": {"Description": "An hour"}})
    (read,) = await us.rows("Item", f"WHERE Id = '{item}'")
    assert (read["Description"], read["Name"], read["IncomeAccountRef"]["value"]) == ("An hour", "Services", "1")


async def test_person_voids_and_deletes(us: Books) -> None:
    made = await us.made("SalesReceipt", RECEIPT)
    meant = {"entity": "SalesReceipt", "Id": made["Id"]}
    assert (await us.control("person/void", meant))["SalesReceipt"]["TotalAmt"] == 0
    assert (await us.control("person/delete", meant))["SalesReceipt"]["Id"] == made["Id"]
    assert (await us.call("GET", f"salesreceipt/{made['Id']}")).code == "610"


async def test_person_closes_the_books_and_opens_them(us: Books) -> None:
    await us.control("person/close-books", {"date": "2999-12-31"})
    assert (await us.post("SalesReceipt", RECEIPT)).code == "6210"
    await us.control("person/close-books", {"date": None})
    assert (await us.post("SalesReceipt", RECEIPT)).status == 200


async def test_person_enters_and_merges_customers(us: Books) -> None:
    kept, lost = [
        (await us.control("person/enter", {"entity": "Customer", "object": {"DisplayName": name}}))["Customer"]["Id"]
        for name in ("Amy", "Amy M")
    ]
    receipt = await us.made("SalesReceipt", {**RECEIPT, "CustomerRef": {"value": lost}})
    assert (await us.control("person/merge", {"keep": kept, "lose": lost}))["Customer"]["Id"] == kept
    (moved,) = await us.rows("SalesReceipt", f"WHERE Id = '{receipt['Id']}'")
    assert moved["CustomerRef"] == {"value": kept, "name": "Amy"}


async def test_person_takes_a_receipt_to_the_bank_and_undoes_it(us: Books) -> None:
    made = await us.made("SalesReceipt", RECEIPT)
    meant = {"entity": "SalesReceipt", "Id": made["Id"]}
    await us.control("person/deposit", meant)
    assert "deposited" in await refused(us, "void", meant)
    await us.control("person/undo-deposit", meant)
    assert (await us.control("person/void", meant))["SalesReceipt"]["TotalAmt"] == 0


@pytest.mark.parametrize(
    ("action", "body", "said"),
    [
        ("dance", {}, "a person may"),
        ("edit", {"entity": "Nothing", "Id": "1", "set": {}}, "no entity"),
        ("edit", {"entity": "Customer", "Id": "99", "set": {}}, "Object Not Found"),
        ("edit", {"entity": "Item", "Id": "1"}, "set is missing"),
        ("void", {"entity": "Item", "Id": "1"}, "not supported"),
        ("delete", {"entity": "Item"}, "Id is missing"),
        ("merge", {"keep": "1", "lose": "2"}, "Object Not Found"),
        ("merge", {"keep": "1"}, "lose is missing"),
        ("enter", {"entity": "Customer", "object": {}}, "name parts"),
    ],
)
async def test_person_is_told_what_cannot_be_done(us: Books, action: str, body: dict[str, Any], said: str) -> None:
    assert said in await refused(us, action, body)
