"""What this connection told the CRM of QuickBooks, as it is asked for while a record is worked on."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.store.books import _TOLD_INVOICES, BookStore
from mapping.echo import ToldCustomer, ToldInvoice
from tests.integration.store.books import REALM, TENANT, Books

DAY = date(2026, 11, 20)
PAID: dict[str, Any] = {"paid": True, "paid_told": True}


@pytest.fixture
def store(books: Books) -> BookStore:
    return BookStore(books.pool, realm_id=REALM, tenant_id=TENANT)


async def know_customer(books: Books, qbo_id: str, *, gone: bool = False, tenant: str = TENANT) -> None:
    query = "INSERT INTO known_customer (realm_id, tenant_id, qbo_id, fields, gone) VALUES (%s, %s, %s, '{}', %s)"
    await books.do(query, REALM, tenant, qbo_id, gone)


async def know_invoice(books: Books, qbo_id: str, *, tenant: str = TENANT, **told: bool) -> None:
    known: dict[str, Any] = {
        "realm_id": REALM, "tenant_id": tenant, "qbo_id": qbo_id, "customer_id": "58", "total": Decimal("100.10"),
        "payments": ["9"], "changed_at": datetime(2026, 11, 20, tzinfo=UTC), "open": False, **told,
    }  # fmt: skip
    places = ", ".join(["%s"] * len(known))
    await books.do(f"INSERT INTO known_invoice ({', '.join(known)}) VALUES ({places})", *known.values())


async def tell_invoice(
    books: Books, qbo_id: str, number: str, total: str = "100.10", *, realm: str = REALM, tenant: str = TENANT
) -> None:
    columns = "realm_id, tenant_id, doc_number, txn_date, total, qbo_id"
    query = f"INSERT INTO told_invoice ({columns}) VALUES (%s, %s, %s, %s, %s, %s)"
    await books.do(query, realm, tenant, number, DAY, Decimal(total), qbo_id)


async def test_customer_is_told_where_this_connection_knows_it(books: Books, store: BookStore) -> None:
    await know_customer(books, "1")
    await know_customer(books, "2", gone=True)
    await know_customer(books, "3", tenant="loc_2")
    assert await store.told_customer("1") == ToldCustomer(qbo_id="1", gone=False)
    assert await store.told_customer("2") == ToldCustomer(qbo_id="2", gone=True)
    assert [await store.told_customer(one) for one in ("3", "4")] == [None, None]


async def test_invoices_are_found_by_number_as_often_as_the_crm_was_told_of_them(
    books: Books, store: BookStore
) -> None:
    await tell_invoice(books, "1", "INV-7")
    await tell_invoice(books, "1", "INV-7", "90.00")
    await tell_invoice(books, "2", "INV-7")
    await tell_invoice(books, "5", "INV-8")
    await tell_invoice(books, "6", "INV-7", tenant="loc_2")
    await tell_invoice(books, "7", "INV-7", realm="463")
    await tell_invoice(books, "8", "")
    found = await store.told_invoices(["INV-7", "inv-7"])
    assert found == [
        ToldInvoice(qbo_id="1", doc_number="INV-7", txn_date=DAY, total=Decimal("90.00")),
        ToldInvoice(qbo_id="1", doc_number="INV-7", txn_date=DAY, total=Decimal("100.10")),
        ToldInvoice(qbo_id="2", doc_number="INV-7", txn_date=DAY, total=Decimal("100.10")),
    ]
    assert type(found[0].total) is Decimal
    assert [one.qbo_id for one in await store.told_invoices(["INV-8", "INV-7"])] == ["1", "1", "2", "5"]
    assert [one.qbo_id for one in await store.told_invoices([""])] == ["8"]


async def test_invoice_is_told_to_be_paid_only_once_it_was(books: Books, store: BookStore) -> None:
    await know_invoice(books, "1", **PAID)
    await know_invoice(books, "2", paid=True)
    await know_invoice(books, "3", tenant="loc_2", **PAID)
    assert [await store.told_paid(one) for one in ("1", "2", "3", "4")] == [True, False, False, False]


async def test_told_invoices_are_looked_up_in_the_index_of_numbers(books: Books, store: BookStore) -> None:
    """There may be many thousands, and it is asked for each new invoice."""
    await books.do(
        "INSERT INTO told_invoice (realm_id, tenant_id, doc_number, txn_date, total, qbo_id)"
        " SELECT %s, %s, 'INV-' || n, now(), n, n::text FROM generate_series(1, 5000) n",
        REALM, TENANT,
    )  # fmt: skip
    await books.do("ANALYZE told_invoice")
    plan = await books.column(f"EXPLAIN {_TOLD_INVOICES}", REALM, TENANT, ["INV-7", "INV-8"])
    assert "told_invoice_pkey" in "\n".join(plan)
    assert [one.qbo_id for one in await store.told_invoices(["INV-7"])] == ["7"]
