"""The first invoice that a payer ever paid, and what the review service is to do."""

import pytest

from tests.integration.watch.company import WatchedCompany
from tests.integration.watch.paying import begun, hold, ids, link_contact, over, paid, shows, toggle


async def firsts(company: WatchedCompany) -> list[bool]:
    return [first for _, first, _ in await paid(company)]


async def pay_for(company: WatchedCompany, *customer_ids: str) -> list[bool]:
    """Invoice these customers and have each pay, a poll apart; return which of the payments were firsts."""
    await company.forget_told()
    for customer_id in customer_ids:
        company.pays(company.invoice(customer_id))
        await company.poll()
    return await firsts(company)


async def test_reviews_are_asked_for_once_for_each_payer_where_the_toggle_is_on(company: WatchedCompany) -> None:
    await begun(company)
    await toggle(company, review_requests=True)
    amy, bob = company.customer("Amy")["Id"], company.customer("Bob")["Id"]
    invoices = [company.invoice(one) for one in (amy, amy, bob)]
    for one in invoices:
        company.pays(one)
        await company.poll()
    assert await paid(company) == [
        (invoices[0]["Id"], True, "SEND"),
        (invoices[1]["Id"], False, "NOT_FIRST"),
        (invoices[2]["Id"], True, "SEND"),
    ]


async def test_reviews_are_off_where_the_toggle_is_and_the_firsts_count_all_the_same(company: WatchedCompany) -> None:
    await begun(company)
    amy = company.customer("Amy")["Id"]
    one, two = company.invoice(amy), company.invoice(amy)
    company.pays(one)
    await company.poll()
    await toggle(company, review_requests=True)
    company.pays(two)
    await company.poll()
    assert await paid(company) == [(one["Id"], True, "OFF"), (two["Id"], False, "NOT_FIRST")]


async def test_two_paid_between_two_polls_are_told_in_the_order_of_payment(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    amy = company.customer("Amy")["Id"]
    invoices = [company.invoice(amy) for _ in range(4)]
    for position in (2, 0, 3, 1):
        time.forward(seconds=20)
        company.pays(invoices[position])
    await company.poll()
    told = await paid(company)
    assert [one[0] for one in told] == [invoices[position]["Id"] for position in (2, 0, 3, 1)]
    assert [one[1] for one in told] == [True, False, False, False]


async def test_edited_payment_stays_the_first(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    amy = company.customer("Amy")["Id"]
    one, two = company.invoice(amy), company.invoice(amy)
    first = company.pays(one)
    time.forward(minutes=1)
    company.pays(two)
    time.forward(minutes=1)
    company.edits("Payment", first["Id"], PrivateNote="cheque 17")
    await company.poll()
    told = await company.paid_told()
    assert [event.invoice.invoice_id for event in told] == ids([one, two])
    assert [event.first_paid_invoice for event in told] == [True, False]
    # When it was paid, not when somebody last wrote on it.
    assert (time.moment - told[0].envelope.occurred_at).total_seconds() == 120


async def test_one_payment_over_several_invoices_has_one_first(company: WatchedCompany) -> None:
    await begun(company)
    amy = company.customer("Amy")["Id"]
    one, two = company.invoice(amy, "10.00"), company.invoice(amy, "20.00")
    lines = [over(two), over(one)]
    company.enters("Payment", CustomerRef=one["CustomerRef"], TotalAmt="30.00", Line=lines)
    await company.poll()
    assert await firsts(company) == [True, False]


async def test_history_counts(company: WatchedCompany) -> None:
    time = hold(company)
    amy, bob, carl = (company.customer(name)["Id"] for name in ("Amy", "Bob", "Carl"))
    company.pays(company.invoice(amy))
    company.credits(company.invoice(bob))
    company.invoice(carl)
    time.forward(days=1)
    await begun(company)
    time.forward(hours=1)
    assert await pay_for(company, amy, bob, carl) == [False, True, True]


async def test_marks_carry_over_between_the_jobs_of_one_parent(company: WatchedCompany) -> None:
    await begun(company)
    top = company.customer("Kitchen Ltd")["Id"]
    middle = company.customer("Site", ParentRef={"value": top}, Job=True)["Id"]
    low = [company.customer(f"Room {n}", ParentRef={"value": middle}, Job=True)["Id"] for n in range(2)]
    await company.poll()
    assert await pay_for(company, low[0], low[1], middle, top) == [True, False, False, False]


async def test_parent_paid_in_history_and_the_job_is_new(company: WatchedCompany) -> None:
    time = hold(company)
    top = company.customer("Kitchen Ltd")["Id"]
    company.pays(company.invoice(top))
    time.forward(days=1)
    await begun(company)
    time.forward(hours=1)
    job = company.customer("Site", ParentRef={"value": top}, Job=True)["Id"]
    assert await pay_for(company, job) == [False]


async def test_two_new_levels_below_a_parent_that_has_paid(company: WatchedCompany) -> None:
    time = hold(company)
    top = company.customer("Kitchen Ltd")["Id"]
    company.pays(company.invoice(top))
    time.forward(days=1)
    await begun(company)
    time.forward(hours=1)
    company.emulated.switches.balance_updates_customer = False
    middle = company.customer("Site", ParentRef={"value": top}, Job=True)["Id"]
    low = company.customer("Room", ParentRef={"value": middle}, Job=True)["Id"]
    assert await pay_for(company, low) == [False]


async def test_known_contact_marks_all_its_customers(company: WatchedCompany) -> None:
    await begun(company)
    home, abroad = company.customer("Anna")["Id"], company.customer("Anna (EUR)")["Id"]
    await company.poll()
    await link_contact(company, "ct_anna", home)
    await link_contact(company, "ct_anna", abroad, currency="EUR")
    assert await pay_for(company, home, abroad) == [True, False]
    told = await company.paid_told()
    assert {event.customer.crm_contact_id for event in told} == {"ct_anna"}


async def test_two_contacts_of_one_customer_count_as_one(company: WatchedCompany) -> None:
    await begun(company)
    couple, own = company.customer("The Bergs")["Id"], company.customer("Ben Berg")["Id"]
    await company.poll()
    await link_contact(company, "ct_anna", couple)
    await link_contact(company, "ct_ben", couple)
    await link_contact(company, "ct_ben", own, currency="EUR")
    assert await pay_for(company, couple, own) == [True, False]
    told = await company.paid_told()
    assert [event.customer.crm_contact_id for event in told] == ["ct_anna", "ct_ben"]


@pytest.mark.parametrize("before", [True, False], ids=["merged before", "merged between"])
@pytest.mark.parametrize("first", ["old", "new"])
async def test_contacts_merged_in_the_crm_are_one(company: WatchedCompany, before: bool, first: str) -> None:
    await begun(company)
    old, new = company.customer("A. Berg")["Id"], company.customer("Anna Berg")["Id"]
    await company.poll()
    await link_contact(company, "ct_old", old)
    await link_contact(company, "ct_new", new)
    one, other = (old, new) if first == "old" else (new, old)
    merge = "UPDATE link SET belongs_to = 'ct_new' WHERE crm_id = 'ct_old'"
    if before:
        await company.books.do(merge)
    assert await pay_for(company, one) == [True]
    if not before:
        await company.books.do(merge)
    assert await pay_for(company, other) == [False]


async def test_news_names_the_contact_that_the_crm_still_has(company: WatchedCompany) -> None:
    await begun(company)
    old = company.customer("A. Berg")["Id"]
    await company.poll()
    await link_contact(company, "ct_old", old, belongs_to="ct_new")
    await pay_for(company, old)
    (told,) = await company.paid_told()
    assert told.customer.crm_contact_id == "ct_new"


async def test_marks_follow_a_merge_in_quickbooks(company: WatchedCompany) -> None:
    await begun(company)
    one, two, new = (company.customer(name)["Id"] for name in ("A. Berg", "Anna Berg", "Berg, Anna"))
    assert await pay_for(company, one) == [True]
    company.merges(keep=two, lose=one)
    await company.poll()
    company.merges(keep=new, lose=two)
    await company.poll()
    assert await pay_for(company, new) == [False]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "unannounced"])
