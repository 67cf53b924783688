"""An invoice in the books, and what the CRM changed since."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mapping.errors import CannotBook
from mapping.settings import ClosedBooks, Settings
from mapping.to_qbo.invoice import numbered
from schemas.events.crm import InvoiceState
from tests.unit.mapping.build import GB, US, discount, invoice, line, party, tax, totals
from tests.unit.mapping.in_books import CROWN, CURRENT, DEARER, IN_BOOKS, LAB, LONGER, POST, SENT, changes
from tests.unit.mapping.ledger import answered, invoiced, stored


def test_invoice_that_did_not_change_needs_no_write() -> None:
    found = changes(SENT)
    assert (found.body, found.last_sent) == (None, IN_BOOKS.last_sent)
    assert (found.total, found.tax) == (Decimal("420.00"), Decimal(0))


@pytest.mark.parametrize(
    ("changed", "body"),
    [
        (replace(SENT, due_date=date(2025, 5, 1)), {"DueDate": "2025-05-01"}),
        (replace(SENT, issue_date=date(2025, 3, 20)), {"TxnDate": "2025-03-20"}),
        (replace(SENT, invoice_number="1020"), {"DocNumber": "INV-1020"}),
        (replace(SENT, terms_notes="Net 30"), {"CustomerMemo": {"value": "Net 30"}}),
        (replace(SENT, billing_email="new@x.com"), {"BillEmail": {"Address": "new@x.com"}}),
        (replace(SENT, due_date=None), None),
    ],
    ids=["due date", "issue date", "number", "memo", "e-mail", "what is unknown is not blanked"],
)
def test_only_the_field_that_changed_is_written(changed: InvoiceState, body: Mapping[str, Any] | None) -> None:
    found = changes(changed)
    whole = None if body is None else {"Id": "130", "SyncToken": "0", "sparse": True, **body}
    assert found.body == whole
    after = {**CURRENT, **(found.body or {})}
    assert changes(changed, current=after, last_sent=found.last_sent).body is None


def test_change_of_contact_moves_the_invoice() -> None:
    moved = changes(replace(SENT, bill_to=party(contact_id="ct_2")), customer_id="61")
    assert moved.body is not None
    assert moved.body["CustomerRef"] == {"value": "61"}
    assert "Line" not in moved.body


@pytest.mark.parametrize(
    ("state", "ids"),
    [
        (LONGER, ["1", "2", None]),
        (DEARER, ["1", "2"]),
        (invoice([LAB], totals("120.00", "120.00")), ["2"]),
        (invoice([LAB, CROWN], totals("420.00", "420.00")), ["2", "1"]),
        (invoice([POST], totals("5.00", "5.00")), [None]),
    ],
    ids=["longer", "dearer", "shorter", "other order", "another line"],
)
def test_lines_that_stay_keep_their_ids(state: InvoiceState, ids: list[str | None]) -> None:
    found = changes(state)
    assert found.body is not None
    assert [one.get("Id") for one in found.body["Line"]] == ids
    assert found.body.keys() == {"Id", "SyncToken", "sparse", "Line"}
    assert answered(found.body, US) == (found.total, found.tax) == (state.totals.total, Decimal(0))


def test_tax_that_changed_alone_is_written_with_all_lines() -> None:
    taxed = invoice([CROWN, LAB], totals("453.00", "420.00", tax="33"))
    found = changes(taxed)
    assert found.body is not None
    assert {"Line", "PrivateNote"} <= found.body.keys()
    assert found.body["PrivateNote"] == "crm:invoice/in_19\nincl. tax 33.00"
    assert found.total == Decimal("453.00")


def test_suffix_of_a_clash_stays_while_the_crm_keeps_the_number() -> None:
    clashed = numbered(IN_BOOKS, 1, company=US)
    current = stored(clashed.body, US)
    assert changes(SENT, current=current, last_sent=clashed.last_sent).body is None
    renamed = changes(replace(SENT, invoice_number="1020"), current=current, last_sent=clashed.last_sent)
    assert renamed.body is not None
    assert renamed.body["DocNumber"] == "INV-1020"
    assert renamed.body["PrivateNote"] == "crm:invoice/in_19"


def test_closed_books_refuse_a_change_and_leave_an_unchanged_invoice_alone() -> None:
    closed = replace(US, books_closed_until=date(2025, 3, 31))
    assert changes(SENT, company=closed).body is None
    with pytest.raises(CannotBook) as refused:
        changes(DEARER, company=closed)
    assert refused.value.cause == "books_closed"


def test_first_open_day_stays_the_day_when_the_books_close_again() -> None:
    settings = Settings(closed_books=ClosedBooks.FIRST_OPEN_DAY)
    company = replace(US, books_closed_until=date(2025, 3, 31), settings=settings)
    moved = invoiced(SENT, company)
    later = replace(company, books_closed_until=date(2025, 4, 30))
    found = changes(SENT, company=later, current=stored(moved.body, US), last_sent=moved.last_sent)
    assert (moved.body["TxnDate"], found.body) == ("2025-04-01", None)


def test_currency_of_an_invoice_in_the_books_cannot_change() -> None:
    company = replace(US, multi_currency=True)
    current = {**CURRENT, "CurrencyRef": {"value": "USD"}}
    with pytest.raises(CannotBook) as refused:
        changes(replace(SENT, totals=replace(SENT.totals, currency="EUR")), company=company, current=current)
    assert refused.value.cause == "currency_changed"


def test_discount_line_comes_stays_and_goes() -> None:
    company = replace(GB, allow_discount=True)
    plain = _vat("120.00", "20")
    cut = _vat("108.00", "18", "10")
    first = invoiced(plain, company)
    then = changes(cut, company=company, current=stored(first.body, company), last_sent=first.last_sent)
    assert then.body is not None
    assert [one["DetailType"] for one in then.body["Line"]] == ["SalesItemLineDetail", "DiscountLineDetail"]
    assert answered(then.body, company) == (Decimal("108.00"), Decimal("18.00"))
    current = stored({**first.body, **then.body}, company)
    current["Line"][1]["DiscountLineDetail"] |= {"DiscountAccountRef": {"value": "86"}}
    less = changes(_vat("114.00", "19", "5"), company=company, current=current, last_sent=then.last_sent)
    assert less.body is not None
    assert less.body["Line"][1] == {
        "Id": "2",
        "DetailType": "DiscountLineDetail",
        "Amount": Decimal("5.00"),
        "Description": "Discount 5.00 GBP",
        "DiscountLineDetail": {"PercentBased": False, "DiscountAccountRef": {"value": "86"}},
    }
    gone = changes(plain, company=company, current=current, last_sent=then.last_sent)
    assert gone.body is not None
    assert [one["Id"] for one in gone.body["Line"]] == ["1"]


def _vat(total: str, tax_total: str, off: str = "0") -> InvoiceState:
    lines = [line("Crown", "1", "100", "100", tax("20", tax_total))]
    discounts = (discount(off),) if off != "0" else ()
    return invoice(lines, totals(total, "100.00", discount=off, tax=tax_total, currency="GBP"), *discounts)


def many(count: int, price: Callable[[int], str] = str) -> InvoiceState:
    lines = [line(f"Line {n}", "1", price(n), price(n)) for n in range(1, count + 1)]
    total = str(sum((one.line_amount for one in lines), Decimal(0)))
    return invoice(lines, totals(total, total))


def test_lines_of_which_nothing_is_alike_are_matched_by_their_place() -> None:
    lines = [dict(one) for one in CURRENT["Line"]]
    for one in lines[:2]:
        one |= {"Description": "Other", "Amount": Decimal(7), "SalesItemLineDetail": {"ItemRef": {"value": "5"}}}
    found = changes(DEARER, current={**CURRENT, "Line": lines})
    assert found.body is not None
    assert [one["Id"] for one in found.body["Line"]] == ["1", "2"]
    assert found.overruled == ("Line",)


def test_ten_thousand_lines_are_compared_without_looking_at_all_pairs() -> None:
    first = invoiced(many(10_000), US)
    found = changes(many(10_000, lambda n: str(n + 1)), current=stored(first.body, US), last_sent=first.last_sent)
    assert found.body is not None
    assert [one["Id"] for one in found.body["Line"][-2:]] == ["9999", "10000"]
