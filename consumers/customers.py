"""Finding or making the customer that a contact stands for (books, section 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from consumers.intents import CrmRef, Draft, Link, Source
from consumers.merged_in_quickbooks import survivor_of
from consumers.merges import CONTACT, note_merge, surviving_contact, taken_over
from consumers.work import Work
from mapping.settings import FieldGroup
from mapping.to_qbo.customer import (
    agreed,
    choose_customer,
    customer_changes,
    display_name,
    email_keys,
    foreign_currency,
    new_customer,
    sent_fields,
    with_suffix,
)
from qbo_client.errors import DuplicateName
from qbo_client.query import literal
from qbo_client.writes import Operation
from schemas.events.crm import Party

#: A link that a payment made knows no version of the contact yet: any contact event is newer.
NO_VERSION = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES_TRIED = 5


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


async def wanted_customer(
    party: Party, work: Work, *, currency: str | None = None, from_quickbooks: bool = False
) -> Wanted:
    """Return whose customer a document is booked on: the contact's own, or that of the one it was merged into.

    An id of QuickBooks' outranks the e-mail only where this connection told it to the CRM: what came
    `from_quickbooks` carries it.
    """
    party = party if from_quickbooks else replace(party, quickbooks_customer_id=None)
    foreign = foreign_currency(currency, work.company) if currency else None
    survivor = await surviving_contact(party, work)
    if survivor == party.contact_id:
        return Wanted(party=party, foreign=foreign)
    return Wanted(party=replace(party, contact_id=survivor), foreign=foreign, refers=True)


async def find_customer(wanted: Wanted, work: Work) -> Known | None:
    """Find by link, then by e-mail, then by exact name; a find is linked without a write."""
    link = await work.books.link(wanted.ref) or await taken_over(wanted.ref, work)
    if link is not None and link.qbo_id:
        if (customer := await _linked_customer(link, work)) is not None:
            return Known(customer=customer, link=link)
        if (followed := await _followed(link, wanted, work)) is not None:
            return followed
    choice = choose_customer(
        await _candidates(wanted, work), wanted.party, company=work.company, currency=wanted.foreign
    )
    if choice is None:
        return None
    found = Link(
        ref=wanted.ref,
        qbo_kind="Customer",
        qbo_id=str(choice.customer["Id"]),
        sync_token=choice.customer.get("SyncToken"),
        last_sent={"chosen": choice.reason},
        version=NO_VERSION,
        occurred_at=NO_VERSION,
        origin="found",
    )
    await work.remember(found)
    return Known(customer=choice.customer, link=found)


async def customer_for_sale(party: Party, work: Work, *, occurred_at: datetime, currency: str | None = None) -> str:
    """Return the QuickBooks id of the party's customer, made, updated or reactivated where needed."""
    await note_merge(party, work)
    wanted = await wanted_customer(party, work, currency=currency)
    source = Source(version=NO_VERSION, occurred_at=occurred_at, content_hash=b"")
    known = await find_customer(wanted, work)
    if known is None:
        known = await make_customer(wanted, work, source)
        return known.link.qbo_id
    draft = None if wanted.refers else await customer_update(wanted, known, work, source)
    if draft is None and not known.customer.get("Active", True):
        draft = _draft(wanted, known.link, known.customer, {}, source)
    if draft is not None:
        body = {**draft.body, "Active": True} if not known.customer.get("Active", True) else draft.body
        await work.write(replace(draft, body=body))
    return known.link.qbo_id


async def make_customer(wanted: Wanted, work: Work, source: Source) -> Known:
    """Create the customer; a name that another customer, vendor or employee has gets a deterministic suffix."""
    body = new_customer(wanted.party, company=work.company, currency=wanted.foreign)
    for attempt in range(_NAMES_TRIED):
        named = with_suffix(body, wanted.party.contact_id, attempt) if attempt else body
        try:
            customer = await work.write(_creation(wanted, named, source))
        except DuplicateName:
            if attempt == _NAMES_TRIED - 1:
                raise
            continue
        return Known(customer=customer, link=work.written[-1])
    raise AssertionError("the last attempt returns or raises")


