"""The items and payment methods that sales refer to: found by name, made on first use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from consumers.intents import CrmRef, Draft, Source
from consumers.work import Work
from mapping.errors import CannotBook
from mapping.to_qbo.items import SALEABLE, ItemWanted, choose_item, new_item
from mapping.to_qbo.methods import new_payment_method
from qbo_client.errors import DuplicateName
from qbo_client.query import literal
from qbo_client.writes import Operation

_SUFFIXES = ("service", "sale")
_SUFFIX_ROOM = 90


async def item_ids(wanted: Sequence[ItemWanted], work: Work, source: Source) -> dict[str, str]:
    """Return the QuickBooks id for each wanted item's key."""
    found = {item.key: await _known_item(item, work) for item in wanted}
    missing = [item for item in wanted if found[item.key] is None]
    if missing:
        # Two sales may want the same new item: one makes it, the other finds it under the lock.
        async with work.ring.holding({f"item:{item.name.casefold()}" for item in missing}):
            for item in missing:
                found[item.key] = await _find_or_make_item(item, work, source)
    return {key: item_id for key, item_id in found.items() if item_id is not None}


async def payment_method_id(name: str, work: Work, source: Source) -> str:
    """Return the QuickBooks id of the payment method of this name."""
    if not work.read_again and (known := await work.books.copies_named("PaymentMethod", name)):
        return str(known[0]["Id"])
    async with work.ring.holding({f"method:{name.casefold()}"}):
        if known := await _look_up("PaymentMethod", name, work):
            return str(known[0]["Id"])
        draft = _draft("payment_method", name, "PaymentMethod", new_payment_method(name), source)
        try:
            return str((await work.write(draft))["Id"])
        except DuplicateName:
            if made := await _ask("PaymentMethod", name, work):
                return str(made[0]["Id"])
            raise


async def _known_item(item: ItemWanted, work: Work) -> str | None:
    if work.read_again:
        return None
    by_sku = await work.books.items_with_sku(item.sku) if item.sku else []
    return choose_item(item, [*by_sku, *await work.books.copies_named("Item", item.name)])


async def _find_or_make_item(item: ItemWanted, work: Work, source: Source) -> str:
    """Find a saleable item of this name or make one; a name that an Inventory item has gets a suffix.

    QuickBooks cannot be asked for a SKU: the local copies of its items are.
    """
    if item.sku and (found := choose_item(replace(item, name=""), await work.books.items_with_sku(item.sku))):
        return found
    for name in (item.name, *(f"{item.name[:_SUFFIX_ROOM]} ({word})" for word in _SUFFIXES)):
        if found := _usable(known := await _look_up("Item", name, work)):
            return found
        if known:
            continue
        try:
            body = new_item(replace(item, name=name), work.company)
            return str((await work.write(_draft("item", item.key, "Item", body, source)))["Id"])
        except DuplicateName:
            # Made meanwhile (a lost answer of ours, a person), or it is inactive or a category: one space of names.
            if made := _usable(await _ask("Item", name, work)):
                return made
    raise CannotBook("item_name_taken", f"Every name tried for the item {item.name} is taken. Make one by hand, retry.")


async def _look_up(entity: str, name: str, work: Work) -> list[Mapping[str, Any]]:
    known = [] if work.read_again else await work.books.copies_named(entity, name)
    return known or await _ask(entity, name, work)


async def _ask(entity: str, name: str, work: Work) -> list[Mapping[str, Any]]:
    rows = await work.client.query(f"SELECT * FROM {entity} WHERE Name = {literal(name)}")  # noqa: S608
    await work.books.save_copies(entity, rows)
    return list(rows)


def _usable(items: Sequence[Mapping[str, Any]]) -> str | None:
    usable = [i for i in items if i.get("Type") in SALEABLE and i.get("Active", True)]
    return str(usable[0]["Id"]) if usable else None


def _draft(kind: str, key: str, entity: str, body: Mapping[str, Any], source: Source) -> Draft:
    ref = CrmRef(kind=kind, id=key)
    return Draft(ref=ref, operation=Operation.CREATE, entity=entity, body=body, source=source)
