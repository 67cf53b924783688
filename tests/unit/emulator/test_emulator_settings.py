from decimal import Decimal

from tests.unit.emulator.driver import Books, line
from tests.unit.emulator.sales import customer, invoice, seen


async def test_preferences_sent_back_change_only_what_the_api_may_change(us: Books) -> None:
    before = await seen(us, "Preferences", "1")
    sent = {
        "Id": "1",
        "SyncToken": before["SyncToken"],
        "SalesFormsPrefs": {"AllowDiscount": True},
        "TaxPrefs": {"UsingSalesTax": False},
        "CurrencyPrefs": {"MultiCurrencyEnabled": True},
        "AccountingInfoPrefs": {"BookCloseDate": "2026-01-31"},
    }
    after = await us.made("Preferences", sent)
    assert after["SalesFormsPrefs"] == {**before["SalesFormsPrefs"], "AllowDiscount": True}
    for group in ("TaxPrefs", "CurrencyPrefs", "AccountingInfoPrefs", "EmailMessagesPrefs"):
        assert after[group] == before[group]
    assert after["SyncToken"] == str(int(before["SyncToken"]) + 1)
    assert (await us.post("Preferences", {**sent, "SyncToken": after["SyncToken"], "ReportPrefs": "x"})).code == "2010"


async def test_company_info_is_changed_but_never_made_again(us: Books) -> None:
    before = await seen(us, "CompanyInfo", "1")
    body = {"Id": "1", "SyncToken": "0", "sparse": True, "CompanyName": "Birds Ltd", "Country": "FR"}
    after = await us.made("CompanyInfo", body)
    assert (after["CompanyName"], after["Country"], after["LegalName"]) == ("Birds Ltd", "US", before["LegalName"])
    assert (await us.post("CompanyInfo", {"CompanyName": "Second"})).code == "500"
    assert (await us.post("Preferences", {"SalesFormsPrefs": {}})).code == "500"


async def test_line_of_nought_times_nought_is_one_without_quantity_and_price(us: Books) -> None:
    amy = await customer(us, "Amy")
    body = {"CustomerRef": {"value": amy}, "Line": [line("100", quantity="0", price="0")]}
    assert (await us.made("Invoice", body))["TotalAmt"] == 100
    one_only = {"CustomerRef": {"value": amy}, "Line": [line("100", quantity="0", price="5")]}
    assert (await us.post("Invoice", one_only)).code == "6070"


async def test_gross_amount_of_nought_is_none(gb: Books) -> None:
    amy = await customer(gb, "Amy")
    sold = line("120", tax_code="1", TaxInclusiveAmt=0)
    body = {"CustomerRef": {"value": amy}, "Line": [sold], "GlobalTaxCalculation": "TaxInclusive"}
    assert (await gb.made("Invoice", body))["TxnTaxDetail"]["TotalTax"] == 20


async def test_ca_and_us_books_are_apart(us: Books, ca: Books) -> None:
    await customer(us, "Amy")
    await invoice(us, "1", "10")
    assert await ca.rows("Invoice") == []
    assert (await ca.post("Invoice", {"CustomerRef": {"value": "1"}, "Line": [line("1")]})).code == "2500"
    assert (await seen(us, "Customer", "1"))["Balance"] == Decimal(10)
