from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emulator.driver import Books, line


async def receipt(books: Books, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return await books.made("SalesReceipt", {"Line": lines, **more})


def figures(made: dict[str, Any]) -> tuple[str, str]:
    return str(made["TxnTaxDetail"]["TotalTax"]), str(made["TotalAmt"])


async def test_us_line_without_code_on_an_untaxed_item_is_non(us: Books) -> None:
    made = await receipt(us, [line("100")])
    assert made["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"] == "NON"


async def test_us_automatic_tax_is_zero_until_the_company_has_a_rate(us: Books) -> None:
    lines = [line("100", tax_code="TAX"), line("50", tax_code="NON")]
    assert figures(await receipt(us, lines)) == ("0", "150.00")
    await us.control("switches", {"automatic_tax_percent": "8.875"})
    assert figures(await receipt(us, lines)) == ("8.88", "158.88")


async def test_us_total_tax_sent_is_honoured_unless_switched(us: Books) -> None:
    lines, detail = [line("100", tax_code="TAX")], {"TotalTax": 7}
    assert figures(await receipt(us, lines, TxnTaxDetail=detail)) == ("7.00", "107.00")
    await us.control("switches", {"tax_override_honoured": False})
    assert figures(await receipt(us, lines, TxnTaxDetail=detail)) == ("0", "100.00")


async def test_us_total_tax_is_ignored_where_sales_tax_is_not_used(us: Books) -> None:
    await us.control("preferences", {"TaxPrefs": {"UsingSalesTax": False}})
    assert figures(await receipt(us, [line("100", tax_code="TAX")], TxnTaxDetail={"TotalTax": 7})) == (
        "0",
        "100.00",
    )


@pytest.mark.parametrize(("after", "tax"), [(True, "9.00"), (False, "10.00")])
async def test_us_discount_before_or_after_tax(us: Books, after: bool, tax: str) -> None:
    await us.control("preferences", {"SalesFormsPrefs": {"AllowDiscount": True}})
    await us.control("switches", {"automatic_tax_percent": 10})
    discount = {
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 10},
    }
    made = await receipt(us, [line("100", tax_code="TAX"), discount], ApplyTaxAfterDiscount=after)
    assert figures(made) == (tax, str(Decimal("90.00") + Decimal(tax)))
    assert [one["Amount"] for one in made["Line"]] == [100, 10, 100]


async def test_gb_line_without_code_is_6000(gb: Books) -> None:
    reply = await gb.post("SalesReceipt", {"Line": [line("100")]})
    assert (reply.status, reply.code) == (400, "6000")
    assert (await gb.post("SalesReceipt", {"Line": [line("1")], "GlobalTaxCalculation": "NotApplicable"})).status == 200


@pytest.mark.parametrize("code", ["TAX", "99"])
async def test_gb_line_with_a_code_of_no_one_is_2500(gb: Books, code: str) -> None:
    assert (await gb.post("SalesReceipt", {"Line": [line("1", tax_code=code)]})).code == "2500"


async def test_gb_tax_excluded_is_rounded_once_per_rate(gb: Books) -> None:
    standard, reduced = await gb.id_of("TaxCode", "20.0% S"), await gb.id_of("TaxCode", "5.0% R")
    lines = [
        line("0.12", tax_code=standard),
        line("0.12", tax_code=standard),
        line("10.10", tax_code=reduced),
    ]
    made = await receipt(gb, lines)
    # 0.24 at 20 % is 0.048, so 0.05 (each line alone: 0.02 twice); 10.10 at 5 % is 0.505, half up 0.51.
    assert figures(made) == ("0.56", "10.90")
    shown = [(one["Amount"], one["TaxLineDetail"]["NetAmountTaxable"]) for one in made["TxnTaxDetail"]["TaxLine"]]
    assert shown == [(Decimal("0.05"), Decimal("0.24")), (Decimal("0.51"), Decimal("10.10"))]
    assert made["GlobalTaxCalculation"] == "TaxExcluded"


