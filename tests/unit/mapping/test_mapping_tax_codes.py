from dataclasses import replace
from decimal import Decimal

import pytest

from mapping.company import Company, TaxCode
from mapping.errors import CannotBook
from mapping.settings import Settings
from schemas.events.crm import PaymentCompleted
from tests.unit.mapping.build import AU, CA, GB, discount, line, record, sale, tax, totals
from tests.unit.mapping.ledger import answered, booked, code_of

COURSE = line("Course", "1", "120.00", "120.00", tax("20", "20.00", inclusive=True), inclusive=True)
BOOK = line("Book", "2", "15.00", "30.00", tax("0", "0.00", inclusive=True), inclusive=True)
VAT = tax("20", "20.00")


CASES: dict[str, tuple[PaymentCompleted, Company, str, list[str]]] = {
    "inclusive, mixed rates": (
        sale([COURSE, BOOK], totals("150.00", "130.00", tax="20", currency="GBP")),
        GB,
        "TaxInclusive",
        ["1", "3"],
    ),
    "exclusive": (
        sale([line("Crown", "1", "100", "100", VAT)], totals("120.00", "100.00", tax="20", currency="GBP")),
        GB,
        "TaxExcluded",
        ["1"],
    ),
    "inclusive and exclusive together": (
        sale(
            [COURSE, line("Crown", "1", "100", "100", VAT)],
            totals("240.00", "200.00", tax="40", currency="GBP"),
        ),
        GB,
        "TaxExcluded",
        ["1", "1"],
    ),
    "inclusive beside a line without tax": (
        sale(
            [COURSE, line("Stamp", "1", "1", "1")],
            totals("121.00", "101.00", tax="20", currency="GBP"),
        ),
        GB,
        "TaxInclusive",
        ["1", "5"],
    ),
    "taxed shipping and a tip": (
        sale(
            [line("Crown", "1", "100", "100", VAT)],
            totals(
                "137.00",
                "100.00",
                tax="22",
                shipping="10",
                tip="5",
                currency="GBP",
                shipping_taxes=[tax("20", "2.00")],
            ),
        ),
        GB,
        "TaxExcluded",
        ["1", "5", "1"],
    ),
    "taxed shipping on inclusive prices": (
        sale(
            [COURSE],
            totals("132.00", "100.00", tax="22", shipping="10", currency="GBP", shipping_taxes=[tax("20", "2.00")]),
        ),
        GB,
        "TaxInclusive",
        ["1", "1"],
    ),
    # 0.02/1.2 and 579.55/1.2 are no decimals, and their sum's tax lies on the half cent: 96.595.
    "inclusive, thirds of a cent that sum to a half": (
        sale(
            [
                line("Pin", "1", "0.02", "0.02", tax("20", "0.00", inclusive=True), inclusive=True),
                line("Crown", "1", "579.55", "579.55", tax("20", "96.59", inclusive=True), inclusive=True),
            ],
            totals("579.57", "482.98", tax="96.59", currency="GBP"),
        ),
        GB,
        "TaxInclusive",
        ["1", "1"],
    ),
    "inclusive, discount read net": (
        sale(
            [replace(COURSE, taxes=(tax("20", "18.00", inclusive=True),))],
            totals("108.00", "100.00", discount="10", tax="18", currency="GBP"),
            discount("10"),
        ),
        GB,
        "TaxInclusive",
        ["1"],
    ),
    "inclusive, discount read gross": (
        sale(
            [replace(COURSE, taxes=(tax("20", "18.00", inclusive=True),))],
            totals("108.00", "102.00", discount="12", tax="18", currency="GBP"),
            discount("12"),
        ),
        GB,
        "TaxInclusive",
        ["1"],
    ),
    "exclusive with a discount over two rates": (
        sale(
            [line("Crown", "1", "100", "100", tax("20", "18.00")), line("Heat", "1", "100", "100", tax("5", "4.50"))],
            totals("202.50", "200.00", discount="20", tax="22.50", currency="GBP"),
            discount("20"),
        ),
        GB,
        "TaxExcluded",
        ["1", "2"],
    ),
    "rounded by line in the CRM": (
        sale(
            [line(f"Bead {n}", "1", "0.12", "0.12", tax("20", "0.02")) for n in range(5)],
            totals("0.70", "0.60", tax="0.10", currency="GBP"),
        ),
        GB,
        "TaxExcluded",
        ["1"] * 5,
    ),
    "two taxes on a line are one code": (
        sale(
            [line("Retainer", "4", "250", "1000", tax("5", "45.00"), tax("9.975", "89.78"))],
            totals("1034.78", "1000.00", discount="100", tax="134.78", currency="CAD"),
            discount("100"),
        ),
        CA,
        "TaxExcluded",
        ["2"],
    ),
    "automatic tax without components": (
        sale([line("Crown", "1", "100", "100")], totals("120.00", "100.00", tax="20", currency="GBP")),
        GB,
        "TaxExcluded",
        ["1"],
    ),
    "AU, inclusive beside GST free": (
        sale(
            [
                line("Lesson", "1.125", "88.00", "99.00", tax("10", "9.00", inclusive=True), inclusive=True),
                line("Bread", "3", "4.35", "13.05", tax("0", "0", inclusive=True), inclusive=True),
            ],
            totals("112.05", "103.05", tax="9", currency="AUD"),
        ),
        AU,
        "TaxInclusive",
        ["1", "2"],
    ),
    "euros in a company of pounds": (
        sale([line("Crown", "1", "100", "100", VAT)], totals("120.00", "100.00", tax="20", currency="EUR")),
        replace(GB, multi_currency=True),
        "TaxExcluded",
        ["1"],
    ),
    "yen, whose tax QuickBooks would compute in cents": (
        sale([line("Pen", "3", "11", "33", tax("20", "7"))], totals("40", "33", tax="7", currency="JPY")),
        replace(GB, multi_currency=True),
        "TaxExcluded",
        ["1"],
    ),
    "negative line": (
        sale(
            [line("Crown", "1", "100", "100", VAT), line("Credit", "1", "-10", "-10", tax("20", "-2.00"))],
            totals("108.00", "90.00", tax="18", currency="GBP"),
        ),
        GB,
        "TaxExcluded",
        ["1", "1"],
    ),
    "mixed prices, a tax without its amount": (
        sale(
            [COURSE, line("Crown", "1", "100", "100", tax("20", None))],
            totals("240.00", "200.00", tax="40", currency="GBP"),
        ),
        GB,
        "TaxExcluded",
        ["1", "1"],
    ),
    "company without tax codes, sale without tax": (
        sale([line("Stamp", "1", "1", "1")], totals("1.00", "1.00", currency="GBP")),
        replace(GB, tax_codes=()),
        "NotApplicable",
        [""],
    ),
    "no tax at all": (
        sale([line("Stamp", "1", "1", "1")], totals("1.00", "1.00", currency="GBP")),
        GB,
        "TaxExcluded",
        ["5"],
    ),
}


