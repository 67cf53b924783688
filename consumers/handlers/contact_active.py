"""`contact.active`: the contact's customer exists and says what the CRM knows."""

from consumers.customers import customer_update, link_imported, make_customer, said_by_another, seen
from consumers.finding import Wanted, find_customer, wanted_by_itself, was_removed
from consumers.intents import Link, Source
from consumers.merges import note_merge
from consumers.outcomes import Done, Outcome, Result, Skipped
from consumers.work import LastWrite, Work, unless_known
from mapping.booking import why_not_booked
from mapping.settings import CreateCustomers
from mapping.to_qbo.customer import facts_of
from schemas.events.crm import ContactActive, Origin


async def contact_active(event: ContactActive, work: Work) -> Outcome | LastWrite:
    row, party = work.row, event.contact
    if skip := why_not_booked(event, sync_from=work.sync_from):
        if event.envelope.live_mode and event.envelope.origin is Origin.QUICKBOOKS_IMPORT:
            # It is linked, so that a later edit in the CRM finds its customer.
            await link_imported(party, work)
        return Skipped(skip.cause, skip.message)
    await note_merge(party, work)
    wanted = await wanted_by_itself(party, work)
    if wanted.refers:
        return Skipped("merged_in_crm", f"The CRM merged this contact into {wanted.party.contact_id}.")
    link = await work.books.link(wanted.ref)
    if (known := unless_known(link, row)) is not None:
        return known
    source = Source(version=row.entity_version, occurred_at=row.occurred_at, content_hash=row.content_hash)
    customer = await find_customer(wanted, work)
    if customer is None:
        return await _made(wanted, link, work, source)
    draft = await customer_update(wanted, customer, work, source)
    if draft is None:
        await work.remember(seen(wanted, customer, source))
        return Done(Result.UNCHANGED)
    if await said_by_another(wanted, customer, work):
        await work.remember(seen(wanted, customer, source, said=facts_of(party)))
        return Done(Result.UNCHANGED)
    return LastWrite(draft, Done(Result.UPDATED))


async def _made(wanted: Wanted, link: Link | None, work: Work, source: Source) -> Outcome:
    """Make the customer, unless a document has to ask for it first."""
    if await was_removed(wanted, link, work):
        message = "Its customer was merged away or deleted in QuickBooks. The next sale or invoice finds or makes one."
        return Skipped("customer_removed", message)
    if work.company.settings.create_customers is CreateCustomers.TRANSACTIONS:
        return Skipped("no_transactions", "Customers are made for invoices and payments alone, by the settings.")
    await make_customer(wanted, work, source)
    return Done(Result.CREATED)
