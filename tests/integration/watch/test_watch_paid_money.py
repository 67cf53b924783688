"""What brings an invoice to zero: only money is news, whoever recorded it."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from qbo_client.emulator import person
from tests.integration.watch.company import WatchedCompany, applied
from tests.integration.watch.paying import (
    allow,
    applies,
    begun,
    credit,
    hold,
    ids,
    link_invoice,
    money,
    over,
    paid,
    paid_ids,
    pays_all,
    priced,
    shows,
)


async def test_invoice_made_and_paid_between_two_polls_is_told(company: WatchedCompany) -> None:
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.pays(invoice)
    await company.poll()
    (told,) = await company.paid_told()
    assert (told.invoice.invoice_id, told.customer.display_name) == (invoice["Id"], "Amy")
    assert told.invoice.total == 100
    assert (told.envelope.cause.value, told.invoice.crm_invoice_id) == ("CHANGED", None)


async def test_invoice_of_the_crm_is_told_with_its_id_whoever_paid_it(company: WatchedCompany) -> None:
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    await link_invoice(company, "inv_7", invoice["Id"])
    company.pays(invoice)
    await company.poll()
    (told,) = await company.paid_told()
    assert told.invoice.crm_invoice_id == "inv_7"


async def test_payment_over_several_invoices_tells_of_each_that_it_settles(company: WatchedCompany) -> None:
    await begun(company)
    amy = company.customer("Amy")["Id"]
    one, two, three = (company.invoice(amy, amount) for amount in ("10.00", "20.00", "30.00"))
    lines = [over(one), over(two), over(three, "29.99")]
    company.enters("Payment", CustomerRef=one["CustomerRef"], TotalAmt="59.99", Line=lines)
    await company.poll()
    assert await paid_ids(company) == ids([one, two])
    company.pays(three, "0.01")
    await company.poll()
    assert await paid_ids(company) == ids([one, two, three])


async def test_payment_applied_later_is_told_when_it_is_applied(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    amy = company.customer("Amy")["Id"]
    payment, invoice = money(company, amy, "100.00"), company.invoice(amy)
    await company.poll()
    assert await paid_ids(company) == []
    time.forward(hours=1)
    applies(company, payment, over(invoice))
    await company.poll()
    (told,) = await company.paid_told()
    assert told.envelope.occurred_at == time.moment


async def test_money_of_before_the_connection_applied_now_is_told(company: WatchedCompany) -> None:
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    payment, invoice = money(company, amy, "150.00"), company.invoice(amy)
    time.forward(days=3)
    await begun(company)
    time.forward(minutes=10)
    later = company.invoice(amy, "50.00")
    applies(company, payment, over(invoice), over(later))
    time.forward(minutes=1)
    company.edits("Payment", payment["Id"], PrivateNote="seen by the bookkeeper")
    await company.poll()
    assert await paid_ids(company) == ids([invoice, later])


def _void(company: WatchedCompany) -> None:
    company.voids("Invoice", company.invoice(company.customer("Amy")["Id"])["Id"])


def _nothing(company: WatchedCompany) -> None:
    company.invoice(company.customer("Amy")["Id"], "0")


def _credit(company: WatchedCompany) -> None:
    company.credits(company.invoice(company.customer("Amy")["Id"]))


def _credit_of_the_rest(company: WatchedCompany) -> None:
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.pays(invoice, "40.00")
    company.credits(invoice, "60.00")


def _credit_at_once(company: WatchedCompany) -> None:
    amy = company.customer("Amy")
    company.enters("CreditMemo", CustomerRef={"value": amy["Id"]}, Line=priced("100.00"))
    allow(company, AutoApplyCredit=True)
    company.invoice(amy["Id"])


def _deposit(company: WatchedCompany) -> None:
    allow(company, AllowDeposit=True)
    company.invoice(company.customer("Amy")["Id"], Deposit="100.00")


def _payment_taken_off_again(company: WatchedCompany) -> None:
    payment = company.pays(company.invoice(company.customer("Amy")["Id"]))
    company.deletes("Payment", payment["Id"])


def _deleted(company: WatchedCompany) -> None:
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.pays(invoice)
    company.deletes("Invoice", invoice["Id"])


_NO_MONEY: list[Callable[[WatchedCompany], None]] = [
    _void, _nothing, _credit, _credit_of_the_rest, _credit_at_once, _deposit, _payment_taken_off_again, _deleted,
]  # fmt: skip


@pytest.mark.parametrize("happens", _NO_MONEY)
async def test_what_is_no_payment_is_never_told(
    company: WatchedCompany, happens: Callable[[WatchedCompany], None]
) -> None:
    await begun(company)
    happens(company)
    for _ in range(2):
        await company.poll()
    assert await paid_ids(company) == []
    assert await company.books.rows("SELECT * FROM has_paid") == []


async def test_deposit_for_a_part_and_money_for_the_rest_is_told(company: WatchedCompany) -> None:
    await begun(company)
    allow(company, AllowDeposit=True)
    invoice = company.invoice(company.customer("Amy")["Id"], Deposit="40.00")
    company.pays(invoice, "60.00")
    await company.poll()
    assert await paid_ids(company) == ids([invoice])


async def test_credit_for_a_part_and_money_for_the_rest_is_told_with_the_same_stamp(company: WatchedCompany) -> None:
    """QuickBooks' times end at the second: of two in one second the ids say which was first."""
    hold(company)
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.credits(invoice, "60.00")
    company.pays(invoice, "40.00")
    await company.poll()
    assert await paid_ids(company) == ids([invoice])


