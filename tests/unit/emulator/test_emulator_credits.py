from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emulator.driver import Books, line
from tests.unit.emulator.sales import balance, credit_memo, customer, invoice, key, payment, payment_body, seen


async def test_credit_memo_created_is_the_customers_to_use(us: Books) -> None:
    amy = await customer(us, "Amy")
    made = await credit_memo(us, amy, "30")
    assert (made["TotalAmt"], made["RemainingCredit"], made["Balance"], made["DocNumber"]) == (30, 30, 30, "1001")
    assert await balance(us, "Customer", amy) == -30


async def test_credit_memo_is_used_up_by_a_payment_of_nothing(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed, memo = await invoice(us, amy, "100"), await credit_memo(us, amy, "30")
    made = await payment(us, amy, "0", {owed["Id"]: "30"}, {memo["Id"]: "30"})
    assert (made["TotalAmt"], made["UnappliedAmt"]) == (0, 0)
    used = await seen(us, "CreditMemo", memo["Id"])
    assert (used["RemainingCredit"], used["Balance"], used["SyncToken"]) == (0, 0, "1")
    assert used["LinkedTxn"] == [{"TxnId": made["Id"], "TxnType": "Payment"}]
    assert await balance(us, "Invoice", owed["Id"]) == 70
    assert await balance(us, "Customer", amy) == 70


async def test_credit_and_money_pay_one_invoice_together(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed, memo = await invoice(us, amy, "100"), await credit_memo(us, amy, "30")
    made = await payment(us, amy, "75", {owed["Id"]: "100"}, {memo["Id"]: "30"})
    assert made["UnappliedAmt"] == 5
    assert await balance(us, "Customer", amy) == -5


@pytest.mark.parametrize(
    ("total", "invoiced", "credited"),
    [("0", "30", "40"), ("0", "40", "30"), ("10", "45", "30"), ("99", "60", "51")],
)
async def test_credit_that_does_not_add_up_is_6000(us: Books, total: str, invoiced: str, credited: str) -> None:
    amy = await customer(us, "Amy")
    owed, memo = await invoice(us, amy, "100"), await credit_memo(us, amy, "50")
    body = payment_body(amy, total, {owed["Id"]: invoiced}, {memo["Id"]: credited})
    assert (await us.post("Payment", body)).code == "6000"
    assert await balance(us, "Customer", amy) == 50


async def test_credit_memo_deleted_takes_back_what_it_paid(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed, memo = await invoice(us, amy, "100"), await credit_memo(us, amy, "30")
    made = await payment(us, amy, "20", {owed["Id"]: "50"}, {memo["Id"]: "30"})
    await us.made("CreditMemo", {"Id": memo["Id"], "SyncToken": "1"}, operation="delete")
    left = await seen(us, "Payment", made["Id"])
    assert ([one["Amount"] for one in left["Line"]], left["UnappliedAmt"]) == ([20], 0)
    assert await balance(us, "Invoice", owed["Id"]) == 80
    assert await balance(us, "Customer", amy) == 80


async def test_credit_memo_made_smaller_than_what_is_used_takes_the_excess_back(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed, memo = await invoice(us, amy, "100"), await credit_memo(us, amy, "30")
    await payment(us, amy, "0", {owed["Id"]: "30"}, {memo["Id"]: "30"})
    body = {"Id": memo["Id"], "SyncToken": "1", "CustomerRef": {"value": amy}, "Line": [line("12")]}
    smaller = await us.made("CreditMemo", body)
    assert (smaller["TotalAmt"], smaller["RemainingCredit"]) == (12, 0)
    assert await balance(us, "Invoice", owed["Id"]) == 88


async def test_invoice_deleted_gives_back_the_credit_that_paid_it(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed, memo = await invoice(us, amy, "100"), await credit_memo(us, amy, "30")
    made = await payment(us, amy, "0", {owed["Id"]: "30"}, {memo["Id"]: "30"})
    await us.made("Invoice", {"Id": owed["Id"], "SyncToken": "1"}, operation="delete")
    assert (await seen(us, "CreditMemo", memo["Id"]))["RemainingCredit"] == 30
    assert (await seen(us, "Payment", made["Id"]))["Line"] == []


async def test_credit_memo_keeps_its_customer_while_it_is_applied(us: Books) -> None:
    amy, bill = await customer(us, "Amy"), await customer(us, "Bill")
    owed, memo = await invoice(us, amy, "9"), await credit_memo(us, amy, "9")
    await payment(us, amy, "0", {owed["Id"]: "9"}, {memo["Id"]: "9"})
    body = {"Id": memo["Id"], "SyncToken": "1", "CustomerRef": {"value": bill}, "Line": [line("9")]}
    assert (await us.post("CreditMemo", body)).code == "6000"


async def test_credit_memo_update_is_full_even_if_called_sparse(us: Books) -> None:
    amy = await customer(us, "Amy")
    memo = await credit_memo(us, amy, "9", PrivateNote="gone", DocNumber="C-1")
    body = {**key(memo), "sparse": True, "CustomerRef": {"value": amy}, "Line": [line("9")]}
    updated = await us.made("CreditMemo", body)
    assert ("PrivateNote" in updated, updated["DocNumber"]) == (False, "C-1")


async def test_credit_memo_and_refund_are_voided_only_where_switched(us: Books) -> None:
    amy = await customer(us, "Amy")
    memo, refund = await credit_memo(us, amy, "9"), await us.made("RefundReceipt", await refund_body(us))
    for entity, made in (("CreditMemo", memo), ("RefundReceipt", refund)):
        assert (await us.post(entity, key(made), operation="void")).code == "500"
    await us.control("switches", {"credits_can_be_voided": True})
    for entity, made in (("CreditMemo", memo), ("RefundReceipt", refund)):
        voided = await us.made(entity, key(made), operation="void")
        assert (voided["TotalAmt"], voided["PrivateNote"]) == (0, "Voided")
    assert await balance(us, "Customer", amy) == 0


async def test_credit_memo_in_use_is_not_voided(us: Books) -> None:
    await us.control("switches", {"credits_can_be_voided": True})
    amy = await customer(us, "Amy")
    owed, memo = await invoice(us, amy, "9"), await credit_memo(us, amy, "9")
    await payment(us, amy, "0", {owed["Id"]: "9"}, {memo["Id"]: "9"})
    assert (await us.post("CreditMemo", {"Id": memo["Id"], "SyncToken": "1"}, operation="void")).code == "6000"


async def refund_body(books: Books, **more: Any) -> dict[str, Any]:
    bank = await books.id_of("Account", "Checking")
    return {"DepositToAccountRef": {"value": bank}, "Line": [line("9")], **more}


async def test_refund_receipt_pays_out_of_a_bank_and_needs_no_customer(us: Books) -> None:
    made = await us.made("RefundReceipt", await refund_body(us, PaymentRefNum="9" * 100))
    assert (made["TotalAmt"], made["Balance"], made["DepositToAccountRef"]["name"]) == (9, 0, "Checking")
    stub = await us.made("RefundReceipt", key(made), operation="delete")
    assert stub["status"] == "Deleted"


@pytest.mark.parametrize(
    ("change", "code", "element"),
    [
        ({"DepositToAccountRef": None}, "2020", "DepositToAccountRef"),
        ({"Line": None}, "2020", "Line"),
        ({"PaymentRefNum": "9" * 101}, "2050", "PaymentRefNum"),
        ({"DepositToAccountRef": {"value": "1"}}, "6430", ""),
    ],
)
async def test_refund_receipt_that_quickbooks_refuses_is_refused(
    us: Books, change: dict[str, Any], code: str, element: str
) -> None:
    reply = await us.post("RefundReceipt", await refund_body(us, **change))
    assert (reply.code, reply.element) == (code, element)


@pytest.fixture
async def automatic(us: Books) -> Books:
    await us.control("preferences", {"SalesFormsPrefs": {"AutoApplyCredit": True}})
    return us


async def test_credit_memo_goes_to_the_oldest_open_invoice_at_once(automatic: Books) -> None:
    amy = await customer(automatic, "Amy")
    newer = await invoice(automatic, amy, "50", TxnDate="2026-02-01")
    older = await invoice(automatic, amy, "20", TxnDate="2026-01-01")
    memo = await credit_memo(automatic, amy, "30")
    assert memo["RemainingCredit"] == 0
    assert await balance(automatic, "Invoice", older["Id"]) == 0
    assert await balance(automatic, "Invoice", newer["Id"]) == 40
    links = await automatic.rows("Payment")
    assert [one["TotalAmt"] for one in links] == [0, 0]


async def test_payment_goes_to_the_oldest_open_invoice_at_once(automatic: Books) -> None:
    amy = await customer(automatic, "Amy")
    owed = await invoice(automatic, amy, "20")
    made = await automatic.made("Payment", {"CustomerRef": {"value": amy}, "TotalAmt": 25})
    assert ([one["Amount"] for one in made["Line"]], made["UnappliedAmt"]) == ([20], 5)
    assert await balance(automatic, "Invoice", owed["Id"]) == 0


async def test_invoice_takes_the_oldest_credit_there_is_at_once(automatic: Books) -> None:
    amy = await customer(automatic, "Amy")
    paid = await automatic.made("Payment", {"CustomerRef": {"value": amy}, "TotalAmt": 5, "TxnDate": "2026-01-02"})
    memo = await credit_memo(automatic, amy, "30", TxnDate="2026-01-01")
    owed = await invoice(automatic, amy, "32")
    assert owed["Balance"] == 0
    assert (await seen(automatic, "CreditMemo", memo["Id"]))["RemainingCredit"] == 0
    assert (await seen(automatic, "Payment", paid["Id"]))["UnappliedAmt"] == Decimal(3)


async def test_credit_is_not_applied_at_once_unless_the_company_prefers_it(us: Books) -> None:
    amy = await customer(us, "Amy")
    owed, memo = await invoice(us, amy, "20"), await credit_memo(us, amy, "30")
    assert (owed["Balance"], memo["Balance"]) == (20, 30)
