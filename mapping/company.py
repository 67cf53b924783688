"""What translation needs to know of a QuickBooks company: its facts, its defaults and the connection's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from mapping.settings import Settings, UsTax, settings_from_json, settings_to_json


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
    undeposited_funds_id: str | None = None
    #: Whether a document may have a discount line.
    allow_discount: bool = False
    #: Whether QuickBooks spends a customer's credits on new invoices by itself.
    auto_apply_credit: bool = False
    default_terms_id: str | None = None
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

    @property
    def bills_us_tax(self) -> bool:
        """Whether a US company shows tax as tax; QuickBooks drops it where sales tax is not in use."""
        return self.is_us and self.using_sales_tax and self.settings.us_tax is UsTax.AS_BILLED

    @property
    def zone(self) -> str | None:
        """The connection's time zone (IANA), where one is known."""
        return self.settings.time_zone or self.time_zone


_PLAIN = (
    *("country", "name", "home_currency", "multi_currency", "using_sales_tax", "custom_txn_numbers", "time_zone"),
    *("no_tax_code_id", "default_item_id", "income_account_id", "undeposited_funds_id", "allow_discount"),
    *("auto_apply_credit", "default_terms_id"),
)


def to_json(company: Company) -> dict[str, Any]:
    """Return JSON that `from_json` turns back into an equal company."""
    closed = company.books_closed_until
    return {
        **{name: getattr(company, name) for name in _PLAIN},
        "tax_codes": [_code_to_json(code) for code in company.tax_codes],
        "books_closed_until": closed.isoformat() if closed else None,
        "settings": settings_to_json(company.settings),
    }


def from_json(stored: Mapping[str, Any]) -> Company:
    """Read what was stored, by this version or an earlier one: what is missing takes its default."""
    closed = stored.get("books_closed_until")
    return Company(
        **{name: stored[name] for name in _PLAIN if name in stored},
        tax_codes=tuple(_code_from_json(code) for code in stored.get("tax_codes", ())),
        books_closed_until=date.fromisoformat(closed) if closed else None,
        settings=settings_from_json(stored.get("settings", {})),
    )


def _code_to_json(code: TaxCode) -> dict[str, Any]:
    same = {"id": code.id, "name": code.name, "active": code.active, "taxable": code.taxable}
    return {**same, "rates": [str(rate) for rate in code.rates], "rate_ids": list(code.rate_ids)}


def _code_from_json(stored: Mapping[str, Any]) -> TaxCode:
    rates = tuple(Decimal(rate) for rate in stored["rates"])
    return TaxCode(**{**stored, "rates": rates, "rate_ids": tuple(stored["rate_ids"])})
