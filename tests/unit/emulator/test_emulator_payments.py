from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emulator.driver import Books, line
from tests.unit.emulator.sales import balance, customer, invoice, key, payment, payment_body, seen


async def test_payment_applied_lowers_the_balance_and_links_both_sides(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "100")
    made = await payment(us, amy, "40", {owed["Id"]: "40"})
    assert (made["TotalAmt"], made["UnappliedAmt"], made["ProcessPayment"]) == (40, 0, False)
    assert made["DepositToAccountRef"]["name"] == "Undeposited Funds"
    assert "DocNumber" not in made
    paid = await seen(us, "Invoice", owed["Id"])
    assert (paid["Balance"], paid["SyncToken"]) == (60, "1")
    assert paid["LinkedTxn"] == [{"TxnId": made["Id"], "TxnType": "Payment"}]
    assert await balance(us, "Customer", amy) == 60


async def test_payment_without_lines_is_wholly_unapplied_and_the_customers_credit(us: Books) -> None:
    amy = await customer(us, "Amy")
    made = await us.made("Payment", {"CustomerRef": {"value": amy}, "TotalAmt": 25})
    assert (made["UnappliedAmt"], made["Line"]) == (25, [])
    assert await balance(us, "Customer", amy) == -25


async def test_payments_in_parts_close_an_invoice(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "100")
    parts = [await payment(us, amy, amount, {owed["Id"]: amount}) for amount in ("33.33", "33.33", "33.34")]
    paid = await seen(us, "Invoice", owed["Id"])
    assert paid["Balance"] == 0
    assert [one["TxnId"] for one in paid["LinkedTxn"]] == [one["Id"] for one in parts]
    assert [one["Id"] for one in await us.rows("Invoice", "WHERE Balance = '0'")] == [owed["Id"]]


async def test_payment_of_two_invoices_leaves_the_rest_unapplied(us: Books) -> None:
    amy = await customer(us, "Amy")
    first, second = await invoice(us, amy, "10"), await invoice(us, amy, "20")
    made = await payment(us, amy, "35", {first["Id"]: "10", second["Id"]: "15"})
    assert made["UnappliedAmt"] == 10
    assert await balance(us, "Invoice", second["Id"]) == 5
    assert await balance(us, "Customer", amy) == -5


def linked(kind: str, identifier: str, amount: str = "1") -> dict[str, Any]:
    return {"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": identifier, "TxnType": kind}]}


TWO_LINKS = {**linked("Invoice", "1"), "LinkedTxn": [{"TxnId": "1", "TxnType": "Invoice"}] * 2}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"TotalAmt": 1}, "2020"),
        ({"CustomerRef": {"value": "1"}}, "2020"),
        ({"CustomerRef": {"value": "9"}, "TotalAmt": 1}, "2500"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": -1}, "2290"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "PaymentRefNum": "9" * 22}, "2050"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "PaymentMethodRef": {"value": "99"}}, "2500"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "DepositToAccountRef": {"value": "1"}}, "6430"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "Lines": []}, "2010"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "Line": [{"Amount": 1}]}, "2020"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "Line": [{"LinkedTxn": []}]}, "2020"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "Line": [{"Amount": 1, "LinkedTxn": [{}]}]}, "2020"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "Line": [linked("Invoice", "99")]}, "610"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "Line": [linked("Invoice", "1", "0")] * 10_001}, "6000"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 2, "Line": [TWO_LINKS]}, "620"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "Line": [linked("JournalEntry", "1")]}, "620"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 1, "Line": [linked("Invoice", "1", "-1")]}, "2290"),
        ({"CustomerRef": {"value": "2"}, "TotalAmt": 1, "Line": [linked("Invoice", "1")]}, "620"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 2, "Line": [linked("Invoice", "1", "3")]}, "6000"),
        ({"CustomerRef": {"value": "1"}, "TotalAmt": 99, "Line": [linked("Invoice", "1", "11")]}, "6000"),
    ],
)
async def test_payment_that_quickbooks_refuses_is_refused(us: Books, body: dict[str, Any], code: str) -> None:
    await customer(us, "Amy")
    await customer(us, "Bill")
    owed = await invoice(us, "1", "10")
    assert owed["Id"] == "1"
    assert (await us.post("Payment", body)).code == code
    assert await seen(us, "Invoice", "1") == owed
    assert await balance(us, "Customer", "1") == 10


async def test_payment_of_too_much_for_the_invoice_becomes_unapplied_where_switched(us: Books) -> None:
    await us.control("switches", {"excess_payment_becomes_unapplied": True})
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    made = await payment(us, amy, "15", {owed["Id"]: "15"})
    assert ([one["Amount"] for one in made["Line"]], made["UnappliedAmt"]) == ([10], 5)
    again = await payment(us, amy, "3", {owed["Id"]: "3"})
    assert (again["Line"], again["UnappliedAmt"]) == ([], 3)


async def test_payment_reaches_a_sub_customers_invoice_only_where_switched(us: Books) -> None:
    school = await customer(us, "School")
    pupil = await customer(us, "Pupil", Job=True, ParentRef={"value": school})
    owed = await invoice(us, pupil, "10")
    body = payment_body(school, "10", {owed["Id"]: "10"})
    assert (await us.post("Payment", body)).code == "620"
    await us.control("switches", {"payment_reaches_family": True})
    await us.made("Payment", body)
    assert await balance(us, "Invoice", owed["Id"]) == 0