async def test_credit_for_the_rest_is_not_told_where_the_payment_was_edited_since(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    payment = company.pays(invoice, "40.00")
    time.forward(minutes=1)
    company.credits(invoice, "60.00")
    time.forward(minutes=1)
    company.edits("Payment", payment["Id"], PrivateNote="cheque 17")
    await company.poll()
    assert await paid_ids(company) == []


@pytest.mark.parametrize(("seconds", "seen"), [(60, False), (1, False), (60, True), (1, True), (0, True)])
async def test_rest_written_off_by_a_smaller_invoice_is_not_told(
    company: WatchedCompany, seconds: int, seen: bool
) -> None:
    time = hold(company)
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    await company.poll()
    company.pays(invoice, "60.00")
    if seen:
        await company.poll()
    time.forward(seconds=seconds)
    company.edits("Invoice", invoice["Id"], Line=priced("60.00"))
    for _ in range(2):
        await company.poll()
        time.forward(minutes=1)
        company.edits("Invoice", invoice["Id"], PrivateNote=f"written off {time.moment}")
    assert await paid_ids(company) == []


@pytest.mark.parametrize(("seconds", "seen"), [(60, False), (60, True), (1, True), (0, True)])
async def test_smaller_invoice_that_is_paid_afterwards_is_told(
    company: WatchedCompany, seconds: int, seen: bool
) -> None:
    time = hold(company)
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    await company.poll()
    company.edits("Invoice", invoice["Id"], Line=priced("60.00"))
    if seen:
        await company.poll()
    time.forward(seconds=seconds)
    company.pays(invoice, "60.00")
    await company.poll()
    assert await paid_ids(company) == ids([invoice])


async def test_payment_that_was_seen_on_it_and_is_raised_to_the_whole_is_told(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    payment = company.pays(invoice, "60.00")
    await company.poll()
    time.forward(minutes=1)
    applies(company, payment, over(invoice), TotalAmt="100.00")
    await company.poll()
    assert await paid_ids(company) == ids([invoice])


async def test_money_and_credit_in_one_payment_is_told(company: WatchedCompany) -> None:
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    memo = company.enters("CreditMemo", CustomerRef=invoice["CustomerRef"], Line=priced("30.00"))
    lines = [over(invoice), applied("30.00", memo, "CreditMemo")]
    company.enters("Payment", CustomerRef=invoice["CustomerRef"], TotalAmt="70.00", Line=lines)
    await company.poll()
    assert await paid_ids(company) == ids([invoice])


async def test_overpaid_invoice_is_told(company: WatchedCompany) -> None:
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    pays_all(company, invoice, unapplied="25.00")
    await company.poll()
    (told,) = await company.paid_told()
    assert [told.invoice.total, told.invoice.balance] == [100, Decimal(0)]


async def test_invoice_in_foreign_currency_is_told_in_it(company: WatchedCompany) -> None:
    person.change_preferences(company.emulated, {"CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    await begun(company)
    anna = company.customer("Anna", CurrencyRef={"value": "EUR"})
    invoice = company.invoice(anna["Id"], "80.50", CurrencyRef={"value": "EUR"}, ExchangeRate=Decimal("0.86"))
    lines = [over(invoice)]
    company.enters(
        "Payment", CustomerRef=invoice["CustomerRef"], TotalAmt=str(invoice["TotalAmt"]), Line=lines,
        CurrencyRef={"value": "EUR"}, ExchangeRate=Decimal("0.9"),
    )  # fmt: skip
    await company.poll()
    (told,) = await company.paid_told()
    assert (told.invoice.currency, told.invoice.total, told.customer.currency) == ("EUR", invoice["TotalAmt"], "EUR")


async def test_several_credits_and_payments_in_any_order_tell_by_the_last(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    amy = company.customer("Amy")["Id"]
    by_money, by_credit = company.invoice(amy), company.invoice(amy)
    for invoice, last in ((by_money, company.pays), (by_credit, company.credits)):
        credit(company, invoice, "20.00")
        time.forward(minutes=1)
        company.pays(invoice, "30.00")
        time.forward(minutes=1)
        credit(company, invoice, "10.00")
        time.forward(minutes=1)
        last(invoice, "40.00")
    await company.poll()
    assert await paid_ids(company) == ids([by_money])


async def test_earlier_payment_is_the_first_in_any_order_of_rows(company: WatchedCompany) -> None:
    hold(company)
    await begun(company)
    amy = company.customer("Amy")["Id"]
    one, two = company.invoice(amy), company.invoice(amy)
    company.pays(two)
    company.pays(one)
    await company.poll()
    assert [(invoice, first) for invoice, first, _ in await paid(company)] == [(two["Id"], True), (one["Id"], False)]


async def test_text_that_postgresql_cannot_hold_stops_no_news(company: WatchedCompany) -> None:
    await begun(company)
    amy = company.customer("Amy")["Id"]
    odd, other = company.invoice(amy), company.invoice(amy)
    await link_invoice(company, "inv_7", odd["Id"])
    payment = company.pays(odd)
    shows(company, "Payment", payment["Id"], PrivateNote="cheque \x00 17")
    shows(company, "Invoice", odd["Id"], PrivateNote="\x00", BillEmail={"Address": "amy@example\x00.com"})
    company.pays(other)
    await company.poll()
    assert await paid_ids(company) == ids([odd, other])


async def test_rest_that_a_journal_entry_settles_is_no_payment(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    payment = company.pays(invoice, "40.00")
    await company.poll()
    time.forward(days=3)
    links = [{"TxnId": payment["Id"], "TxnType": "Payment"}, {"TxnId": "999", "TxnType": "JournalEntry"}]
    shows(company, "Invoice", invoice["Id"], Balance=0, LinkedTxn=links)
    for _ in range(2):
        await company.poll()
    assert await paid_ids(company) == []