async def customer_update(wanted: Wanted, known: Known, work: Work, source: Source) -> Draft | None:
    """Return the sparse update that brings the customer to what the CRM knows; None when nothing differs.

    Only the contact that was linked first owns its customer's data, and only data newer than what was
    applied counts: a late payment does not bring back an old address.
    """
    link = known.link
    if link.occurred_at and source.occurred_at <= link.occurred_at:
        return None
    # A contact that was merged away owns nothing any more.
    owners = [one for one in await work.books.links_to("Customer", link.qbo_id) if not one.belongs_to]
    if owners and owners[0].ref != link.ref:
        return None
    changes = customer_changes(
        wanted.party,
        current=known.customer,
        last_sent=link.last_sent,
        made_by_us=link.origin == "made",
        foreign=wanted.foreign,
        crm_wins=work.company.settings.crm_wins(FieldGroup.CONTACTS),
    )
    return None if changes is None else _draft(wanted, link, known.customer, changes, source)


def seen(wanted: Wanted, known: Known, source: Source) -> Link:
    """Return the link as it stands after this state was compared and nothing had to be written."""
    link = known.link
    return replace(
        link,
        last_sent={**(link.last_sent or {}), **agreed(wanted.party, known.customer)},
        source_hash=source.content_hash,
        version=source.version,
        occurred_at=max(source.occurred_at, link.occurred_at or source.occurred_at),
    )


def _creation(wanted: Wanted, body: Mapping[str, Any], source: Source) -> Draft:
    return Draft(
        ref=wanted.ref,
        operation=Operation.CREATE,
        entity="Customer",
        body=body,
        source=source,
        last_sent=sent_fields(body),
    )


def _draft(
    wanted: Wanted, link: Link, customer: Mapping[str, Any], changes: Mapping[str, Any], source: Source
) -> Draft:
    body = {"Id": customer["Id"], "SyncToken": customer["SyncToken"], "sparse": True, **changes}
    version = max(source.version, link.version or NO_VERSION)
    return Draft(
        ref=link.ref,
        operation=Operation.UPDATE,
        entity="Customer",
        body=body,
        source=Source(version=version, occurred_at=source.occurred_at, content_hash=source.content_hash),
        last_sent={**(link.last_sent or {}), **agreed(wanted.party, customer), **sent_fields(body)},
        origin=link.origin,
        belongs_to=link.belongs_to,
    )


async def _linked_customer(link: Link, work: Work) -> Mapping[str, Any] | None:
    """Return the linked customer; None when QuickBooks has it no more (merged away): it is looked for anew."""
    copy = None if work.read_again else await work.books.copy("Customer", link.qbo_id)
    if copy is not None:
        return copy
    # By query: reading one that is inactive answers 610, as if it had never been.
    query = f"SELECT * FROM Customer WHERE Id = {literal(link.qbo_id)} AND Active IN (true, false)"  # noqa: S608
    rows = await work.client.query(query)
    await work.books.save_copies("Customer", rows)
    return rows[0] if rows else None


async def _followed(link: Link, wanted: Wanted, work: Work) -> Known | None:
    """Link the contact to the customer into which a person merged its own; it is theirs now."""
    currency = wanted.foreign or work.company.home_currency
    survivor = await survivor_of(link.qbo_id, wanted.party.contact_id, currency, work)
    if survivor is None:
        return None
    moved = replace(link, qbo_id=survivor, sync_token=None, last_sent={"chosen": "merged in QuickBooks"})
    customer = await _linked_customer(moved, work)
    if customer is None:
        return None
    moved = replace(moved, sync_token=customer.get("SyncToken"))
    await work.remember(moved)
    return Known(customer=customer, link=moved)


async def _candidates(wanted: Wanted, work: Work) -> Sequence[Mapping[str, Any]]:
    """Look in the local copy first; a miss is confirmed by one query, because reads are metered."""
    party, keys = wanted.party, email_keys(wanted.party.email)
    known = [] if work.read_again else await _known_candidates(wanted, keys, work)
    if known:
        return known
    if party.email and keys:
        typed = [part.strip() for part in party.email.split(",") if "@" in part]
        condition = f"PrimaryEmailAddr IN ({', '.join(map(literal, typed))})"
    else:
        condition = f"DisplayName = {literal(display_name(party, wanted.foreign))}"
    rows = await work.client.query(f"SELECT * FROM Customer WHERE {condition} AND Active IN (true, false)")  # noqa: S608
    await work.books.save_copies("Customer", rows)
    return rows


async def _known_candidates(wanted: Wanted, keys: Sequence[str], work: Work) -> list[Mapping[str, Any]]:
    if not keys:
        return await work.books.copies_named("Customer", display_name(wanted.party, wanted.foreign))
    found = [customer for key in keys for customer in await work.books.customers_with_email(key)]
    chosen = choose_customer(found, wanted.party, company=work.company, currency=wanted.foreign)
    return found if chosen else []
