"""Discounts and tax shown as such: US companies "as billed", discount lines elsewhere, and the limits of both."""

from dataclasses import replace
from decimal import Decimal

import pytest

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.settings import Settings, UsTax
from mapping.to_qbo.lines import plain
from schemas.events.crm import Discount, DiscountKind, DiscountScope, InvoiceState
from tests.unit.mapping.build import CA, GB, US, discount, invoice, line, sale, tax, totals
from tests.unit.mapping.ledger import answered, booked, code_of, invoiced

BILLED = replace(US, settings=Settings(us_tax=UsTax.AS_BILLED), allow_discount=True)
KIT = line("Kit", "3", "19.99", "59.97", tax("8.25", "4.45"), product="pr_1")
TALK = line("Talk", "1", "49", "49", product="pr_2")
TEN_PERCENT = Discount(
    scope=DiscountScope.DOCUMENT, kind=DiscountKind.PERCENTAGE, value=Decimal(10), amount=Decimal("10.90")
)
# 108.97 less 10.90, 4.45 tax, 5.00 tip, 3.08 surcharge.
CUT = invoice(
    [KIT, TALK],
    totals("110.60", "108.97", discount="10.90", tax="4.45", surcharge="3.08", tip="5"),
    TEN_PERCENT,
)
AUTOMATIC = invoice(
    [line("Crown", "2", "150", "300"), line("Lab", "1.5", "80", "120")],
    totals("438.00", "420.00", discount="20", tax="33", tip="5"),
    discount("20"),
)


def shown(state: InvoiceState, company: Company) -> list[tuple[str, str]]:
    """Each line's amount and code; a discount line has none."""
    lines = invoiced(state, company).body["Line"]
    return [(plain(one["Amount"]), code_of(one) if "SalesItemLineDetail" in one else "discount") for one in lines]


def test_us_invoice_as_billed_shows_discount_and_tax() -> None:
    made = invoiced(CUT, BILLED)
    assert shown(CUT, BILLED) == [
        ("59.97", "TAX"),
        ("49", "NON"),
        ("5", "NON"),
        ("3.08", "NON"),
        ("10.9", "discount"),
    ]
    assert (made.body["ApplyTaxAfterDiscount"], made.body["TxnTaxDetail"]) == (True, {"TotalTax": Decimal("4.45")})
    assert made.body["Line"][-1]["Description"] == "Discount 10 %"
    assert answered(made.body, BILLED) == (made.total, made.tax) == (Decimal("110.60"), Decimal("4.45"))
    assert "incl." not in made.body["PrivateNote"]


def test_automatic_tax_makes_every_line_taxable_but_the_tip() -> None:
    assert shown(AUTOMATIC, BILLED) == [("300", "TAX"), ("120", "TAX"), ("5", "NON"), ("20", "discount")]


def test_company_without_discounts_takes_them_off_the_lines_and_names_them() -> None:
    made = invoiced(CUT, replace(BILLED, allow_discount=False))
    kit, talk = made.body["Line"][:2]
    assert (kit["Amount"], talk["Amount"]) == (Decimal("53.97"), Decimal("44.10"))
    assert kit["Description"] == "Kit\nDiscount 10 % included"
    assert answered(made.body, BILLED) == (Decimal("110.60"), Decimal("4.45"))


def test_coupon_on_a_product_comes_off_its_line_and_is_no_discount_line() -> None:
    coupon = discount("10", scope=DiscountScope.COUPON, code="TEN", products=["pr_2"])
    state = invoice([KIT, TALK], totals("103.42", "108.97", discount="10", tax="4.45"), coupon)
    assert shown(state, BILLED) == [("59.97", "TAX"), ("39", "NON")]


def test_inclusive_prices_are_shown_net_in_the_us() -> None:
    course = line("Course", "1", "120", "120", tax("20", "18", inclusive=True), inclusive=True)
    state = invoice([course], totals("108.00", "100.00", discount="10", tax="18"), discount("10"))
    assert shown(state, BILLED) == [("100", "TAX"), ("10", "discount")]


def test_us_company_that_does_not_use_sales_tax_folds_whatever_the_setting() -> None:
    made = invoiced(CUT, replace(BILLED, using_sales_tax=False))
    assert "TxnTaxDetail" not in made.body
    assert made.body["PrivateNote"].endswith("incl. tax 4.45, discount 10.90")


def test_deposit_as_billed_takes_its_share_of_discount_and_tax() -> None:
    whole = totals("110.60", "108.97", discount="10.90", tax="4.45", surcharge="3.08", tip="5")
    event = sale([KIT, TALK], whole, TEN_PERCENT)
    deposit = replace(event, payment=replace(event.payment, amount=Decimal("55.30")))
    receipt = booked(deposit, BILLED)
    assert answered(receipt.body, BILLED) == (Decimal("55.30"), Decimal("2.23"))
    assert receipt.body["Line"][-1]["Amount"] == Decimal("5.45")


