"""A contact as a QuickBooks customer (books, sections 2 and 8)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mapping.company import Company
from mapping.to_qbo.currency import check_currency, currency_ref
from mapping.to_qbo.text import clean, clean_lines, clean_name, is_email, same_country, same_phone, same_text, short
from schemas.events.common import Address
from schemas.events.crm import Party

_NAME, _PHONE, _NOTES = 100, 30, 2000
# A name that is taken this often is a person's to decide.
_ATTEMPTS = 5
_ADDRESS = {"line1": "Line1", "line2": "Line2", "city": "City", "region": "CountrySubDivisionCode",
            "postal_code": "PostalCode", "country_code": "Country"}  # fmt: skip
_ADDRESS_LENGTHS = {"Line1": 500, "Line2": 500, "City": 255, "PostalCode": 30, "CountrySubDivisionCode": 255,
                    "Country": 255}  # fmt: skip
_DELETED = " (deleted)"

Same = Callable[[object, object], bool]


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
    return f"{_plain_name(party, _NAME - len(suffix))}{suffix}"


def foreign_currency(currency: str, company: Company) -> str | None:
    """Return the currency where its documents need a customer of their own; a customer's currency is fixed."""
    return None if currency == company.home_currency else currency


def new_customer(party: Party, *, company: Company, currency: str | None = None) -> dict[str, Any]:
    """Return the body that creates the customer, for documents in `currency` (the company's own by default).

    Raises CannotBook `foreign_currency` where the company has one currency alone.
    """
    currency = currency or company.home_currency
    check_currency(currency, company, what="customer")
    body = {"DisplayName": display_name(party, foreign_currency(currency, company)), **_facts(party)}
    if party.display_name and clean_name(party.display_name, _NAME) != party.display_name.strip():
        body["Notes"] = clean_lines(f"Name in the CRM: {party.display_name}", _NOTES)
    return {**body, **currency_ref(currency, company)}


def with_suffix(body: Mapping[str, Any], contact_id: str, attempt: int) -> dict[str, Any]:
    """Return the body under another name, the same for the same contact: the first is taken (6240)."""
    identity = clean_name(contact_id, 24)
    suffix = f" ({identity})" if attempt == 1 else f" ({identity} {attempt})"
    name = str(body["DisplayName"])[: _NAME - len(suffix)].strip()
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
    there = [
        c for c in candidates if company is None or _currency_of(c, company) == (currency or company.home_currency)
    ]
    fitting = [c for c in there if keys & set(_emails(c))] if keys else _named(there, party, foreign)
    if not fitting:
        return None
    unique = list({str(c["Id"]): c for c in fitting}.values())
    best = min(unique, key=lambda c: _rank(c, party, foreign))
    by = "e-mail" if keys else "name"
    return Choice(best, f"{by}, one of {len(unique)}" if len(unique) > 1 else by)


def _currency_of(customer: Mapping[str, Any], company: Company) -> str:
    return str((customer.get("CurrencyRef") or {}).get("value") or company.home_currency)


def _rank(customer: Mapping[str, Any], party: Party, foreign: str | None) -> tuple[bool, bool, bool, bool, str, int]:
    """The one the CRM was told of first; active before inactive, without a parent before jobs, same name, oldest."""
    created = str((customer.get("MetaData") or {}).get("CreateTime", ""))
    return (
        str(customer["Id"]) != party.quickbooks_customer_id,
        not customer.get("Active", True),
        bool(customer.get("ParentRef") or customer.get("Job")),
        not same_text(_bare(customer), display_name(party, foreign)),
        _instant(created),
        int(customer["Id"]) if str(customer["Id"]).isdigit() else 0,
    )


def _instant(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).timestamp():020.3f}"
    except ValueError:
        return text


def _named(candidates: Sequence[Mapping[str, Any]], party: Party, foreign: str | None) -> list[Mapping[str, Any]]:
    return [c for c in candidates if same_text(_bare(c), display_name(party, foreign))]


def _bare(customer: Mapping[str, Any]) -> str:
    return str(customer.get("DisplayName", "")).removesuffix(_DELETED)


def _emails(customer: Mapping[str, Any]) -> tuple[str, ...]:
    return email_keys((customer.get("PrimaryEmailAddr") or {}).get("Address"))


