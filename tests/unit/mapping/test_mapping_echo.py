"""What the CRM only has from QuickBooks: the same number, the same lines, the same customer."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mapping.echo import ToldInvoice, numbers_told, repeated
from mapping.from_qbo.invoice import invoice_of
from mapping.to_qbo.customer_changes import customer_changes, says_all
from mapping.to_qbo.invoice_changes import invoice_changes
from mapping.to_qbo.text import short
from schemas.events.common import Address
from schemas.events.crm import InvoiceState, Line, Party
from tests.unit.mapping.build import US, discount, invoice, line, tax, totals
from tests.unit.mapping.ledger import invoiced, item_ids, stored

TOLD = ToldInvoice(
    qbo_id="130", doc_number="INV-1019", txn_date=date(2025, 3, 19), total=Decimal("100.0"),
)  # fmt: skip
STATE = invoice([line("Crown", "1", "100.00", "100.00")], totals("100.00", "100.00"))


@pytest.mark.parametrize(
    ("prefix", "number", "numbers"),
    [
        ("INV-", "1019", ("INV-1019",)),
        (None, " A  1 ", ("A 1", "A  1")),
        ("", "", ("",)),
        (None, "x" * 22, (short("x" * 22, 21), "x" * 22)),
    ],
)
def test_numbers_told_are_as_booked_and_as_typed(prefix: str | None, number: str, numbers: tuple[str, ...]) -> None:
    assert numbers_told(replace(STATE, invoice_number_prefix=prefix, invoice_number=number)) == numbers


def test_invoice_is_repeated_by_one_of_that_day_and_total() -> None:
    others = [replace(TOLD, total=Decimal(99)), replace(TOLD, txn_date=date(2025, 3, 20))]
    assert repeated(STATE, [*others, TOLD]) == [TOLD]


TAXED = invoice(
    [line("Crown", "3", "33.34", "100.02", tax("8", "8.00"), product="pr_7")],
    totals("103.02", "100.02", tax="8.00", discount="5.00"),
    discount("5.00"),
)


def told_back(state: InvoiceState) -> tuple[InvoiceState, dict[str, Any]]:
    """The invoice in the books, and as the CRM has it from there."""
    known = invoiced(state, US)
    current = stored(known.body, US)
    for one in current["Line"][:-1]:
        one["SalesItemLineDetail"] = {**one["SalesItemLineDetail"], "ItemRef": {"value": "100", "name": "Crown"}}
    told = invoice_of({**current, "SyncToken": "0"}, None, home_currency="USD")
    lines = tuple(
        Line(
            line_id=str(number), name=str(one.item_name), description=one.description,
            quantity=one.quantity or Decimal(1), unit_amount=one.unit_amount or Decimal(0), line_amount=one.amount,
        )
        for number, one in enumerate(told.lines)
    )  # fmt: skip
    money = totals(str(told.total), str(told.total))
    return replace(state, lines=lines, discounts=(), totals=money), current


def changes(state: InvoiceState, current: dict[str, Any], booked: InvoiceState) -> Any:
    return invoice_changes(
        state, company=US, customer_id="58", items=item_ids(state, US), current=current,
        last_sent=invoiced(booked, US).last_sent,
    )  # fmt: skip


def test_lines_that_the_crm_has_from_quickbooks_change_neither_lines_nor_note() -> None:
    echo, current = told_back(TAXED)
    found = changes(echo, current, TAXED)
    assert (found.body, found.total) == (None, Decimal("103.02"))
    assert changes(TAXED, current, TAXED).body is None


@pytest.mark.parametrize(
    "edit",
    [{"description": "Upper left"}, {"quantity": Decimal(2), "unit_amount": Decimal("51.51")}, {"product_id": "pr_8"}],
    ids=lambda edit: next(iter(edit)),
)
def test_line_that_says_more_than_quickbooks_shows_is_written(edit: dict[str, Any]) -> None:
    echo, current = told_back(TAXED)
    edited = replace(echo, lines=(replace(echo.lines[0], **edit),))
    assert "Line" in changes(edited, current, TAXED).body


BARE = Party(contact_id="crm-1", display_name="Anna Berg")
ANNA = {"Id": "1", "DisplayName": "Anna Berg"}


@pytest.mark.parametrize(
    ("says", "there"),
    [
        ({"first_name": "Anna", "last_name": "Berg"}, {}),
        ({"company_name": "Anna  Berg"}, {}),
        ({"first_name": "Anna"}, {"GivenName": "Anna \U0001f600"}),
        ({"phone": "+12145596993"}, {"Mobile": {"FreeFormNumber": "(214) 559-6993"}}),
        ({"phone": "+12145596993"}, {"PrimaryPhone": {"FreeFormNumber": "(214) 559-6993 ext. 12"}}),
        ({"email": "a@x.com"}, {"PrimaryEmailAddr": {"Address": "b@x.com,A@x.com\u200b"}}),
        ({"address": Address(line1="1 St", line2="b, c")}, {"BillAddr": {"Line1": "1 St", "Line2": "b", "Line3": "c"}}),
        ({"address": Address(line2="c")}, {"BillAddr": {"Line3": " c"}}),
    ],
    ids=["split name", "name as company", "cleaned", "mobile", "extension", "list", "lines", "third line"],
)
def test_customer_that_says_it_in_its_own_way_is_left_alone(says: dict[str, Any], there: dict[str, Any]) -> None:
    party = replace(BARE, **says)
    assert customer_changes(party, current={**ANNA, **there}, last_sent=None, made_by_us=False) is None
    assert says_all({**ANNA, **there}, party)
    assert not says_all({**ANNA, **there, "DisplayName": "Other"}, party)


@pytest.mark.parametrize(
    ("says", "there"),
    [
        ({"first_name": "Anna", "last_name": "Reed"}, {}),
        ({"first_name": "Anna", "last_name": "Berg"}, {"GivenName": "A."}),
        ({"company_name": "Reed Dental"}, {}),
        ({"phone": "+12145596993"}, {"Mobile": {"FreeFormNumber": "(214) 559-6994"}}),
        ({"address": Address(line1="1 St", line2="c")}, {"BillAddr": {"Line1": "1 St", "Line2": "b", "Line3": "c"}}),
    ],
    ids=["another name", "a part of it", "company", "another number", "another line"],
)
def test_customer_that_says_something_else_is_changed(says: dict[str, Any], there: dict[str, Any]) -> None:
    party = replace(BARE, **says)
    assert customer_changes(party, current={**ANNA, **there}, last_sent=None, made_by_us=False) is not None
    assert not says_all({**ANNA, **there}, party)


def test_field_that_a_person_emptied_is_filled_by_news_alone() -> None:
    sent = {"PrimaryPhone": {"FreeFormNumber": "+1 214 559 6993"}}
    for number, written in (("+12145596993", False), ("+12145590000", True)):
        changes = customer_changes(replace(BARE, phone=number), current=ANNA, last_sent=sent, made_by_us=True)
        assert (changes is not None) is written


def test_number_that_moved_to_the_mobile_is_no_longer_ours_to_replace() -> None:
    sent = {"PrimaryPhone": {"FreeFormNumber": "+12145596993"}}
    moved = {"PrimaryPhone": {"FreeFormNumber": "555 0100 200"}, "Mobile": sent["PrimaryPhone"]}
    party = replace(BARE, phone="+12145590000")
    assert customer_changes(party, current={**ANNA, **moved}, last_sent=sent, made_by_us=True) is None
