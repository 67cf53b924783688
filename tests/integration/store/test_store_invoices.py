"""What the store keeps for invoices: parts, skips, waits that end, objects that were deleted."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from bridge.store.books import BookStore
from consumers.effects import Effects
from consumers.intents import CrmRef, Link
from consumers.outcomes import Waiting
from consumers.records import Row
from qbo_client.writes import Operation
from tests.integration.store.books import REALM, TENANT, Books, arrived
from tests.integration.store.effects import Groups, decided, written
from tests.unit.consumers.build import draft, intent

INVOICE = CrmRef(kind="invoice", id="in_1")
PAYMENT, PROVISIONAL = CrmRef(kind="payment", id="tx_1"), CrmRef(kind="provisional", id="in_1")
FAR = datetime(2030, 1, 1, tzinfo=UTC)


def linked(ref: CrmRef, qbo_id: str = "7", **fields: object) -> Link:
    kind = "Invoice" if ref.kind == "invoice" else "Payment"
    known = Link(ref=ref, qbo_kind=kind, qbo_id=qbo_id, sync_token="0", version=FAR, occurred_at=FAR)
    return replace(known, **fields)  # type: ignore[arg-type]


def store_of(books: Books) -> BookStore:
    return BookStore(books.pool, realm_id=REALM, tenant_id=TENANT)


async def test_parts_of_an_invoice_are_found_by_kind(books: Books, groups: Groups) -> None:
    lease, _ = await books.working(arrived())
    for ref, of in ((INVOICE, ""), (PAYMENT, "in_1"), (PROVISIONAL, "in_1"), (CrmRef(kind="payment", id="tx_2"), "x")):
        assert await groups.commit((lease, Effects(link=linked(ref, belongs_to=of)))) == ["ok"]
    found = await store_of(books).links_of(("payment", "provisional"), ["in_1"])
    assert [(link.ref, link.belongs_to) for link in found] == [(PAYMENT, "in_1"), (PROVISIONAL, "in_1")]
    assert await store_of(books).links_of(("payment",), ["", "nothing"]) == []


async def test_link_that_was_skipped_becomes_what_is_made_later(books: Books, groups: Groups) -> None:
    lease, _ = await books.working(arrived())
    skipped = linked(INVOICE, "", origin="skipped", last_sent={"cause": "draft"})
    for link, origin in ((skipped, "skipped"), (linked(INVOICE), "made"), (linked(INVOICE, origin="found"), "made")):
        await groups.commit((lease, Effects(link=link)))
        known = await store_of(books).link(INVOICE)
        assert known is not None
        assert known.origin == origin


async def test_take_over_ends_the_provisional_link_in_the_same_commit(books: Books, groups: Groups) -> None:
    lease, (row,) = await books.working(arrived())
    await groups.commit((lease, Effects(link=linked(PROVISIONAL, belongs_to="in_1"))))
    wanted = draft(
        ref=PAYMENT, operation=Operation.UPDATE, entity="Payment",
        body={"Id": "7", "SyncToken": "0", "TotalAmt": Decimal(5)}, expect={}, belongs_to="in_1",
        unlinks=(PROVISIONAL,),
    )  # fmt: skip
    sent = intent(wanted, realm_id=lease.realm_id, tenant_id=lease.tenant_id, inbox_id=row.id)
    assert await groups.store((lease, sent)) == ["ok"]
    (kept,) = await store_of(books).open_intents()
    assert kept.unlinks == (PROVISIONAL,)
    assert await groups.commit((lease, Effects(answer=written(kept, "7", TotalAmt=Decimal(5))))) == ["ok"]
    found = await store_of(books).links_of(("payment", "provisional"), ["in_1"])
    assert [(link.ref, link.qbo_id) for link in found] == [(PAYMENT, "7")]
    assert (await store_of(books).copies("Payment", ["7", "8"])).keys() == {"7"}


async def test_deletion_drops_the_copy(books: Books, groups: Groups) -> None:
    lease, (row,) = await books.working(arrived())
    store = store_of(books)
    await store.save_copies("Invoice", [{"Id": "9", "SyncToken": "3", "DocNumber": "INV-1"}])
    wanted = draft(
        ref=INVOICE, operation=Operation.DELETE, entity="Invoice", body={"Id": "9", "SyncToken": "3"}, expect={}
    )
    sent = intent(wanted, realm_id=lease.realm_id, tenant_id=lease.tenant_id, inbox_id=row.id)
    await groups.store((lease, sent))
    assert await groups.commit((lease, Effects(answer=written(sent, "9")))) == ["ok"]
    assert await store.copy("Invoice", "9") is None
    assert (await store.link(INVOICE)) is not None


async def test_what_waits_for_an_invoice_is_released_when_its_link_lands(books: Books, groups: Groups) -> None:
    lease, rows = await books.working(arrived("a"), arrived("b"))
    for row, key in zip(rows, ("invoice:in_1", "invoice:in_2"), strict=True):
        await groups.commit((lease, decided(row, Waiting("waits_for_invoice", "Waits.", FAR, waits_for=key))))
    assert await _due(books, rows) == []
    assert await groups.commit((lease, Effects(link=linked(INVOICE)))) == ["ok"]
    assert await _due(books, rows) == [rows[0].id]


async def _due(books: Books, rows: list[Row]) -> list[int]:
    ids = [row.id for row in rows]
    return await books.column("SELECT id FROM inbox WHERE id = ANY(%s) AND due_at <= now() ORDER BY id", ids)


async def test_newest_state_of_a_record_is_the_one_with_the_highest_version(books: Books) -> None:
    newer, older = arrived("ct_1", 5), arrived("ct_1", 1)
    await books.connect()
    await books.receive(newer, older)
    assert await store_of(books).newest_event("contact", "ct_1") == ("contact.active", newer.payload)
    assert await store_of(books).newest_event("contact", "nobody") is None


async def test_item_is_found_by_its_sku_whatever_its_case(books: Books) -> None:
    store = store_of(books)
    await store.save_copies("Item", [{"Id": "1", "SyncToken": "0", "Name": "Kit", "Sku": "WK-1"}])
    assert [item["Id"] for item in await store.items_with_sku(" wk-1")] == ["1"]
    assert await store.items_with_sku("other") == []


async def test_documents_of_a_contact_are_those_its_events_were_booked_as(books: Books, groups: Groups) -> None:
    lease, _ = await books.working(arrived("ct_1"), arrived("ct_2"))
    for contact, number in (("ct_1", "7"), ("ct_2", "8")):
        receipt = linked(CrmRef(kind="contact", id=contact), number, qbo_kind="SalesReceipt")
        assert await groups.commit((lease, Effects(link=receipt))) == ["ok"]
    found = await store_of(books).documents_of("ct_1", ["SalesReceipt", "Invoice"])
    assert [(one.qbo_kind, one.qbo_id) for one in found] == [("SalesReceipt", "7")]
    assert await store_of(books).documents_of("ct_1", ["Invoice"]) == []
