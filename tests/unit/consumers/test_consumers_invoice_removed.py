"""An invoice that a person removed in QuickBooks and the CRM ends as well: both want the same."""

import pytest

from consumers.outcomes import Attention, Done, Result
from schemas.events.crm import InvoiceStatus
from tests.unit.consumers.build import invoice_event, paid
from tests.unit.consumers.emulated import Emulated

UNCHANGED = Done(Result.UNCHANGED)
ENDED_ALREADY = Done(Result.UNCHANGED, note="Somebody had ended it in QuickBooks already.")
VOID, DELETED = InvoiceStatus.VOID, InvoiceStatus.DELETED


def removed(how: str) -> Emulated:
    books = Emulated()
    books.hear(invoice_event())
    (books.person_deletes if how == "delete" else books.person_voids)("Invoice", books.one("Invoice")["Id"])
    books.written()
    return books


def cause(outcome: object) -> str:
    assert isinstance(outcome, Attention), outcome
    return outcome.cause


@pytest.mark.parametrize("how", ["delete", "void"])
@pytest.mark.parametrize("status", [VOID, DELETED])
def test_invoice_removed_on_both_sides_is_done(how: str, status: InvoiceStatus) -> None:
    books = removed(how)
    assert books.hear(invoice_event(1, status=status)) == [ENDED_ALREADY]
    assert books.hear(invoice_event(2, status=status, terms_notes="told again")) == [UNCHANGED]
    assert books.written() == []


def test_removal_that_was_asked_about_is_settled_by_the_void() -> None:
    books = removed("delete")
    assert cause(books.hear(invoice_event(1, total="120.00"))[0]) == "removed_in_quickbooks"
    books.written()
    assert books.hear(invoice_event(2, total="120.00", status=VOID)) == [ENDED_ALREADY]
    assert cause(books.hear(invoice_event(3))[0]) == "reopened_after_void"
    assert books.written() == []


def test_removed_invoice_on_which_the_crm_keeps_money_needs_a_person() -> None:
    books = removed("delete")
    kept = invoice_event(1, status=VOID, paid="40.00", payments=(paid("tx_1", "40.00"),))
    assert cause(books.hear(kept)[0]) == "removed_in_quickbooks"
