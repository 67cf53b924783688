"""A person merged a contact's customer into another in QuickBooks: the link follows, and no customer is made."""

from consumers.outcomes import Done, Result
from tests.unit.consumers.build import bill_to, contact_event, invoice_event, paid, paid_event
from tests.unit.consumers.emulated import Emulated

CREATED, UPDATED, UNCHANGED = Done(Result.CREATED), Done(Result.UPDATED), Done(Result.UNCHANGED)


def merged(*, by: str) -> tuple[Emulated, str]:
    """The contact's customer, known by a sale or an invoice, is merged into one that has no e-mail."""
    books = Emulated()
    first = paid_event(paid("tx_1", "40.00"), invoice_id=None) if by == "sale" else invoice_event()
    books.hear(first)
    lose = books.one("Customer")["Id"]
    keep = books.person_enters("Customer", DisplayName="Reed Dental")["Id"]
    books.person_merges(keep=keep, lose=lose)
    books.written()
    return books, keep


def test_sale_after_a_merge_is_the_survivors() -> None:
    books, keep = merged(by="sale")
    assert books.hear(paid_event(paid("tx_2", "60.00", 1), 1, invoice_id=None)) == [CREATED]
    assert [one["CustomerRef"]["value"] for one in books.objects("SalesReceipt")] == [keep, keep]
    assert books.one("Customer")["DisplayName"] == "Reed Dental"
    books.written()
    books.hear(paid_event(paid("tx_3", "60.00", 2), 2, invoice_id=None))
    assert books.client.calls == [("create", "SalesReceipt")]


def test_invoice_edited_after_a_merge_stays_with_the_survivor() -> None:
    books, keep = merged(by="invoice")
    assert books.hear(invoice_event(1, total="120.00")) == [UPDATED]
    assert (books.one("Invoice")["CustomerRef"]["value"], books.one("Invoice")["TotalAmt"]) == (keep, 120)
    assert books.one("Customer")["DisplayName"] == "Reed Dental"


def test_contact_after_a_merge_fills_what_the_survivor_lacks_where_the_crm_has_news() -> None:
    books, keep = merged(by="sale")
    contact = bill_to()
    again = contact_event("ct_1", 5, email=contact.email, display_name="Another Name", phone=contact.phone)
    assert books.hear(again) == [UNCHANGED]
    news = contact_event("ct_1", 6, email=contact.email, display_name="Another Name", phone="+12145590000")
    assert books.hear(news) == [UPDATED]
    customer = books.one("Customer")
    assert (customer["Id"], customer["DisplayName"]) == (keep, "Reed Dental")
    assert customer["PrimaryPhone"]["FreeFormNumber"] == "+12145590000"
    assert "GivenName" not in customer
