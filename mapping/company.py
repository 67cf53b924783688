"""What translation needs to know of a QuickBooks company: its facts, its defaults and the connection's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any


class UsTax(StrEnum):
    """How a US company's books show tax and discounts."""

    #: Both adjust the item prices.
    FOLD = "fold"


class CreateCustomers(StrEnum):
    """What makes a customer."""

    #: Any contact.active.
    ACTIVITY = "activity"
    #: Only money or an invoice.
    TRANSACTIONS = "transactions"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxCode:
    id: str
    name: str
    #: Percentages, in the order of rate_ids.
    rates: tuple[Decimal, ...]
    rate_ids: tuple[str, ...] = ()
    active: bool = True
    taxable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    us_tax: UsTax = UsTax.FOLD
    #: Tax code by set of percentages, ascending ("5+9.975"), where the proposed one is not wanted.
    tax_codes: Mapping[str, str] = field(default_factory=dict)
    default_item_id: str | None = None
    #: None leaves Undeposited Funds to QuickBooks.
    deposit_account_id: str | None = None
    create_customers: CreateCustomers = CreateCustomers.ACTIVITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    #: ISO 3166, two letters.
    country: str
    name: str
    #: ISO 4217.
    home_currency: str
    multi_currency: bool = False
    using_sales_tax: bool = False
    custom_txn_numbers: bool = False
    time_zone: str | None = None
    tax_codes: tuple[TaxCode, ...] = ()
    #: The code of lines that carry no tax at all (No VAT, Out of Scope).
    no_tax_code_id: str | None = None
    default_item_id: str | None = None
    income_account_id: str | None = None
    #: The last day that is closed.
    books_closed_until: date | None = None
    settings: Settings = field(default_factory=Settings)

    @property
    def is_us(self) -> bool:
        return self.country == "US"

    @property
    def shows_tax(self) -> bool:
        """Whether tax stands in the books as tax. A US company folds it into the prices."""
        return not self.is_us and self.using_sales_tax


def to_json(company: Company) -> dict[str, Any]:
    """Return JSON that `from_json` turns back into an equal company."""
    plain = ("country", "name", "home_currency", "multi_currency", "using_sales_tax", "custom_txn_numbers")
    ids = ("time_zone", "no_tax_code_id", "default_item_id", "income_account_id")
    closed = company.books_closed_until
    return {
        **{name: getattr(company, name) for name in (*plain, *ids)},
        "tax_codes": [_code_to_json(code) for code in company.tax_codes],
        "books_closed_until": closed.isoformat() if closed else None,
        "settings": _settings_to_json(company.settings),
    }


def from_json(stored: Mapping[str, Any]) -> Company:
    closed = stored["books_closed_until"]
    parsed = {
        "tax_codes": tuple(_code_from_json(code) for code in stored["tax_codes"]),
        "books_closed_until": date.fromisoformat(closed) if closed else None,
        "settings": _settings_from_json(stored["settings"]),
    }
    return Company(**{**stored, **parsed})


def _code_to_json(code: TaxCode) -> dict[str, Any]:
    same = {"id": code.id, "name": code.name, "active": code.active, "taxable": code.taxable}
    return {**same, "rates": [str(rate) for rate in code.rates], "rate_ids": list(code.rate_ids)}


def _code_from_json(stored: Mapping[str, Any]) -> TaxCode:
    rates = tuple(Decimal(rate) for rate in stored["rates"])
    return TaxCode(**{**stored, "rates": rates, "rate_ids": tuple(stored["rate_ids"])})


def _settings_to_json(settings: Settings) -> dict[str, Any]:
    return {
        "us_tax": settings.us_tax.value,
        "tax_codes": dict(settings.tax_codes),
        "default_item_id": settings.default_item_id,
        "deposit_account_id": settings.deposit_account_id,
        "create_customers": settings.create_customers.value,
    }


def _settings_from_json(stored: Mapping[str, Any]) -> Settings:
    parsed = {
        "us_tax": UsTax(stored["us_tax"]),
        "create_customers": CreateCustomers(stored["create_customers"]),
    }
    return Settings(**{**stored, **parsed})
