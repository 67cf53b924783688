from dataclasses import replace
from decimal import Decimal

import pytest

from mapping.errors import CannotBook
from schemas.events.crm import Discount, DiscountKind, DiscountScope, PaymentCompleted
from tests.unit.mapping.build import US, discount, line, record, sale, tax, totals
from tests.unit.mapping.ledger import amounts, answered, booked

KIT = line("Whitening kit", "3", "19.99", "59.97", tax("8.25", "4.45"), product="pr_1")
TALK = line("Consultation", "1", "49.00", "49.00", product="pr_2")
COUPON = discount("10.90", scope=DiscountScope.COUPON, code="SPRING10")

CASES = {
    "coupon, tip and surcharge": (
        sale([KIT, TALK], totals("110.60", "108.97", discount="10.90", tax="4.45", surcharge="3.08", tip="5"), COUPON),
        ["58.42", "44.10", "5.00", "3.08"],
    ),
    "automatic tax without components, fixed discount": (
        sale(
            [line("Crown", "2", "150", "300"), line("Lab hours", "1.5", "80", "120.000")],
            totals("433.00", "420.00", discount="20", tax="33"),
            discount("20"),
        ),
        ["309.29", "123.71"],
    ),
    "exclusive tax stays on its line": (
        sale([KIT, TALK], totals("113.42", "108.97", tax="4.45")),
        ["64.42", "49.00"],
    ),
    "inclusive tax is never added again": (
        sale(
            [line("Course", "1", "120", "120", tax("20", "20", inclusive=True), inclusive=True)],
            totals("120.00", "100.00", tax="20"),
        ),
        ["120.00"],
    ),
    "coupon on one product": (
        sale(
            [KIT, TALK],
            totals("103.42", "108.97", discount="10", tax="4.45"),
            discount("10", scope=DiscountScope.COUPON, products=["pr_2"]),
        ),
        ["64.42", "39.00"],
    ),
    "a line's own discount": (
        sale(
            [replace(TALK, discounts=(discount("9", scope=DiscountScope.LINE),)), KIT],
            totals("104.42", "108.97", discount="9", tax="4.45"),
        ),
        ["40.00", "64.42"],
    ),
    "a line's own discount in percent, its amount untold": (
        sale(
            [replace(TALK, discounts=(Discount(kind=DiscountKind.PERCENTAGE, value=Decimal(10)),)), KIT],
            totals("108.52", "108.97", discount="4.90", tax="4.45"),
        ),
        ["44.10", "64.42"],
    ),
    "a line's own fixed discount, its amount untold": (
        sale(
            [replace(TALK, discounts=(Discount(kind=DiscountKind.FIXED, value=Decimal(9)),)), KIT],
            totals("104.42", "108.97", discount="9", tax="4.45"),
        ),
        ["40.00", "64.42"],
    ),
    "a line's own discount of which nothing is known": (
        sale(
            [replace(TALK, discounts=(Discount(value=Decimal(9)),)), KIT],
            totals("104.42", "108.97", discount="9", tax="4.45"),
        ),
        ["44.95", "59.47"],
    ),
    "coupon on a product that is not there": (
        sale(
            [KIT, TALK],
            totals("103.42", "108.97", discount="10", tax="4.45"),
            discount("10", scope=DiscountScope.COUPON, products=["pr_9"]),
        ),
        ["58.92", "44.50"],
    ),
    "all given away but the tip": (
        sale([TALK], totals("5.00", "49.00", discount="49", tip="5"), discount("49")),
        ["0.00", "5.00"],
    ),
    "a negative line": (
        sale(
            [TALK, line("Credit", "1", "-9", "-9", product="pr_3")],
            totals("42.00", "40.00", tax="2"),
        ),
        ["51.00", "-9.00"],
    ),
    "quantity of three decimals": (
        sale([line("Rope", "1.125", "3.99", "4.4888")], totals("4.49", "4.4888")),
        ["4.49"],
    ),
    "no lines at all": (sale([], totals("25.00", "25.00")), ["25.00"]),
    "shipping": (
        sale([TALK], totals("58.50", "49.00", shipping="9.50")),
        ["49.00", "9.50"],
    ),
    "yen": (
        sale(
            [line("A", "1", "100", "100"), line("B", "1", "100", "100"), line("C", "1", "100", "100")],
            totals("320", "300", tax="20", currency="JPY"),
        ),
        ["107", "107", "106"],
    ),
}


@pytest.mark.parametrize(("event", "expected"), CASES.values(), ids=CASES.keys())
def test_us_sale_folds_to_these_amounts(event: PaymentCompleted, expected: list[str]) -> None:
    company = replace(US, home_currency=event.totals.currency)
    receipt = booked(event, company)
    assert [Decimal(one) for one in amounts(receipt)] == [Decimal(one) for one in expected]
    assert answered(receipt.body, company) == (event.payment.amount, Decimal(0))
    assert (receipt.total, receipt.tax) == (event.payment.amount, Decimal(0))


def test_deposit_scales_every_line_and_names_the_order() -> None:
    whole = totals("110.60", "108.97", discount="10.90", tax="4.45", surcharge="3.08", tip="5")
    receipt = booked(sale([KIT, TALK], whole, COUPON, payment=record("30.0000"), order_id="or_5"), US)
    assert answered(receipt.body, US) == (Decimal("30.00"), Decimal(0))
    assert amounts(receipt) == ["15.85", "11.96", "1.36", "0.83"]
    assert "or_5" in receipt.body["PrivateNote"]
    assert "30.00 of a total of 110.60" in receipt.body["PrivateNote"]


def test_deposit_with_a_negative_line_keeps_every_share() -> None:
    lines = [line("A", "1", "100", "100"), line("B", "1", "100", "100"), line("Credit", "1", "-100", "-100")]
    receipt = booked(sale(lines, totals("100.00", "100.00"), payment=record("0.01")), US)
    assert answered(receipt.body, US) == (Decimal("0.01"), Decimal(0))
    assert all(abs(Decimal(one)) <= Decimal("0.02") for one in amounts(receipt))


@pytest.mark.parametrize(
    ("event", "figure"),
    [
        (sale([TALK], totals("49.02", "49.00")), "49.02"),
        (sale([TALK], totals("60.00", "60.00")), "60.00"),
        (sale([TALK], totals("49.00", "49.00"), payment=record("49.01")), "49.01"),
        (sale([line("Odd", "2", "10", "25")], totals("25.00", "25.00")), "25"),
        (sale([TALK], totals("49.005", "49.005")), "49.005"),
    ],
    ids=["totals do not sum", "lines are less", "paid above the total", "quantity times price", "half a cent"],
)
def test_document_that_does_not_add_up_is_refused_with_the_figure(event: PaymentCompleted, figure: str) -> None:
    with pytest.raises(CannotBook) as refused:
        booked(event, US)
    assert refused.value.cause == "document_does_not_add_up"
    assert figure in refused.value.message


def test_gap_of_a_cent_is_absorbed_and_noted() -> None:
    receipt = booked(sale([KIT, TALK], totals("113.43", "108.97", tax="4.45")), US)
    assert answered(receipt.body, US) == (Decimal("113.43"), Decimal(0))
    assert "rounding" in receipt.body["PrivateNote"]


def test_folded_figures_stand_in_the_memo() -> None:
    note = booked(CASES["automatic tax without components, fixed discount"][0], US).body["PrivateNote"]
    assert note.startswith("crm:payment/tx_77")
    assert "incl. tax 33.00, discount 20.00" in note
