"""Which item each line refers to: by setting, by SKU, by name, else the default (books, section 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.settings import ItemMatching
from mapping.to_qbo.sale import Extra, Sale
from mapping.to_qbo.text import clean, clean_name, same_text
from schemas.events.crm import Line

#: Key of the item that lines without a product take.
DEFAULT_ITEM = "default"
#: Kinds of items that a sale may use: never Inventory, Group or Category.
SALEABLE = frozenset({"Service", "NonInventory"})

_NAME, _SKU = 100, 100
_DEFAULT_ITEM_NAME = "Services"
_BY_SETTING = "set:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemWanted:
    """An item that a document's lines refer to, by the key under which its id is handed in."""

    key: str
    name: str
    #: Looked for before the name; QuickBooks cannot be queried for it, its list of items can.
    sku: str | None = None


def key_of(line: Line, company: Company) -> str | None:
    """Return the key of the line's item; None for the default item."""
    settings = company.settings
    if not line.product_id:
        return None
    if (set_id := settings.items.get(line.product_id)) is not None:
        return f"{_BY_SETTING}{set_id}"
    name = clean_name(line.name, _NAME)
    if settings.item_matching is ItemMatching.DEFAULT_ITEM or not name:
        return None
    if settings.item_matching is ItemMatching.SKU and (sku := clean(line.sku, _SKU)):
        return f"sku:{sku.casefold()}"
    return f"product:{name.casefold()}"


def wanted_items(sale: Sale, company: Company) -> tuple[ItemWanted, ...]:
    """Return the items to be found or made: for lines with a product, and for tip, surcharge and shipping."""
    wanted: dict[str, ItemWanted] = {}
    fixed = fixed_items(company)
    for line in sale.lines:
        key = key_of(line, company)
        if key is not None and key not in fixed and key not in wanted:
            sku = clean(line.sku, _SKU) if key.startswith("sku:") else None
            wanted[key] = ItemWanted(key=key, name=clean_name(line.name, _NAME), sku=sku)
    extras = [ItemWanted(key=one.value, name=one.value) for one, _ in sale.extras if one.value not in fixed]
    default = () if DEFAULT_ITEM in fixed else (ItemWanted(key=DEFAULT_ITEM, name=_DEFAULT_ITEM_NAME),)
    return (*wanted.values(), *extras, *default)


def fixed_items(company: Company) -> dict[str, str]:
    """Return the ids that settings and preflight give, by key; none of them has to be found."""
    settings = company.settings
    chosen = {
        DEFAULT_ITEM: settings.default_item_id or company.default_item_id,
        Extra.TIP.value: settings.tip_item_id,
        Extra.SURCHARGE.value: settings.surcharge_item_id,
        Extra.SHIPPING.value: settings.shipping_item_id,
        **{f"{_BY_SETTING}{item_id}": item_id for item_id in settings.items.values()},
    }
    return {key: item_id for key, item_id in chosen.items() if item_id}


def choose_item(wanted: ItemWanted, items: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the id of the item among a company's own that is wanted: by SKU, then by name; None when it has none."""
    usable = [item for item in items if item.get("Type") in SALEABLE and item.get("Active", True)]
    by_sku = [item for item in usable if wanted.sku and same_text(item.get("Sku"), wanted.sku)]
    by_name = [item for item in usable if same_text(item.get("Name"), wanted.name)]
    return next((str(item["Id"]) for item in (*by_sku, *by_name)), None)


def new_item(wanted: ItemWanted, company: Company) -> dict[str, Any]:
    """Return the body that creates the item, as a service. Raises CannotBook without an income account."""
    account = company.settings.income_account_id or company.income_account_id
    if account is None:
        raise CannotBook(
            "income_account_missing",
            f"{company.name} has no income account for the item {wanted.name}. Add one, run preflight, retry.",
        )
    body: dict[str, Any] = {"Name": wanted.name, "Type": "Service", "IncomeAccountRef": {"value": account}}
    return {**body, "Sku": wanted.sku} if wanted.sku else body
