"""Payments, credits and what becomes of balances, as python-quickbooks sees them."""

import pytest
from quickbooks import QuickBooks
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException
from quickbooks.objects.creditmemo import CreditMemo
from quickbooks.objects.customer import Customer
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.payment import Payment

from tests.contract.foreign import new_credit_memo, new_customer, new_invoice, new_payment


@pytest.fixture
def amy(us: QuickBooks) -> Customer:
    return new_customer("Amy").save(qb=us)


def owed(client: QuickBooks, customer: Customer) -> float:
    return float(Customer.get(customer.Id, qb=client).Balance)


def test_python_quickbooks_payment_pays_an_invoice_in_part(us: QuickBooks, amy: Customer) -> None:
    invoice = new_invoice(us, amy, 100).save(qb=us)
    made = new_payment(amy, 60, invoice).save(qb=us)
    assert made.UnappliedAmt == 0
    paid = Invoice.get(invoice.Id, qb=us)
    assert (paid.Balance, owed(us, amy)) == (40.0, 40.0)
    assert [(link.TxnId, link.TxnType) for link in paid.LinkedTxn] == [(made.Id, "Payment")]


def test_python_quickbooks_payment_without_lines_is_unapplied(us: QuickBooks, amy: Customer) -> None:
    made = new_payment(amy, 60).save(qb=us)
    assert (made.UnappliedAmt, owed(us, amy)) == (60.0, -60.0)


def test_python_quickbooks_payment_updated_without_its_lines_lets_go_of_the_invoice(
    us: QuickBooks, amy: Customer
) -> None:
    invoice = new_invoice(us, amy, 100).save(qb=us)
    made = new_payment(amy, 100, invoice).save(qb=us)
    made.Line = []
    assert made.save(qb=us).UnappliedAmt == 100.0
    assert Invoice.get(invoice.Id, qb=us).Balance == 100.0


def test_python_quickbooks_void_of_a_payment_opens_the_invoice_again(us: QuickBooks, amy: Customer) -> None:
    invoice = new_invoice(us, amy, 100).save(qb=us)
    made = new_payment(amy, 100, invoice).save(qb=us)
    made.void(qb=us)
    voided = Payment.get(made.Id, qb=us)
    assert (voided.TotalAmt, voided.UnappliedAmt, voided.Line) == (0, 0, [])
    assert (Invoice.get(invoice.Id, qb=us).Balance, owed(us, amy)) == (100.0, 100.0)


def test_python_quickbooks_delete_of_a_payment_opens_the_invoice_again(us: QuickBooks, amy: Customer) -> None:
    invoice = new_invoice(us, amy, 100).save(qb=us)
    made = new_payment(amy, 100, invoice).save(qb=us)
    made.delete(qb=us)
    with pytest.raises(ObjectNotFoundException):
        Payment.get(made.Id, qb=us)
    assert Invoice.get(invoice.Id, qb=us).Balance == 100.0


def test_python_quickbooks_void_of_a_paid_invoice_is_refused(us: QuickBooks, amy: Customer) -> None:
    invoice = new_invoice(us, amy, 100).save(qb=us)
    new_payment(amy, 100, invoice).save(qb=us)
    with pytest.raises(QuickbooksException) as refused:
        Invoice.get(invoice.Id, qb=us).void(qb=us)
    assert refused.value.error_code == 6000
    assert Invoice.get(invoice.Id, qb=us).TotalAmt == 100.0


def test_python_quickbooks_payment_of_nothing_applies_a_credit_memo(us: QuickBooks, amy: Customer) -> None:
    invoice = new_invoice(us, amy, 100).save(qb=us)
    memo = new_credit_memo(us, amy, 30).save(qb=us)
    new_payment(amy, 0, invoice, memo, amount=30).save(qb=us)
    assert (Invoice.get(invoice.Id, qb=us).Balance, CreditMemo.get(memo.Id, qb=us).RemainingCredit) == (70.0, 0)
    assert owed(us, amy) == 70.0


def test_python_quickbooks_payment_of_another_customers_invoice_is_refused(us: QuickBooks, amy: Customer) -> None:
    invoice = new_invoice(us, amy, 100).save(qb=us)
    bob = new_customer("Bob").save(qb=us)
    with pytest.raises(QuickbooksException):
        new_payment(bob, 100, invoice).save(qb=us)
    assert Invoice.get(invoice.Id, qb=us).Balance == 100.0


def test_python_quickbooks_customer_who_owes_stays_active(us: QuickBooks, amy: Customer) -> None:
    new_invoice(us, amy, 100).save(qb=us)
    read = Customer.get(amy.Id, qb=us)
    read.Active = False
    with pytest.raises(QuickbooksException) as refused:
        read.save(qb=us)
    assert refused.value.error_code == 6220
