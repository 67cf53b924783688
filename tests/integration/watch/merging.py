"""People merge two customers of a watched company, and QuickBooks shows more or less of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from qbo_client.changes import Changes
from tests.integration.watch.company import WatchedCompany
from tests.integration.watch.paying import begun

Merge = Callable[[WatchedCompany, str, str], None]


def stub(company: WatchedCompany, keep: str, lose: str) -> None:
    """Change data capture shows a deletion."""
    company.merges(keep=keep, lose=lose)


def inactive(company: WatchedCompany, keep: str, lose: str) -> None:
    """The loser stays as an inactive customer."""
    left = dict(company.emulated.table("Customer").get(lose).body)
    company.merges(keep=keep, lose=lose)
    company.emulated.table("Customer").put(
        {**left, "Active": False, "SyncToken": str(int(left["SyncToken"]) + 1),
         "MetaData": {**left["MetaData"], "LastUpdatedTime": company.world.clock.stamp()}}
    )  # fmt: skip


def silent(company: WatchedCompany, keep: str, lose: str) -> None:
    """The loser vanishes without a trace: only its documents tell."""
    company.merges(keep=keep, lose=lose)
    without_stubs(company)


def without_stubs(company: WatchedCompany) -> None:
    changes = type(company.client).changes

    async def stubless(*values: Any) -> Changes:
        answer = await changes(company.client, *values)
        return replace(answer, deleted={kind: rows for kind, rows in answer.deleted.items() if kind != "Customer"})

    vars(company.client)["changes"] = stubless


EVERY_WAY = pytest.mark.parametrize("merge", [stub, inactive, silent])


async def merges(company: WatchedCompany) -> list[tuple[str, str, str | None]]:
    """Return of each event its change, its customer and the survivor."""
    return [(e.change.value, e.customer.customer_id, e.merged_into_customer_id) for e in await company.customers_told()]


async def two(company: WatchedCompany, *, documents: bool = True) -> tuple[str, str]:
    """Two customers that everybody knows; the one to be lost first."""
    lose, keep = company.customer("Amy", email="amy@example.com"), company.customer("Zoe", email="zoe@example.com")
    if documents:
        company.invoice(lose["Id"])
        company.invoice(lose["Id"])
    await begun(company)
    return lose["Id"], keep["Id"]


async def links(company: WatchedCompany) -> dict[str, tuple[str, str]]:
    rows = await company.books.rows("SELECT crm_id, qbo_id, origin FROM link WHERE crm_kind = 'contact'")
    return {row["crm_id"]: (row["qbo_id"], row["origin"]) for row in rows}


async def copied(company: WatchedCompany) -> list[str]:
    return await company.books.column("SELECT qbo_id FROM local_copy WHERE qbo_kind = 'Customer' ORDER BY qbo_id")
