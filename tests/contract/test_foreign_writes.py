"""Batches, idempotence and faults, as python-quickbooks meets them."""

import pytest
from quickbooks import QuickBooks
from quickbooks.batch import batch_create, batch_delete, batch_update
from quickbooks.exceptions import (
    ObjectNotFoundException,
    QuickbooksException,
    SevereException,
    UnsupportedException,
    ValidationException,
)
from quickbooks.objects.customer import Customer
from quickbooks.objects.salesreceipt import SalesReceipt

from tests.contract.foreign import Emulator, new_customer, new_receipt


def test_python_quickbooks_batch_creates_more_than_one_request_holds(us: QuickBooks) -> None:
    done = batch_create([new_customer(f"Batch {number}") for number in range(35)], qb=us)
    assert (len(done.successes), done.faults) == (35, [])
    assert len({one.Id for one in done.successes}) == 35
    assert Customer.count(qb=us) == 35


def test_python_quickbooks_batch_tells_which_of_two_names_is_taken(us: QuickBooks) -> None:
    done = batch_create([new_customer(name) for name in ("Amy", "Bob", "Amy")], qb=us)
    assert [one.DisplayName for one in done.successes] == ["Amy", "Bob"]
    (fault,) = done.faults
    assert (fault.Error[0].code, fault.original_object.DisplayName) == ("6240", "Amy")


def test_python_quickbooks_batch_update_tells_each_item_its_own(us: QuickBooks) -> None:
    fresh, stale, gone = (new_customer(name).save(qb=us) for name in ("Fresh", "Stale", "Gone"))
    for one in (fresh, stale, gone):
        one.Notes = "called"
    stale.SyncToken, gone.Id = "7", "4711"
    done = batch_update([fresh, stale, gone], qb=us)
    assert [(one.Id, one.Notes) for one in done.successes] == [(fresh.Id, "called")]
    told = {fault.original_object.DisplayName: fault.Error[0].code for fault in done.faults}
    assert told == {"Stale": "5010", "Gone": "610"}


def test_python_quickbooks_batch_deletes(us: QuickBooks) -> None:
    made = [new_receipt(us).save(qb=us) for _ in range(3)]
    done = batch_delete(made, qb=us)
    assert [one.status for one in done.successes] == ["Deleted"] * 3
    assert SalesReceipt.count(qb=us) == 0


def test_python_quickbooks_same_request_id_gives_the_same_object(us: QuickBooks) -> None:
    first = new_receipt(us).save(qb=us, request_id="foreign-1")
    again = new_receipt(us).save(qb=us, request_id="foreign-1")
    other = new_receipt(us).save(qb=us, request_id="foreign-2")
    assert first.Id == again.Id != other.Id
    assert SalesReceipt.count(qb=us) == 2


def test_python_quickbooks_request_ids_of_two_companies_are_apart(
    emulator: Emulator, us: QuickBooks, gb: QuickBooks
) -> None:
    new_customer("Amy").save(qb=us, request_id="same")
    assert new_customer("Bob").save(qb=gb, request_id="same").DisplayName == "Bob"


def test_python_quickbooks_delete_repeated_under_its_request_id_is_answered_alike(us: QuickBooks) -> None:
    made = new_receipt(us).save(qb=us)
    first = made.delete(qb=us, request_id="delete-1")
    assert made.delete(qb=us, request_id="delete-1")["SalesReceipt"] == first["SalesReceipt"]
    with pytest.raises(ObjectNotFoundException):
        made.delete(qb=us, request_id="delete-2")


def test_python_quickbooks_write_whose_answer_was_lost_is_there_once(emulator: Emulator, us: QuickBooks) -> None:
    emulator.control("faults", {"kind": "status_503_after", "realm_id": us.company_id, "method": "POST", "skip": 1})
    receipt = new_receipt(us)
    with pytest.raises(QuickbooksException):
        receipt.save(qb=us, request_id="lost-1")
    made = receipt.save(qb=us, request_id="lost-1")
    assert [one.Id for one in SalesReceipt.all(qb=us)] == [made.Id]


def test_python_quickbooks_stale_object_is_5010(us: QuickBooks) -> None:
    made = new_customer("Stale").save(qb=us)
    made.Notes = "first"
    made.save(qb=us)
    made.Notes = "second"
    with pytest.raises(QuickbooksException) as refused:
        made.save(qb=us)
    assert refused.value.error_code == 5010


def test_python_quickbooks_maps_faults_to_its_exceptions(emulator: Emulator, us: QuickBooks) -> None:
    with pytest.raises(ObjectNotFoundException):
        Customer.get("99999", qb=us)
    with pytest.raises(ValidationException) as invalid:
        Customer.where("Nickname = 'x'", qb=us)
    assert invalid.value.error_code == 4001
    with pytest.raises(UnsupportedException):
        us.get_single_object("Nothing", "1")
    emulator.control("faults", {"kind": "status_500", "realm_id": us.company_id})
    with pytest.raises(SevereException):
        Customer.get("1", qb=us)
    emulator.control("faults", {"kind": "status_429", "realm_id": us.company_id})
    with pytest.raises(ValidationException) as throttled:
        Customer.get("1", qb=us)
    assert throttled.value.error_code == 3001


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("DisplayName", "a:b", 2040), ("Title", "t" * 17, 2050), ("Notes", "n" * 2001, 2050)],
)
def test_python_quickbooks_field_that_is_not_allowed_is_named(us: QuickBooks, name: str, value: str, code: int) -> None:
    customer = new_customer("Amy")
    setattr(customer, name, value)
    with pytest.raises(QuickbooksException) as refused:
        customer.save(qb=us)
    assert refused.value.error_code == code


def test_python_quickbooks_property_nobody_knows_is_2010(us: QuickBooks) -> None:
    customer = new_customer("Amy")
    customer.Nickname = "A"
    with pytest.raises(ValidationException) as refused:
        customer.save(qb=us)
    assert refused.value.error_code == 2010


def test_python_quickbooks_in_a_suspended_company_is_6190(emulator: Emulator, us: QuickBooks) -> None:
    emulator.control(f"companies/{us.company_id}/suspend", {})
    with pytest.raises(QuickbooksException) as refused:
        new_customer("Amy").save(qb=us)
    assert refused.value.error_code == 6190


def test_python_quickbooks_in_closed_books_is_6210(emulator: Emulator, us: QuickBooks) -> None:
    emulator.control(f"companies/{us.company_id}/close-books", {"date": "2026-10-31"})
    receipt = new_receipt(us)
    receipt.TxnDate = "2026-10-31"
    with pytest.raises(QuickbooksException) as refused:
        receipt.save(qb=us)
    assert refused.value.error_code == 6210
    receipt.TxnDate = "2026-11-01"
    assert receipt.save(qb=us).TxnDate == "2026-11-01"
