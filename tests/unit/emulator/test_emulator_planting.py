from typing import Any

import pytest

from tests.unit.emulator.driver import Books, control, line

OBJECTS: dict[str, Any] = {
    "Item": [{"as": "lesson", "Name": "Lesson", "IncomeAccountRef": {"value": "@Account:Services"}}],
    "Customer": [{"as": "amy", "DisplayName": "Amy"}, {"DisplayName": "Bob", "ParentRef": {"value": "@amy"}}],
    "SalesReceipt": [
        {"CustomerRef": {"value": "@amy"}, "Line": [line("12.50", ItemRef={"value": "@lesson"})]},
        {"CustomerRef": {"value": "@Customer:bob"}, "Line": [line("3")]},
    ],
}


async def test_seeded_objects_refer_to_one_another_and_are_not_counted(us: Books) -> None:
    made = await us.control("seed", OBJECTS)
    assert {entity: len(ids) for entity, ids in made.items()} == {"Item": 1, "Customer": 2, "SalesReceipt": 2}
    first, second = await us.rows("SalesReceipt")
    assert (first["CustomerRef"]["name"], second["CustomerRef"]["name"]) == ("Amy", "Bob")
    assert first["Line"][0]["SalesItemLineDetail"]["ItemRef"]["name"] == "Lesson"
    assert (await us.statistics())["writes_applied"] == {}


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ({"Nothing": [{}]}, "no entity that can be made"),
        ({"TaxRate": [{}]}, "no entity that can be made"),
        ({"Customer": [{"DisplayName": "A", "ParentRef": {"value": "@nobody"}}]}, "@nobody is no object"),
        ({"Customer": [{"DisplayName": "A", "ParentRef": {"value": "@Customer:X"}}]}, "@Customer:X is no object"),
        ({"Customer": [{"DisplayName": "A", "Colour": "red"}]}, "Unrecognized field"),
    ],
)
async def test_seeding_what_makes_no_sense_says_why(us: Books, objects: dict[str, Any], said: str) -> None:
    async with us.session.post(f"{us.base_url}/emulator/companies/{us.realm_id}/seed", json=objects) as got:
        assert got.status == 400
        assert said in (await got.json())["error"]


async def test_company_is_made_with_all_that_is_told_of_it(us: Books) -> None:
    told = {
        "country": "ca",
        "name": "Maple Music",
        "preferences": {"SalesFormsPrefs": {"AllowDiscount": True}},
        "switches": {"inactive_names_are_free": True},
        "tax_codes": [{"name": "Island", "rates": {"HST (PE)": "15"}}],
        "objects": {"Customer": [{"DisplayName": "Amy"}]},
    }
    (company,) = (await control(us, "companies", told))["companies"]
    books = Books(session=us.session, base_url=us.base_url, realm_id=company["realm_id"], token=company["access_token"])
    assert (await books.rows("CompanyInfo"))[0]["CompanyName"] == "Maple Music"
    assert (await books.call("GET", "preferences")).body["Preferences"]["SalesFormsPrefs"]["AllowDiscount"] is True
    assert await books.id_of("TaxCode", "Island")
    assert [one["DisplayName"] for one in await books.rows("Customer")] == ["Amy"]
    assert (await books.control("switches"))["inactive_names_are_free"] is True


@pytest.mark.parametrize("told", [{}, {"country": "us", "colour": "red"}, {"country": "us", "tax_codes": [{}]}])
async def test_company_told_of_wrongly_is_refused(us: Books, told: dict[str, Any]) -> None:
    async with us.session.post(f"{us.base_url}/emulator/companies", json=told) as got:
        assert got.status == 400
