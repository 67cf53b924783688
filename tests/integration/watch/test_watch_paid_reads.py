"""What judging invoices costs: reads are metered, and each of these is made once."""

from tests.integration.watch.company import WatchedCompany
from tests.integration.watch.paying import begun, hold, ids, paid_ids


def read_of(company: WatchedCompany, entity: str) -> int:
    return sum(call == ("query", entity) for call in company.reads())


async def test_paid_invoice_costs_the_poll_alone(company: WatchedCompany) -> None:
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.pays(invoice)
    company.reads()
    await company.poll()
    assert [operation for operation, _ in company.reads()] == ["cdc"]
    assert await paid_ids(company) == ids([invoice])


async def test_payment_without_a_copy_is_read_once(company: WatchedCompany) -> None:
    """An invoice settled by a credit memo long ago is edited: only its Payment over nothing says that no money did."""
    time = hold(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.credits(invoice)
    time.forward(days=1)
    await begun(company)
    time.forward(hours=1)
    company.edits("Invoice", invoice["Id"], PrivateNote="settled")
    company.reads()
    await company.poll()
    assert read_of(company, "Payment") == 1
    for _ in range(3):
        await company.poll()
    assert read_of(company, "Payment") == 0
    assert await paid_ids(company) == []


async def test_customer_without_a_copy_is_read_once_and_told_with_the_news(company: WatchedCompany) -> None:
    time = hold(company)
    amy = company.customer("Amy", email="amy@example.com")
    await begun(company)
    time.forward(hours=1)
    await company.poll()
    company.emulated.switches.balance_updates_customer = False
    await company.books.do("DELETE FROM local_copy WHERE qbo_kind = 'Customer'")
    invoice = company.invoice(amy["Id"])
    company.pays(invoice)
    company.reads()
    await company.poll()
    assert read_of(company, "Customer") == 1
    for _ in range(3):
        await company.poll()
    assert read_of(company, "Customer") == 0
    (told,) = await company.paid_told()
    assert told.customer.email == "amy@example.com"


async def test_payments_of_before_are_not_read_for_what_was_paid_long_ago(company: WatchedCompany) -> None:
    time = hold(company)
    amy = company.customer("Amy")["Id"]
    for _ in range(5):
        company.pays(company.invoice(amy))
    time.forward(days=1)
    company.reads()
    await begun(company)
    # Which of all Payments moved no money is asked once; no Payment is read for itself.
    assert read_of(company, "Payment") == 1
    assert await company.books.column("SELECT count(*) FROM local_copy WHERE qbo_kind = 'Payment'") == [0]


async def test_payment_leads_to_its_invoice_where_that_does_not_show_as_changed(company: WatchedCompany) -> None:
    """Whether QuickBooks counts a Payment as a change of its invoice is not certain."""
    time = hold(company)
    company.emulated.switches.links_raise_sync_token = False
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    await company.poll()
    time.forward(hours=1)
    company.pays(invoice)
    company.reads()
    await company.poll()
    assert await paid_ids(company) == ids([invoice])
    assert read_of(company, "Invoice") <= 1
    await company.poll()
    assert read_of(company, "Invoice") == 0
