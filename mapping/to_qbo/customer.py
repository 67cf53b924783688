"""A contact as a QuickBooks customer: how it is found, and what a new one says (books, section 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mapping.company import Company
from mapping.to_qbo.currency import check_currency, currency_ref
from mapping.to_qbo.text import DELETED, clean, clean_lines, clean_name, is_email, same_text, short
from schemas.events.common import Address
from schemas.events.crm import Party

NAME = 100
_PHONE, _NOTES = 30, 2000
#: The parts of an address, by their names in the CRM's events, and how long each may be.
ADDRESS = {"line1": "Line1", "line2": "Line2", "city": "City", "region": "CountrySubDivisionCode",
            "postal_code": "PostalCode", "country_code": "Country"}  # fmt: skip
ADDRESS_LENGTHS = {"Line1": 500, "Line2": 500, "City": 255, "PostalCode": 30, "CountrySubDivisionCode": 255,
                    "Country": 255}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """The customer that a contact stands for, and why it was this one."""

    customer: Mapping[str, Any]
    reason: str


def email_keys(text: str | None) -> tuple[str, ...]:
    """Return the match keys of an e-mail field: trimmed, case-folded; QuickBooks may hold several with commas."""
    parts = (part.strip().casefold() for part in (text or "").split(","))
    return tuple(dict.fromkeys(part for part in parts if "@" in part))


def display_name(party: Party, foreign: str | None = None) -> str:
    """Return the name a new customer gets: as the CRM shows it, else of its parts, else what identifies it.

    `foreign` is the currency of a customer that is not in the company's own: Anna Berg (EUR).
    """
    suffix = f" ({foreign})" if foreign else ""
    return f"{_plain_name(party, NAME - len(suffix))}{suffix}"


def foreign_currency(currency: str, company: Company) -> str | None:
    """Return the currency where its documents need a customer of their own; a customer's currency is fixed."""
    return None if currency == company.home_currency else currency


def new_customer(party: Party, *, company: Company, currency: str | None = None) -> dict[str, Any]:
    """Return the body that creates the customer, for documents in `currency` (the company's own by default).

    Raises CannotBook `foreign_currency` where the company has one currency alone.
    """
    currency = currency or company.home_currency
    check_currency(currency, company, what="customer")
    body = {"DisplayName": display_name(party, foreign_currency(currency, company)), **facts_of(party)}
    if party.display_name and clean_name(party.display_name, NAME) != party.display_name.strip():
        body["Notes"] = clean_lines(f"Name in the CRM: {party.display_name}", _NOTES)
    return {**body, **currency_ref(currency, company)}


def with_suffix(body: Mapping[str, Any], contact_id: str, attempt: int) -> dict[str, Any]:
    """Return the body under another name, the same for the same contact: the first is taken (6240)."""
    identity = clean_name(contact_id, 24)
    suffix = f" ({identity})" if attempt == 1 else f" ({identity} {attempt})"
    name = str(body["DisplayName"])[: NAME - len(suffix)].strip()
    return {**body, "DisplayName": f"{name}{suffix}"}


def choose_customer(
    candidates: Sequence[Mapping[str, Any]],
    party: Party,
    *,
    company: Company | None = None,
    currency: str | None = None,
) -> Choice | None:
    """Choose among customers with this e-mail (or, without one, this exact name); None when none fits.

    With `company`, only customers in `currency` (the company's own by default) fit: a customer has one for ever.
    """
    keys = set(email_keys(party.email))
    foreign = foreign_currency(currency, company) if company and currency else None
    there = [c for c in candidates if company is None or foreign_currency(currency_of(c, company), company) == foreign]
    fitting = [c for c in there if (keys & set(emails_of(c)) if keys else is_named(c, party, foreign))]
    if not fitting:
        return None
    unique = list({str(c["Id"]): c for c in fitting}.values())
    best = min(unique, key=lambda c: _rank(c, party, foreign))
    by = "e-mail" if keys else "name"
    return Choice(best, f"{by}, one of {len(unique)}" if len(unique) > 1 else by)


def currency_of(customer: Mapping[str, Any], company: Company) -> str:
    return str((customer.get("CurrencyRef") or {}).get("value") or company.home_currency)


def emails_of(customer: Mapping[str, Any]) -> tuple[str, ...]:
    return email_keys((customer.get("PrimaryEmailAddr") or {}).get("Address"))


def is_named(customer: Mapping[str, Any], party: Party, foreign: str | None = None) -> bool:
    """Whether the customer has the contact's name, as the CRM shows it or as it is given to QuickBooks."""
    name = name_of(customer)
    as_given = same_text(clean_name(name, NAME) or name, display_name(party, foreign))
    return as_given or (bool(party.display_name) and same_text(name, party.display_name))


def name_of(customer: Mapping[str, Any]) -> str:
    return str(customer.get("DisplayName", "")).removesuffix(DELETED)


def facts_of(party: Party) -> dict[str, Any]:
    """Return what the CRM knows of the party, as QuickBooks' fields; what it does not know is absent."""
    facts: dict[str, Any] = {
        "GivenName": clean_name(party.first_name, NAME),
        "FamilyName": clean_name(party.last_name, NAME),
        "CompanyName": clean_name(party.company_name, NAME),
    }
    if email := _address_of(party.email):
        facts["PrimaryEmailAddr"] = {"Address": email}
    if phone := clean(party.phone, _PHONE):
        facts["PrimaryPhone"] = {"FreeFormNumber": phone}
    if party.address and (address := _address(party.address)):
        facts["BillAddr"] = address
    return {name: value for name, value in facts.items() if value}


def _rank(customer: Mapping[str, Any], party: Party, foreign: str | None) -> tuple[bool, bool, bool, str, int]:
    """Active before inactive, without a parent before jobs, the same name, the oldest."""
    created = str((customer.get("MetaData") or {}).get("CreateTime", ""))
    return (
        not customer.get("Active", True),
        bool(customer.get("ParentRef") or customer.get("Job")),
        not is_named(customer, party, foreign),
        _instant(created),
        int(customer["Id"]) if str(customer["Id"]).isdigit() else 0,
    )


def _instant(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).timestamp():020.3f}"
    except ValueError:
        return text


def _plain_name(party: Party, length: int) -> str:
    parts = " ".join(part for part in (party.first_name, party.last_name) if part)
    for candidate in (party.display_name, parts, party.company_name, party.email, party.phone):
        if name := clean_name(candidate, length):
            return name
    return f"Contact {short(clean_name(party.contact_id, NAME) or '?', length - 8)}"


def _address_of(email: str | None) -> str | None:
    """Return the first address that QuickBooks would take; of several it takes one (facts on customers)."""
    parts = (clean(part, len(part)) for part in (email or "").split(","))
    return next((part for part in parts if is_email(part)), None)


def _address(address: Address) -> dict[str, str]:
    parts = {qbo: clean(getattr(address, ours), ADDRESS_LENGTHS[qbo]) for ours, qbo in ADDRESS.items()}
    return {name: value for name, value in parts.items() if value}
