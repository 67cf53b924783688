"""Totals that QuickBooks showed otherwise than was meant, looked at again: a person may have corrected them."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from consumers.intents import Link, discrepancy
from consumers.work import Work


def remembered(expect: Mapping[str, Decimal]) -> dict[str, Any]:
    """Return what a link's `last_sent` keeps, so that the totals can be compared later."""
    return {"expect": {name: str(total) for name, total in expect.items()}}


async def compare_again(link: Link, work: Work) -> Link:
    """Read the document, and return the link as it stands now."""
    document = (await work.client.read(link.qbo_kind, link.qbo_id)).entity
    now = discrepancy((link.last_sent or {}).get("expect", {}), document)
    compared = replace(link, discrepancy=now, sync_token=document.get("SyncToken"))
    await work.remember(compared)
    return compared
