"""An invoice in the books that a person changed, and what the CRM changes then."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from mapping.errors import CannotBook
from mapping.from_qbo.transactions import is_void
from mapping.settings import FieldGroup, Settings, Winner
from tests.unit.mapping.build import US, invoice, totals
from tests.unit.mapping.in_books import CROWN, CURRENT, DEARER, IN_BOOKS, LAB, LONGER, SENT, changes, edited


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
