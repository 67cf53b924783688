"""Change data capture of our client at the emulator, beyond what one answer holds."""

from datetime import UTC, datetime, timedelta

import pytest

from qbo_client.changes import MOST_CHANGES, overlapping
from qbo_client.emulator import records
from qbo_client.emulator.company import Company
from qbo_client.sweeps import sweep
from qbo_client.writes import Write
from tests.unit.qbo_client.emulated import Books, known, line

KINDS = ("Customer", "Invoice", "Payment", "SalesReceipt")


def lately() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


def fill(company: Company, kind: str, count: int) -> None:
    """As if they had been made before."""
    for number in range(count):
        body = {"DisplayName": f"{kind} {number}"} if kind == "Customer" else {"Line": [line("1.00")]}
        cleaned = company.schema.clean(kind, body)
        records.create(company, company.kinds[kind.lower()], cleaned, frozenset())


async def test_changes_tell_what_lives_and_what_was_deleted(us_books: Books) -> None:
    owner = await us_books.customer()
    invoice = await us_books.invoice(owner, "40.00")
    paid = await us_books.payment(owner, "40.00", invoice)
    gone = await us_books.make("SalesReceipt", {"Line": [line("1.00")]})
    await us_books.delete("SalesReceipt", gone)
    told = await us_books.client.changes(KINDS, lately())
    assert {kind: [row["Id"] for row in rows] for kind, rows in told.live.items()} == {
        "Customer": [owner],
        "Invoice": [invoice["Id"]],
        "Payment": [paid["Id"]],
    }
    assert [row["Id"] for row in told.deleted["SalesReceipt"]] == [gone["Id"]]
    assert told.live["Invoice"][0]["Balance"] == 0
    assert not told.truncated


async def test_changes_of_voids_and_names_put_away_are_rows(us_books: Books) -> None:
    receipt = await us_books.make("SalesReceipt", {"Line": [line("1.00")]})
    await us_books.void("SalesReceipt", receipt)
    customer = await us_books.make("Customer", {"DisplayName": "Amy"})
    away = Write.sparse_update("Customer", known(customer, Active=False), request_id="away")
    await us_books.client.send(away)
    told = await us_books.client.changes(KINDS, lately())
    assert told.live["SalesReceipt"][0]["PrivateNote"].startswith("Voided")
    assert told.live["Customer"][0]["Active"] is False


async def test_changes_asked_from_where_the_last_answer_ended_miss_nothing(us_books: Books) -> None:
    await us_books.customer("Amy")
    first = await us_books.client.changes(["Customer"], lately())
    assert first.taken_at is not None
    us_books.world.clock.advance(900)
    later = await us_books.customer("Bob")
    told = await us_books.client.changes(["Customer"], overlapping(first.taken_at))
    assert later in [row["Id"] for row in told.live["Customer"]]
    us_books.world.clock.advance(900)
    again = await us_books.client.changes(["Customer"], us_books.world.clock.now() - timedelta(minutes=1))
    assert again.live == {}


async def test_sweep_of_more_than_one_answer_holds_asks_for_each_kind(us_books: Books) -> None:
    since = lately()
    fill(us_books.company, "Customer", 700)
    fill(us_books.company, "SalesReceipt", 700)
    first = await us_books.client.changes(["Customer", "SalesReceipt"], since)
    assert first.truncated
    told = await sweep(us_books.client, ["Customer", "SalesReceipt"], since)
    assert {kind: len({row["Id"] for row in rows}) for kind, rows in told.live.items()} == {
        "Customer": 700,
        "SalesReceipt": 700,
    }
    assert told.deletions_missed == frozenset()


async def test_sweep_of_one_kind_beyond_the_cap_queries_and_owns_up_to_deletions(us_books: Books) -> None:
    since = lately()
    gone = await us_books.make("SalesReceipt", {"Line": [line("1.00")]})
    fill(us_books.company, "SalesReceipt", MOST_CHANGES + 50)
    await us_books.delete("SalesReceipt", gone)
    told = await sweep(us_books.client, ["SalesReceipt"], since)
    assert len({row["Id"] for row in told.live["SalesReceipt"]}) == MOST_CHANGES + 50
    # The stubs come after the living rows: QuickBooks has cut them off, and only a comparison of all would show.
    assert told.deleted == {}
    assert told.deletions_missed == {"SalesReceipt"}


async def test_changes_are_read_again_after_a_lost_answer(us_books: Books) -> None:
    await us_books.customer()
    us_books.fault("reset_after", operation="cdc")
    told = await us_books.client.changes(["Customer"], lately())
    assert len(told.live["Customer"]) == 1
    assert [one.metered for one in us_books.exchanges if one.operation == "cdc"] == [1, 1]


@pytest.mark.parametrize("kind", ["TaxCode", "TaxRate", "TaxAgency"])
async def test_changes_of_what_is_not_captured_are_not_asked_for(us_books: Books, kind: str) -> None:
    with pytest.raises(ValueError, match="query it"):
        await us_books.client.changes([kind], lately())
    assert us_books.exchanges == []
