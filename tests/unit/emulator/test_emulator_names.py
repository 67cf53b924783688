from typing import Any

import pytest

from tests.unit.emulator.driver import Books

AMY: dict[str, Any] = {
    "GivenName": "Amy",
    "FamilyName": "Bird",
    "PrimaryEmailAddr": {"Address": "amy@example.com"},
}


async def test_customer_created_has_the_recorded_defaults(us: Books) -> None:
    made = await us.made("Customer", AMY)
    assert made["DisplayName"] == made["PrintOnCheckName"] == made["FullyQualifiedName"] == "Amy Bird"
    assert (made["Taxable"], made["Job"], made["BillWithParent"], made["Active"]) == (
        True,
        False,
        False,
        True,
    )
    assert (made["SyncToken"], made["sparse"], made["domain"]) == ("0", False, "QBO")
    assert made["MetaData"]["CreateTime"][-6:] in {"-08:00", "-07:00"}


@pytest.mark.parametrize("taken_by", ["Customer", "Vendor", "Employee"])
async def test_display_name_taken_in_any_list_is_6240(us: Books, taken_by: str) -> None:
    await us.made(taken_by, {"DisplayName": "Amy Bird"})
    assert (await us.post("Customer", {"DisplayName": "AMY BIRD"})).code == "6240"


async def test_display_name_of_an_inactive_customer_is_taken_unless_switched(us: Books) -> None:
    made = await us.made("Customer", AMY)
    await us.made("Customer", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Active": False})
    assert (await us.post("Customer", AMY)).code == "6240"
    await us.control("switches", {"inactive_names_are_free": True})
    assert (await us.post("Customer", AMY)).status == 200


@pytest.mark.parametrize(
    ("body", "code", "element"),
    [
        ({"CompanyName": "Bird Ltd"}, "6080", ""),
        ({"DisplayName": "a:b"}, "2040", "DisplayName"),
        ({"DisplayName": "x" * 501}, "2050", "DisplayName"),
        ({"DisplayName": "x", "Title": "y" * 17}, "2050", "Title"),
        (
            {"DisplayName": "x", "PrimaryPhone": {"FreeFormNumber": "1" * 31}},
            "2050",
            "PrimaryPhone.FreeFormNumber",
        ),
        ({"DisplayName": "x", "PrimaryEmailAddr": {"Address": "nobody"}}, "2210", "PrimaryEmailAddr.Address"),
        ({"DisplayName": "x", "Nickname": "y"}, "2010", None),
        ({"DisplayName": "x", "BillAddr": {"Street": "y"}}, "2010", None),
        ({"DisplayName": "x", "BillAddr": []}, "2010", None),
        ({"DisplayName": "x", "ParentRef": {"value": "99"}}, "2500", ""),
        ({"DisplayName": "x", "CurrencyRef": {"value": "EUR"}}, "6000", ""),
        ({"DisplayName": "x", "Id": "1.5", "SyncToken": "0"}, "2030", "Id"),
        ({"DisplayName": "x", "Id": "99", "SyncToken": "0"}, "610", ""),
    ],
)
async def test_customer_that_quickbooks_refuses_is_refused(
    us: Books, body: dict[str, Any], code: str, element: str | None
) -> None:
    reply = await us.post("Customer", body)
    assert (reply.status, reply.code, reply.element) == (400, code, element)


async def test_sparse_update_keeps_what_it_does_not_name(us: Books) -> None:
    made = await us.made("Customer", {**AMY, "Notes": "keep", "BillAddr": {"Line1": "1 High St"}})
    body = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "FamilyName": "Swan"}
    updated = await us.made("Customer", body)
    assert (updated["Notes"], updated["FamilyName"], updated["DisplayName"]) == ("keep", "Swan", "Amy Bird")
    assert updated["BillAddr"] == made["BillAddr"]
    assert (updated["SyncToken"], updated["sparse"]) == ("1", False)


async def test_sparse_update_never_removes_the_display_name(us: Books) -> None:
    made = await us.made("Customer", {**AMY, "Notes": "gone"})
    body = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "DisplayName": "", "Notes": None}
    updated = await us.made("Customer", body)
    assert updated["DisplayName"] == "Amy Bird"
    assert "Notes" not in updated


async def test_full_update_clears_what_it_leaves_out(us: Books) -> None:
    made = await us.made("Customer", {**AMY, "Notes": "gone", "Taxable": False})
    updated = await us.made("Customer", {"Id": made["Id"], "SyncToken": "0", "DisplayName": "Amy B"})
    assert "Notes" not in updated
    assert "PrimaryEmailAddr" not in updated
    assert (updated["PrintOnCheckName"], updated["Taxable"]) == ("Amy B", True)


