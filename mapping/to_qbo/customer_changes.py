"""What of a customer in the books has to change for what the CRM knows (books, sections 2 and 8)."""

from collections.abc import Mapping
from typing import Any

from mapping.to_qbo.customer import (
    ADDRESS,
    ADDRESS_LENGTHS,
    NAME,
    display_name,
    email_keys,
    emails_of,
    facts_of,
    is_named,
    name_of,
    with_suffix,
)
from mapping.to_qbo.text import clean, clean_name, same_country, same_phone, same_text
from schemas.events.crm import Party

# A name that is taken this often is a person's to decide.
_ATTEMPTS = 5
#: A number is known wherever it stands.
_PHONES = ("PrimaryPhone", "Mobile", "AlternatePhone")
_OWN_NAMES = ("GivenName", "FamilyName")
#: QuickBooks keeps up to five lines; what follows the first is the CRM's second.
_FURTHER_LINES = ("Line2", "Line3", "Line4", "Line5")

Customer = Mapping[str, Any]


def customer_changes(
    party: Party,
    *,
    current: Customer,
    last_sent: Mapping[str, Any] | None,
    made_by_us: bool,
    foreign: str | None = None,
    crm_wins: bool = False,
) -> dict[str, Any] | None:
    """Return the fields to write, None when nothing differs that is ours to write.

    What the CRM does not know is never blanked, and what it said before is no news. A field that a person changed
    since it was sent stays theirs, unless `crm_wins` (the settings, for contacts) and the CRM changed it too. Only a
    customer that the bridge made is renamed, and then only while it has the name it was given. `foreign` as for
    `display_name`.
    """
    sent = last_sent or {}
    wanted = facts_of(party)
    if not made_by_us:
        wanted = {name: value for name, value in wanted.items() if name not in _repeating_the_name(party, current)}
    if made_by_us and sent.get("DisplayName") == current.get("DisplayName") and _renamed(party, current, foreign):
        wanted["DisplayName"] = display_name(party, foreign)
    changes = {
        name: value
        for name, value in wanted.items()
        if not says(current, name, value)
        and (
            _ours(name, value, current, sent, made_by_us=made_by_us)
            or (crm_wins and _may_win(name, value, current, sent))
        )
    }
    if "BillAddr" in changes:
        changes["BillAddr"] = _completed(changes["BillAddr"], current.get("BillAddr") or {})
    return changes or None


def says(customer: Customer, name: str, wanted: Any) -> bool:
    """Whether the customer says what is wanted of a field, or more. What stands there is cleaned as ours is."""
    there = customer.get(name)
    match name:
        case "PrimaryEmailAddr":
            # A list that holds ours already is not shrunk to ours alone.
            address = str((there or {}).get("Address") or "")
            return set(email_keys(wanted["Address"])) <= {
                *emails_of(customer),
                *email_keys(clean(address, len(address))),
            }
        case "PrimaryPhone":
            numbers = ((customer.get(one) or {}).get("FreeFormNumber") for one in _PHONES)
            return any(same_phone(wanted["FreeFormNumber"], number) for number in numbers if number)
        case "BillAddr":
            return all(_says_part(there or {}, part, value) for part, value in wanted.items())
    return same_text(wanted, clean_name(None if there is None else str(there), NAME))


def says_all(customer: Customer, party: Party) -> bool:
    """Whether the customer has the contact's name and says everything else that the CRM knows of it."""
    news = {name for name, value in facts_of(party).items() if not says(customer, name, value)}
    return is_named(customer, party) and news <= _repeating_the_name(party, customer)


def agreed(party: Party, current: Customer) -> dict[str, Any]:
    """Return the fields in which QuickBooks says what the CRM says.

    They are remembered like what was sent: if a person changes one of them later, it stays theirs.
    """
    return {name: value for name, value in facts_of(party).items() if says(current, name, value)}


def sent_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is remembered as last sent: every field but QuickBooks' own bookkeeping."""
    return {name: value for name, value in body.items() if name not in {"Id", "SyncToken", "sparse", "Active"}}


def _repeating_the_name(party: Party, customer: Customer) -> frozenset[str]:
    """Return the name fields that stand empty in QuickBooks and would only repeat the customer's display name.

    A CRM whose contacts must have a first and a last name makes them of the one name that it was told.
    """
    facts, name = facts_of(party), clean_name(name_of(customer), NAME)
    own = [one for one in _OWN_NAMES if one in facts]
    repeating = set(own) if same_text(" ".join(facts[one] for one in own), name) else set()
    if any(customer.get(one) for one in _OWN_NAMES):
        repeating.clear()
    if same_text(facts.get("CompanyName"), name) and not customer.get("CompanyName"):
        repeating.add("CompanyName")
    return frozenset(repeating)


def _renamed(party: Party, current: Customer, foreign: str | None) -> bool:
    """A suffix that a clash made is kept while the name before it is the same."""
    plain = {"DisplayName": display_name(party, foreign)}
    suffixed = (with_suffix(plain, party.contact_id, attempt) for attempt in range(1, _ATTEMPTS + 1))
    return not any(same_text(one["DisplayName"], current["DisplayName"]) for one in (plain, *suffixed))


def _ours(name: str, wanted: Any, current: Customer, sent: Mapping[str, Any], *, made_by_us: bool) -> bool:
    """Still as it was sent, or empty and news; of a customer that was found, also what was never sent."""
    if _is_list(name, current):
        return False
    if not current.get(name):
        # Whoever emptied a field meant it, until the CRM says something else.
        return name not in sent or not _same(name, wanted, sent[name])
    return _same(name, sent[name], current[name]) if name in sent else not made_by_us


def _may_win(name: str, wanted: Any, current: Customer, sent: Mapping[str, Any]) -> bool:
    return not _is_list(name, current) and not (name in sent and _same(name, wanted, sent[name]))


def _same(name: str, wanted: Any, other: Any) -> bool:
    return says({name: other}, name, wanted)


def _is_list(name: str, current: Customer) -> bool:
    """A list of addresses is never shrunk."""
    return name == "PrimaryEmailAddr" and len(emails_of(current)) > 1


def _completed(address: Mapping[str, str], there: Mapping[str, Any]) -> dict[str, str]:
    """Return the address with the parts that the CRM does not know, unless it is another street: none is blanked."""
    if not same_text(address.get("Line1", there.get("Line1")), there.get("Line1")):
        return dict(address)
    return {**{part: there[part] for part in ADDRESS.values() if there.get(part)}, **address}


def _says_part(there: Mapping[str, Any], part: str, wanted: str) -> bool:
    if part == "Country":
        return same_country(wanted, there.get(part))
    shown = [str(there[line]) for line in _FURTHER_LINES if there.get(line)] if part == "Line2" else []
    texts = (there.get(part), ", ".join(one.strip() for one in shown))
    return any(same_text(wanted, clean(str(text or ""), ADDRESS_LENGTHS[part])) for text in texts)
