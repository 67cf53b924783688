from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emulator.driver import Books, line
from tests.unit.emulator.sales import customer, invoice, key, payment, seen


async def test_invoice_created_has_number_balance_and_a_due_day_a_month_later(us: Books) -> None:
    amy = await customer(us, "Amy")
    made = await invoice(us, amy, "100", TxnDate="2026-01-31")
    assert (made["DocNumber"], made["TotalAmt"], made["Balance"]) == ("1001", 100, 100)
    assert (made["TxnDate"], made["DueDate"]) == ("2026-01-31", "2026-03-02")
    assert (made["LinkedTxn"], made["EmailStatus"], made["CustomerRef"]["name"]) == ([], "NotSet", "Amy")


async def test_invoice_due_day_follows_its_terms_unless_it_is_given(us: Books) -> None:
    amy = await customer(us, "Amy")
    terms = {"SalesTermRef": {"value": await us.id_of("Term", "Net 15")}, "TxnDate": "2026-01-31"}
    assert (await invoice(us, amy, "1", **terms))["DueDate"] == "2026-02-15"
    assert (await invoice(us, amy, "1", **terms, DueDate="2026-07-01"))["DueDate"] == "2026-07-01"


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-01-05", "2026-01-10"),
        ("2026-01-10", "2026-02-10"),
        ("2026-01-08", "2026-02-10"),
        ("2026-12-31", "2027-01-10"),
    ],
)
async def test_invoice_due_on_a_day_of_the_month_moves_on_where_that_is_near(us: Books, day: str, due: str) -> None:
    amy = await customer(us, "Amy")
    term = await us.made("Term", {"Name": "10th", "DayOfMonthDue": 10, "DueNextMonthDays": 3})
    made = await invoice(us, amy, "1", TxnDate=day, SalesTermRef={"value": term["Id"]})
    assert made["DueDate"] == due


@pytest.mark.parametrize(
    ("body", "code", "element"),
    [
        ({"Line": [line("1")]}, "2020", "CustomerRef"),
        ({"Line": [line("1")], "CustomerRef": {}}, "2020", "CustomerRef"),
        ({"CustomerRef": {"value": "1"}}, "2020", "Line"),
        ({"CustomerRef": {"value": "9"}, "Line": [line("1")]}, "2500", ""),
        ({"CustomerRef": {"value": "1"}, "Line": [line("-1")]}, "2290", ""),
        ({"CustomerRef": {"value": "1"}, "Line": [line("1")], "DocNumber": "9" * 22}, "2050", "DocNumber"),
        ({"CustomerRef": {"value": "1"}, "Line": [line("1")], "SalesTermRef": {"value": "9"}}, "2500", ""),
        ({"CustomerRef": {"value": "1"}, "Line": [line("1")], "DepartmentRef": {"value": "9"}}, "2500", ""),
        ({"CustomerRef": {"value": "1"}, "Line": [line("1")], "Deposit": 1}, "6000", ""),
        ({"CustomerRef": {"value": "1"}, "Line": [line("1")], "EmailStatus": "NeedToSend"}, "6420", "BillEmail"),
        ({"CustomerRef": {"value": "1"}, "Line": [line("1")], "EmailStatus": "Soon"}, "2170", "EmailStatus"),
        ({"CustomerRef": {"value": "1"}, "Line": [line("1")], "Terms": "Net 30"}, "2010", None),
    ],
)
async def test_invoice_that_quickbooks_refuses_is_refused(
    us: Books, body: dict[str, Any], code: str, element: str | None
) -> None:
    await customer(us, "Amy")
    reply = await us.post("Invoice", body)
    assert (reply.code, reply.element) == (code, element)
    assert await us.rows("Invoice") == []
    assert (await seen(us, "Customer", "1"))["Balance"] == 0


async def test_invoice_to_send_with_an_address_is_taken(us: Books) -> None:
    amy = await customer(us, "Amy")
    made = await invoice(us, amy, "1", EmailStatus="NeedToSend", BillEmail={"Address": "amy@example.com"})
    assert made["EmailStatus"] == "NeedToSend"


async def test_invoice_of_an_inactive_customer_is_610_but_an_old_one_may_change(us: Books) -> None:
    amy = await us.made("Customer", {"DisplayName": "Amy"})
    made = await invoice(us, amy["Id"], "0")
    await us.made("Customer", {**key(amy), "sparse": True, "Active": False})
    again = {"CustomerRef": {"value": amy["Id"]}, "Line": [line("0")]}
    assert (await us.post("Invoice", again)).code == "610"
    noted = await us.made("Invoice", {**key(made), "sparse": True, "PrivateNote": "late"})
    assert noted["PrivateNote"] == "late"


async def test_invoice_deposit_lowers_the_balance_where_deposits_are_allowed(us: Books) -> None:
    amy = await customer(us, "Amy")
    await us.control("preferences", {"SalesFormsPrefs": {"AllowDeposit": True}})
    made = await invoice(us, amy, "100", Deposit=Decimal(30))
    assert (made["TotalAmt"], made["Balance"]) == (100, 70)
    too_much = {"CustomerRef": {"value": amy}, "Line": [line("100")], "Deposit": Decimal("100.01")}
    assert (await us.post("Invoice", too_much)).code == "6000"


