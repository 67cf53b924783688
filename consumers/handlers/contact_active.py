"""`contact.active`: the contact's customer exists and says what the CRM knows."""

from consumers.customers import contact_ref, customer_update, find_customer, make_customer, seen
from consumers.intents import Source
from consumers.outcomes import Done, Outcome, Result, Skipped
from consumers.work import LastWrite, Work, unless_known
from mapping.booking import why_not_booked
from schemas.events.crm import ContactActive


async def contact_active(event: ContactActive, work: Work) -> Outcome | LastWrite:
    if skip := why_not_booked(event, sync_from=work.lane.sync_from):
        return Skipped(skip.cause, skip.message)
    row, party = work.row, event.contact
    if (known := unless_known(await work.books.link(contact_ref(party)), row)) is not None:
        return known
    source = Source(version=row.entity_version, occurred_at=row.occurred_at, content_hash=row.content_hash)
    customer = await find_customer(party, work)
    if customer is None:
        await make_customer(party, work, source)
        return Done(Result.CREATED)
    draft = await customer_update(party, customer, work, source)
    if draft is None:
        await work.remember(seen(party, customer, source))
        return Done(Result.UNCHANGED)
    return LastWrite(draft, Done(Result.UPDATED))
