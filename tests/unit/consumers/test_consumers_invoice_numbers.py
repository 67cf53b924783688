"""A new number that the CRM gives to a booked invoice, and that another document in QuickBooks has."""

from decimal import Decimal

from consumers.outcomes import Attention, Done, Result
from mapping.settings import NumberClash, Settings
from tests.unit.consumers.build import invoice_event
from tests.unit.consumers.emulated import Emulated

UPDATED, UNCHANGED = Done(Result.UPDATED), Done(Result.UNCHANGED)


def beside_another(settings: Settings | None = None) -> Emulated:
    """Invoice INV-1019 is ours; a person has INV-7."""
    books = Emulated(settings=settings or Settings())
    books.hear(invoice_event())
    line = {"Amount": Decimal(5), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {}}
    customer = {"value": books.one("Invoice")["CustomerRef"]["value"]}
    books.person_enters("Invoice", CustomerRef=customer, DocNumber="INV-7", Line=[line])
    books.written()
    return books


def test_new_number_that_is_taken_gets_a_suffix_and_the_rest_of_the_edit_is_booked() -> None:
    books = beside_another()
    assert books.hear(invoice_event(1, invoice_number="7", total="120.00")) == [UPDATED]
    ours = books.objects("Invoice")[0]
    assert (ours["DocNumber"], ours["TotalAmt"]) == ("INV-7-2", 120)
    assert ours["PrivateNote"].split("\n") == ["crm:invoice/in_19", "number in the CRM: INV-7"]


def test_number_with_a_suffix_stays_until_the_crm_gives_another() -> None:
    books = beside_another()
    books.hear(invoice_event(1, invoice_number="7"))
    books.written()
    assert books.hear(invoice_event(2, invoice_number="7", paid="0.00")) == [UNCHANGED]
    assert books.hear(invoice_event(3, invoice_number="8")) == [UPDATED]
    ours = books.objects("Invoice")[0]
    assert (ours["DocNumber"], ours["PrivateNote"]) == ("INV-8", "crm:invoice/in_19")


def test_new_number_that_is_taken_is_asked_about_where_the_settings_say_so() -> None:
    books = beside_another(Settings(number_clash=NumberClash.ATTENTION))
    (asked,) = books.hear(invoice_event(1, invoice_number="7"))
    assert isinstance(asked, Attention)
    assert (asked.cause, books.objects("Invoice")[0]["DocNumber"]) == ("number_taken", "INV-1019")
