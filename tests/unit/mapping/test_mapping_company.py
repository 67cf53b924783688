import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mapping.booking import why_not_booked
from mapping.company import Company, from_json, to_json
from mapping.from_qbo.company import company_from_quickbooks, findings
from mapping.money import allocate, minor_unit, round_half_up, unit_price
from mapping.settings import CreateCustomers, Settings
from mapping.to_qbo.shares import scaled
from mapping.to_qbo.text import clean, clean_lines, country_code, same_country, same_phone, same_text, short
from schemas.events.crm import ContactActive, Origin, PaymentCompleted, PaymentStatus
from tests.unit.mapping.build import CA, GB, PAID_AT, US, contact_active, envelope, line, record, sale, totals

SALE = sale([line("Talk", "1", "49", "49")], totals("49.00", "49.00"))


def found(**changes: Any) -> Company:
    known: dict[str, Any] = {
        "company_info": {"CompanyName": "Plain Ltd", "Country": "GBR", "DefaultTimeZone": "Europe/London"},
        "preferences": {
            "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": "GBP"}},
            "TaxPrefs": {"UsingSalesTax": True},
            "SalesFormsPrefs": {"CustomTxnNumbers": True},
            "AccountingInfoPrefs": {"BookCloseDate": "2024-12-31"},
        },
        "tax_codes": [code("1", "Exempt", "9"), code("2", "20.0% S", "8"), code("3", "No VAT", "9")],
        "tax_rates": [{"Id": "8", "RateValue": Decimal(20)}, {"Id": "9", "RateValue": 0}],
        "accounts": [account("4", "Bank"), account("5", "Income"), account("6", "Income", "SalesOfProductIncome")],
        "items": [item("1", "Sales", "Inventory"), item("2", "Hours"), item("3", "Sales"), item("4", "services")],
    }
    return company_from_quickbooks(**{**known, **changes})


def code(identifier: str, name: str, *rates: str) -> dict[str, Any]:
    details = [{"TaxRateRef": {"value": rate}} for rate in rates]
    return {"Id": identifier, "Name": name, "SalesTaxRateList": {"TaxRateDetail": details}}


def account(identifier: str, kind: str, subtype: str = "Other") -> dict[str, Any]:
    return {"Id": identifier, "AccountType": kind, "AccountSubType": subtype}


def item(identifier: str, name: str, kind: str = "Service") -> dict[str, Any]:
    return {"Id": identifier, "Name": name, "Type": kind, "Active": True}


def test_company_is_read_with_its_defaults() -> None:
    company = found()
    assert (company.country, company.home_currency, company.time_zone) == ("GB", "GBP", "Europe/London")
    assert (company.using_sales_tax, company.custom_txn_numbers, company.multi_currency) == (True, True, False)
    assert (company.no_tax_code_id, company.default_item_id, company.income_account_id) == ("3", "4", "6")
    assert company.books_closed_until == date(2024, 12, 31)
    assert [(one.rates, one.rate_ids) for one in company.tax_codes[1:2]] == [((Decimal(20),), ("8",))]


def test_company_that_has_nothing_gets_no_defaults() -> None:
    company = found(tax_codes=[], tax_rates=[], accounts=[account("4", "Bank")], items=[], preferences={})
    assert (company.no_tax_code_id, company.default_item_id, company.income_account_id) == (None, None, None)
    assert not company.using_sales_tax


def test_company_is_read_with_what_refunds_and_invoices_need() -> None:
    company = found(
        preferences={
            "SalesFormsPrefs": {"AllowDiscount": True, "AutoApplyCredit": True, "DefaultTerms": {"value": "3"}}
        },
        accounts=[account("4", "Bank"), account("5", "Other Current Asset", "UndepositedFunds")],
    )
    assert (company.undeposited_funds_id, company.default_terms_id) == ("5", "3")
    assert (company.allow_discount, company.auto_apply_credit) == (True, True)


def test_tax_code_of_an_unlisted_rate_is_not_proposed() -> None:
    company = found(tax_codes=[code("1", "Odd", "8", "77")])
    assert not company.tax_codes[0].active


@pytest.mark.parametrize(
    "company",
    [
        US,
        GB,
        CA,
        found(),
        replace(
            CA,
            settings=Settings(
                tax_codes={"5+9.975": "2"}, default_item_id="4", create_customers=CreateCustomers.TRANSACTIONS
            ),
        ),
    ],
)
def test_company_survives_json(company: Company) -> None:
    assert from_json(json.loads(json.dumps(to_json(company)))) == company


