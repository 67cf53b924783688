from typing import Any

import pytest

from tests.unit.emulator.driver import Books, line


async def test_receipt_created_has_number_day_deposit_account_and_subtotal(us: Books) -> None:
    made = await us.made("SalesReceipt", {"Line": [line("337.5", quantity="4.50", price="75.00")]})
    assert made["DepositToAccountRef"]["name"] == "Undeposited Funds"
    assert [one["DetailType"] for one in made["Line"]] == ["SalesItemLineDetail", "SubTotalLineDetail"]
    assert "Id" not in made["Line"][1]
    assert made["Line"][0]["SalesItemLineDetail"]["ItemRef"]["name"] == "Services"
    assert made["DocNumber"] == "1001"


async def test_money_is_written_with_two_decimals_and_quantities_trimmed(us: Books) -> None:
    reply = await us.post("SalesReceipt", {"Line": [line("337.5", quantity="4.50", price="75.00")]})
    assert '"TotalAmt":337.50,' in reply.text
    assert '"Balance":0,' in reply.text
    assert '"Qty":4.5,"UnitPrice":75,' in reply.text
    assert '"TotalTax":0}' in reply.text


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "accepted"),
    [
        ("128.350", "14.50", "1861.08", True),
        ("128.350", "14.50", "1861.07", False),
        ("3", "0.335", "1.01", True),
        ("-1", "0.125", "-0.13", True),
        ("1", "10", "10.01", False),
    ],
)
async def test_amount_must_be_quantity_times_price_rounded_half_up(
    us: Books, quantity: str, price: str, amount: str, accepted: bool
) -> None:
    lines = [line("100"), line(amount, quantity=quantity, price=price)]
    reply = await us.post("SalesReceipt", {"Line": lines})
    assert reply.status == 200 if accepted else reply.code == "6070"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "2020"),
        ({"Line": [{"Amount": 1}]}, "2020"),
        ({"Line": [{"DetailType": "SalesItemLineDetail"}]}, "2020"),
        ({"Line": [{"Amount": 1, "DetailType": "Nonsense"}]}, "2170"),
        ({"Line": [{"Amount": 1, "DetailType": "GroupLineDetail"}]}, "500"),
        ({"Line": [line("1", Colour="red")]}, "2010"),
        ({"Line": [line("1")], "CustomerRef": {"value": "77"}}, "2500"),
        ({"Line": [line("1", ItemRef={"value": "77"})]}, "2500"),
        ({"Line": [line("1", ClassRef={"value": "1"})]}, "2500"),
        ({"Line": [line("1")], "DepositToAccountRef": {"value": "1"}}, "6430"),
        ({"Line": [line("1", tax_code="7")]}, "6100"),
        ({"Line": [line("-1")]}, "2290"),
        ({"Line": [line("1")], "DocNumber": "9" * 22}, "2050"),
        ({"Line": [line("1")], "PaymentRefNum": "9" * 22}, "2050"),
        ({"Line": [line("1")], "PrivateNote": "9" * 4001}, "2050"),
        ({"Line": [line("1")], "CustomerMemo": {"value": "9" * 1001}}, "2050"),
        ({"Line": [{**line("1"), "Description": "9" * 4001}]}, "2050"),
        ({"Line": [line("1")], "BillEmail": {"Address": "nobody"}}, "2210"),
        ({"Line": [line("1")], "CurrencyRef": {"value": "EUR"}}, "6000"),
        ({"Line": [line("1")], "TxnDate": "tomorrow"}, "2060"),
        ({"Line": [{"Amount": 1, "DetailType": "DiscountLineDetail"}, line("5")]}, "6090"),
    ],
)
async def test_receipt_that_quickbooks_refuses_is_refused(us: Books, body: dict[str, Any], code: str) -> None:
    assert (await us.post("SalesReceipt", body)).code == code
    assert (await us.statistics())["writes_applied"] == {}


@pytest.mark.parametrize("what", ["CustomerRef", "ItemRef"])
async def test_receipt_on_something_inactive_is_610(us: Books, what: str) -> None:
    entity = what.removesuffix("Ref")
    body = {"DisplayName": "Amy"} if entity == "Customer" else {"Name": "Lesson", "IncomeAccountRef": {"value": "1"}}
    made = await us.made(entity, body)
    await us.made(entity, {**made, "Active": False})
    reference: dict[str, Any] = {what: {"value": made["Id"]}}
    receipt = {**reference, "Line": [line("1")]} if entity == "Customer" else {"Line": [line("1", **reference)]}
    assert (await us.post("SalesReceipt", receipt)).code == "610"


