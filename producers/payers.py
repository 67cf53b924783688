"""Who counts as one payer when it is asked whether somebody has paid in full before (books, section 9)."""

from collections.abc import Mapping
from types import MappingProxyType

from mapping.from_qbo.customer import top_of
from mapping.from_qbo.text import printable
from mapping.to_qbo.customer import email_keys
from producers.memory import Memory, Payer, Row
from producers.watched import CUSTOMER

_NONE: Mapping[str, str] = MappingProxyType({})


def payers_of(
    invoice: Row, customer: Row, memory: Memory, customers: Mapping[str, Row], merged: Mapping[str, str] = _NONE
) -> frozenset[Payer]:
    """Return the CRM contacts, the customer, its top-level parent and the e-mail that an invoice was paid by.

    `customers` are those just read, which may be newer than their copies. Where the customer has no address, the
    one that the invoice was sent to stands for it. `merged` are the customers of this very reading that are no more,
    by what took them in: who paid as one of them has paid as the other.
    """
    customer_id, parents = str(customer["Id"]), _parents(memory, customers)
    named: set[Payer] = set()
    for one in (customer_id, *_taken_in(customer_id, merged)):
        contacts = (*memory.contacts.get(one, ()), *memory.aliases.get(one, ()))
        top = top_of(one, parents)
        named |= {("contact", contact) for contact in contacts}
        named |= {("customer", every) for every in (one, top, *_taken_in(top, merged))}
    return frozenset(named | {("email", key) for key in emails_of(invoice, customer)})


def contact_of(customer_id: str, memory: Memory, merged: Mapping[str, str] = _NONE) -> str | None:
    """Return the CRM contact that a customer stands for: the first linked, or what the CRM merged that one into."""
    for one in (customer_id, *_taken_in(customer_id, merged)):
        if found := (*memory.aliases.get(one, ()), *memory.contacts.get(one, ())):
            return found[0]
    return None


def emails_of(invoice: Row, customer: Row) -> tuple[str, ...]:
    """Return the match keys of the addresses an invoice's payer is known by."""
    return _keys(customer.get("PrimaryEmailAddr")) or _keys(invoice.get("BillEmail"))


def customer_id_of(document: Row) -> str:
    return str((document.get("CustomerRef") or {}).get("value") or "")


def parent_of(customer: Row) -> str | None:
    parent = (customer.get("ParentRef") or {}).get("value")
    return str(parent) if parent else None


def _keys(address: Mapping[str, object] | None) -> tuple[str, ...]:
    return email_keys(printable((address or {}).get("Address")))


def _taken_in(customer_id: str, merged: Mapping[str, str]) -> list[str]:
    """Return the customers that were merged into this one, and into those."""
    found: list[str] = []
    for gone, survivor in sorted(merged.items()):
        if survivor == customer_id and gone != customer_id:
            found += [gone, *_taken_in(gone, {one: into for one, into in merged.items() if one != gone})]
    return found


def _parents(memory: Memory, customers: Mapping[str, Row]) -> dict[str, str]:
    copied = {qbo_id: row for (kind, qbo_id), row in memory.copies.items() if kind == CUSTOMER}
    rows = {**copied, **customers}
    return {qbo_id: parent for qbo_id, row in rows.items() if (parent := parent_of(row)) is not None}
