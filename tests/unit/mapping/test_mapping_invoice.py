"""An invoice as it is created."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.settings import ClosedBooks, NumberClash, Settings
from mapping.to_qbo.invoice import invoice_items_wanted, numbered
from schemas.events.crm import InvoiceState
from tests.unit.mapping.build import CA, GB, US, discount, invoice, line, tax, totals
from tests.unit.mapping.ledger import answered, code_of, invoiced, leaves, misused

CROWN = line("Crown", "2", "150", "300", product="pr_7")
LAB = line("Lab hours", "1.5", "80", "120.000", product="pr_8")
TWENTY_OFF = discount("20")
AUTOMATIC = invoice([CROWN, LAB], totals("433.00", "420.00", discount="20", tax="33"), TWENTY_OFF)
COURSE = line("Course", "1", "120.00", "120.00", tax("20", "20.00", inclusive=True), inclusive=True)
BOOK = line("Book", "2", "15.00", "30.00", tax("0", "0.00", inclusive=True), inclusive=True)
VAT = invoice([COURSE, BOOK], totals("150.00", "130.00", tax="20", currency="GBP"))
QUEBEC = invoice(
    [line("Retainer", "4", "250", "1000", tax("5", "45.00"), tax("9.975", "89.78"))],
    totals("1034.78", "1000.00", discount="100", tax="134.78", currency="CAD"),
    discount("100"),
)
CLOSED = replace(US, books_closed_until=date(2025, 3, 31))


def test_invoice_is_created_with_what_the_crm_knows() -> None:
    body = invoiced(replace(AUTOMATIC, terms_notes="Net 30", cc_emails=("desk@example.com",)), US).body
    assert {name: value for name, value in body.items() if name != "Line"} == {
        "CustomerRef": {"value": "58"},
        "TxnDate": "2025-03-19",
        "DueDate": "2025-04-18",
        "DocNumber": "INV-1019",
        "PrivateNote": "crm:invoice/in_19\nincl. tax 33.00, discount 20.00",
        "CustomerMemo": {"value": "Net 30"},
        "BillEmail": {"Address": "Alex@Example.com"},
        "BillEmailCc": {"Address": "desk@example.com"},
        "EmailStatus": "NotSet",
        "AllowOnlineCreditCardPayment": False,
        "AllowOnlineACHPayment": False,
    }


@pytest.mark.parametrize(
    ("state", "company", "amounts"),
    [
        (AUTOMATIC, US, ["309.29", "123.71"]),
        (VAT, GB, ["100.00", "30.00"]),
        (QUEBEC, CA, ["900.00"]),
        (QUEBEC, replace(CA, allow_discount=True), ["1000", "100"]),
    ],
    ids=["US folded", "GB inclusive", "CA two taxes", "CA with a discount line"],
)
def test_invoice_comes_back_to_the_cent(state: InvoiceState, company: Company, amounts: list[str]) -> None:
    made = invoiced(state, company)
    assert [one["Amount"] for one in made.body["Line"]] == [Decimal(one) for one in amounts]
    shown_tax = state.totals.tax_total if company.shows_tax else Decimal(0)
    assert answered(made.body, company) == (made.total, made.tax) == (state.totals.total, shown_tax)
    assert misused("Invoice", made.body) == []
    assert all(isinstance(value, str | bool | Decimal) for value in leaves(made.body))


def test_what_is_remembered_survives_json() -> None:
    remembered = dict(invoiced(QUEBEC, replace(CA, allow_discount=True)).last_sent)
    assert json.loads(json.dumps(remembered)) == remembered


@pytest.mark.parametrize(
    ("billing", "copies", "to", "cc"),
    [
        ("a@x.com, b@x.com", ("c@x.com",), "a@x.com", "b@x.com,c@x.com"),
        (None, ("A@x.com", "alex@example.com"), "Alex@Example.com", "A@x.com"),
        ("no address", ("c@x.com",), "c@x.com", None),
        ("a@x.com", tuple(f"{n:03}@{'y' * 50}.com" for n in range(9)), "a@x.com", 3),
    ],
    ids=["several", "the contact's", "not an address", "more than fit"],
)
def test_first_address_is_billed_and_further_ones_are_copied(
    billing: str | None, copies: tuple[str, ...], to: str, cc: str | int | None
) -> None:
    body = invoiced(replace(AUTOMATIC, billing_email=billing, cc_emails=copies), US).body
    assert body["BillEmail"] == {"Address": to}
    copied = body.get("BillEmailCc", {}).get("Address")
    assert (copied.count(",") + 1 if isinstance(cc, int) else copied) == cc


def test_invoice_without_any_address_or_due_date_leaves_them_out() -> None:
    bare = replace(AUTOMATIC, billing_email=None, bill_to=replace(AUTOMATIC.bill_to, email=None), due_date=None)
    assert not {"BillEmail", "BillEmailCc", "DueDate", "CustomerMemo"} & invoiced(bare, US).body.keys()


def test_long_number_is_cut_the_same_way_and_kept_in_the_note() -> None:
    long = [invoiced(replace(AUTOMATIC, invoice_number=f"{'9' * 30}{end}"), US).body for end in "112"]
    numbers = [body["DocNumber"] for body in long]
    assert all(len(number) <= 21 for number in numbers)
    assert (numbers[0] == numbers[1], numbers[1] == numbers[2]) == (True, False)
    assert f"number in the CRM: INV-{'9' * 30}1" in long[0]["PrivateNote"]


@pytest.mark.parametrize(
    ("number", "attempt", "becomes"),
    [("1019", 1, "INV-1019-2"), ("1019", 2, "INV-1019-3"), ("9" * 17, 1, None), ("9" * 40, 12, None)],
)
def test_number_that_is_taken_gets_a_suffix_which_the_note_names(
    number: str, attempt: int, becomes: str | None
) -> None:
    first = invoiced(replace(AUTOMATIC, invoice_number=number), US)
    again = numbered(first, attempt, company=US)
    taken = again.body["DocNumber"]
    assert taken == becomes or (becomes is None and taken.endswith(f"-{attempt + 1}"))
    assert len(taken) <= 21
    assert taken != first.body["DocNumber"]
    assert again.last_sent["DocNumber"] == taken
    assert f"number in the CRM: INV-{number}" in again.body["PrivateNote"].split("\n")
    assert numbered(first, attempt, company=US) == again


def test_number_that_is_taken_needs_a_person_where_the_settings_say_so() -> None:
    strict = replace(US, settings=Settings(number_clash=NumberClash.ATTENTION))
    with pytest.raises(CannotBook) as refused:
        numbered(invoiced(AUTOMATIC, strict), 1, company=strict)
    assert refused.value.cause == "number_taken"
    assert "INV-1019" in refused.value.message


def test_closed_books_need_a_person_before_anything_is_made() -> None:
    with pytest.raises(CannotBook) as refused:
        invoice_items_wanted(AUTOMATIC, CLOSED)
    assert refused.value.cause == "books_closed"


def test_closed_books_take_the_first_open_day_where_the_settings_say_so() -> None:
    moved = replace(CLOSED, settings=Settings(closed_books=ClosedBooks.FIRST_OPEN_DAY))
    body = invoiced(AUTOMATIC, moved).body
    assert (body["TxnDate"], body["DueDate"]) == ("2025-04-01", "2025-04-18")
    assert "dated 2025-03-19 in the CRM" in body["PrivateNote"]


def test_foreign_currency_needs_multi_currency() -> None:
    euros = replace(AUTOMATIC, totals=replace(AUTOMATIC.totals, currency="EUR"))
    with pytest.raises(CannotBook) as refused:
        invoice_items_wanted(euros, US)
    assert refused.value.cause == "foreign_currency"
    assert invoiced(euros, replace(US, multi_currency=True)).body["CurrencyRef"] == {"value": "EUR"}
    assert invoiced(AUTOMATIC, replace(US, multi_currency=True)).body["CurrencyRef"] == {"value": "USD"}


def test_yen_invoice_has_no_decimals() -> None:
    lines = [line(name, "1", "100", "100") for name in "ABC"]
    state = invoice(lines, totals("320", "300", tax="20", currency="JPY"))
    body = invoiced(state, replace(US, multi_currency=True)).body
    assert [one["Amount"] for one in body["Line"]] == [107, 107, 106]


def test_invoice_without_lines_and_total_has_one_line_of_nothing() -> None:
    body = invoiced(invoice([], totals("0.00", "0.00"), title="Retainer"), US).body
    assert [(one["Amount"], one["Description"]) for one in body["Line"]] == [(Decimal(0), "Retainer")]


@pytest.mark.parametrize("setting", [{"default_item_id": "44"}, {"items": {"pr_7": "44"}}])
def test_item_of_the_settings_is_used_and_not_looked_for(setting: dict[str, Any]) -> None:
    company = replace(US, settings=Settings(**setting))
    product = None if "default_item_id" in setting else "pr_7"
    state = invoice([line("Crown", "1", "9", "9", product=product)], totals("9.00", "9.00"))
    assert invoice_items_wanted(state, company) == ()
    assert invoiced(state, company).body["Line"][0]["SalesItemLineDetail"]["ItemRef"] == {"value": "44"}


def test_gb_lines_carry_the_code_of_their_rate() -> None:
    assert [code_of(one) for one in invoiced(VAT, GB).body["Line"]] == ["1", "3"]
