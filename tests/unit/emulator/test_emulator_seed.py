from decimal import Decimal
from typing import Any

import pytest

from qbo_client.emulator import seed
from qbo_client.emulator.company import Company
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.world import World
from tests.unit.emulator.driver import line


@pytest.fixture
def company(world: World) -> Company:
    return world.add_company("gb")


def only(company: Company, entity: str) -> dict[str, Any]:
    (row,) = company.table(entity)
    return dict(row.body)


def test_seeded_history_may_speak_of_names_and_numbers(company: Company) -> None:
    lesson = line("60", ItemRef={"name": "Lesson"}, TaxCodeRef={"name": "20.0% S"})
    made = seed.add(
        company,
        {
            "Customer": [{"DisplayName": "School"}, {"DisplayName": "Pupil", "ParentRef": {"name": "School"}}],
            "Item": [{"Name": "Lesson", "IncomeAccountRef": {"name": "Services"}}],
            "Invoice": [
                {
                    "DocNumber": "A-1",
                    "TxnDate": "2025-03-01",
                    "CustomerRef": {"name": "pupil"},
                    "SalesTermRef": {"name": "Net 15"},
                    "Line": [lesson],
                }
            ],
            "Payment": [
                {
                    "CustomerRef": {"name": "Pupil"},
                    "TotalAmt": "50",
                    "Line": [{"Amount": "50", "LinkedTxn": [{"TxnType": "Invoice", "DocNumber": "a-1"}]}],
                }
            ],
        },
    )
    assert {name: len(ids) for name, ids in made.items()} == {"Customer": 2, "Item": 1, "Invoice": 1, "Payment": 1}
    owed = only(company, "Invoice")
    assert (owed["TotalAmt"], owed["Balance"], owed["DueDate"]) == (72, 22, "2025-03-16")
    school = company.table("Customer").get(made["Customer"][0])
    assert school is not None
    assert school.body["BalanceWithJobs"] == 22


def test_seeded_tax_code_is_one_of_the_companys(company: Company) -> None:
    rates = [{"TaxRateName": "Odd", "RateValue": "12.5", "TaxAgencyId": "1"}]
    (code,) = seed.add(company, {"TaxService": [{"TaxCode": "Odd", "TaxRateDetails": rates}]})["TaxService"]
    seed.add(company, {"SalesReceipt": [{"Line": [line("8", tax_code=code)]}]})
    assert only(company, "SalesReceipt")["TotalAmt"] == Decimal("9.00")


@pytest.mark.parametrize(
    ("history", "told"),
    [
        ({"Dragon": [{}]}, "Dragon"),
        ({"TaxCode": [{"Name": "x"}]}, "TaxCode"),
        ({"Invoice": [{"CustomerRef": {"name": "Nobody"}}]}, "there is no Customer called 'Nobody'"),
        ({"Payment": [{"Line": [{"LinkedTxn": [{"TxnType": "Invoice", "DocNumber": "7"}]}]}]}, "number '7'"),
        ({"Payment": [{"Line": [{"LinkedTxn": [{"TxnType": "Dragon", "DocNumber": "7"}]}]}]}, "Dragon"),
    ],
)
def test_history_of_what_is_not_there_is_refused(company: Company, history: dict[str, Any], told: str) -> None:
    with pytest.raises(seed.SeedError, match=told):
        seed.add(company, history)


def test_history_that_quickbooks_would_refuse_is_refused(company: Company) -> None:
    with pytest.raises(ApiFault) as refused:
        seed.add(company, {"Customer": [{"DisplayName": "Amy"}, {"DisplayName": "AMY"}]})
    assert refused.value.code == "6240"
    assert only(company, "Customer")["DisplayName"] == "Amy"