async def test_receipt_number_follows_the_companys_custom_number_setting(us: Books) -> None:
    first = await us.made("SalesReceipt", {"Line": [line("1")]})
    own = await us.made("SalesReceipt", {"Line": [line("1")], "DocNumber": "R-7"})
    second = await us.made("SalesReceipt", {"Line": [line("1")]})
    assert [first["DocNumber"], own["DocNumber"], second["DocNumber"]] == ["1001", "R-7", "1002"]
    await us.control("preferences", {"SalesFormsPrefs": {"CustomTxnNumbers": True}})
    assert "DocNumber" not in await us.made("SalesReceipt", {"Line": [line("1")]})
    asked = await us.made("SalesReceipt", {"Line": [line("1")], "DocNumber": "AUTO_GENERATE"})
    assert asked["DocNumber"] == "1003"


async def test_receipt_number_used_twice_is_6140_unless_allowed(us: Books) -> None:
    first = await us.made("SalesReceipt", {"Line": [line("1")], "DocNumber": "R-7"})
    again = {"Line": [line("1")], "DocNumber": "R-7"}
    reply = await us.post("SalesReceipt", again)
    assert reply.code == "6140"
    assert reply.body["Fault"]["Error"][0]["Detail"].endswith(f"TxnId={first['Id']}")
    assert (await us.post("SalesReceipt", again, include="allowduplicatedocnum")).status == 200
    await us.control("switches", {"duplicate_number_warning": False})
    assert (await us.post("SalesReceipt", again)).status == 200


async def test_update_takes_lines_as_the_whole_list_and_numbers_new_ones_on(us: Books) -> None:
    made = await us.made("SalesReceipt", {"Line": [line("1"), line("2"), line("3")]})
    kept = {**made["Line"][1], "Amount": 20}
    body = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Line": [kept, line("4")]}
    updated = await us.made("SalesReceipt", body)
    assert [(one.get("Id"), one["Amount"]) for one in updated["Line"]] == [("2", 20), ("4", 4), (None, 24)]
    assert (updated["TotalAmt"], updated["SyncToken"], updated["DocNumber"]) == (24, "1", made["DocNumber"])


async def test_full_update_keeps_number_and_deposit_account_and_clears_the_rest(us: Books) -> None:
    customer = await us.made("Customer", {"DisplayName": "Amy"})
    bank = await us.id_of("Account", "Checking")
    made = await us.made(
        "SalesReceipt",
        {
            "CustomerRef": {"value": customer["Id"]},
            "TxnDate": "2020-01-01",
            "DepositToAccountRef": {"value": bank},
            "PrivateNote": "gone",
            "Line": [line("1")],
        },
    )
    updated = await us.made("SalesReceipt", {"Id": made["Id"], "SyncToken": "0", "Line": [line("1")]})
    assert (updated["DocNumber"], updated["DepositToAccountRef"]["value"]) == (made["DocNumber"], bank)
    assert updated["TxnDate"] > "2020-01-01"
    assert "PrivateNote" not in updated
    assert "CustomerRef" not in updated


@pytest.mark.parametrize("params", [{"operation": "update", "include": "void"}, {"operation": "void"}])
async def test_void_zeroes_amounts_and_keeps_number_day_and_customer(us: Books, params: dict[str, str]) -> None:
    customer = await us.made("Customer", {"DisplayName": "Amy"})
    body = {
        "CustomerRef": {"value": customer["Id"]},
        "PrivateNote": "crm",
        "Line": [line("9", quantity="1", price="9")],
    }
    made = await us.made("SalesReceipt", body)
    voided = await us.made("SalesReceipt", {"Id": made["Id"], "SyncToken": "0", "sparse": True}, **params)
    assert [one["Amount"] for one in voided["Line"]] == [0, 0]
    assert (voided["TotalAmt"], voided["SyncToken"]) == (0, "1")
    assert voided["PrivateNote"].startswith("Voided")
    assert [voided[name] for name in ("DocNumber", "TxnDate", "CustomerRef")] == [
        made[name] for name in ("DocNumber", "TxnDate", "CustomerRef")
    ]


