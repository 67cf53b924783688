"""`contact.active`: the contact's customer exists and says what the CRM knows."""

from consumers.customers import customer_update, find_customer, make_customer, seen, wanted_customer
from consumers.intents import Source
from consumers.merges import note_merge
from consumers.outcomes import Done, Outcome, Result, Skipped
from consumers.work import LastWrite, Work, unless_known
from mapping.booking import why_not_booked
from mapping.settings import CreateCustomers
from schemas.events.crm import ContactActive, Origin


async def contact_active(event: ContactActive, work: Work) -> Outcome | LastWrite:
    row, party = work.row, event.contact
    if skip := why_not_booked(event, sync_from=work.sync_from):
        if event.envelope.live_mode and event.envelope.origin is Origin.QUICKBOOKS_IMPORT:
            # It is linked, so that a later edit in the CRM finds its customer.
            await find_customer(await wanted_customer(party, work, from_quickbooks=True), work)
        return Skipped(skip.cause, skip.message)
    await note_merge(party, work)
    wanted = await wanted_customer(party, work)
    if wanted.refers:
        return Skipped("merged_in_crm", f"The CRM merged this contact into {wanted.party.contact_id}.")
    if (known := unless_known(await work.books.link(wanted.ref), row)) is not None:
        return known
    source = Source(version=row.entity_version, occurred_at=row.occurred_at, content_hash=row.content_hash)
    customer = await find_customer(wanted, work)
    if customer is None:
        if work.company.settings.create_customers is CreateCustomers.TRANSACTIONS:
            return Skipped("no_transactions", "Customers are made for invoices and payments alone, by the settings.")
        await make_customer(wanted, work, source)
        return Done(Result.CREATED)
    draft = await customer_update(wanted, customer, work, source)
    if draft is None:
        await work.remember(seen(wanted, customer, source))
        return Done(Result.UNCHANGED)
    return LastWrite(draft, Done(Result.UPDATED))
