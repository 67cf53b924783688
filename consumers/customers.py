"""Making the customer that a contact stands for, and bringing it to what the CRM knows (books, section 2)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from consumers.finding import MERGED, NO_VERSION, Known, Wanted, find_customer, wanted_by_itself, wanted_customer
from consumers.intents import Draft, Link, Source
from consumers.merges import note_merge
from consumers.work import Work
from mapping.settings import FieldGroup
from mapping.to_qbo.customer import email_keys, facts_of, new_customer, with_suffix
from mapping.to_qbo.customer_changes import agreed, customer_changes, says_all, sent_fields
from qbo_client.errors import DuplicateName
from qbo_client.writes import Operation
from schemas.events.crm import Party

_NAMES_TRIED = 5


async def link_imported(party: Party, work: Work) -> None:
    """Link a contact that the CRM has from QuickBooks, without a write: what it says is no news later."""
    wanted = await wanted_by_itself(party, work)
    known = await find_customer(wanted, work)
    if known is None or wanted.refers or (known.link.occurred_at or NO_VERSION) > work.row.occurred_at:
        return
    said = {**(known.link.last_sent or {}), **facts_of(party)}
    if said != known.link.last_sent:
        await work.remember(replace(known.link, last_sent=said))


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
        # What a person merged the contact's customer into is theirs, like one of ours that they changed.
        made_by_us=link.origin == "made" or (link.last_sent or {}).get("chosen") == MERGED,
        foreign=wanted.foreign,
        crm_wins=work.company.settings.crm_wins(FieldGroup.CONTACTS),
    )
    return None if changes is None else _draft(wanted, link, known.customer, changes, source)


async def said_by_another(wanted: Wanted, known: Known, work: Work) -> bool:
    """Whether another customer with the contact's e-mail says all that the CRM does: then the CRM has it from there.

    Two customers may share an address, a job its parent's; the CRM may have a contact for each.
    """
    for key in email_keys(wanted.party.email):
        for customer in await work.books.customers_with_email(key):
            if str(customer["Id"]) != known.link.qbo_id and says_all(customer, wanted.party):
                return True
    return False


def seen(wanted: Wanted, known: Known, source: Source, *, said: Mapping[str, Any] | None = None) -> Link:
    """Return the link as it stands after this state was compared and nothing had to be written.

    `said` is what the CRM said and is no news the next time, besides what both agree on.
    """
    link = known.link
    return replace(
        link,
        last_sent={**(link.last_sent or {}), **agreed(wanted.party, known.customer), **(said or {})},
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
