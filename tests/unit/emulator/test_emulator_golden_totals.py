"""Totals worked out by hand, on every sales form."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emulator.driver import Books, line
from tests.unit.emulator.sales import customer

every_form = pytest.mark.parametrize("entity", ["Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt"])


async def sold(books: Books, entity: str, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    await books.control("preferences", {"SalesFormsPrefs": {"AllowDiscount": True, "AllowShipping": True}})
    amy = await customer(books, "Amy")
    (bank,) = await books.rows("Account", "WHERE AccountType = 'Bank'")
    body = {"CustomerRef": {"value": amy}, "DepositToAccountRef": {"value": bank["Id"]}, "Line": lines}
    return await books.made(entity, body | more)


def figures(made: dict[str, Any]) -> list[str]:
    """Tax of each rate (of the whole in the US), subtotal, total."""
    detail = made["TxnTaxDetail"]
    taxes = [one["Amount"] for one in detail["TaxLine"]] if "TaxLine" in detail else [detail["TotalTax"]]
    return [str(one) for one in (*taxes, made["Line"][-1]["Amount"], made["TotalAmt"])]


def shipping(amount: str, **more: Any) -> dict[str, Any]:
    return line(amount, ItemRef={"value": "SHIPPING_ITEM_ID"}, **more)


def percent_off(percent: str) -> dict[str, Any]:
    detail = {"PercentBased": True, "DiscountPercent": Decimal(percent)}
    return {"DetailType": "DiscountLineDetail", "DiscountLineDetail": detail}


def amount_off(amount: str) -> dict[str, Any]:
    return {
        "Amount": Decimal(amount),
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": {"PercentBased": False},
    }


TAXED_AND_SHIPPED = [line("100", tax_code="TAX"), shipping("5"), percent_off("7.5")]
TAXED_AND_NOT = [line("100", tax_code="TAX"), line("5", tax_code="NON"), amount_off("20")]


@every_form
@pytest.mark.parametrize(
    ("lines", "after", "expected"),
    [
        # 8.875 % of 100 is 8.875, half up 8.88.
        (TAXED_AND_SHIPPED, False, ["8.88", "100.00", "106.38"]),
        # Of 92.50 it is 8.209375; what is shipped is not discounted.
        (TAXED_AND_SHIPPED, True, ["8.21", "100.00", "105.71"]),
        # 20 off 105 leave 80.952381 of the 100: 7.184524.
        (TAXED_AND_NOT, True, ["7.18", "105.00", "92.18"]),
        ([line("100", tax_code="TAX"), shipping("10", tax_code="TAX")], True, ["9.76", "100.00", "119.76"]),
    ],
)
async def test_us_golden_totals(
    us: Books, entity: str, lines: list[dict[str, Any]], after: bool, expected: list[str]
) -> None:
    await us.control("switches", {"automatic_tax_percent": "8.875"})
    assert figures(await sold(us, entity, lines, ApplyTaxAfterDiscount=after)) == expected


@every_form
async def test_gb_golden_totals_without_tax_in_the_prices(gb: Books, entity: str) -> None:
    lines = [line("33.33", tax_code="1"), line("33.33", tax_code="2"), percent_off("10")]
    # 6.67 off 66.66 leave 29.995 each: 5.999 at 20 % and 1.49975 at 5 %.
    assert figures(await sold(gb, entity, lines)) == ["6.00", "1.50", "66.66", "67.49"]


@every_form
async def test_gb_golden_totals_with_tax_in_the_prices(gb: Books, entity: str) -> None:
    lines = [
        line("100", tax_code="1", TaxInclusiveAmt=120),
        shipping("10", tax_code="1", TaxInclusiveAmt=12),
        percent_off("10"),
    ]
    # 108 of goods and 12 of shipping hold 20 of tax; the goods' own subtotal is net of the tax in 120.
    made = await sold(gb, entity, lines, GlobalTaxCalculation="TaxInclusive")
    assert figures(made) == ["20.00", "100.00", "120.00"]


@every_form
async def test_ca_golden_totals_of_a_code_with_two_rates(ca: Books, entity: str) -> None:
    quebec = await ca.id_of("TaxCode", "GST/QST QC - 9.975")
    lines = [line("4495.16", tax_code=quebec), line("10", tax_code=quebec), amount_off("10")]
    assert figures(await sold(ca, entity, lines)) == ["224.76", "448.39", "4505.16", "5168.31"]


@pytest.mark.parametrize(("country", "rate", "expected"), [("ie", "23.0% S", "123.00"), ("nz", "GST", "115.00")])
async def test_standard_rate_of_other_countries(
    open_books: Callable[[str], Books], country: str, rate: str, expected: str
) -> None:
    books = open_books(country)
    code = await books.id_of("TaxCode", rate)
    made = await sold(books, "Invoice", [line("100", tax_code=code)])
    assert str(made["TotalAmt"]) == expected
