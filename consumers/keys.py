"""Keyed locks within a lane: one hand at a time per CRM entity, per contact and per thing that is shared.

A row takes all its keys together; what it may additionally need to make (an item, a payment method) it takes
afterwards, all together as well. Whoever holds keys of the second kind never waits for the first, so no two
pieces of work can wait for each other.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from mapping.to_qbo.customer import email_keys
from schemas.events.crm import ContactActive, InvoiceSent, InvoiceUpdated, Party, PaymentCompleted

Event = ContactActive | PaymentCompleted | InvoiceSent | InvoiceUpdated


class KeyRing:
    """The keys held in one lane. All methods must be called from the lane's event loop."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._changed = asyncio.Condition()

    def free(self, keys: Collection[str]) -> bool:
        return self._held.isdisjoint(keys)

    def take(self, keys: Collection[str]) -> None:
        """Take keys that are free. Raises ValueError when one is not: two hands would be on one thing."""
        if not self.free(keys):
            raise ValueError(f"keys are held already: {sorted(self._held.intersection(keys))}")
        self._held.update(keys)

    async def give_back(self, keys: Collection[str]) -> None:
        self._held.difference_update(keys)
        async with self._changed:
            self._changed.notify_all()

    @asynccontextmanager
    async def holding(self, keys: Collection[str]) -> AsyncIterator[None]:
        """Hold keys for the duration of the block, waiting until all of them are free together."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.free(keys))
            self.take(keys)
        try:
            yield
        finally:
            await asyncio.shield(self.give_back(keys))


def party_of(event: Event) -> Party:
    """Return the contact that an event is about."""
    return event.invoice.bill_to if isinstance(event, InvoiceSent | InvoiceUpdated) else event.contact


def invoice_key(invoice_id: str) -> str:
    return f"invoice:{invoice_id}"


def keys_of(event: Event) -> tuple[str, ...]:
    """Return every key that working on this event needs from the start, sorted."""
    contact = party_of(event)
    keys = {f"contact:{contact.contact_id}"}
    keys |= {f"email:{key}" for key in email_keys(contact.email)}
    if contact.merged_from_contact_id:
        keys.add(f"contact:{contact.merged_from_contact_id}")
    if isinstance(event, PaymentCompleted):
        keys.add(f"transaction:{event.payment.transaction_id}")
        if event.invoice_id:
            keys.add(invoice_key(event.invoice_id))
    if isinstance(event, InvoiceSent | InvoiceUpdated):
        keys.add(invoice_key(event.invoice.invoice_id))
        keys |= {f"transaction:{payment.transaction_id}" for payment in event.invoice.payments}
    return tuple(sorted(keys))