async def test_merge_and_payment_between_two_polls_are_of_one_payer(company: WatchedCompany, announced: bool) -> None:
    """Whether a webhook told of the merge or not: the documents that moved say it, too."""
    await begun(company)
    old, middle, new = (company.customer(name)["Id"] for name in ("A. Berg", "Anna Berg", "Berg, Anna"))
    await company.poll()
    await link_contact(company, "ct_old", old)
    company.invoice(middle)
    assert await pay_for(company, old) == [True]
    company.merges(keep=middle, lose=old)
    company.merges(keep=new, lose=middle)
    if announced:
        await company.webhook("Customer", middle, "merged", deleted_id=old)
        await company.webhook("Customer", new, "merged", deleted_id=middle)
    company.pays(company.invoice(new))
    await company.forget_told()
    await company.poll()
    (told,) = await company.paid_told()
    assert (told.first_paid_invoice, told.customer.crm_contact_id) == (False, "ct_old")


async def test_same_address_is_the_same_payer_however_it_is_written(company: WatchedCompany) -> None:
    await begun(company)
    one = company.customer("Amy", email="Amy@Example.com")["Id"]
    two = company.customer("Amy Bird")["Id"]
    shows(company, "Customer", two, PrimaryEmailAddr={"Address": "office@example.com, amy@example.com "})
    three = company.customer("The office", email="OFFICE@example.com")["Id"]
    four = company.customer("Zoe", email="zoe@example.com")["Id"]
    assert await pay_for(company, one, two, three, four) == [True, False, False, True]


async def test_address_of_the_invoice_stands_for_a_customer_without_one(company: WatchedCompany) -> None:
    await begun(company)
    one, two = company.customer("Amy")["Id"], company.customer("Amy Bird", email="amy@example.com")["Id"]
    company.pays(company.invoice(one, BillEmail={"Address": "amy@example.com"}))
    await company.poll()
    assert await pay_for(company, two) == [False]


async def test_address_of_the_invoice_is_not_the_payers_where_the_customer_has_one(company: WatchedCompany) -> None:
    """The office that gets everybody's invoices is not everybody."""
    await begun(company)
    for name, first in (("Amy", True), ("Bob", True)):
        one = company.customer(name, email=f"{name}@example.com")["Id"]
        company.pays(company.invoice(one, BillEmail={"Address": "office@example.com"}))
        await company.forget_told()
        await company.poll()
        assert await firsts(company) == [first]


async def test_payer_whose_news_was_credit_has_not_paid(company: WatchedCompany) -> None:
    await begun(company)
    amy = company.customer("Amy")["Id"]
    company.credits(company.invoice(amy))
    await company.poll()
    assert await pay_for(company, amy) == [True]


async def test_marks_and_event_are_one_transaction(company: WatchedCompany) -> None:
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    company.pays(invoice)
    await company.books.do("ALTER TABLE outbox ADD CONSTRAINT broken CHECK (topic <> 'qb.invoice.paid')")
    with pytest.raises(Exception, match="broken"):
        await company.poll()
    for table in ("has_paid", "known_invoice"):
        assert await company.books.rows(f"SELECT * FROM {table}") == []
    await company.books.do("ALTER TABLE outbox DROP CONSTRAINT broken")
    await company.poll()
    assert await paid(company) == [(invoice["Id"], True, "OFF")]
