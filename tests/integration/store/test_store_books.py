"""What is remembered of one company, and what ingest is told when a row cannot be stored."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bridge.store.books import BookStore
from bridge.store.ingest import IngestInbox
from consumers.effects import Effects
from consumers.ports import RowRefused
from tests.integration.store.books import DEAD_TOPIC, Books, arrived
from tests.integration.store.effects import Groups, intent_for, written
from tests.unit.mapping.build import GB


def customer(token: int, name: str = "Reed Dental", **fields: Any) -> dict[str, Any]:
    return {"Id": "58", "SyncToken": str(token), "DisplayName": name, "Active": True, **fields}


@pytest.fixture
def store(books: Books) -> BookStore:
    return BookStore(books.pool, realm_id="462", tenant_id="loc_1")


async def test_copy_of_an_older_answer_does_not_replace_a_newer(store: BookStore) -> None:
    await store.save_copies("Customer", [customer(9)])
    await store.save_copies("Customer", [customer(10, "Reed & Co")])
    await store.save_copies("Customer", [customer(9, "late")])
    assert await store.copy("Customer", "58") == customer(10, "Reed & Co")


async def test_copy_keeps_every_cent(store: BookStore) -> None:
    await store.save_copies("Customer", [customer(0, Balance=Decimal("0.10"))])
    copy = await store.copy("Customer", "58")
    assert copy is not None
    assert (copy["Balance"], type(copy["Balance"])) == (Decimal("0.10"), Decimal)


@pytest.mark.parametrize("name", ["Reed Dental", "REED dental", " Reed Dental (deleted)"])
async def test_copies_are_found_by_name_as_quickbooks_compares_it(store: BookStore, name: str) -> None:
    await store.save_copies("Customer", [customer(0)])
    assert [found["Id"] for found in await store.copies_named("Customer", name)] == ["58"]
    assert await store.copies_named("Item", name) == []


async def test_copies_are_found_by_each_of_their_emails(store: BookStore) -> None:
    await store.save_copies("Customer", [customer(0, PrimaryEmailAddr={"Address": "A@x.com, b@x.com"})])
    found = [await store.customers_with_email(key) for key in ("a@x.com", "b@x.com", "c@x.com")]
    assert [len(customers) for customers in found] == [1, 1, 0]


async def test_copies_of_another_company_are_not_found(books: Books, store: BookStore) -> None:
    await BookStore(books.pool, realm_id="463", tenant_id="loc_1").save_copies("Customer", [customer(0)])
    assert await store.copy("Customer", "58") is None
    assert await store.copies_named("Customer", "Reed Dental") == []


async def test_last_number_follows_every_intent(books: Books, groups: Groups, store: BookStore) -> None:
    """A number used twice would be one request id for two writes, or a write that can never be stored."""
    lease, (row,) = await books.working(arrived())
    ref = intent_for(row, lease).ref
    assert await store.last_number(ref) == 0
    for number in (1, 2, 3):
        assert await store.link(ref) is None
        assert await store.last_number(ref) == number - 1
        await groups.store((lease, intent_for(row, lease, number=number)))
        assert await store.last_number(ref) == number


async def test_links_to_an_object_name_the_first_linked_first(books: Books, groups: Groups, store: BookStore) -> None:
    lease, rows = await books.working(arrived("b"), arrived("a"))
    links = [
        replace(written(intent_for(row, lease)).link, origin=o) for row, o in zip(rows, ("made", "found"), strict=True)
    ]
    for link in links:
        assert await groups.commit((lease, Effects(link=link))) == ["ok"]
    assert await store.links_to("Customer", "q1") == links
    assert await store.links_to("Customer", "q2") == []


async def test_origin_of_a_link_stays_what_it_was_first(books: Books, groups: Groups, store: BookStore) -> None:
    lease, (row,) = await books.working(arrived())
    link = replace(written(intent_for(row, lease)).link, origin="found")
    await groups.commit((lease, Effects(link=link)))
    await groups.commit((lease, Effects(link=replace(link, origin="made", sync_token="7"))))
    assert await store.link(link.ref) == replace(link, sync_token="7")


async def test_company_that_preflight_learned_is_read_back(books: Books, store: BookStore) -> None:
    await books.connect()
    assert (await books.connections.get("loc_1", "462")).company is None
    await store.save_company(GB)
    assert (await books.connections.get("loc_1", "462")).company == GB


async def test_ingest_inbox_names_a_row_that_cannot_be_stored(books: Books) -> None:
    await books.connect()
    inbox = IngestInbox(books.pool, tell_others=True)
    with pytest.raises(RowRefused, match="NUL"):
        await inbox.receive([arrived("a"), replace(arrived("b"), contact_id="\x00")], [], DEAD_TOPIC)
    assert (await inbox.receive([arrived("a")], [], DEAD_TOPIC)).stored == 1