@pytest.mark.parametrize(
    ("company", "word"),
    [
        (US, "folded"),
        (GB, "20.0% S: 20 %"),
        (CA, "5 % + 9.975 %"),
        (replace(GB, no_tax_code_id=None), "No tax code for lines without tax"),
        (replace(US, income_account_id=None), "income account"),
        (replace(US, default_item_id=None), "No service item"),
        (replace(US, books_closed_until=date(2024, 12, 31)), "2024-12-31"),
        (replace(US, multi_currency=True), "Multi-currency is on"),
        (replace(US, using_sales_tax=False), "Sales tax is not in use"),
        (replace(US, custom_txn_numbers=True), "numbers are on"),
    ],
)
def test_findings_say_what_a_person_should_know(company: Company, word: str) -> None:
    assert any(word in sentence for sentence in findings(company))


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (SALE, None),
        (contact_active(), None),
        (replace(SALE, envelope=envelope(live_mode=False)), "not_live"),
        (contact_active(envelope=envelope(live_mode=False)), "not_live"),
        (replace(SALE, envelope=envelope(origin=Origin.QUICKBOOKS_IMPORT)), "imported_from_quickbooks"),
        (contact_active(envelope=envelope(origin=Origin.QUICKBOOKS_IMPORT)), "imported_from_quickbooks"),
        (replace(SALE, quickbooks_invoice_id="145"), "imported_from_quickbooks"),
        (replace(SALE, payment=record("49", status=PaymentStatus.PENDING)), "not_settled"),
        (replace(SALE, payment=record("49", status=PaymentStatus.FAILED)), "not_settled"),
        (replace(SALE, payment=record("49", status=PaymentStatus.UNKNOWN)), "not_settled"),
        (replace(SALE, payment=record("49", status=PaymentStatus.DISPUTED)), None),
        (replace(SALE, payment=record("49", status=PaymentStatus.REFUNDED)), None),
        (replace(SALE, payment=record("49", status=PaymentStatus.PARTIALLY_REFUNDED)), None),
        (replace(SALE, payment=record("0")), "zero_amount"),
        (replace(SALE, payment=record("49", paid_at=PAID_AT - timedelta(days=9))), "paid_before_connection"),
    ],
)
def test_event_is_booked_or_skipped_for_this_cause(event: ContactActive | PaymentCompleted, cause: str | None) -> None:
    skip = why_not_booked(event, sync_from=datetime(2025, 3, 19, tzinfo=UTC))
    assert (skip.cause if skip else None) == cause
    assert skip is None or skip.message


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        ("1.00", ["1", "1", "1"], ["0.34", "0.33", "0.33"]),
        ("-0.05", ["1", "1"], ["-0.03", "-0.02"]),
        ("-10.90", ["59.97", "49.00"], ["-6.00", "-4.90"]),
        ("0.01", ["0", "5"], ["0", "0.01"]),
        ("100", ["300", "-100"], ["150", "-50"]),
        ("0", ["0", "0"], ["0", "0"]),
    ],
)
def test_allocation_by_largest_remainder(total: str, weights: list[str], parts: list[str]) -> None:
    assert allocate(Decimal(total), [Decimal(one) for one in weights]) == [Decimal(one) for one in parts]


def test_parts_that_cancel_out_scale_to_their_first() -> None:
    parts = [Decimal(5), Decimal(-5)]
    assert scaled(parts, Decimal(0), Decimal("0.01")) == parts
    assert scaled(parts, Decimal(3), Decimal("0.01")) == [Decimal(3), Decimal(0)]


@pytest.mark.parametrize(("total", "weights"), [("1", ["0"]), ("1", []), ("1.001", ["1"]), ("1", ["NaN"])])
def test_allocation_that_is_undefined_raises(total: str, weights: list[str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (each input says it in its own words)
        allocate(Decimal(total), [Decimal(one) for one in weights])


@pytest.mark.parametrize(("currency", "unit"), [("USD", "0.01"), ("JPY", "1"), ("KWD", "0.01")])
def test_minor_unit_is_what_quickbooks_can_hold(currency: str, unit: str) -> None:
    assert minor_unit(currency) == Decimal(unit)


@pytest.mark.parametrize(("amount", "rounded"), [("1.005", "1.01"), ("-1.005", "-1.01"), ("1.0049", "1.00")])
def test_half_a_cent_is_rounded_away_from_zero(amount: str, rounded: str) -> None:
    assert round_half_up(Decimal(amount)) == Decimal(rounded)


@pytest.mark.parametrize(
    ("amount", "quantity", "price"),
    [("59.97", "3", "19.99"), ("1861.08", "128.350", "14.5"), ("10.00", "3", "3.333"), ("1", "0", None)],
)
def test_unit_price_is_the_shortest_that_fits(amount: str, quantity: str, price: str | None) -> None:
    assert unit_price(Decimal(amount), Decimal(quantity)) == (None if price is None else Decimal(price))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+1 214 559 6993", "(214) 559-6993", True),
        ("+447700900123", "07700 900123", True),
        ("0012145596993", "+12145596993", True),
        ("+12145596993", "+12145596994", False),
        ("110", "2110", False),
        (None, "", True),
        (None, "2145596993", False),
    ],
)
def test_phones_are_compared_by_their_digits(one: str | None, other: str | None, same: bool) -> None:
    assert same_phone(one, other) is same


def test_text_and_countries_are_compared_by_what_they_mean() -> None:
    assert same_text(" Zoe\u0308  REED", "zoë reed")
    assert same_country("USA", "us")
    assert not same_country("USA", "UK")
    assert [country_code(one) for one in ("GBR", "United Kingdom", "fr", "Utopia", None)] == [
        "GB",
        "GB",
        "FR",
        "Utopia",
        "",
    ]


def test_text_is_cleaned_of_what_breaks_a_request() -> None:
    assert clean_lines(" a\r\nb\u0000\td \ud800", 99) == "a\nb  d"
    assert clean("a\r\nb\t c", 99) == "a b c"
    assert (clean("abc def", 4), short("abc", 3)) == ("abc", "abc")
    assert len(short("x" * 40, 21)) == 21
