"""Invoices that came from QuickBooks never go back there, whatever a later event says or leaves out."""

from dataclasses import replace

from consumers.outcomes import Done, Result, Skipped
from schemas.events.crm import Origin
from tests.unit.consumers.build import invoice_event, paid, paid_event
from tests.unit.consumers.emulated import Emulated


def test_edit_of_an_imported_invoice_is_skipped_like_the_import() -> None:
    books = Emulated()
    imported = invoice_event()
    imported = replace(imported, envelope=replace(imported.envelope, origin=Origin.QUICKBOOKS_IMPORT))
    later = (invoice_event(1, total="120.00"), paid_event(paid("tx_1", "40.00", 2), 2), invoice_event(3))
    outcomes = [outcome for event in (imported, *later) for outcome in books.hear(event)]
    assert [one.cause for one in outcomes if isinstance(one, Skipped)] == ["imported_from_quickbooks"] * 4
    assert books.client.calls == []


def test_invoice_of_ours_whose_id_the_crm_tells_back_is_no_import() -> None:
    """Else its edits and its money would stay out of the books without a word."""
    books = Emulated()
    books.hear(invoice_event())
    ours = str(books.one("Invoice")["Id"])
    assert books.hear(invoice_event(1, total="120.00", quickbooks_invoice_id=ours)) == [Done(Result.UPDATED)]
    payment = replace(paid_event(paid("tx_1", "40.00", 2), 2), quickbooks_invoice_id=ours)
    assert books.hear(payment) == [Done(Result.CREATED)]
    (other,) = books.hear(invoice_event(3, total="130.00", quickbooks_invoice_id="999"))
    assert isinstance(other, Skipped)
