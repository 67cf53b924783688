"""python-quickbooks writes sales, refunds and credits, and takes them back."""

from decimal import Decimal

import pytest
from quickbooks import QuickBooks
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException, UnsupportedException
from quickbooks.objects.account import Account
from quickbooks.objects.base import EmailAddress
from quickbooks.objects.creditmemo import CreditMemo
from quickbooks.objects.customer import Customer
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.refundreceipt import RefundReceipt
from quickbooks.objects.salesreceipt import SalesReceipt
from quickbooks.objects.taxcode import TaxCode
from quickbooks.objects.term import Term

from tests.contract.foreign import (
    Emulator,
    new_credit_memo,
    new_customer,
    new_invoice,
    new_line,
    new_receipt,
    services,
)


def new_refund(client: QuickBooks, customer: Customer, amount: int) -> RefundReceipt:
    (bank,) = Account.filter(AccountType="Bank", qb=client)
    refund = RefundReceipt()
    refund.CustomerRef = customer.to_ref()
    refund.DepositToAccountRef = bank.to_ref()
    refund.Line = [new_line(amount, services(client))]
    return refund


def test_python_quickbooks_books_updates_voids_and_deletes_a_sales_receipt(us: QuickBooks) -> None:
    customer = new_customer("Receipt Customer").save(qb=us)
    receipt = new_receipt(us)
    receipt.CustomerRef = customer.to_ref()
    made = receipt.save(qb=us)
    assert (made.TotalAmt, made.Balance, made.CustomerRef.name) == (120.0, 0, "Receipt Customer")
    made.Line.append(new_line(30, services(us)))
    updated = made.save(qb=us)
    assert (updated.TotalAmt, len(updated.Line)) == (150.0, 3)
    updated.void(qb=us)
    voided = SalesReceipt.get(made.Id, qb=us)
    assert (voided.TotalAmt, voided.PrivateNote) == (0, "Voided")
    voided.delete(qb=us)
    with pytest.raises(ObjectNotFoundException):
        SalesReceipt.get(made.Id, qb=us)


def test_python_quickbooks_books_updates_voids_and_deletes_an_invoice(us: QuickBooks) -> None:
    customer = new_customer("Amy").save(qb=us)
    (term,) = Term.filter(Name="Net 15", qb=us)
    invoice = new_invoice(us, customer, 100)
    invoice.SalesTermRef, invoice.TxnDate = term.to_ref(), "2026-11-24"
    made = invoice.save(qb=us)
    assert (made.DueDate, made.Balance, made.TotalAmt) == ("2026-12-09", 100.0, 100.0)
    made.Line.append(new_line(20, services(us)))
    updated = made.save(qb=us)
    assert (updated.TotalAmt, Customer.get(customer.Id, qb=us).Balance) == (120.0, 120.0)
    updated.void(qb=us)
    voided = Invoice.get(made.Id, qb=us)
    assert (voided.TotalAmt, voided.Balance, voided.DocNumber) == (0, 0, made.DocNumber)
    assert Customer.get(customer.Id, qb=us).Balance == 0
    assert voided.delete(qb=us)["Invoice"]["status"] == "Deleted"
    assert Invoice.count(qb=us) == 0


def test_python_quickbooks_books_updates_and_deletes_a_refund_receipt(us: QuickBooks) -> None:
    made = new_refund(us, new_customer("Amy").save(qb=us), 50).save(qb=us)
    made.PrivateNote = "of receipt 12"
    assert made.save(qb=us).PrivateNote == "of receipt 12"
    read = RefundReceipt.get(made.Id, qb=us)
    assert read.TotalAmt == 50.0
    read.delete(qb=us)
    assert RefundReceipt.count(qb=us) == 0


def test_python_quickbooks_books_and_deletes_a_credit_memo(us: QuickBooks) -> None:
    customer = new_customer("Amy").save(qb=us)
    made = new_credit_memo(us, customer, 30).save(qb=us)
    assert (made.RemainingCredit, Customer.get(customer.Id, qb=us).Balance) == (30.0, -30.0)
    CreditMemo.get(made.Id, qb=us).delete(qb=us)
    assert Customer.get(customer.Id, qb=us).Balance == 0