async def test_invoice_takes_cards_only_where_online_payment_is_enabled(us: Books) -> None:
    amy = await customer(us, "Amy")
    wanted = {"AllowOnlineCreditCardPayment": True, "AllowOnlinePayment": True}
    assert (await invoice(us, amy, "1", **wanted))["AllowOnlineCreditCardPayment"] is False
    await us.control("preferences", {"SalesFormsPrefs": {"ETransactionPaymentEnabled": True}})
    made = await invoice(us, amy, "1", **wanted)
    assert (made["AllowOnlineCreditCardPayment"], made["AllowOnlinePayment"]) == (True, False)


async def test_invoice_update_takes_lines_as_the_whole_list(us: Books) -> None:
    amy = await customer(us, "Amy")
    made = await us.made("Invoice", {"CustomerRef": {"value": amy}, "Line": [line("1"), line("2")]})
    lines = [{**made["Line"][1], "Amount": 20}, line("5"), {**line("7"), "Id": "-1"}]
    updated = await us.made("Invoice", {**key(made), "sparse": True, "Line": lines})
    assert [(one.get("Id"), one["Amount"]) for one in updated["Line"]] == [("2", 20), ("3", 5), ("4", 7), (None, 32)]
    assert (updated["TotalAmt"], updated["Balance"], updated["SyncToken"]) == (32, 32, "1")
    assert (await seen(us, "Customer", amy))["Balance"] == 32


async def test_invoice_full_update_puts_left_out_fields_back_to_their_usual_values(us: Books) -> None:
    amy = await customer(us, "Amy")
    made = await invoice(us, amy, "1", TxnDate="2020-01-01", PrivateNote="gone", DocNumber="I-7")
    updated = await us.made("Invoice", {**key(made), "CustomerRef": {"value": amy}, "Line": [line("1")]})
    assert updated["DocNumber"] == "I-7"
    assert updated["TxnDate"] > "2020-01-01"
    assert updated["DueDate"] > updated["TxnDate"]
    assert "PrivateNote" not in updated


async def test_invoice_update_that_changes_nothing_keeps_sync_token_and_time(us: Books) -> None:
    amy = await customer(us, "Amy")
    made = await invoice(us, amy, "10", TxnDate="2026-01-01")
    await payment(us, amy, "4", {made["Id"]: "4"})
    paid = await seen(us, "Invoice", made["Id"])
    assert await us.made("Invoice", paid) == paid
    assert await us.made("Invoice", {**key(paid), "sparse": True, "TxnDate": "2026-01-01"}) == paid


async def test_invoice_voided_owes_nothing_and_keeps_what_names_it(us: Books) -> None:
    amy = await customer(us, "Amy")
    made = await invoice(us, amy, "100", PrivateNote="crm 7")
    voided = await us.made("Invoice", key(made), operation="void")
    assert (voided["TotalAmt"], voided["Balance"], voided["SyncToken"]) == (0, 0, "1")
    assert [one["Amount"] for one in voided["Line"]] == [0, 0]
    assert voided["PrivateNote"] == "Voided - crm 7"
    kept = ("DocNumber", "TxnDate", "DueDate", "CustomerRef")
    assert [voided[name] for name in kept] == [made[name] for name in kept]
    assert (await seen(us, "Customer", amy))["Balance"] == 0
    assert await us.made("Invoice", key(voided), operation="void") == voided


async def test_invoice_deleted_leaves_a_stub_and_no_debt(us: Books) -> None:
    amy = await customer(us, "Amy")
    made = await invoice(us, amy, "100")
    stub = await us.made("Invoice", key(made), operation="delete")
    assert stub == {"domain": "QBO", "status": "Deleted", "Id": made["Id"]}
    assert (await us.call("GET", f"invoice/{made['Id']}")).code == "610"
    assert (await seen(us, "Customer", amy))["Balance"] == 0


async def test_invoice_of_more_than_ten_thousand_lines_is_refused(us: Books) -> None:
    amy = await customer(us, "Amy")
    described = {"DetailType": "DescriptionOnly", "Description": "x"}
    body = {"CustomerRef": {"value": amy}, "Line": [line("1"), *[described] * 10_000]}
    assert (await us.post("Invoice", body)).code == "6000"


async def test_invoice_with_taxed_lines_is_refused_above_750_in_the_us(us: Books) -> None:
    amy = await customer(us, "Amy")
    many = [line("1", tax_code="NON")] * 751
    assert (await us.post("Invoice", {"CustomerRef": {"value": amy}, "Line": many})).status == 200
    taxed = [*many[:750], line("1", tax_code="TAX")]
    assert (await us.post("Invoice", {"CustomerRef": {"value": amy}, "Line": taxed})).code == "6000"