@pytest.mark.parametrize(("event", "company", "calculation", "codes"), CASES.values(), ids=CASES.keys())
def test_sale_outside_the_us_comes_back_to_the_cent(
    event: PaymentCompleted, company: Company, calculation: str, codes: list[str]
) -> None:
    receipt = booked(event, company)
    assert receipt.body["GlobalTaxCalculation"] == calculation
    assert sorted(code_of(one) for one in receipt.body["Line"]) == sorted(codes)
    assert answered(receipt.body, company) == (event.payment.amount, event.totals.tax_total)
    assert (receipt.total, receipt.tax) == (event.payment.amount, event.totals.tax_total)


@pytest.mark.parametrize(
    "name", ["inclusive, mixed rates", "taxed shipping and a tip", "inclusive beside a line without tax"]
)
@pytest.mark.parametrize("amount", ["0.01", "33.33", "100.01"])
def test_deposit_carries_its_share_of_the_tax(name: str, amount: str) -> None:
    event, company, _, _ = CASES[name]
    receipt = booked(replace(event, payment=record(amount)), company)
    assert answered(receipt.body, company) == (Decimal(amount), receipt.tax)
    exact = event.totals.tax_total * Decimal(amount) / event.totals.total
    assert abs(receipt.tax - exact) <= Decimal("0.005")


