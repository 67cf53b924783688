"""Rules that invoices, sales receipts, credit memos and refund receipts share."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emulator.driver import Books, line
from tests.unit.emulator.sales import customer, invoice, key, payment, seen

FORMS = ("Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt")
every_form = pytest.mark.parametrize("entity", FORMS)


async def form(books: Books, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A body that any of the four kinds takes; the customer is made with the first."""
    if not await books.rows("Customer"):
        await customer(books, "Amy")
    accounts = {row["AccountSubType"]: row["Id"] for row in await books.rows("Account")}
    return {
        "CustomerRef": {"value": "1"},
        "DepositToAccountRef": {"value": accounts["Checking"]},
        "Line": list(lines or [line("10")]),
        **more,
    }


@every_form
async def test_form_number_is_assigned_unless_the_company_gives_its_own(us: Books, entity: str) -> None:
    body = await form(us)
    assert [(await us.made(entity, body))["DocNumber"] for _ in range(2)] == ["1001", "1002"]
    assert "DocNumber" not in await us.made(entity, {**body, "DocNumber": ""})
    await us.made(entity, {**body, "DocNumber": "1003"})
    assert (await us.made(entity, body))["DocNumber"] == "1004"
    await us.control("preferences", {"SalesFormsPrefs": {"CustomTxnNumbers": True}})
    assert "DocNumber" not in await us.made(entity, body)
    assert (await us.made(entity, {**body, "DocNumber": "AUTO_GENERATE"}))["DocNumber"] == "1005"


@every_form
async def test_form_number_sent_on_update_renames_that_form_only(us: Books, entity: str) -> None:
    body = await form(us)
    made = await us.made(entity, body)
    renamed = await us.made(entity, {**key(made), **body, "DocNumber": "X-1"})
    assert renamed["DocNumber"] == "X-1"
    assert (await us.made(entity, body))["DocNumber"] == "1002"


@every_form
async def test_form_number_used_twice_is_6140_with_the_other_ones_id(us: Books, entity: str) -> None:
    body = await form(us, DocNumber="X-1")
    made = await us.made(entity, body)
    reply = await us.post(entity, body)
    assert reply.code == "6140"
    assert reply.body["Fault"]["Error"][0]["Detail"].endswith(f"with TxnId={made['Id']}")
    assert (await us.made(entity, body, include="allowduplicatedocnum"))["DocNumber"] == "X-1"


async def test_form_numbers_are_counted_together_but_unique_in_each_kind(us: Books) -> None:
    body = await form(us)
    assert [(await us.made(entity, body))["DocNumber"] for entity in FORMS] == ["1001", "1002", "1003", "1004"]
    for entity in FORMS:
        await us.made(entity, {**body, "DocNumber": "same"})


@every_form
async def test_form_in_a_closed_period_is_6210(us: Books, entity: str) -> None:
    body = await form(us, TxnDate="2026-01-31")
    made = await us.made(entity, body)
    await us.control("close-books", {"date": "2026-01-31"})
    assert (await us.post(entity, body)).code == "6210"
    assert (await us.post(entity, {**key(made), **body, "TxnDate": "2026-02-01"})).code == "6210"
    assert (await us.post(entity, key(made), operation="delete")).code == "6210"


