"""A QuickBooks customer as the CRM is told of it (`qb.customer.changed`).

What an event carries of a customer is kept as plain JSON, so that a later reading can be held against it: whatever
an event does not carry (a balance, a note, a print name) is no change.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from mapping.from_qbo.text import printable
from mapping.to_qbo.text import DELETED, country_code
from schemas.events.common import Address
from schemas.events.quickbooks import Customer

#: The SyncToken of what was made and not changed since.
_UNCHANGED = "0"

#: Which of QuickBooks' properties each field of the event comes from.
_SOURCES = {
    "display_name": "DisplayName",
    "given_name": "GivenName",
    "family_name": "FamilyName",
    "company_name": "CompanyName",
    "email": "PrimaryEmailAddr",
    "phone": "PrimaryPhone",
    "mobile": "Mobile",
    "address": "BillAddr",
    "currency": "CurrencyRef",
    "active": "Active",
}
_WITHIN = {"PrimaryEmailAddr": "Address", "PrimaryPhone": "FreeFormNumber", "Mobile": "FreeFormNumber",
           "CurrencyRef": "value"}  # fmt: skip
_FURTHER_LINES = ("Line2", "Line3", "Line4", "Line5")

#: A customer's fields as an event carries them, JSON-able.
Fields = Mapping[str, Any]


def known_fields(customer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event would say of this customer, field by field."""
    return {field: _field(name, customer) for field, name in _SOURCES.items()}


def made_fields(body: Mapping[str, Any], customer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a customer that a write of `body` made and that QuickBooks shows like this now.

    One that was found again after its answer was lost may have been changed by others since.
    """
    if str(customer.get("SyncToken") or _UNCHANGED) == _UNCHANGED:
        return known_fields(customer)
    return {**known_fields(body), "currency": _field(_SOURCES["currency"], customer)}


def written_fields(body: Mapping[str, Any], customer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a write of `body` is about, as QuickBooks shows them in `customer` now."""
    return {field: _field(name, customer) for field, name in _SOURCES.items() if name in body}


def fields_of(body: Mapping[str, Any]) -> frozenset[str]:
    """Return which fields of an event a write of `body` may change."""
    return frozenset(field for field, name in _SOURCES.items() if name in body)


def customer_of(customer: Mapping[str, Any], crm_contact_id: str | None) -> Customer:
    """Return the customer as an event carries it."""
    return customer_from(str(customer["Id"]), known_fields(customer), crm_contact_id)


def customer_from(customer_id: str, fields: Fields, crm_contact_id: str | None) -> Customer:
    """Return the customer that was kept as fields."""
    address = fields["address"]
    plain = {name: value for name, value in fields.items() if name != "address"}
    return Customer(
        customer_id=customer_id,
        crm_contact_id=crm_contact_id,
        address=Address(**address) if address else None,
        **plain,
    )


def last_updated(thing: Mapping[str, Any]) -> datetime:
    """Return MetaData.LastUpdatedTime; the epoch where QuickBooks gives none, as for what was never changed."""
    return _moment(thing, "LastUpdatedTime")


def created(thing: Mapping[str, Any]) -> datetime:
    return _moment(thing, "CreateTime")


def top_of(customer_id: str, parents: Mapping[str, str]) -> str:
    """Return the top-level customer over this one, by each customer's parent. A circle ends where it closes."""
    seen = {customer_id}
    while (above := parents.get(customer_id)) is not None and above not in seen:
        seen.add(above)
        customer_id = above
    return customer_id


def _field(name: str, customer: Mapping[str, Any]) -> Any:
    value = customer.get(name)
    match name:
        case "Active":
            return value is not False
        case "DisplayName":
            return _text(value) if customer.get("Active") is not False else _text(value).removesuffix(DELETED)
        case "BillAddr":
            return _address(value or {})
        case _ if name in _WITHIN:
            value = (value or {}).get(_WITHIN[name])
    return _text(value) or None


def _address(address: Mapping[str, Any]) -> dict[str, str | None] | None:
    shown = {
        "line1": _text(address.get("Line1")),
        "line2": _joined(address.get(name) for name in _FURTHER_LINES),
        "city": _text(address.get("City")),
        "region": _text(address.get("CountrySubDivisionCode")),
        "postal_code": _text(address.get("PostalCode")),
        "country_code": country_code(_text(address.get("Country"))),
    }
    return {name: value or None for name, value in shown.items()} if any(shown.values()) else None


def _joined(lines: Iterable[object]) -> str:
    return ", ".join(text for text in map(_text, lines) if text)


def _text(value: object) -> str:
    return printable(value)


def _moment(thing: Mapping[str, Any], name: str) -> datetime:
    text = (thing.get("MetaData") or {}).get(name)
    return datetime.fromisoformat(str(text)) if text else datetime(1970, 1, 1, tzinfo=UTC)