async def test_deleted_receipt_leaves_a_stub_and_is_610_ever_after(us: Books) -> None:
    made = await us.made("SalesReceipt", {"Line": [line("1")]})
    body = {"Id": made["Id"], "SyncToken": "0"}
    stub = await us.made("SalesReceipt", body, operation="delete")
    assert stub == {"domain": "QBO", "status": "Deleted", "Id": made["Id"]}
    assert (await us.call("GET", f"salesreceipt/{made['Id']}")).code == "610"
    assert (await us.post("SalesReceipt", body, operation="delete")).code == "610"


async def test_closed_books_refuse_what_touches_the_closed_period(us: Books) -> None:
    made = await us.made("SalesReceipt", {"Line": [line("1")], "TxnDate": "2026-01-31"})
    await us.control("close-books", {"date": "2026-01-31"})
    assert (await us.post("SalesReceipt", {"Line": [line("1")], "TxnDate": "2026-01-31"})).code == "6210"
    assert (await us.post("SalesReceipt", {"Line": [line("1")], "TxnDate": "2026-02-01"})).status == 200
    move = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "TxnDate": "2026-02-01"}
    assert (await us.post("SalesReceipt", move)).code == "6210"
    assert (await us.post("SalesReceipt", {"Id": "1", "SyncToken": "0"}, operation="void")).code == "6210"
    await us.control("close-books", {"date": None})
    assert (await us.post("SalesReceipt", move)).status == 200


async def test_multi_currency_needs_a_currency_and_the_customers(us: Books) -> None:
    await us.control("preferences", {"CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    berg = await us.made("Customer", {"DisplayName": "Berg", "CurrencyRef": {"value": "EUR"}})
    receipt: dict[str, Any] = {"CustomerRef": {"value": berg["Id"]}, "Line": [line("1")]}
    assert (await us.post("SalesReceipt", receipt)).code == "6000"
    assert (await us.post("SalesReceipt", {**receipt, "CurrencyRef": {"value": "USD"}})).code == "6000"
    made = await us.made("SalesReceipt", {**receipt, "CurrencyRef": {"value": "EUR"}})
    assert (made["CurrencyRef"]["name"], made["ExchangeRate"]) == ("Euro", 1)


async def test_description_line_carries_no_amount_and_sent_subtotals_are_ignored(us: Books) -> None:
    described = {"DetailType": "DescriptionOnly", "Description": "thank you", "Amount": 5}
    subtotal = {"DetailType": "SubTotalLineDetail", "Amount": 77}
    made = await us.made("SalesReceipt", {"Line": [line("1"), subtotal, described]})
    assert [one["DetailType"] for one in made["Line"]] == [
        "SalesItemLineDetail",
        "DescriptionOnly",
        "SubTotalLineDetail",
    ]
    assert "Amount" not in made["Line"][1]
    assert made["TotalAmt"] == 1


async def test_line_without_code_follows_the_items_taxable_flag_under_automated_tax(us: Books) -> None:
    item = await us.made("Item", {"Name": "Desk", "IncomeAccountRef": {"value": "1"}, "Taxable": True})
    body = {"Line": [line("1", ItemRef={"value": item["Id"]})]}
    made = await us.made("SalesReceipt", body)
    assert made["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"] == "TAX"
    await us.control("preferences", {"TaxPrefs": {"PartnerTaxEnabled": None}})
    made = await us.made("SalesReceipt", body)
    assert made["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"] == "NON"


async def test_discount_is_one_line_with_an_amount_and_an_account(us: Books) -> None:
    await us.control("preferences", {"SalesFormsPrefs": {"AllowDiscount": True}})
    account = await us.id_of("Account", "Services")
    detail = {"DiscountAccountRef": {"value": account}}
    discount = {"Amount": 2, "DetailType": "DiscountLineDetail", "DiscountLineDetail": detail}
    made = await us.made("SalesReceipt", {"Line": [line("10"), discount]})
    assert made["Line"][1]["DiscountLineDetail"]["DiscountAccountRef"]["name"] == "Services"
    assert made["TotalAmt"] == 8
    assert (await us.post("SalesReceipt", {"Line": [line("10"), discount, discount]})).code == "6090"
    bare = {"DetailType": "DiscountLineDetail", "DiscountLineDetail": {}}
    assert (await us.post("SalesReceipt", {"Line": [line("10"), bare]})).element == "Amount"
