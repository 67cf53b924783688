"""Currencies of documents (books, section 2). ExchangeRate is left to QuickBooks."""

from typing import Any

from mapping.company import Company
from mapping.errors import CannotBook


def check_currency(currency: str, company: Company, *, what: str) -> None:
    """Raise CannotBook `foreign_currency` where the books hold the home currency alone."""
    if currency != company.home_currency and not company.multi_currency:
        raise CannotBook(
            "foreign_currency",
            f"The {what} is in {currency} and the books of {company.name} are in {company.home_currency}. "
            "Switch on multi-currency in QuickBooks and run preflight, or book it by hand.",
        )


def currency_ref(currency: str, company: Company) -> dict[str, Any]:
    """Return the field that names the currency; QuickBooks wants it wherever there are several."""
    return {"CurrencyRef": {"value": currency}} if company.multi_currency else {}