def customer_changes(
    party: Party,
    *,
    current: Mapping[str, Any],
    last_sent: Mapping[str, Any] | None,
    made_by_us: bool,
    foreign: str | None = None,
    crm_wins: bool = False,
) -> dict[str, Any] | None:
    """Return the fields to write, None when nothing differs that is ours to write.

    What the CRM does not know is never blanked. A field that a person changed since it was sent stays theirs,
    unless `crm_wins` (the settings, for contacts) and the CRM changed it too. Only a customer that the bridge made
    is renamed, and then only while it has the name it was given. `foreign` as for `display_name`.
    """
    sent = last_sent or {}
    wanted = _facts(party)
    if made_by_us and sent.get("DisplayName") == current.get("DisplayName") and _renamed(party, current, foreign):
        wanted["DisplayName"] = display_name(party, foreign)
    changes = {
        name: value
        for name, value in wanted.items()
        if not _equal(name, value, current.get(name))
        and (_ours(name, current, sent, made_by_us=made_by_us) or (crm_wins and _may_win(name, value, current, sent)))
    }
    if "BillAddr" in changes:
        changes["BillAddr"] = _completed(changes["BillAddr"], current.get("BillAddr") or {})
    return changes or None


def _renamed(party: Party, current: Mapping[str, Any], foreign: str | None) -> bool:
    """A suffix that a clash made is kept while the name before it is the same."""
    plain = {"DisplayName": display_name(party, foreign)}
    suffixed = (with_suffix(plain, party.contact_id, attempt) for attempt in range(1, _ATTEMPTS + 1))
    return not any(same_text(one["DisplayName"], current["DisplayName"]) for one in (plain, *suffixed))


def _ours(name: str, current: Mapping[str, Any], sent: Mapping[str, Any], *, made_by_us: bool) -> bool:
    """Empty, or still as it was sent; of a customer that was found, also what was never sent."""
    if _is_list(name, current):
        return False
    if not current.get(name):
        return True
    return _equal(name, sent[name], current.get(name)) if name in sent else not made_by_us


def _may_win(name: str, wanted: Any, current: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    return not _is_list(name, current) and not (name in sent and _equal(name, wanted, sent[name]))


def _is_list(name: str, current: Mapping[str, Any]) -> bool:
    """A list of addresses is never shrunk."""
    return name == "PrimaryEmailAddr" and len(_emails(current)) > 1


def _completed(address: Mapping[str, str], there: Mapping[str, Any]) -> dict[str, str]:
    """Return the address with the parts that the CRM does not know, unless it is another street: none is blanked."""
    if not same_text(address.get("Line1", there.get("Line1")), there.get("Line1")):
        return dict(address)
    return {**{part: there[part] for part in _ADDRESS.values() if there.get(part)}, **address}


def _equal(name: str, wanted: Any, current: Any) -> bool:
    if name == "PrimaryEmailAddr":
        # A list that holds ours already is not shrunk to ours alone.
        return set(email_keys(wanted["Address"])) <= set(email_keys((current or {}).get("Address")))
    if name == "PrimaryPhone":
        return same_phone(wanted["FreeFormNumber"], (current or {}).get("FreeFormNumber"))
    if name == "BillAddr":
        there = current or {}
        return all(_same(part)(value, there.get(part)) for part, value in wanted.items())
    return same_text(wanted, current)


def _same(part: str) -> Same:
    return same_country if part == "Country" else same_text


def agreed(party: Party, current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields in which QuickBooks says what the CRM says.

    They are remembered like what was sent: if a person changes one of them later, it stays theirs.
    """
    return {name: value for name, value in _facts(party).items() if _equal(name, value, current.get(name))}


def sent_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is remembered as last sent: every field but QuickBooks' own bookkeeping."""
    return {name: value for name, value in body.items() if name not in {"Id", "SyncToken", "sparse", "Active"}}


def _plain_name(party: Party, length: int) -> str:
    parts = " ".join(part for part in (party.first_name, party.last_name) if part)
    for candidate in (party.display_name, parts, party.company_name, party.email, party.phone):
        if name := clean_name(candidate, length):
            return name
    return f"Contact {short(clean_name(party.contact_id, _NAME) or '?', length - 8)}"


def _facts(party: Party) -> dict[str, Any]:
    """Return what the CRM knows of the party, as QuickBooks' fields; what it does not know is absent."""
    facts: dict[str, Any] = {
        "GivenName": clean_name(party.first_name, _NAME),
        "FamilyName": clean_name(party.last_name, _NAME),
        "CompanyName": clean_name(party.company_name, _NAME),
    }
    if email := _address_of(party.email):
        facts["PrimaryEmailAddr"] = {"Address": email}
    if phone := clean(party.phone, _PHONE):
        facts["PrimaryPhone"] = {"FreeFormNumber": phone}
    if party.address and (address := _address(party.address)):
        facts["BillAddr"] = address
    return {name: value for name, value in facts.items() if value}


def _address_of(email: str | None) -> str | None:
    """Return the first address that QuickBooks would take; of several it takes one (facts on customers)."""
    parts = (clean(part, len(part)) for part in (email or "").split(","))
    return next((part for part in parts if is_email(part)), None)


def _address(address: Address) -> dict[str, str]:
    parts = {qbo: clean(getattr(address, ours), _ADDRESS_LENGTHS[qbo]) for ours, qbo in _ADDRESS.items()}
    return {name: value for name, value in parts.items() if value}
