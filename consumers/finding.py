"""Finding the customer that a contact stands for (books, section 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from consumers.intents import CrmRef, Link
from consumers.merged_in_quickbooks import survivor_of
from consumers.merges import CONTACT, surviving_contact, taken_over
from consumers.work import Work
from mapping.to_qbo.customer import (
    Choice,
    choose_customer,
    currency_of,
    display_name,
    email_keys,
    foreign_currency,
)
from mapping.to_qbo.customer_changes import agreed
from qbo_client.query import literal
from schemas.events.crm import Party

#: A link that a payment made knows no version of the contact yet: any contact event is newer.
NO_VERSION = datetime(1970, 1, 1, tzinfo=UTC)
#: How a link came to a customer into which a person merged the contact's own.
MERGED = "merged in QuickBooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose customer is wanted. Its data is written only while it speaks for the contact itself."""

    party: Party
    #: The currency of a customer that is not in the company's own; a customer has one for ever.
    foreign: str | None = None
    #: The CRM merged the contact that the document names into this one: it only refers.
    refers: bool = False

    @property
    def ref(self) -> CrmRef:
        return CrmRef(kind=CONTACT, id=self.party.contact_id, currency=self.foreign or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The customer as QuickBooks has it, and the contact's link to it."""

    customer: Mapping[str, Any]
    link: Link


async def wanted_customer(party: Party, work: Work, *, currency: str | None = None) -> Wanted:
    """Return whose customer a document is booked on: the contact's own, or that of the one it was merged into."""
    foreign = foreign_currency(currency, work.company) if currency else None
    survivor = await surviving_contact(party, work)
    if survivor == party.contact_id:
        return Wanted(party=party, foreign=foreign)
    return Wanted(party=replace(party, contact_id=survivor), foreign=foreign, refers=True)


async def wanted_by_itself(party: Party, work: Work) -> Wanted:
    """Return whose customer a contact is while no document names a currency: the company's own, else the one it has.

    A contact that has a customer in euros needs none in dollars before it is billed in dollars.
    """
    wanted = await wanted_customer(party, work)
    if not work.company.multi_currency or await work.books.link(wanted.ref) is not None:
        return wanted
    told = await _told(wanted, work)
    there = [told.customer] if told else await _copies(wanted, work)
    if choose_customer(there, party, company=work.company) is not None and told is None:
        return wanted
    choice = told or choose_customer(there, party)
    return replace(wanted, foreign=_foreign(choice.customer, work)) if choice else wanted


async def find_customer(wanted: Wanted, work: Work) -> Known | None:
    """Find by link, by an id that the CRM was told, by e-mail, by exact name; a find is linked without a write."""
    link = await work.books.link(wanted.ref) or await taken_over(wanted.ref, work)
    if link is not None and link.qbo_id:
        if (customer := await _customer(link.qbo_id, work)) is not None:
            return Known(customer=customer, link=link)
        if (followed := await _followed(link, wanted, work)) is not None:
            return followed
    choice = await _choice(wanted, work)
    if choice is None:
        return None
    said = {} if wanted.refers else agreed(wanted.party, choice.customer)
    found = Link(
        ref=wanted.ref,
        qbo_kind="Customer",
        qbo_id=str(choice.customer["Id"]),
        sync_token=choice.customer.get("SyncToken"),
        last_sent={**_said_before(link), "chosen": choice.reason, **said},
        version=NO_VERSION,
        occurred_at=NO_VERSION,
        origin="found",
    )
    await work.remember(found)
    return Known(customer=choice.customer, link=found)


async def was_removed(wanted: Wanted, link: Link | None, work: Work) -> bool:
    """Whether a contact for whom no customer was found had one by this link, or names one that the CRM was told of."""
    if link is not None and link.qbo_id:
        return True
    named = wanted.party.quickbooks_customer_id
    return named is not None and await work.books.told_customer(named) is not None


async def _choice(wanted: Wanted, work: Work) -> Choice | None:
    told = await _told(wanted, work)
    if told is not None and _foreign(told.customer, work) == wanted.foreign:
        return told
    return choose_customer(await _candidates(wanted, work), wanted.party, company=work.company, currency=wanted.foreign)


async def _told(wanted: Wanted, work: Work) -> Choice | None:
    """Return the customer that the event names, if this very connection told the CRM its id and it is there."""
    named = wanted.party.quickbooks_customer_id
    told = await work.books.told_customer(named) if named else None
    if told is None or told.gone:
        return None
    customer = await _customer(told.qbo_id, work)
    return Choice(customer, "told") if customer is not None else None


async def _customer(qbo_id: str, work: Work) -> Mapping[str, Any] | None:
    """Return the customer of this id; None when QuickBooks has it no more (merged away)."""
    copy = None if work.read_again else await work.books.copy("Customer", qbo_id)
    if copy is not None:
        return copy
    # By query: reading one that is inactive answers 610, as if it had never been.
    query = f"SELECT * FROM Customer WHERE Id = {literal(qbo_id)} AND Active IN (true, false)"  # noqa: S608
    rows = await work.client.query(query)
    await work.books.save_copies("Customer", rows)
    return rows[0] if rows else None


async def _followed(link: Link, wanted: Wanted, work: Work) -> Known | None:
    """Link the contact to the customer into which a person merged its own; it is theirs now."""
    currency = wanted.foreign or work.company.home_currency
    survivor = await survivor_of(link.qbo_id, wanted.party.contact_id, currency, work)
    customer = await _customer(survivor, work) if survivor is not None else None
    if survivor is None or customer is None:
        return None
    said = {**_said_before(link), "chosen": MERGED}
    moved = replace(link, qbo_id=survivor, sync_token=customer.get("SyncToken"), last_sent=said)
    await work.remember(moved)
    return Known(customer=customer, link=moved)


def _said_before(link: Link | None) -> dict[str, Any]:
    """Return what the CRM said of a contact whose customer is no more: on the customer it has now it is no news."""
    if link is None or not link.qbo_id:
        return {}
    return {name: value for name, value in (link.last_sent or {}).items() if name not in {"chosen", "DisplayName"}}


async def _candidates(wanted: Wanted, work: Work) -> Sequence[Mapping[str, Any]]:
    """Look in the local copy first; a miss is confirmed by one query, because reads are metered."""
    party, keys = wanted.party, email_keys(wanted.party.email)
    known = [] if work.read_again else await _copies(wanted, work)
    if choose_customer(known, party, company=work.company, currency=wanted.foreign) is not None:
        return known
    if party.email and keys:
        typed = [part.strip() for part in party.email.split(",") if "@" in part]
        condition = f"PrimaryEmailAddr IN ({', '.join(map(literal, typed))})"
    else:
        condition = f"DisplayName = {literal(display_name(party, wanted.foreign))}"
    rows = await work.client.query(f"SELECT * FROM Customer WHERE {condition} AND Active IN (true, false)")  # noqa: S608
    await work.books.save_copies("Customer", rows)
    return rows


async def _copies(wanted: Wanted, work: Work) -> list[Mapping[str, Any]]:
    """Return the copies of customers with the contact's e-mail, or without one those with its name."""
    party, keys = wanted.party, email_keys(wanted.party.email)
    if keys:
        return [customer for key in keys for customer in await work.books.customers_with_email(key)]
    # Also as typed: a person may have entered what the bridge would replace or cut.
    names = dict.fromkeys((display_name(party, wanted.foreign), (party.display_name or "").strip()))
    return [customer for name in names if name for customer in await work.books.copies_named("Customer", name)]


def _foreign(customer: Mapping[str, Any], work: Work) -> str | None:
    return foreign_currency(currency_of(customer, work.company), work.company)
