"""Invoices paid in full: told once, by whoever recorded the Payment, and only where money did it."""

from decimal import Decimal

from tests.integration.watch.company import WatchedCompany


async def test_invoice_paid_in_full_is_told_once(company: WatchedCompany) -> None:
    await company.begin()
    await company.settle()
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.pays(invoice, "40.00")
    await company.poll()
    assert await company.paid_told() == []
    company.pays(invoice, "60.00")
    await company.poll()
    await company.poll()
    (paid,) = await company.paid_told()
    assert (paid.invoice.invoice_id, paid.invoice.balance, paid.first_paid_invoice) == (invoice["Id"], Decimal(0), True)


async def test_credit_memo_is_no_payment(company: WatchedCompany) -> None:
    await company.begin()
    await company.settle()
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.credits(invoice)
    await company.poll()
    assert await company.paid_told() == []
