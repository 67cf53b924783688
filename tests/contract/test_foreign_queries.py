"""What python-quickbooks asks for by queries and by change data capture."""

from datetime import UTC, datetime, timedelta

import pytest
from quickbooks import QuickBooks
from quickbooks.cdc import change_data_capture
from quickbooks.exceptions import ValidationException
from quickbooks.objects.customer import Customer
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.item import Item
from quickbooks.objects.payment import Payment
from quickbooks.objects.salesreceipt import SalesReceipt

from tests.contract.foreign import new_customer, new_invoice, new_payment, new_receipt


def since() -> str:
    """As a user of theirs has to write it: without a zone their helper would let QuickBooks guess one."""
    return (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="seconds")


def test_python_quickbooks_queries_pages_chooses_and_counts(us: QuickBooks) -> None:
    made = [new_customer(f"Page {number}").save(qb=us) for number in range(3)]
    chosen = Customer.choose([one.Id for one in made], qb=us)
    assert {one.DisplayName for one in chosen} == {"Page 0", "Page 1", "Page 2"}
    where = "DisplayName LIKE 'Page %'"
    assert Customer.count(where, qb=us) == 3
    second = Customer.where(where, order_by="DisplayName DESC", start_position=2, max_results=1, qb=us)
    assert [one.DisplayName for one in second] == ["Page 1"]


def test_python_quickbooks_pages_through_all_rows_once(us: QuickBooks) -> None:
    names = [f"Page {number:02}" for number in range(7)]
    for name in names:
        new_customer(name).save(qb=us)
    seen: list[str] = []
    while page := Customer.all(order_by="DisplayName", start_position=len(seen) + 1, max_results=3, qb=us):
        seen += [one.DisplayName for one in page]
    assert seen == names


@pytest.mark.parametrize("name", ["Amy's", "Black & White", "50% \\ Böll", 'say "so"', "Ünder_score"])
def test_python_quickbooks_finds_a_name_whatever_is_in_it(us: QuickBooks, name: str) -> None:
    made = new_customer(name).save(qb=us)
    literal = name.replace("\\", "\\\\").replace("'", "\\'")
    (found,) = Customer.where(f"DisplayName = '{literal}'", qb=us)
    assert (found.Id, found.DisplayName) == (made.Id, name)


def test_python_quickbooks_finds_invoices_by_their_customer(us: QuickBooks) -> None:
    amy, bob = (new_customer(name).save(qb=us) for name in ("Amy", "Bob"))
    made = new_invoice(us, amy, 100).save(qb=us)
    new_invoice(us, bob, 200).save(qb=us)
    assert [one.Id for one in Invoice.where(f"CustomerRef = '{amy.Id}'", qb=us)] == [made.Id]
    assert Invoice.count("Balance > '0'", qb=us) == 2


@pytest.mark.parametrize(
    ("where", "code"),
    [("Nickname = 'x'", 4001), ("Notes = 'x'", 4001), ("DisplayName ~ 'x'", 4000), ("Balance > 'much'", 4001)],
)
def test_python_quickbooks_query_that_cannot_be_is_a_validation_fault(us: QuickBooks, where: str, code: int) -> None:
    with pytest.raises(ValidationException) as refused:
        Customer.where(where, qb=us)
    assert refused.value.error_code == code


def test_python_quickbooks_query_from_position_zero_is_4001(us: QuickBooks) -> None:
    with pytest.raises(ValidationException) as refused:
        Item.where(start_position=0, qb=us)
    assert refused.value.error_code == 4001


def test_python_quickbooks_cdc_tells_what_was_made_and_what_was_deleted(us: QuickBooks) -> None:
    customer = new_customer("Amy").save(qb=us)
    invoice = new_invoice(us, customer, 100).save(qb=us)
    paid = new_payment(customer, 100, invoice).save(qb=us)
    gone = new_receipt(us).save(qb=us)
    gone.delete(qb=us)
    told = change_data_capture([Customer, Invoice, Payment, SalesReceipt], since(), qb=us)
    assert [one.Id for one in told.Customer] == [customer.Id]
    assert [(one.Id, one.Balance) for one in told.Invoice] == [(invoice.Id, 0)]
    assert [one.Id for one in told.Payment] == [paid.Id]
    assert [(one.Id, one.status) for one in told.SalesReceipt] == [(gone.Id, "Deleted")]


def test_python_quickbooks_cdc_tells_of_living_rows_before_deleted_ones(us: QuickBooks) -> None:
    gone, stays = (new_receipt(us).save(qb=us) for _ in range(2))
    gone.delete(qb=us)
    told = change_data_capture([SalesReceipt], since(), qb=us)
    assert [one.Id for one in told.SalesReceipt] == [stays.Id, gone.Id]


def test_python_quickbooks_cdc_without_changes_has_no_slot_of_that_name(us: QuickBooks) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    assert not hasattr(change_data_capture([Customer, Invoice], later, qb=us), "Customer")


def test_python_quickbooks_cdc_of_tax_codes_is_refused(us: QuickBooks) -> None:
    with pytest.raises(ValidationException) as refused:
        us.change_data_capture("TaxCode", since())
    assert refused.value.error_code == 2000
