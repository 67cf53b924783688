"""Which item each line refers to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mapping.company import Company
from mapping.settings import ItemMatching, Settings
from mapping.to_qbo.items import ItemWanted, choose_item, new_item
from mapping.to_qbo.sales_receipt import items_wanted
from tests.unit.mapping.build import US, line, sale, totals

KIT = replace(line("Whitening kit", "1", "9", "9", product="pr_1"), sku=" WK-1 ")
SALE = sale([KIT], totals("9.00", "9.00"))
BY_SKU = ItemWanted(key="sku:wk-1", name="Whitening kit", sku="WK-1")


def item(identifier: str, name: str, **changes: Any) -> dict[str, Any]:
    return {"Id": identifier, "Name": name, "Type": "Service", "Active": True, **changes}


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (Settings(), (BY_SKU,)),
        (
            Settings(item_matching=ItemMatching.NAME),
            (ItemWanted(key="product:whitening kit", name="Whitening kit"),),
        ),
        (Settings(item_matching=ItemMatching.DEFAULT_ITEM), ()),
        (Settings(items={"pr_1": "7"}), ()),
    ],
)
def test_item_is_wanted_as_the_settings_say(settings: Settings, wanted: tuple[ItemWanted, ...]) -> None:
    company: Company = replace(US, settings=settings)
    assert items_wanted(SALE, company) == wanted


def test_line_without_a_product_wants_no_item_whatever_its_sku() -> None:
    assert items_wanted(sale([replace(KIT, product_id=None)], totals("9.00", "9.00")), US) == ()


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ([item("1", "Whitening kit"), item("2", "Old kit", Sku="wk-1")], "2"),
        ([item("1", "whitening  KIT"), item("2", "Old kit", Sku="WK-2")], "1"),
        ([item("1", "Whitening kit", Type="NonInventory")], "1"),
        ([item("1", "Whitening kit", Type="Inventory"), item("2", "Kit", Sku="WK-1", Active=False)], None),
        ([], None),
    ],
    ids=["by sku", "by name", "non-inventory", "not saleable or inactive", "none"],
)
def test_item_is_chosen_by_sku_then_by_name(there: list[Mapping[str, Any]], chosen: str | None) -> None:
    assert choose_item(BY_SKU, there) == chosen


def test_item_that_is_made_carries_its_sku_and_the_settings_account() -> None:
    company = replace(US, settings=Settings(income_account_id="79"))
    assert new_item(BY_SKU, company) == {
        "Name": "Whitening kit",
        "Type": "Service",
        "IncomeAccountRef": {"value": "79"},
        "Sku": "WK-1",
    }
