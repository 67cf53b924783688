"""An invoice in the books, what the CRM changed since, and what a person did to it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.from_qbo.transactions import is_void
from mapping.settings import ClosedBooks, FieldGroup, Settings, Winner
from mapping.to_qbo.invoice import Invoice, numbered
from mapping.to_qbo.invoice_changes import InvoiceChanges, invoice_changes
from schemas.events.crm import InvoiceState
from tests.unit.mapping.build import GB, US, discount, invoice, line, party, tax, totals
from tests.unit.mapping.ledger import answered, invoiced, item_ids, misused, stored

CROWN = line("Crown", "2", "150", "300", product="pr_7")
LAB = line("Lab hours", "1.5", "80", "120.000", product="pr_8")
POST = line("Postage", "1", "5", "5")
SENT = invoice([CROWN, LAB], totals("420.00", "420.00"))
LONGER = invoice([CROWN, LAB, POST], totals("425.00", "425.00"))
DEARER = invoice([CROWN, replace(LAB, quantity=Decimal(2), line_amount=Decimal(160))], totals("460.00", "460.00"))
IN_BOOKS: Invoice = invoiced(SENT, US)
CURRENT = stored(IN_BOOKS.body, US)


def changes(
    state: InvoiceState,
    *,
    company: Company = US,
    current: Mapping[str, Any] = CURRENT,
    last_sent: Mapping[str, Any] = IN_BOOKS.last_sent,
    customer_id: str = "58",
) -> InvoiceChanges:
    found = invoice_changes(
        state,
        company=company,
        customer_id=customer_id,
        items=item_ids(state, company),
        current=current,
        last_sent=json.loads(json.dumps(last_sent)),
    )
    assert found.body is None or misused("Invoice", found.body, new=False) == []
    return found


def edited(line_number: int, **fields: Any) -> dict[str, Any]:
    """The invoice after a person edited one of its lines."""
    lines = [dict(one) for one in CURRENT["Line"]]
    detail = {**lines[line_number]["SalesItemLineDetail"], **fields.pop("detail", {})}
    lines[line_number] |= {**fields, "SalesItemLineDetail": detail}
    return {**CURRENT, "SyncToken": "1", "Line": lines}


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


def test_what_a_bookkeeper_added_to_a_line_stays_when_the_crm_changes_lines() -> None:
    current = edited(0, detail={"ClassRef": {"value": "9"}, "ServiceDate": "2025-03-01"}, CustomField=[])
    found = changes(DEARER, current=current)
    assert found.body is not None
    crown, lab = (one["SalesItemLineDetail"] for one in found.body["Line"])
    assert (crown["ClassRef"], crown["ServiceDate"]) == ({"value": "9"}, "2025-03-01")
    assert "ClassRef" not in lab
    assert found.overruled == ()


def test_item_and_text_of_a_bookkeeper_stay_when_the_crm_changes_the_price() -> None:
    current = edited(1, Description="Lab, Dr. Wu", detail={"ItemRef": {"value": "77", "name": "Lab"}})
    found = changes(DEARER, current=current)
    assert found.body is not None
    lab = found.body["Line"][1]
    assert (lab["Id"], lab["Description"]) == ("2", "Lab, Dr. Wu")
    assert lab["SalesItemLineDetail"]["ItemRef"] == {"value": "77"}
    assert lab["Amount"] == Decimal(160)


def test_text_line_of_a_bookkeeper_stays() -> None:
    text = {"Id": "7", "DetailType": "DescriptionOnly", "Description": "Thank you", "DescriptionLineDetail": {}}
    found = changes(LONGER, current={**CURRENT, "Line": [*CURRENT["Line"], text]})
    assert found.body is not None
    assert text in found.body["Line"]
    assert found.overruled == ()


def test_price_of_a_bookkeeper_stays_until_the_crm_changes_lines() -> None:
    current = edited(1, Amount=Decimal(100), detail={"UnitPrice": Decimal("66.66667")})
    untouched = changes(SENT, current=current)
    assert (untouched.body, untouched.total, untouched.last_sent) == (None, None, IN_BOOKS.last_sent)
    found = changes(DEARER, current=current)
    assert found.body is not None
    assert (found.overruled, found.total) == (("Line",), Decimal(460))
    bookkeeper = replace(US, settings=Settings(winners={FieldGroup.MONEY: Winner.BOOKKEEPER}))
    kept = changes(DEARER, current=current, company=bookkeeper)
    assert (kept.body, kept.kept, kept.total) == (None, ("Line",), None)


@pytest.mark.parametrize(
    ("wins", "written", "kept", "overruled"),
    [({}, False, ("DueDate",), ()), ({FieldGroup.DATES: Winner.CRM}, True, (), ("DueDate",))],
)
def test_field_that_both_changed_goes_to_who_wins(
    wins: Mapping[FieldGroup, Winner], written: bool, kept: tuple[str, ...], overruled: tuple[str, ...]
) -> None:
    company = replace(US, settings=Settings(winners=wins))
    current = {**CURRENT, "DueDate": "2025-06-30"}
    assert changes(SENT, current=current, company=company).body is None
    found = changes(replace(SENT, due_date=date(2025, 5, 1)), current=current, company=company)
    assert (found.body is not None, found.kept, found.overruled) == (written, kept, overruled)


def test_field_that_a_person_emptied_is_filled_again() -> None:
    current = {name: value for name, value in CURRENT.items() if name != "BillEmail"}
    found = changes(SENT, current=current)
    assert found.body is not None
    assert found.body["BillEmail"] == {"Address": "Alex@Example.com"}


def test_note_keeps_what_a_person_wrote_around_ours() -> None:
    noted = {**CURRENT, "PrivateNote": f"Ask Bob.\n{CURRENT['PrivateNote']}\nPaid late."}
    assert changes(SENT, current=noted).body is None
    found = changes(invoice([CROWN, LAB], totals("453.00", "420.00", tax="33")), current=noted)
    assert found.body is not None
    assert found.body["PrivateNote"] == "Ask Bob.\ncrm:invoice/in_19\nincl. tax 33.00\nPaid late."
    after = {**noted, **found.body}
    again = changes(
        invoice([CROWN, LAB], totals("453.00", "420.00", tax="33")), current=after, last_sent=found.last_sent
    )
    assert again.body is None


def test_note_that_a_person_replaced_stays_theirs() -> None:
    current = {**CURRENT, "PrivateNote": "Ask Bob."}
    found = changes(invoice([CROWN, LAB], totals("453.00", "420.00", tax="33")), current=current)
    assert found.body is not None
    assert "PrivateNote" not in found.body
    assert found.kept == ("PrivateNote",)


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


def test_invoice_that_a_person_voided_is_not_made_again() -> None:
    lines = [{**one, "Amount": Decimal(0)} for one in CURRENT["Line"]]
    note = f"Voided\n{CURRENT['PrivateNote']}"
    voided = {**CURRENT, "Line": lines, "TotalAmt": Decimal(0), "PrivateNote": note}
    with pytest.raises(CannotBook) as refused:
        changes(DEARER, current=voided)
    assert refused.value.cause == "removed_in_quickbooks"


@pytest.mark.parametrize(
    ("note", "total", "void"),
    [("Voided", "0", True), ("Voided\nold", "0.00", True), ("Voided", "5", False), ("free", "0", False)],
)
def test_void_is_told_by_its_note_and_its_amounts(note: str, total: str, void: bool) -> None:
    assert is_void({"PrivateNote": note, "TotalAmt": Decimal(total), "Line": [{"Amount": 0}]}) is void


@pytest.mark.parametrize("closed", [None, date(2025, 3, 31)])
def test_invoice_found_again_needs_no_write_and_is_remembered(closed: date | None) -> None:
    found = changes(SENT, last_sent={}, company=replace(US, books_closed_until=closed))
    assert (found.body, found.total, found.kept) == (None, Decimal("420.00"), ())
    assert found.last_sent == IN_BOOKS.last_sent


def test_invoice_found_again_under_other_lines_keeps_them_until_the_crm_changes_its_own() -> None:
    current = edited(1, Amount=Decimal(100))
    found = changes(SENT, last_sent={}, current=current)
    assert (found.body, found.total) == (None, None)
    later = changes(DEARER, last_sent=found.last_sent, current=current)
    assert later.body is not None
    assert later.overruled == ("Line",)


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