async def test_update_that_changes_nothing_keeps_sync_token_and_time(us: Books) -> None:
    made = await us.made("Customer", AMY)
    again = await us.made("Customer", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "GivenName": "Amy"})
    assert again == made
    assert (await us.statistics())["writes_applied"] == {"Customer": 1}


@pytest.mark.parametrize("token", ["0", "2", "x"])
async def test_update_with_another_sync_token_is_5010(us: Books, token: str) -> None:
    made = await us.made("Customer", AMY)
    await us.made("Customer", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Notes": "first"})
    reply = await us.post("Customer", {"Id": made["Id"], "SyncToken": token, "sparse": True, "Notes": "second"})
    assert reply.code == "5010"


async def test_update_without_sync_token_is_2020(us: Books) -> None:
    made = await us.made("Customer", AMY)
    reply = await us.post("Customer", {"Id": made["Id"], "sparse": True, "Notes": "x"})
    assert (reply.code, reply.element) == ("2020", "SyncToken")


async def test_sub_customer_is_named_under_its_parents_down_to_five_levels(us: Books) -> None:
    parent = await us.made("Customer", {"DisplayName": "0"})
    for level in range(1, 5):
        body = {"DisplayName": str(level), "Job": True, "ParentRef": {"value": parent["Id"]}}
        parent = await us.made("Customer", body)
    assert parent["FullyQualifiedName"] == "0:1:2:3:4"
    too_deep = {"DisplayName": "5", "Job": True, "ParentRef": {"value": parent["Id"]}}
    assert (await us.post("Customer", too_deep)).code == "6180"


async def test_inactive_customer_is_hidden_and_suffixed(us: Books) -> None:
    made = await us.made("Customer", AMY)
    await us.made("Customer", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Active": False})
    assert await us.rows("Customer") == []
    (row,) = await us.rows("Customer", "WHERE Active IN (true, false)")
    assert (row["DisplayName"], row["FullyQualifiedName"]) == ("Amy Bird (deleted)", "Amy Bird (deleted)")
    read = (await us.call("GET", f"customer/{made['Id']}")).body["Customer"]
    assert read["DisplayName"] == "Amy Bird (deleted)"


async def test_delete_of_a_name_is_unsupported(us: Books) -> None:
    made = await us.made("Customer", AMY)
    reply = await us.post("Customer", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert (reply.status, reply.code) == (400, "500")


@pytest.mark.parametrize(
    ("entity", "body", "code"),
    [
        ("Item", {"Name": "Services", "IncomeAccountRef": {"value": "1"}}, "6240"),
        ("Item", {"Name": "a:b", "IncomeAccountRef": {"value": "1"}}, "2040"),
        ("Item", {"Name": "New"}, "2020"),
        ("Item", {"IncomeAccountRef": {"value": "1"}}, "2020"),
        ("Item", {"Name": "New", "IncomeAccountRef": {"value": "6"}}, "6430"),
        ("Item", {"Name": "New", "IncomeAccountRef": {"value": "99"}}, "2500"),
        ("Item", {"Name": "New", "Type": "Robot"}, "2170"),
        ("Item", {"Name": "New", "UnitPrice": "dear"}, "2090"),
        ("Account", {"Name": "New"}, "2020"),
        ("Account", {"Name": 'a"b', "AccountType": "Bank"}, "2040"),
        ("PaymentMethod", {"Name": "Cash"}, "6240"),
        ("PaymentMethod", {"Name": "x" * 32}, "2050"),
        ("TaxCode", {"Name": "VAT"}, "500"),
        ("Employee", {"DisplayName": "x", "HiredDate": "yesterday"}, "2060"),
    ],
)
async def test_list_entry_that_quickbooks_refuses_is_refused(
    us: Books, entity: str, body: dict[str, Any], code: str
) -> None:
    assert (await us.post(entity, body)).code == code


async def test_item_account_and_payment_method_created_are_found_by_name(us: Books) -> None:
    account = await us.made("Account", {"Name": "Tuition", "AccountType": "Income"})
    await us.made("Item", {"Name": "Lesson", "Type": "Service", "IncomeAccountRef": {"value": account["Id"]}})
    await us.made("PaymentMethod", {"Name": "Barter"})
    (item,) = await us.rows("Item", "WHERE Name = 'lesson'")
    assert item["IncomeAccountRef"]["name"] == "Tuition"
    assert account["Classification"] == "Revenue"
    assert [one["Type"] for one in await us.rows("PaymentMethod", "WHERE Name = 'Barter'")] == ["NON_CREDIT_CARD"]
