"""`contact.active`: the contact's customer exists and says what the CRM knows."""

from consumers.customers import contact_ref, customer_update, find_customer, make_customer
from consumers.intents import Link, Source
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
        await work.remember(_seen(customer.link, source))
        return Done(Result.UNCHANGED)
    return LastWrite(draft, Done(Result.UPDATED))


def _seen(link: Link, source: Source) -> Link:
    """Return the link as it stands after this state was compared and nothing differed."""
    return Link(
        ref=link.ref,
        qbo_kind=link.qbo_kind,
        qbo_id=link.qbo_id,
        sync_token=link.sync_token,
        last_sent=link.last_sent,
        source_hash=source.content_hash,
        version=source.version,
        occurred_at=max(source.occurred_at, link.occurred_at or source.occurred_at),
        origin=link.origin,
    )
