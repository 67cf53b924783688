"""Finding or making the customer that a contact stands for (books, section 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from consumers.intents import CrmRef, Draft, Link, Source
from consumers.work import Work
from mapping.to_qbo.customer import (
    agreed,
    choose_customer,
    customer_changes,
    display_name,
    email_keys,
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
class Known:
    """The customer as QuickBooks has it, and the contact's link to it."""

    customer: Mapping[str, Any]
    link: Link
    made: bool = False


def contact_ref(party: Party) -> CrmRef:
    return CrmRef(kind="contact", id=party.contact_id)


async def find_customer(party: Party, work: Work) -> Known | None:
    """Find by link, then by e-mail, then by exact name; a find is linked without a write."""
    ref = contact_ref(party)
    link = await work.books.link(ref)
    if link is not None and (customer := await _linked_customer(link, work)) is not None:
        return Known(customer=customer, link=link)
    choice = choose_customer(await _candidates(party, work), party)
    if choice is None:
        return None
    found = Link(
        ref=ref,
        qbo_kind="Customer",
        qbo_id=str(choice.customer["Id"]),
        sync_token=choice.customer.get("SyncToken"),
        version=NO_VERSION,
        occurred_at=NO_VERSION,
        origin="found",
    )
    await work.remember(found)
    return Known(customer=choice.customer, link=found)


async def customer_for_sale(party: Party, work: Work, *, occurred_at: datetime) -> str:
    """Return the QuickBooks id of the party's customer, made, updated or reactivated where needed."""
    source = Source(version=NO_VERSION, occurred_at=occurred_at, content_hash=b"")
    known = await find_customer(party, work)
    if known is None:
        known = await make_customer(party, work, source)
        return known.link.qbo_id
    draft = await customer_update(party, known, work, source)
    if draft is None and not known.customer.get("Active", True):
        draft = _draft(party, known.link, known.customer, {}, source)
    if draft is not None:
        body = {**draft.body, "Active": True} if not known.customer.get("Active", True) else draft.body
        await work.write(replace(draft, body=body))
    return known.link.qbo_id


async def make_customer(party: Party, work: Work, source: Source) -> Known:
    """Create the customer; a name that another customer, vendor or employee has gets a deterministic suffix."""
    body = new_customer(party, company=work.company)
    for attempt in range(_NAMES_TRIED):
        named = with_suffix(body, party.contact_id, attempt) if attempt else body
        try:
            customer = await work.write(new_customer_draft(party, named, source))
        except DuplicateName:
            if attempt == _NAMES_TRIED - 1:
                raise
            continue
        return Known(customer=customer, link=work.written[-1], made=True)
    raise AssertionError("the last attempt returns or raises")


def new_customer_draft(party: Party, body: Mapping[str, Any], source: Source) -> Draft:
    return Draft(
        ref=contact_ref(party),
        operation=Operation.CREATE,
        entity="Customer",
        body=body,
        source=source,
        last_sent=sent_fields(body),
    )


async def customer_update(party: Party, known: Known, work: Work, source: Source) -> Draft | None:
    """Return the sparse update that brings the customer to what the CRM knows; None when nothing differs.

    Only the contact that was linked first owns its customer's data, and only data newer than what was
    applied counts: a late payment does not bring back an old address.
    """
    link = known.link
    if link.occurred_at and source.occurred_at <= link.occurred_at:
        return None
    owners = await work.books.links_to("Customer", link.qbo_id)
    if owners and owners[0].ref != link.ref:
        return None
    changes = customer_changes(
        party, current=known.customer, last_sent=link.last_sent, made_by_us=link.origin == "made"
    )
    return None if changes is None else _draft(party, link, known.customer, changes, source)


def seen(party: Party, known: Known, source: Source) -> Link:
    """Return the link as it stands after this state was compared and nothing had to be written."""
    link = known.link
    return replace(
        link,
        last_sent={**(link.last_sent or {}), **agreed(party, known.customer)},
        source_hash=source.content_hash,
        version=source.version,
        occurred_at=max(source.occurred_at, link.occurred_at or source.occurred_at),
    )


def _draft(party: Party, link: Link, customer: Mapping[str, Any], changes: Mapping[str, Any], source: Source) -> Draft:
    body = {"Id": customer["Id"], "SyncToken": customer["SyncToken"], "sparse": True, **changes}
    version = max(source.version, link.version or NO_VERSION)
    return Draft(
        ref=contact_ref(party),
        operation=Operation.UPDATE,
        entity="Customer",
        body=body,
        source=Source(version=version, occurred_at=source.occurred_at, content_hash=source.content_hash),
        last_sent={**(link.last_sent or {}), **agreed(party, customer), **sent_fields(body)},
        origin=link.origin,
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


async def _candidates(party: Party, work: Work) -> Sequence[Mapping[str, Any]]:
    """Look in the local copy first; a miss is confirmed by one query, because reads are metered."""
    keys = email_keys(party.email)
    known = [] if work.read_again else await _known_candidates(party, keys, work)
    if known:
        return known
    if party.email and keys:
        typed = [part.strip() for part in party.email.split(",") if "@" in part]
        condition = f"PrimaryEmailAddr IN ({', '.join(map(literal, typed))})"
    else:
        condition = f"DisplayName = {literal(display_name(party))}"
    rows = await work.client.query(f"SELECT * FROM Customer WHERE {condition} AND Active IN (true, false)")  # noqa: S608
    await work.books.save_copies("Customer", rows)
    return rows


async def _known_candidates(party: Party, keys: Sequence[str], work: Work) -> list[Mapping[str, Any]]:
    if not keys:
        return await work.books.copies_named("Customer", display_name(party))
    return [customer for key in keys for customer in await work.books.customers_with_email(key)]
