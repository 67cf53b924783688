"""What QuickBooks says of a company, and the defaults that it proposes (docs/books.md, section 10)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from mapping.company import Company, TaxCode
from mapping.to_qbo.text import country_code

Object = Mapping[str, Any]

_DEFAULT_ITEM_NAMES = ("services", "sales")
_INCOME_SUBTYPES = ("SalesOfProductIncome", "ServiceFeeIncome")
# What companies call the code that says "no tax at all", best first. Exempt supplies stand in a tax return.
_NO_TAX_NAMES = (
    "no vat",
    "out of scope",
    "no tax",
    "no gst",
    "bas excluded",
    "not applicable",
    "non-taxable",
    "exempt",
)


def company_from_quickbooks(
    *,
    company_info: Object,
    preferences: Object,
    tax_codes: Sequence[Object],
    tax_rates: Sequence[Object],
    accounts: Sequence[Object],
    items: Sequence[Object],
) -> Company:
    """Return the company with its proposed defaults, from the JSON of the objects and lists of these names."""
    currencies = preferences.get("CurrencyPrefs") or {}
    codes = tuple(_tax_code(code, _rates_by_id(tax_rates)) for code in tax_codes)
    closed = (preferences.get("AccountingInfoPrefs") or {}).get("BookCloseDate")
    return Company(
        country=country_code(company_info.get("Country")),
        name=company_info.get("CompanyName") or "",
        home_currency=(currencies.get("HomeCurrency") or {}).get("value") or "USD",
        multi_currency=bool(currencies.get("MultiCurrencyEnabled")),
        using_sales_tax=bool((preferences.get("TaxPrefs") or {}).get("UsingSalesTax")),
        custom_txn_numbers=bool((preferences.get("SalesFormsPrefs") or {}).get("CustomTxnNumbers")),
        time_zone=company_info.get("DefaultTimeZone"),
        tax_codes=codes,
        no_tax_code_id=_no_tax_code(codes),
        default_item_id=_default_item(items),
        income_account_id=_income_account(accounts),
        books_closed_until=date.fromisoformat(closed) if closed else None,
    )


def findings(company: Company) -> tuple[str, ...]:
    """Return what a person should know of this company before its books are kept, a sentence each."""
    return (
        f"{company.name}: a company in {company.country} with the home currency {company.home_currency}.",
        _currencies_found(company),
        _numbers_found(company),
        _tax_found(company),
        *_codes_found(company),
        *_defaults_found(company),
    )


def _tax_code(code: Object, rates: Mapping[str, Decimal]) -> TaxCode:
    details = (code.get("SalesTaxRateList") or {}).get("TaxRateDetail") or ()
    ids = tuple(str(detail["TaxRateRef"]["value"]) for detail in details)
    known = tuple(rate_id for rate_id in ids if rate_id in rates)
    return TaxCode(
        id=str(code["Id"]),
        name=code["Name"],
        rates=tuple(rates[rate_id] for rate_id in known),
        rate_ids=known,
        # A code with a rate that is not listed cannot be computed with, so that it is not proposed either.
        active=bool(code.get("Active", True)) and known == ids,
        taxable=bool(code.get("Taxable", True)),
    )


def _rates_by_id(tax_rates: Iterable[Object]) -> Mapping[str, Decimal]:
    return {str(rate["Id"]): Decimal(str(rate["RateValue"])) for rate in tax_rates if "RateValue" in rate}


def _no_tax_code(codes: Sequence[TaxCode]) -> str | None:
    free = [code for code in codes if code.active and not any(code.rates)]
    named = ((name, code) for name in _NO_TAX_NAMES for code in free if name in code.name.casefold())
    return next((code.id for _, code in named), None)


def _default_item(items: Sequence[Object]) -> str | None:
    services = [item for item in items if item.get("Type") == "Service" and item.get("Active", True)]
    named = {str(item["Name"]).casefold(): str(item["Id"]) for item in reversed(services)}
    return next((named[name] for name in _DEFAULT_ITEM_NAMES if name in named), None)


def _income_account(accounts: Sequence[Object]) -> str | None:
    """The first income account of the best subtype; the lists' order decides between equals."""
    income = [one for one in accounts if one.get("AccountType") == "Income" and one.get("Active", True)]
    by_subtype = {str(one.get("AccountSubType")): str(one["Id"]) for one in reversed(income)}
    preferred = [by_subtype[subtype] for subtype in _INCOME_SUBTYPES if subtype in by_subtype]
    return next(iter([*preferred, *(str(one["Id"]) for one in income)]), None)


def _currencies_found(company: Company) -> str:
    if company.multi_currency:
        return "Multi-currency is on: every document names its currency."
    return f"Multi-currency is off: documents in another currency than {company.home_currency} need attention."


def _numbers_found(company: Company) -> str:
    if company.custom_txn_numbers:
        return "Custom transaction numbers are on: receipts carry the CRM's receipt number."
    return "Custom transaction numbers are off: QuickBooks numbers the receipts."


def _tax_found(company: Company) -> str:
    if company.shows_tax:
        return "Sales tax is in use: each line carries one of the company's tax codes."
    if company.using_sales_tax:
        return (
            "Sales tax is in use, and tax and discounts are folded into the item prices: every line is sent as "
            "non-taxable, so QuickBooks' sales tax reports do not show what the CRM collected; the memo does."
        )
    return "Sales tax is not in use: tax and discounts are folded into the item prices."


def _codes_found(company: Company) -> Iterable[str]:
    if not company.shows_tax:
        return
    for code in company.tax_codes:
        if code.active:
            yield f"Tax code {code.name}: {' + '.join(f'{rate.normalize():f} %' for rate in code.rates) or 'no rate'}."
    if company.no_tax_code_id is None:
        yield "No tax code for lines without tax (No VAT, Out of Scope) was found: make one in QuickBooks."


def _defaults_found(company: Company) -> Iterable[str]:
    if company.default_item_id is None:
        yield "No service item named Services or Sales was found: one named Sales is made on first use."
    if company.income_account_id is None:
        yield "No income account was found: items cannot be made. Make an account of type Income."
    if company.books_closed_until is not None:
        yield f"The books are closed until {company.books_closed_until}: what is dated earlier needs attention."
