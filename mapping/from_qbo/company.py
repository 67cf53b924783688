"""What QuickBooks says of a company, and the defaults that it proposes (docs/books.md, section 10)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from mapping.company import Company, TaxCode
from mapping.settings import ClosedBooks, UsTax
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
    forms = preferences.get("SalesFormsPrefs") or {}
    closed = (preferences.get("AccountingInfoPrefs") or {}).get("BookCloseDate")
    return Company(
        country=country_code(company_info.get("Country")),
        name=company_info.get("CompanyName") or "",
        home_currency=(currencies.get("HomeCurrency") or {}).get("value") or "USD",
        multi_currency=bool(currencies.get("MultiCurrencyEnabled")),
        using_sales_tax=bool((preferences.get("TaxPrefs") or {}).get("UsingSalesTax")),
        custom_txn_numbers=bool(forms.get("CustomTxnNumbers")),
        allow_discount=bool(forms.get("AllowDiscount")),
        auto_apply_credit=bool(forms.get("AutoApplyCredit") or forms.get("AutoApplyPayments")),
        default_terms_id=(forms.get("DefaultTerms") or {}).get("value"),
        time_zone=company_info.get("DefaultTimeZone"),
        tax_codes=codes,
        no_tax_code_id=_no_tax_code(codes),
        default_item_id=_default_item(items),
        income_account_id=_income_account(accounts),
        undeposited_funds_id=_undeposited_funds(accounts),
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
        _discounts_found(company),
        _terms_found(company),
        *_credits_found(company),
        *_defaults_found(company),
        *_settings_found(company),
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


def _undeposited_funds(accounts: Sequence[Object]) -> str | None:
    """QuickBooks makes it by itself and knows it by its subtype, whatever it is called."""
    active = (one for one in accounts if one.get("Active", True))
    return next((str(one["Id"]) for one in active if one.get("AccountSubType") == "UndepositedFunds"), None)


def _currencies_found(company: Company) -> str:
    if company.multi_currency:
        return "Multi-currency is on: every document names its currency."
    return f"Multi-currency is off: documents in another currency than {company.home_currency} need attention."


def _numbers_found(company: Company) -> str:
    if company.custom_txn_numbers:
        return "Custom transaction numbers are on: invoices and receipts carry the CRM's numbers."
    return (
        "Custom transaction numbers are off: QuickBooks numbers the receipts; invoices carry the CRM's number, "
        "and it is checked that QuickBooks kept it."
    )


def _tax_found(company: Company) -> str:
    if company.shows_tax:
        return "Sales tax is in use: each line carries one of the company's tax codes."
    if company.bills_us_tax:
        return (
            "Sales tax is in use and shown as billed: tax as a total, lines as taxable or not; whether QuickBooks "
            "kept the CRM's tax is checked on every document."
        )
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


def _discounts_found(company: Company) -> str:
    folded = not company.shows_tax and not company.bills_us_tax
    if folded:
        return "Discounts are in the item prices."
    if company.allow_discount:
        return "Discount lines are allowed: a discount on the whole document is a line of its own where it can be."
    return "Discount lines are switched off in QuickBooks: discounts are taken off the lines and named there."


def _terms_found(company: Company) -> str:
    if company.default_terms_id is not None:
        return "Due dates are the CRM's; an invoice without one gets the company's default terms."
    return "Due dates are the CRM's; an invoice without one is due by QuickBooks' own rule."


def _credits_found(company: Company) -> Iterable[str]:
    if company.auto_apply_credit:
        yield (
            "QuickBooks applies credits to new invoices by itself: an invoice can be paid there before the CRM says "
            "so. Payments that then do not fit need attention."
        )


def _defaults_found(company: Company) -> Iterable[str]:
    settings = company.settings
    if company.default_item_id is None and settings.default_item_id is None:
        yield "No service item named Services or Sales was found: one named Services is made on first use."
    if company.income_account_id is None and settings.income_account_id is None:
        yield "No income account was found: items cannot be made. Make an account of type Income."
    if company.undeposited_funds_id is None and settings.deposit_account_id is None:
        yield "No account Undeposited Funds was found: refunds cannot be booked until a deposit account is set."
    if company.time_zone is None and settings.time_zone is None:
        yield "QuickBooks names no time zone: days of refunds without a date are UTC until one is set."
    if company.books_closed_until is not None:
        moved = settings.closed_books is ClosedBooks.FIRST_OPEN_DAY
        what = "is booked on the first open day" if moved else "needs attention"
        yield f"The books are closed until {company.books_closed_until}: what is dated earlier {what}."


def _settings_found(company: Company) -> Iterable[str]:
    """What was set and does not fit what QuickBooks has."""
    settings, codes = company.settings, {code.id for code in company.tax_codes if code.active}
    for rates, code in sorted(settings.tax_codes.items()):
        if code not in codes:
            yield f"The settings name tax code {code} for {rates} %, and the company has no such code in use."
    if settings.us_tax is UsTax.AS_BILLED and not company.bills_us_tax:
        yield "Tax as billed is set, and this is no US company with sales tax in use: the setting does nothing."