def test_zero_rated_line_holds_no_cent_of_tax() -> None:
    lines = [
        *(line(f"Tea {n}", "1", "0.99", "0.99", tax("20", "0.17", inclusive=True), inclusive=True) for n in range(3)),
        line("Big book", "1", "500", "500", tax("0", "0", inclusive=True), inclusive=True),
    ]
    receipt = booked(sale(lines, totals("502.97", "502.46", tax="0.51", currency="GBP")), GB)
    book = receipt.body["Line"][-1]
    assert book["Amount"] == book["SalesItemLineDetail"]["TaxInclusiveAmt"] == Decimal("500.00")
    assert answered(receipt.body, GB) == (Decimal("502.97"), Decimal("0.51"))


def test_tax_without_a_code_is_refused_by_name() -> None:
    event = sale(
        [line("Odd", "1", "100", "100", tax("17.5", "17.50"))], totals("117.50", "100", tax="17.50", currency="GBP")
    )
    with pytest.raises(CannotBook) as refused:
        booked(event, GB)
    assert refused.value.cause == "tax_code_missing"
    assert "17.5" in refused.value.message


def test_tax_code_of_the_settings_outranks_the_proposed_one() -> None:
    wanted = replace(GB, settings=Settings(tax_codes={"0": "4"}))
    event = sale([BOOK], totals("30.00", "30.00", currency="GBP"))
    assert code_of(booked(event, wanted).body["Line"][0]) == "4"
    assert code_of(booked(event, GB).body["Line"][0]) == "3"


def test_tax_that_no_rounding_explains_is_refused_with_both_figures() -> None:
    event = sale([line("Crown", "1", "100", "100", VAT)], totals("115.00", "100.00", tax="15", currency="GBP"))
    with pytest.raises(CannotBook) as refused:
        booked(event, GB)
    assert "15" in refused.value.message
    assert "20" in refused.value.message


def test_company_without_sales_tax_in_use_sends_no_codes() -> None:
    event = sale([line("Crown", "1", "100", "100", VAT)], totals("120.00", "100.00", tax="20", currency="GBP"))
    off = replace(GB, using_sales_tax=False)
    receipt = booked(event, off)
    assert receipt.body["GlobalTaxCalculation"] == "NotApplicable"
    assert not any(code_of(one) for one in receipt.body["Line"])
    assert answered(receipt.body, off) == (Decimal("120.00"), Decimal(0))


@pytest.mark.parametrize(
    ("company", "tax_total"),
    [
        (GB, "17.50"),
        (replace(GB, tax_codes=(*GB.tax_codes, TaxCode(id="9", name="Odd", rates=(Decimal("20.01"),)))), "20"),
        (replace(GB, no_tax_code_id=None), "0"),
        (replace(GB, no_tax_code_id="77"), "0"),
    ],
    ids=["no code makes it", "two codes make it", "no code for no tax", "code is gone"],
)
def test_code_that_cannot_be_told_is_asked_for(company: Company, tax_total: str) -> None:
    total = str(Decimal(100) + Decimal(tax_total))
    event = sale([line("Crown", "1", "100", "100")], totals(total, "100", tax=tax_total, currency="GBP"))
    with pytest.raises(CannotBook) as refused:
        booked(event, company)
    assert refused.value.cause == "tax_code_missing"