async def test_payment_updated_moves_from_one_invoice_to_another(us: Books) -> None:
    amy = await customer(us, "Amy")
    first, second = await invoice(us, amy, "10"), await invoice(us, amy, "20")
    made = await payment(us, amy, "10", {first["Id"]: "10"})
    moved = await us.made("Payment", {**key(made), **payment_body(amy, "10", {second["Id"]: "10"})})
    assert moved["SyncToken"] == "1"
    assert await balance(us, "Invoice", first["Id"]) == 10
    assert (await seen(us, "Invoice", first["Id"]))["LinkedTxn"] == []
    assert await balance(us, "Invoice", second["Id"]) == 10
    assert await balance(us, "Customer", amy) == 20


@pytest.mark.parametrize("sparse", [True, False])
async def test_payment_updated_without_lines_is_unlinked_even_if_called_sparse(us: Books, sparse: bool) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    made = await payment(us, amy, "10", {owed["Id"]: "10"})
    body = {**key(made), "sparse": sparse, "CustomerRef": {"value": amy}, "TotalAmt": 10}
    assert (await us.made("Payment", body))["UnappliedAmt"] == 10
    assert await balance(us, "Invoice", owed["Id"]) == 10
    assert (await us.post("Payment", {"Id": made["Id"], "SyncToken": "1", "sparse": True})).element == "TotalAmt"


async def test_payment_sent_back_as_it_was_read_changes_nothing(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    made = await payment(us, amy, "12", {owed["Id"]: "10"})
    assert await us.made("Payment", made) == made
    assert (await seen(us, "Invoice", owed["Id"]))["SyncToken"] == "1"


@pytest.mark.parametrize("params", [{"operation": "update", "include": "void"}, {"operation": "void"}])
async def test_payment_voided_reopens_its_invoices(us: Books, params: dict[str, str]) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    made = await payment(us, amy, "15", {owed["Id"]: "10"})
    voided = await us.made("Payment", {**key(made), "sparse": True}, **params)
    assert (voided["TotalAmt"], voided["UnappliedAmt"], voided["Line"]) == (0, 0, [])
    assert (voided["PrivateNote"], voided["SyncToken"], voided["TxnDate"]) == ("Voided", "1", made["TxnDate"])
    opened = await seen(us, "Invoice", owed["Id"])
    assert (opened["Balance"], opened["LinkedTxn"]) == (10, [])
    assert await balance(us, "Customer", amy) == 10


async def test_payment_deleted_reopens_its_invoices(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    made = await payment(us, amy, "10", {owed["Id"]: "10"})
    stub = await us.made("Payment", key(made), operation="delete")
    assert stub["status"] == "Deleted"
    opened = await seen(us, "Invoice", owed["Id"])
    assert (opened["Balance"], opened["LinkedTxn"], opened["SyncToken"]) == (10, [], "2")


async def test_invoice_with_a_payment_is_not_voided_until_it_is_unlinked(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    made = await payment(us, amy, "4", {owed["Id"]: "4"})
    paid = await seen(us, "Invoice", owed["Id"])
    assert (await us.post("Invoice", key(paid), operation="void")).code == "6000"
    await us.made("Payment", key(made), operation="delete")
    opened = await seen(us, "Invoice", owed["Id"])
    assert (await us.made("Invoice", key(opened), operation="void"))["TotalAmt"] == 0


async def test_invoice_deleted_leaves_its_payments_unapplied(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    made = await payment(us, amy, "10", {owed["Id"]: "10"})
    await us.made("Invoice", {"Id": owed["Id"], "SyncToken": "1"}, operation="delete")
    left = await seen(us, "Payment", made["Id"])
    assert (left["UnappliedAmt"], left["Line"], left["SyncToken"]) == (10, [], "1")
    assert await balance(us, "Customer", amy) == -10


async def test_invoice_made_smaller_than_what_is_paid_gives_the_excess_back_last_first(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "30")
    first, second, third = [await payment(us, amy, "10", {owed["Id"]: "10"}) for _ in range(3)]
    body = {"Id": owed["Id"], "SyncToken": "3", "sparse": True, "Line": [line("14")]}
    smaller = await us.made("Invoice", body)
    assert (smaller["Balance"], smaller["SyncToken"]) == (0, "4")
    assert [one["TxnId"] for one in smaller["LinkedTxn"]] == [first["Id"], second["Id"]]
    left = [(await seen(us, "Payment", one["Id"]))["UnappliedAmt"] for one in (first, second, third)]
    assert left == [0, 6, 10]
    assert await balance(us, "Customer", amy) == -16


async def test_invoice_with_payments_keeps_its_customer(us: Books) -> None:
    amy, bill = await customer(us, "Amy"), await customer(us, "Bill")
    owed = await invoice(us, amy, "10")
    await payment(us, amy, "1", {owed["Id"]: "1"})
    body = {"Id": owed["Id"], "SyncToken": "1", "sparse": True, "CustomerRef": {"value": bill}}
    assert (await us.post("Invoice", body)).code == "6000"
    await us.made("Customer", {"Id": amy, "SyncToken": "0", "sparse": True, "DisplayName": "Amelia"})
    noted = await us.made("Invoice", {"Id": owed["Id"], "SyncToken": "1", "sparse": True, "PrivateNote": "x"})
    assert (noted["CustomerRef"]["name"], noted["Balance"]) == ("Amelia", 9)


async def test_links_leave_the_invoices_sync_token_alone_where_switched(us: Books) -> None:
    await us.control("switches", {"links_raise_sync_token": False})
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    await payment(us, amy, "10", {owed["Id"]: "10"})
    assert (await seen(us, "Invoice", owed["Id"]))["SyncToken"] == "0"