@every_form
async def test_form_in_another_currency_shows_home_amounts(us: Books, entity: str) -> None:
    await us.control("preferences", {"CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    await customer(us, "Berg", CurrencyRef={"value": "EUR"})
    body = await form(us, line("10.01"))
    assert (await us.post(entity, body)).code == "6000"
    euro = {"CurrencyRef": {"value": "EUR"}}
    assert (await us.post(entity, {**body, **euro, "ExchangeRate": 0})).code == "6000"
    made = await us.made(entity, {**body, **euro, "ExchangeRate": Decimal("1.25")})
    # 12.5125, half up.
    assert (made["HomeTotalAmt"], made["CurrencyRef"]["name"]) == (Decimal("12.51"), "Euro")
    assert made["HomeBalance"] == (made["HomeTotalAmt"] if made["Balance"] else 0)


async def test_payment_in_another_currency_brings_the_home_balance_down(us: Books) -> None:
    await us.control("preferences", {"CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    berg = await customer(us, "Berg", CurrencyRef={"value": "EUR"})
    euro: dict[str, Any] = {"CurrencyRef": {"value": "EUR"}, "ExchangeRate": Decimal("1.25")}
    owed = await invoice(us, berg, "10", **euro)
    link = {"Amount": 4, "LinkedTxn": [{"TxnId": owed["Id"], "TxnType": "Invoice"}]}
    body = {"CustomerRef": {"value": berg}, "TotalAmt": 4, "Line": [link]}
    assert (await us.post("Payment", body)).code == "6000"
    await us.made("Payment", {**body, **euro})
    paid = await seen(us, "Invoice", owed["Id"])
    assert (paid["Balance"], paid["HomeBalance"]) == (6, Decimal("7.50"))


@every_form
async def test_form_charges_shipping_where_the_company_ships(us: Books, entity: str) -> None:
    body = await form(us, line("10"), line("5", ItemRef={"value": "SHIPPING_ITEM_ID"}))
    assert (await us.post(entity, body)).code == "6000"
    await us.control("preferences", {"SalesFormsPrefs": {"AllowShipping": True}})
    made = await us.made(entity, body)
    assert made["Line"][1]["SalesItemLineDetail"]["ItemRef"] == {"value": "SHIPPING_ITEM_ID"}
    assert (made["Line"][2]["Amount"], made["TotalAmt"]) == (10, 15)


QUERYABLE = {
    "Invoice": {"DueDate", "SalesTermRef", "ProjectRef", "TotalAmt"},
    "SalesReceipt": {"TotalAmt"},
    "CreditMemo": {"SalesTermRef"},
    "RefundReceipt": {"PaymentType"},
    "Payment": {"TotalAmt", "PaymentMethodRef", "PaymentRefNum"},
}
ASKED = sorted(set().union(*QUERYABLE.values(), {"DocNumber", "Balance", "PrivateNote", "EmailStatus"}))


@pytest.mark.parametrize("entity", sorted(QUERYABLE))
async def test_form_is_queried_by_the_fields_the_reference_lists_and_no_others(us: Books, entity: str) -> None:
    common = {"Id", "CustomerRef", "TxnDate", "MetaData.CreateTime", "MetaData.LastUpdatedTime"}
    wanted = QUERYABLE[entity] | common | (set() if entity == "Payment" else {"DocNumber", "Balance"})
    samples = {"TotalAmt": "1.00", "Balance": "1.00", "TxnDate": "2026-01-01", "DueDate": "2026-01-01"}
    answered = set()
    for field in sorted({*ASKED, *common}):
        sample = "2026-01-01" if field.startswith("MetaData") else samples.get(field, "1")
        reply = await us.query(f"SELECT * FROM {entity} WHERE {field} = '{sample}'")
        assert reply.status == 200 or reply.code == "4001"
        answered |= {field} if reply.status == 200 else set()
    assert answered == wanted


async def test_documents_are_found_by_customer_balance_and_due_day(us: Books) -> None:
    await customer(us, "Amy")
    await customer(us, "Bill")
    late = await invoice(us, "1", "10", DueDate="2026-01-01")
    await invoice(us, "1", "20", DueDate="2026-03-01")
    await invoice(us, "2", "10", DueDate="2026-01-01")
    rows = await us.rows("Invoice", "WHERE CustomerRef = '1' AND DueDate < '2026-02-01' AND Balance > '0'")
    assert [row["Id"] for row in rows] == [late["Id"]]
    made = await payment(us, "1", "7")
    assert [row["Id"] for row in await us.rows("Payment", "WHERE TotalAmt = '7.00'")] == [made["Id"]]


@every_form
async def test_form_line_discount_rate_beats_its_amount(us: Books, entity: str) -> None:
    sold = line("99.95", quantity="1", price="99.95", DiscountRate=Decimal("12.5"), DiscountAmt=3)
    made = await us.made(entity, await form(us, sold))
    assert made["Line"][0]["SalesItemLineDetail"]["DiscountAmt"] == Decimal("12.49")