async def test_gb_tax_inclusive_is_taken_out_of_the_gross(gb: Books) -> None:
    standard = await gb.id_of("TaxCode", "20.0% S")
    lines = [
        line("83.33", tax_code=standard, TaxInclusiveAmt=100),
        line("8.33", tax_code=standard, TaxInclusiveAmt=10),
    ]
    made = await receipt(gb, lines, GlobalTaxCalculation="TaxInclusive")
    assert figures(made) == ("18.33", "110.00")
    assert made["Line"][-1]["Amount"] == Decimal("91.67")


async def test_gb_tax_inclusive_without_inclusive_amount_takes_the_amount_as_gross(gb: Books) -> None:
    standard = await gb.id_of("TaxCode", "20.0% S")
    made = await receipt(gb, [line("120", tax_code=standard)], GlobalTaxCalculation="TaxInclusive")
    assert figures(made) == ("20.00", "120.00")


async def test_gb_tax_line_sent_replaces_that_rates_amount(gb: Books) -> None:
    standard = await gb.id_of("TaxCode", "20.0% S")
    (rate,) = await gb.rows("TaxRate", "WHERE Name = '20.0% S'")
    override = {
        "Amount": Decimal("20.01"),
        "DetailType": "TaxLineDetail",
        "TaxLineDetail": {"TaxRateRef": {"value": rate["Id"]}},
    }
    made = await receipt(gb, [line("100", tax_code=standard)], TxnTaxDetail={"TaxLine": [override]})
    assert figures(made) == ("20.01", "120.01")
    note = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "kept"}
    assert figures(await gb.made("SalesReceipt", note)) == ("20.01", "120.01")
    lines = {"Id": made["Id"], "SyncToken": "1", "sparse": True, "Line": [line("100", tax_code=standard)]}
    assert figures(await gb.made("SalesReceipt", lines)) == ("20.00", "120.00")


async def test_gb_tax_line_of_a_rate_that_no_line_uses_is_6160(gb: Books) -> None:
    standard = await gb.id_of("TaxCode", "20.0% S")
    stray = {"Amount": 1, "DetailType": "TaxLineDetail", "TaxLineDetail": {"TaxRateRef": {"value": "2"}}}
    body = {"Line": [line("100", tax_code=standard)], "TxnTaxDetail": {"TaxLine": [stray]}}
    assert (await gb.post("SalesReceipt", body)).code == "6160"


async def test_gb_discount_comes_off_every_codes_base(gb: Books) -> None:
    await gb.control("preferences", {"SalesFormsPrefs": {"AllowDiscount": True}})
    standard, zero = await gb.id_of("TaxCode", "20.0% S"), await gb.id_of("TaxCode", "0.0% Z")
    discount = {
        "Amount": 20,
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": {"PercentBased": False},
    }
    made = await receipt(gb, [line("100", tax_code=standard), line("100", tax_code=zero), discount])
    assert figures(made) == ("18.00", "198.00")


async def test_ca_code_of_two_rates_charges_each_on_the_net(ca: Books) -> None:
    quebec = await ca.id_of("TaxCode", "GST/QST QC - 9.975")
    made = await receipt(ca, [line("4495.16", tax_code=quebec)])
    # The cent integrators argue about: 4495.16 at 9.975 % is 448.39 (facts, section 10); 5 % is 224.76.
    assert [one["Amount"] for one in made["TxnTaxDetail"]["TaxLine"]] == [
        Decimal("224.76"),
        Decimal("448.39"),
    ]
    assert figures(made) == ("673.15", "5168.31")


async def test_tax_code_made_through_the_control_api_is_used(gb: Books) -> None:
    made = await gb.control("tax-codes", {"name": "Odd", "rates": {"Odd": "12.5"}})
    assert figures(await receipt(gb, [line("8", tax_code=made["Id"])])) == ("1.00", "9.00")


async def test_gb_tax_on_the_half_cent_is_rounded_up_whatever_the_thirds(gb: Books) -> None:
    code = await gb.id_of("TaxCode", "20.0% S")
    lines = [line(net, tax_code=code, TaxInclusiveAmt=gross) for net, gross in (("0.02", "0.02"), ("482.96", "579.55"))]
    assert figures(await receipt(gb, lines, GlobalTaxCalculation="TaxInclusive")) == ("96.60", "579.57")
