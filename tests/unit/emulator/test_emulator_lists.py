from decimal import Decimal
from typing import Any

import pytest

from qbo_client.emulator import taxservice
from qbo_client.emulator.company import Company
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.world import World
from tests.unit.emulator.driver import Books, line
from tests.unit.emulator.sales import key


@pytest.mark.parametrize("entity", ["Class", "Department"])
async def test_nested_entry_is_named_under_its_parent_and_follows_it(us: Books, entity: str) -> None:
    north = await us.made(entity, {"Name": "North"})
    assert (north["FullyQualifiedName"], north[f"Sub{entity}"], north["Active"]) == ("North", False, True)
    york = await us.made(entity, {"Name": "York", "ParentRef": {"value": north["Id"]}})
    assert (york["FullyQualifiedName"], york[f"Sub{entity}"]) == ("North:York", True)
    await us.made(entity, {**north, "Name": "Far North"})
    (found,) = await us.rows(entity, "WHERE Name = 'York'")
    assert (found["FullyQualifiedName"], found["SyncToken"]) == ("Far North:York", "1")


@pytest.mark.parametrize("entity", ["Class", "Department"])
async def test_nested_entry_inactive_is_hidden_and_610_on_a_sale(us: Books, entity: str) -> None:
    made = await us.made(entity, {"Name": "North"})
    reference = {f"{entity}Ref": {"value": made["Id"]}}
    sale = await us.made("SalesReceipt", {"Line": [line("1")], **reference})
    assert sale[f"{entity}Ref"]["name"] == "North"
    await us.made(entity, {**made, "Active": False})
    assert await us.rows(entity) == []
    assert (await us.post("SalesReceipt", {"Line": [line("1")], **reference})).code == "610"


@pytest.mark.parametrize(
    ("entity", "body", "code"),
    [
        ("Class", {}, "2020"),
        ("Class", {"Name": "North"}, "6240"),
        ("Class", {"Name": "x" * 101}, "2050"),
        ("Class", {"Name": "x", "ParentRef": {"value": "9"}}, "2500"),
        ("Class", {"Name": "x", "Colour": "red"}, "2010"),
        ("Department", {"Name": "x", "ParentRef": {"value": "9"}}, "2500"),
        ("Term", {"DueDays": 3}, "2020"),
        ("Term", {"Name": "Soon"}, "2020"),
        ("Term", {"Name": "Net 30", "DueDays": 3}, "6240"),
        ("Term", {"Name": "x" * 32, "DueDays": 3}, "2050"),
        ("Term", {"Name": "Soon", "DayOfMonthDue": 32}, "6000"),
        ("TaxAgency", {}, "2020"),
        ("TaxAgency", {"DisplayName": "x" * 101}, "2050"),
        ("TaxAgency", {"DisplayName": "New York"}, "6240"),
    ],
)
async def test_list_entry_refused(us: Books, entity: str, body: dict[str, Any], code: str) -> None:
    await us.made("Class", {"Name": "North"})
    await us.made("TaxAgency", {"DisplayName": "New York"})
    assert (await us.post(entity, body)).code == code


async def test_term_says_what_kind_it_is(us: Books) -> None:
    assert (await us.made("Term", {"Name": "Soon", "DueDays": 3}))["Type"] == "STANDARD"
    assert (await us.made("Term", {"Name": "First", "DayOfMonthDue": 1}))["Type"] == "DATE_DRIVEN"


async def test_agency_updated_keeps_its_name_to_itself(us: Books) -> None:
    made = await us.made("TaxAgency", {"DisplayName": "New York", "TaxTrackedOnSales": True})
    updated = await us.made("TaxAgency", {**made, "TaxTrackedOnPurchases": True})
    assert (updated["TaxTrackedOnSales"], updated["TaxTrackedOnPurchases"]) == (True, True)


async def test_item_in_a_category_is_named_under_it(us: Books) -> None:
    category = await us.made("Item", {"Name": "Lessons", "Type": "Category"})
    body = {"Name": "Piano", "IncomeAccountRef": {"value": "1"}, "ParentRef": {"value": category["Id"]}}
    item = await us.made("Item", body)
    assert (item["FullyQualifiedName"], item["SubItem"], item["Level"]) == ("Lessons:Piano", True, 1)
    freed = await us.made("Item", {**key(item), "Name": "Piano", "IncomeAccountRef": {"value": "1"}})
    assert (freed["FullyQualifiedName"], "SubItem" in freed) == ("Piano", False)


async def test_account_under_another_is_a_sub_account(us: Books) -> None:
    top = await us.id_of("Account", "Services")
    made = await us.made("Account", {"Name": "Piano", "AccountType": "Income", "ParentRef": {"value": top}})
    assert (made["FullyQualifiedName"], made["SubAccount"]) == ("Services:Piano", True)


def rate(name: str, percent: str, **more: Any) -> dict[str, Any]:
    return {"TaxRateName": name, "RateValue": Decimal(percent), "TaxAgencyId": "1", **more}


@pytest.fixture
def british(world: World) -> Company:
    return world.add_company("gb")


def test_tax_service_makes_a_code_of_new_and_known_rates(british: Company) -> None:
    known = {"TaxRateId": "2", "TaxApplicableOn": "Purchase"}
    made = taxservice.create(british, {"TaxCode": "Odd", "TaxRateDetails": [rate("Odd 12.5", "12.5"), known]})
    assert made == {
        "TaxCode": "Odd",
        "TaxCodeId": "6",
        "TaxRateDetails": [
            {
                "TaxRateName": "Odd 12.5",
                "TaxRateId": "6",
                "RateValue": Decimal("12.5"),
                "TaxAgencyId": "1",
                "TaxApplicableOn": "Sales",
            },
            {
                "TaxRateName": "5.0% R",
                "TaxRateId": "2",
                "RateValue": Decimal(5),
                "TaxAgencyId": "1",
                "TaxApplicableOn": "Purchase",
            },
        ],
    }
    code = british.table("TaxCode").get("6")
    assert code is not None
    sides = [code.body[side]["TaxRateDetail"] for side in ("SalesTaxRateList", "PurchaseTaxRateList")]
    assert [[one["TaxRateRef"]["value"] for one in side] for side in sides] == [["6"], ["2"]]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"TaxRateDetails": [rate("New", "1")]}, "2020"),
        ({"TaxCode": "New"}, "2020"),
        ({"TaxCode": "New", "TaxRateDetails": [{"TaxRateName": "New"}]}, "2020"),
        ({"TaxCode": "exempt", "TaxRateDetails": [rate("New", "1")]}, "6240"),
        ({"TaxCode": "New", "TaxRateDetails": [rate("Exempt", "1")]}, "6240"),
        ({"TaxCode": "New", "TaxRateDetails": [rate("New", "1"), rate("NEW", "2")]}, "6240"),
        ({"TaxCode": "New", "TaxRateDetails": [rate("New", "101")]}, "6000"),
        ({"TaxCode": "New", "TaxRateDetails": [rate("New", "1", TaxAgencyId="9")]}, "2500"),
        ({"TaxCode": "New", "TaxRateDetails": [{"TaxRateId": "99"}]}, "2500"),
        ({"TaxCode": "New", "TaxRateDetails": [rate("New", "1", TaxApplicableOn="Other")]}, "500"),
        ({"TaxCode": "New", "TaxRates": []}, "2010"),
    ],
)
def test_tax_service_refusing_makes_nothing(british: Company, sent: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiFault) as refused:
        taxservice.create(british, sent)
    assert refused.value.code == code
    assert (len(british.table("TaxCode")), len(british.table("TaxRate"))) == (5, 5)
