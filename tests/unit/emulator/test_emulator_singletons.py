from typing import Any

import pytest

from tests.unit.emulator.driver import Books


async def test_preferences_of_sales_forms_are_written_and_those_of_tax_ignored(us: Books) -> None:
    sent = {
        "Id": "1",
        "SyncToken": "0",
        "SalesFormsPrefs": {"CustomTxnNumbers": True},
        "TaxPrefs": {"UsingSalesTax": False},
    }
    written = await us.made("Preferences", sent)
    assert written["SalesFormsPrefs"]["CustomTxnNumbers"] is True
    assert written["SalesFormsPrefs"]["AllowDiscount"] is False
    assert (written["TaxPrefs"]["UsingSalesTax"], written["SyncToken"]) == (True, "1")


async def test_preferences_that_change_nothing_keep_their_token(us: Books) -> None:
    sent = {"SyncToken": "0", "SalesFormsPrefs": {"CustomTxnNumbers": False}}
    assert (await us.made("Preferences", sent))["SyncToken"] == "0"
    assert (await us.statistics())["writes_applied"] == {}


async def test_company_info_reads_its_country_back_in_three_letters(us: Books) -> None:
    address = {"Line1": "2 New Street", "Country": "United Kingdom"}
    written = await us.made("CompanyInfo", {"SyncToken": "0", "sparse": True, "CompanyAddr": address, "Country": "GB"})
    assert (written["CompanyAddr"]["Line1"], written["CompanyAddr"]["Country"]) == ("2 New Street", "GBR")
    assert written["Country"] == "US"


@pytest.mark.parametrize(
    ("sent", "operation", "code"),
    [
        ({"SyncToken": "7"}, "", "5010"),
        ({}, "", "2020"),
        ({"Id": "2", "SyncToken": "0"}, "", "610"),
        ({"SyncToken": "0", "NoPrefs": {}}, "", "2010"),
        ({"Id": "1", "SyncToken": "0"}, "delete", "500"),
        ({"SyncToken": "0"}, "create", "500"),
    ],
)
async def test_preferences_written_wrongly_are_refused(us: Books, sent: Any, operation: str, code: str) -> None:
    assert (await us.post("Preferences", sent, operation=operation)).code == code
