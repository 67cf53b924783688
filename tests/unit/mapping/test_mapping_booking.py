"""What of invoices and their payments is booked at all, and how an invoice ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from mapping.booking import CrmEvent, Skip, skipped_with, why_not_booked
from mapping.ending import End, end_of
from mapping.settings import DeletedInvoices, Settings
from schemas.events.crm import InvoiceStatus, Origin
from tests.unit.mapping.build import PAID_AT, invoice, invoice_sent, invoice_updated, line, sale, totals

SYNC_FROM = datetime(2025, 3, 19, tzinfo=UTC)
CROWN = line("Crown", "1", "100", "100")
SENT = invoice([CROWN], totals("100.00", "100.00"))
OLD = replace(SENT, created_at=PAID_AT - timedelta(days=9))
PAYMENT = sale([CROWN], totals("100.00", "100.00"), invoice_id="in_19")


def status(name: str) -> CrmEvent:
    return invoice_updated(replace(SENT, status=InvoiceStatus(name)))


@pytest.mark.parametrize(
    ("event", "cause", "cause_in_books"),
    [
        (invoice_sent(SENT), None, None),
        (invoice_updated(SENT), None, None),
        (invoice_sent(SENT, live_mode=False), "not_live", "not_live"),
        (invoice_sent(SENT, origin=Origin.QUICKBOOKS_IMPORT), *["imported_from_quickbooks"] * 2),
        (invoice_updated(replace(SENT, quickbooks_invoice_id="9")), *["imported_from_quickbooks"] * 2),
        (invoice_sent(OLD), "created_before_connection", None),
        (status("DRAFT"), "draft", None),
        (status("VOID"), "void_before_booked", None),
        (status("DELETED"), "deleted_before_booked", None),
        (status("PAID"), None, None),
        (status("PAYMENT_PROCESSING"), None, None),
        (status("UNKNOWN"), None, None),
        (PAYMENT, None, None),
        (replace(PAYMENT, quickbooks_invoice_id="9"), *["imported_from_quickbooks"] * 2),
    ],
)
def test_invoice_is_booked_or_skipped_for_this_cause(
    event: CrmEvent, cause: str | None, cause_in_books: str | None
) -> None:
    for in_books, expected in ((False, cause), (True, cause_in_books)):
        skip = why_not_booked(event, sync_from=SYNC_FROM, in_books=in_books)
        assert (skip.cause if skip else None) == expected
        assert skip is None or skip.message


@pytest.mark.parametrize(
    ("event", "follows"),
    [
        (invoice_sent(OLD), "created_before_connection"),
        (status("VOID"), "void_before_booked"),
        (status("DRAFT"), None),
    ],
)
def test_payment_is_skipped_with_its_invoice_unless_that_may_still_come(event: CrmEvent, follows: str | None) -> None:
    invoice_skip = why_not_booked(event, sync_from=SYNC_FROM)
    assert isinstance(invoice_skip, Skip)
    skip = skipped_with(invoice_skip)
    assert (skip.cause if skip else None) == follows
    assert skip is None or invoice_skip.message in skip.message


@pytest.mark.parametrize(
    ("status", "applied", "paid", "refunded", "deleted", "end"),
    [
        ("SENT", 0, 0, 0, "void", None),
        ("VOID", 0, 0, 0, "void", End.VOID),
        ("VOID", 0, 0, 0, "leave", End.VOID),
        ("VOID", 40, 40, 0, "void", End.ATTENTION),
        ("VOID", 100, 100, 100, "void", End.LEAVE),
        ("VOID", 100, 100, 40, "void", End.ATTENTION),
        ("VOID", 40, 40, 40, "void", End.ATTENTION),
        ("VOID", 100, 0, 0, "void", End.ATTENTION),
        ("DELETED", 0, 0, 0, "void", End.VOID),
        ("DELETED", 0, 0, 0, "delete", End.DELETE),
        ("DELETED", 0, 0, 0, "leave", End.LEAVE),
        ("DELETED", 40, 40, 0, "delete", End.ATTENTION),
        ("DELETED", 100, 100, 100, "delete", End.LEAVE),
    ],
)
def test_invoice_ends_as_the_books_allow(
    status: str, applied: int, paid: int, refunded: int, deleted: str, end: End | None
) -> None:
    ending = end_of(
        replace(SENT, status=InvoiceStatus(status)),
        total=Decimal(100),
        applied=Decimal(applied),
        paid=Decimal(paid),
        refunded=Decimal(refunded),
        settings=Settings(deleted_invoices=DeletedInvoices(deleted)),
    )
    assert (ending.end if ending else None) == end
    if ending is not None and ending.end in {End.LEAVE, End.ATTENTION}:
        assert ending.cause
        assert ending.message