TWENTY = tax("20", "18.00")
ONE_CODE = invoice(
    [line("Crown", "1", "100", "100", TWENTY)],
    totals("108.00", "100.00", discount="10", tax="18", currency="GBP"),
    discount("10"),
)


@pytest.mark.parametrize(
    ("state", "company", "expected"),
    [
        (ONE_CODE, replace(GB, allow_discount=True), [("100", "1"), ("10", "discount")]),
        (ONE_CODE, GB, [("90", "1")]),
        (
            invoice(
                [line("Crown", "1", "100", "100", TWENTY), line("Heat", "1", "100", "100", tax("5", "4.50"))],
                totals("202.50", "200.00", discount="20", tax="22.50", currency="GBP"),
                discount("20"),
            ),
            replace(GB, allow_discount=True),
            [("90", "1"), ("90", "2")],
        ),
        (
            invoice(
                [line("Crown", "1", "100", "100", TWENTY)],
                totals("113.00", "100.00", discount="10", tax="18", tip="5", currency="GBP"),
                discount("10"),
            ),
            replace(GB, allow_discount=True),
            [("90", "1"), ("5", "5")],
        ),
        (
            invoice(
                [line("Course", "1", "120", "120", tax("20", "18", inclusive=True), inclusive=True)],
                totals("108.00", "102.00", discount="12", tax="18", currency="GBP"),
                discount("12"),
            ),
            replace(GB, allow_discount=True),
            [("90", "1")],
        ),
        (
            invoice(
                [replace(line("Crown", "1", "100", "100", TWENTY), discounts=(discount("10"),))],
                totals("108.00", "100.00", discount="10", tax="18", currency="GBP"),
            ),
            replace(GB, allow_discount=True),
            [("90", "1")],
        ),
    ],
    ids=["one code", "not allowed", "two codes", "a tip is another code", "inclusive", "the line's own"],
)
def test_discount_line_only_for_a_document_discount_on_net_prices_with_one_code(
    state: InvoiceState, company: Company, expected: list[tuple[str, str]]
) -> None:
    assert shown(state, company) == expected
    made = invoiced(state, company)
    assert answered(made.body, company) == (state.totals.total, state.totals.tax_total)
    if "discount" not in {code for _, code in expected} and state.discounts:
        assert (
            "Discount 1" in made.body["Line"][0]["Description"] or "Discount 2" in made.body["Line"][0]["Description"]
        )


def test_gap_goes_into_a_line_and_the_discount_line_shows_the_crms_figure() -> None:
    state = invoice(
        [line("Crown", "1", "100", "100", TWENTY)],
        totals("108.01", "100.00", discount="10", tax="18", currency="GBP"),
        discount("10"),
    )
    made = invoiced(state, replace(GB, allow_discount=True))
    assert [one["Amount"] for one in made.body["Line"]] == [Decimal("100.01"), Decimal(10)]
    assert "rounding" in made.body["PrivateNote"]


def test_all_given_away_is_a_discount_line_of_everything() -> None:
    state = invoice(
        [line("Retainer", "4", "250", "1000", tax("5", "0"), tax("9.975", "0"))],
        totals("0.00", "1000.00", discount="1000", currency="CAD"),
        discount("1000"),
    )
    company = replace(CA, allow_discount=True)
    assert shown(state, company) == [("1000", "2"), ("1000", "discount")]
    assert answered(invoiced(state, company).body, company) == (Decimal(0), Decimal(0))


def many(count: int, **changes: str) -> InvoiceState:
    return invoice([line(f"Line {n}", "1", "1", "1") for n in range(count)], totals(str(count), str(count), **changes))


@pytest.mark.parametrize(
    ("company", "count", "limit"), [(US, 10_001, "10000"), (BILLED, 751, "750"), (GB, 10_001, "10000")]
)
def test_more_lines_than_quickbooks_takes_are_refused_by_name(company: Company, count: int, limit: str) -> None:
    taxed = {"tax": "0"} if company is not BILLED else {"tax": "1"}
    state = replace(many(count), totals=totals(str(count + int(taxed["tax"])), str(count), **taxed))
    state = replace(state, totals=replace(state.totals, currency=company.home_currency))
    with pytest.raises(CannotBook) as refused:
        invoiced(state, company)
    assert refused.value.cause == "too_many_lines"
    assert limit in refused.value.message


def test_tip_is_a_line_too_many() -> None:
    state = replace(many(10_000), totals=totals("10005", "10000", tip="5"))
    with pytest.raises(CannotBook, match="10001 lines"):
        invoiced(state, US)


@pytest.mark.parametrize(("company", "count"), [(US, 10_000), (BILLED, 10_000)])
def test_as_many_lines_as_quickbooks_takes_are_booked(company: Company, count: int) -> None:
    assert len(invoiced(many(count), company).body["Line"]) == count