@pytest.mark.parametrize("kind", ["creditmemo", "refundreceipt"])
def test_python_quickbooks_void_that_the_reference_does_not_list_is_unsupported(us: QuickBooks, kind: str) -> None:
    customer = new_customer("Amy").save(qb=us)
    made = (new_refund if kind == "refundreceipt" else new_credit_memo)(us, customer, 10).save(qb=us)
    body = f'{{"Id": "{made.Id}", "SyncToken": "{made.SyncToken}"}}'
    with pytest.raises(UnsupportedException):
        us.post(f"{us.api_url}/company/{us.company_id}/{kind}", body, params={"operation": "void"})


def test_python_quickbooks_gb_receipt_carries_the_tax_computed(gb: QuickBooks) -> None:
    (code,) = TaxCode.filter(Name="20.0% S", qb=gb)
    made = new_receipt(gb, new_line(120, services(gb), code)).save(qb=gb)
    assert (made.TxnTaxDetail.TotalTax, made.TotalAmt) == (24.0, 144.0)


def test_python_quickbooks_gb_line_without_a_tax_code_is_6000(gb: QuickBooks) -> None:
    with pytest.raises(QuickbooksException) as refused:
        new_receipt(gb).save(qb=gb)
    assert refused.value.error_code == 6000


def test_python_quickbooks_with_decimals_reads_cents_exactly(us: QuickBooks) -> None:
    us.use_decimal = True
    made = new_receipt(us, new_line(120, services(us))).save(qb=us)
    assert str(made.TotalAmt) == str(Decimal("120.00"))


def test_python_quickbooks_number_used_twice_is_6140_and_named(us: QuickBooks) -> None:
    first = new_receipt(us)
    first.DocNumber = "A-1"
    made = first.save(qb=us)
    second = new_receipt(us)
    second.DocNumber = "A-1"
    with pytest.raises(QuickbooksException) as refused:
        second.save(qb=us)
    assert refused.value.error_code == 6140
    assert f"TxnId={made.Id}" in refused.value.detail
    assert second.save(qb=us, params={"include": "allowduplicatedocnum"}).DocNumber == "A-1"


def test_python_quickbooks_downloads_a_pdf(us: QuickBooks) -> None:
    made = new_invoice(us, new_customer("Amy").save(qb=us), 100).save(qb=us)
    assert made.download_pdf(qb=us).startswith(b"%PDF")
    assert new_receipt(us).save(qb=us).download_pdf(qb=us).startswith(b"%PDF")
    made.Id = "4711"
    with pytest.raises(ObjectNotFoundException):
        made.download_pdf(qb=us)


def test_python_quickbooks_sends_an_invoice_to_its_address_or_another(us: QuickBooks) -> None:
    invoice = new_invoice(us, new_customer("Amy").save(qb=us), 100)
    invoice.BillEmail = EmailAddress()
    invoice.BillEmail.Address = "amy@example.com"
    made = invoice.save(qb=us)
    sent = made.send(qb=us)["Invoice"]
    assert (sent["EmailStatus"], sent["BillEmail"]["Address"]) == ("EmailSent", "amy@example.com")
    assert made.send(qb=us, send_to="bob+books@example.com")["Invoice"]["BillEmail"]["Address"] == (
        "bob+books@example.com"
    )
    assert Invoice.get(made.Id, qb=us).DeliveryInfo.DeliveryType == "Email"


def test_python_quickbooks_reads_the_link_of_an_invoice_that_can_be_paid_online(
    emulator: Emulator, us: QuickBooks
) -> None:
    emulator.control(
        f"companies/{us.company_id}/preferences", {"SalesFormsPrefs": {"ETransactionPaymentEnabled": True}}
    )
    invoice = new_invoice(us, new_customer("Amy").save(qb=us), 100)
    invoice.BillEmail = EmailAddress()
    invoice.BillEmail.Address = "amy@example.com"
    invoice.AllowOnlineCreditCardPayment = True
    made = invoice.save(qb=us)
    assert Invoice.get(made.Id, qb=us, params={"include": "invoiceLink"}).InvoiceLink.startswith("http")
    assert not Invoice.get(made.Id, qb=us).InvoiceLink
    made.AllowOnlineCreditCardPayment = False
    made.save(qb=us)
    assert not Invoice.get(made.Id, qb=us, params={"include": "invoiceLink"}).InvoiceLink
