from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emulator.driver import Books, control, line

OBJECTS: dict[str, Any] = {
    "Item": [{"Name": "Lesson", "IncomeAccountRef": {"name": "Services"}}],
    "Customer": [{"DisplayName": "Amy"}],
    "Invoice": [
        {"DocNumber": "7", "CustomerRef": {"name": "Amy"}, "Line": [line("12.50", ItemRef={"name": "Lesson"})]},
    ],
    "Payment": [
        {
            "CustomerRef": {"name": "Amy"},
            "TotalAmt": 2,
            "Line": [{"Amount": 2, "LinkedTxn": [{"TxnType": "Invoice", "DocNumber": "7"}]}],
        }
    ],
}


async def test_seeded_objects_refer_to_one_another_and_are_not_counted(us: Books) -> None:
    made = await us.control("seed", OBJECTS)
    assert {entity: len(ids) for entity, ids in made.items()} == {"Item": 1, "Customer": 1, "Invoice": 1, "Payment": 1}
    (invoice,) = await us.rows("Invoice")
    assert (invoice["CustomerRef"]["name"], invoice["Balance"]) == ("Amy", Decimal("10.50"))
    assert invoice["Line"][0]["SalesItemLineDetail"]["ItemRef"]["name"] == "Lesson"
    assert (await us.statistics())["writes_applied"] == {}


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ({"Nothing": [{}]}, "Nothing"),
        ({"TaxRate": [{}]}, "TaxRate"),
        ({"Customer": [{"DisplayName": "A", "ParentRef": {"name": "Nobody"}}]}, "Nobody"),
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
