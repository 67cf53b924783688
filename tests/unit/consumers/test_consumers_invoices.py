"""An invoice of the CRM in the books: made, changed, ended."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from consumers.outcomes import Attention, Done, Result, Skipped
from schemas.events.crm import InvoiceStatus
from tests.unit.consumers.build import bill_to, invoice_event
from tests.unit.consumers.emulated import Emulated

CREATED, UPDATED, UNCHANGED, SUPERSEDED = (Done(result) for result in Result)


@pytest.mark.parametrize("updated", [False, True], ids=["invoice.sent", "invoice.updated"])
def test_invoice_that_is_new_is_made_with_its_customer_and_item(updated: bool) -> None:
    books = Emulated()
    assert books.hear(invoice_event(updated=updated)) == [CREATED]
    invoice = books.one("Invoice")
    assert (invoice["DocNumber"], invoice["TotalAmt"], invoice["Balance"]) == ("INV-1019", 100, 100)
    assert invoice["PrivateNote"].startswith("crm:invoice/in_19")
    assert books.written() == [("create", "Customer"), ("create", "Item"), ("create", "Invoice")]


def test_invoice_told_again_writes_nothing() -> None:
    books = Emulated()
    books.hear(invoice_event())
    books.written()
    again = replace(invoice_event().envelope, event_id="ev-again")
    assert books.hear(replace(invoice_event(), envelope=again)) == [UNCHANGED]
    assert books.client.calls == []


def test_invoice_edited_is_one_sparse_update() -> None:
    books = Emulated()
    books.hear(invoice_event())
    books.written()
    assert books.hear(invoice_event(1, total="120.00", due_date=date(2027, 1, 31))) == [UPDATED]
    assert books.client.calls == [("update", "Invoice")]
    assert (books.one("Invoice")["TotalAmt"], books.one("Invoice")["DueDate"]) == (120, "2027-01-31")


def test_older_state_does_not_undo_a_newer_one() -> None:
    books = Emulated()
    books.hear(invoice_event(5, total="120.00"))
    assert books.hear(invoice_event(1)) == [SUPERSEDED]
    assert books.one("Invoice")["TotalAmt"] == 120


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (InvoiceStatus.DRAFT, "draft"),
        (InvoiceStatus.VOID, "void_before_booked"),
        (InvoiceStatus.DELETED, "deleted_before_booked"),
    ],
)
def test_invoice_not_booked_is_remembered_against_an_older_state(status: InvoiceStatus, cause: str) -> None:
    books = Emulated()
    (skipped,) = books.hear(invoice_event(5, status=status))
    assert isinstance(skipped, Skipped)
    assert skipped.cause == cause
    assert books.hear(invoice_event(1)) == [SUPERSEDED]
    assert (books.objects("Invoice"), books.written()) == ([], [])


def test_draft_that_is_sent_later_is_booked() -> None:
    books = Emulated()
    books.hear(invoice_event(status=InvoiceStatus.DRAFT))
    assert books.hear(invoice_event(1)) == [CREATED]
    assert books.one("Invoice")["TotalAmt"] == 100


def test_invoice_created_before_the_connection_is_skipped_whatever_follows() -> None:
    books = Emulated()
    books.lane.sync_from = invoice_event().invoice.created_at.replace(year=2027)
    outcomes = books.hear(invoice_event()) + books.hear(invoice_event(1, total="120.00"))
    assert [getattr(one, "cause", one) for one in outcomes] == ["created_before_connection"] * 2
    assert books.client.calls == []


@pytest.mark.parametrize("status", [InvoiceStatus.VOID, InvoiceStatus.DELETED])
def test_invoice_ended_without_payments_is_voided_once(status: InvoiceStatus) -> None:
    books = Emulated()
    books.hear(invoice_event())
    books.written()
    assert books.hear(invoice_event(1, status=status)) == [UPDATED]
    assert books.written() == [("void", "Invoice")]
    assert (books.one("Invoice")["TotalAmt"], books.one("Invoice")["DocNumber"]) == (0, "INV-1019")
    assert books.hear(invoice_event(2, status=status, terms_notes="told again")) == [UNCHANGED]
    assert books.written() == []


def test_invoice_opened_again_after_its_void_needs_a_person() -> None:
    books = Emulated()
    books.hear(invoice_event())
    books.hear(invoice_event(1, status=InvoiceStatus.VOID))
    (asked,) = books.hear(invoice_event(2))
    assert isinstance(asked, Attention)
    assert asked.cause == "reopened_after_void"


def test_number_of_another_document_gets_a_suffix() -> None:
    books = Emulated()
    books.person_enters("Invoice", CustomerRef={"value": books.person_enters("Customer", DisplayName="X")["Id"]},
                        DocNumber="INV-1019", Line=[_line()])  # fmt: skip
    assert books.hear(invoice_event()) == [CREATED]
    assert [one["DocNumber"] for one in books.objects("Invoice")] == ["INV-1019", "INV-1019-2"]
    assert books.hear(invoice_event(1, total="120.00")) == [UPDATED]
    assert [one["DocNumber"] for one in books.objects("Invoice")] == ["INV-1019", "INV-1019-2"]


def _line() -> dict[str, object]:
    return {"Amount": Decimal(5), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {}}


def test_invoice_of_a_lost_database_is_taken_in() -> None:
    books = Emulated()
    books.hear(invoice_event())
    books.start()
    books.emulated.answers.clear()
    assert books.hear(invoice_event(1)) == [UNCHANGED]
    assert books.hear(invoice_event(2, total="120.00")) == [UPDATED]
    assert books.one("Invoice")["TotalAmt"] == 120


def test_invoice_with_another_contact_moves_to_the_other_customer() -> None:
    books = Emulated()
    books.hear(invoice_event())
    assert books.hear(invoice_event(1, bill_to=bill_to("ct_2"))) == [UPDATED]
    assert books.one("Invoice")["CustomerRef"]["name"] == "ct_2"


@pytest.mark.parametrize("how", ["delete", "void"])
def test_invoice_removed_by_a_person_is_asked_about_and_not_made_again(how: str) -> None:
    books = Emulated()
    books.hear(invoice_event())
    invoice = books.one("Invoice")
    (books.person_deletes if how == "delete" else books.person_voids)("Invoice", invoice["Id"])
    books.written()
    (asked,) = books.hear(invoice_event(1, total="120.00"))
    assert isinstance(asked, Attention)
    assert asked.cause == "removed_in_quickbooks"
    assert len(books.objects("Invoice")) == (how == "void")


def test_stale_copy_is_read_again_and_a_persons_edit_stays() -> None:
    books = Emulated()
    books.hear(invoice_event())
    books.person_edits("Invoice", books.one("Invoice")["Id"], CustomerMemo={"value": "Thank you"})
    assert books.hear(invoice_event(1, total="120.00", terms_notes="Net 30")) == [UPDATED]
    invoice = books.one("Invoice")
    assert (invoice["TotalAmt"], invoice["CustomerMemo"]["value"]) == (120, "Thank you")
