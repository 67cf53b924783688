"""Contacts that the CRM merged: which id goes on, and whose customer newer documents take (books, section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What becomes of the links of two contacts that are one now."""

    #: The customer of the contact that goes on; None: it has none yet.
    customer_id: str | None
    #: Whether the contact that goes on takes over the other's customer.
    takes_over: bool = False
    #: The customer that newer documents no longer use; QuickBooks' API cannot merge it away.
    left_behind: str | None = None


def with_alias(aliases: Mapping[str, str], merged_from: str, survivor: str) -> dict[str, str]:
    """Return the aliases after `merged_from` became `survivor`; whoever led to it leads to the survivor.

    The survivor is alive now, so that an older alias of its own is over: no chain ever leads back to itself.
    """
    if merged_from == survivor:
        return dict(aliases)
    moved = {one: survivor if to == merged_from else to for one, to in aliases.items() if one != survivor}
    return {**moved, merged_from: survivor}


def surviving(contact_id: str, aliases: Mapping[str, str]) -> str:
    """Return the contact that an id stands for today."""
    return aliases.get(contact_id, contact_id)


def merged(*, survivor_customer: str | None, other_customer: str | None) -> Merged:
    """Decide from the customers that the two contacts are linked to, in one currency."""
    if survivor_customer is None:
        return Merged(customer_id=other_customer, takes_over=other_customer is not None)
    left = other_customer if other_customer != survivor_customer else None
    return Merged(customer_id=survivor_customer, left_behind=left)
