"""The small lists: classes, departments, terms, payment methods, agencies and what the tax service makes."""

from typing import Any

import pytest

from tests.unit.emulator.driver import Books
from tests.unit.emulator.sales import customer, invoice, key, seen


@pytest.mark.parametrize(("kind", "flag"), [("Class", "SubClass"), ("Department", "SubDepartment")])
async def test_entry_under_another_is_qualified_and_follows_its_rename(us: Books, kind: str, flag: str) -> None:
    top = await us.made(kind, {"Name": "North"})
    below = await us.made(kind, {"Name": "Leeds", "ParentRef": {"value": top["Id"]}})
    assert (top[flag], below[flag], below["FullyQualifiedName"]) == (False, True, "North:Leeds")
    await us.made(kind, {**key(top), "Name": "South"})
    assert (await seen(us, kind, below["Id"]))["FullyQualifiedName"] == "South:Leeds"


async def test_entry_six_levels_deep_is_6180_and_under_itself_is_6000(us: Books) -> None:
    rows = [await us.made("Class", {"Name": "1"})]
    for name in ("2", "3", "4", "5"):
        rows.append(await us.made("Class", {"Name": name, "ParentRef": {"value": rows[-1]["Id"]}}))
    assert (await us.post("Class", {"Name": "6", "ParentRef": {"value": rows[-1]["Id"]}})).code == "6180"
    ring = {**key(rows[0]), "Name": "1", "ParentRef": {"value": rows[1]["Id"]}}
    assert (await us.post("Class", ring)).code == "6000"


@pytest.mark.parametrize("kind", ["Class", "Department", "Term", "PaymentMethod"])
async def test_name_of_a_list_is_taken_once_whatever_its_case(us: Books, kind: str) -> None:
    body = {"Name": "Twice", **({"DueDays": 5} if kind == "Term" else {})}
    await us.made(kind, body)
    assert (await us.post(kind, {**body, "Name": "TWICE"})).code == "6240"
    assert (await us.post(kind, {name: value for name, value in body.items() if name != "Name"})).code == "2020"


@pytest.mark.parametrize(
    ("day", "notice", "sold", "due"),
    [
        (15, 0, "2026-11-10", "2026-11-15"),
        (15, 0, "2026-11-20", "2026-12-15"),
        (15, 10, "2026-11-10", "2026-12-15"),
        (31, 0, "2026-11-10", "2026-11-30"),
    ],
)
async def test_term_of_a_day_of_the_month_sets_the_due_date(
    us: Books, day: int, notice: int, sold: str, due: str
) -> None:
    term = await us.made("Term", {"Name": "Monthly", "DayOfMonthDue": day, "DueNextMonthDays": notice})
    assert term["Type"] == "DATE_DRIVEN"
    made = await invoice(us, await customer(us, "Amy"), "1", TxnDate=sold, SalesTermRef={"value": term["Id"]})
    assert made["DueDate"] == due


@pytest.mark.parametrize(("more", "code"), [({}, "2020"), ({"DayOfMonthDue": 32}, "6000")])
async def test_term_that_never_falls_due_is_refused(us: Books, more: dict[str, Any], code: str) -> None:
    assert (await us.post("Term", {"Name": "Never", **more})).code == code


async def test_agency_of_a_name_that_is_taken_is_6240_and_its_own_name_is_not(us: Books) -> None:
    first = await us.made("TaxAgency", {"DisplayName": "Town"})
    assert (await us.post("TaxAgency", {"DisplayName": "town"})).code == "6240"
    renamed = await us.made("TaxAgency", {**key(first), "DisplayName": "TOWN"})
    assert renamed["DisplayName"] == "TOWN"


RATE = {"TaxRateName": "Island", "RateValue": 15, "TaxAgencyId": "1"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"TaxRateDetails": [RATE]}, "2020"),
        ({"TaxCode": "Island"}, "2020"),
        ({"TaxCode": "Island", "TaxRateDetails": [{"TaxRateName": "Island", "TaxAgencyId": "1"}]}, "2020"),
        ({"TaxCode": "Island", "TaxRateDetails": [{**RATE, "RateValue": 101}]}, "6000"),
        ({"TaxCode": "Island", "TaxRateDetails": [{**RATE, "TaxAgencyId": "99"}]}, "2500"),
        ({"TaxCode": "Island", "TaxRateDetails": [RATE, RATE]}, "6240"),
        ({"TaxCode": "Island", "TaxRateDetails": [{"TaxRateId": "99"}]}, "2500"),
        ({"TaxCode": "Island", "TaxRateDetails": [{**RATE, "TaxApplicableOn": "Other"}]}, "500"),
        ({"TaxCode": "20.0% S", "TaxRateDetails": [RATE]}, "6240"),
    ],
)
async def test_tax_service_refuses_and_makes_nothing(gb: Books, body: dict[str, Any], code: str) -> None:
    before = [await gb.rows(kind) for kind in ("TaxCode", "TaxRate")]
    assert (await gb.call("POST", "taxservice/taxcode", json=body)).code == code
    assert [await gb.rows(kind) for kind in ("TaxCode", "TaxRate")] == before


async def test_tax_service_makes_a_code_of_a_rate_that_is_there(gb: Books) -> None:
    rates = await gb.rows("TaxRate")
    body = {"TaxCode": "Again", "TaxRateDetails": [{"TaxRateId": rates[0]["Id"]}]}
    made = (await gb.call("POST", "taxservice/taxcode", json=body)).body
    assert made["TaxRateDetails"][0]["TaxRateId"] == rates[0]["Id"]
    assert await gb.rows("TaxRate") == rates


LINK = {"include": "invoiceLink"}


@pytest.mark.parametrize("name", ["AllowOnlineCreditCardPayment", "AllowOnlineACHPayment"])
async def test_invoice_link_takes_online_payment_and_an_address(us: Books, name: str) -> None:
    owner = await customer(us, "Amy")
    mail = {"BillEmail": {"Address": "amy@example.com"}}
    before = await invoice(us, owner, "1", **mail, **{name: True})
    await us.control("preferences", {"SalesFormsPrefs": {"ETransactionPaymentEnabled": True}})
    bare = await invoice(us, owner, "1", **{name: True})
    offline = await invoice(us, owner, "1", **mail)
    online = await invoice(us, owner, "1", InvoiceLink="https://forged.example", **mail, **{name: True})
    links = {
        one["Id"]: (await us.call("GET", f"invoice/{one['Id']}", params=LINK)).body["Invoice"].get("InvoiceLink")
        for one in (before, bare, offline, online)
    }
    assert links.pop(online["Id"]).startswith("https://connect.")
    assert set(links.values()) == {None}
    assert "InvoiceLink" not in await seen(us, "Invoice", online["Id"])
