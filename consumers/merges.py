"""Contacts that the CRM merged: an alias of ids, kept on the link of the one that is no more (books, section 2).

QuickBooks' API cannot merge: its customers stay two, and newer documents go to the survivor's.
"""

from dataclasses import replace
from datetime import datetime

from consumers.intents import CrmRef, Link
from consumers.work import Work
from schemas.events.crm import Party

CONTACT = "contact"


async def note_merge(party: Party, work: Work) -> None:
    """Remember that another contact goes on as this one; whoever led to it leads to the survivor."""
    gone = party.merged_from_contact_id
    if not gone or gone == party.contact_id:
        return
    known = await work.books.link(_ref(gone))
    own = await work.books.link(_ref(party.contact_id))
    survivor = party.contact_id
    if own is not None and own.belongs_to:
        if datetime.fromisoformat((own.last_sent or {})["merged_at"]) > work.row.occurred_at:
            survivor = own.belongs_to  # It was merged away itself since.
        else:
            await work.remember(replace(own, belongs_to=""))
    if known is not None and known.belongs_to == survivor:
        return
    led_here = await work.books.links_of((CONTACT,), [gone])
    for one in (known or _nowhere(gone), *led_here):
        if one.ref.id != survivor:
            merged_at = {"merged_at": work.row.occurred_at.isoformat()}
            await work.remember(replace(one, belongs_to=survivor, last_sent={**(one.last_sent or {}), **merged_at}))


async def surviving_contact(party: Party, work: Work) -> str:
    """Return the contact that an id stands for today."""
    link = await work.books.link(_ref(party.contact_id))
    return link.belongs_to if link is not None and link.belongs_to else party.contact_id


async def taken_over(ref: CrmRef, work: Work) -> Link | None:
    """Give a survivor without a customer that of a contact which was merged into it; None where none has one."""
    for one in await work.books.links_of((CONTACT,), [ref.id]):
        link = await work.books.link(replace(one.ref, currency=ref.currency)) if ref.currency else one
        if link is not None and link.qbo_id:
            taken = replace(link, ref=ref, belongs_to="", version=None, source_hash=b"")
            await work.remember(taken)
            return taken
    return None


def _ref(contact_id: str) -> CrmRef:
    return CrmRef(kind=CONTACT, id=contact_id)


def _nowhere(contact_id: str) -> Link:
    """A contact that has no customer, and will not get one of its own."""
    return Link(ref=_ref(contact_id), qbo_kind="", qbo_id="", sync_token=None, origin="skipped")
