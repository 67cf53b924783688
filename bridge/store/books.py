"""What the bridge remembers of one company. Satisfies `consumers.ports.Books`."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from bridge.store.copies import CopyStore
from bridge.store.database import Pool, session
from consumers.intents import CrmRef, Intent, Link
from mapping.company import Company, to_json
from mapping.echo import ToldCustomer, ToldInvoice
from qbo_client.writes import Operation, Write

# One round trip for both: whoever asks for a link is about to write, and needs the next number then.
_LINK = """
SELECT l.*, (SELECT coalesce(max(n.number), 0) FROM intent n
              WHERE (n.realm_id, n.tenant_id, n.crm_kind, n.crm_id, n.currency)
                  = (r.realm_id, r.tenant_id, r.crm_kind, r.crm_id, r.currency)) AS last_number
  FROM (VALUES (%s, %s, %s, %s, %s)) AS r (realm_id, tenant_id, crm_kind, crm_id, currency)
  LEFT JOIN link l ON (l.realm_id, l.tenant_id, l.crm_kind, l.crm_id, l.currency)
                    = (r.realm_id, r.tenant_id, r.crm_kind, r.crm_id, r.currency)
"""
_LINKS_TO = """
SELECT * FROM link WHERE realm_id = %s AND tenant_id = %s AND qbo_kind = %s AND qbo_id = %s ORDER BY linked_at, crm_id
"""
_LINKS_OF = """
SELECT * FROM link WHERE realm_id = %s AND tenant_id = %s AND belongs_to = ANY(%s) AND crm_kind = ANY(%s)
   AND belongs_to <> '' ORDER BY linked_at, crm_id
"""
# Asked only when a customer is found to be no more.
_DOCUMENTS_OF = """
SELECT l.* FROM link l
 WHERE l.realm_id = %s AND l.tenant_id = %s AND l.qbo_kind = ANY(%s) AND l.origin <> 'skipped'
   AND EXISTS (SELECT FROM inbox i WHERE i.tenant_id = l.tenant_id AND i.contact_id = %s
                  AND (i.entity_kind, i.entity_id) = (l.crm_kind, l.crm_id))
 ORDER BY l.linked_at DESC, l.crm_id LIMIT 5
"""
_NEWEST = """
SELECT topic, payload FROM inbox WHERE tenant_id = %s AND entity_kind = %s AND entity_id = %s
   AND payload IS NOT NULL AND cause IS DISTINCT FROM 'event_id_reused'
 ORDER BY entity_version DESC, occurred_at DESC LIMIT 1
"""
_TOLD_CUSTOMER = "SELECT qbo_id, gone FROM known_customer WHERE realm_id = %s AND tenant_id = %s AND qbo_id = %s"
_TOLD_INVOICES = """
SELECT qbo_id, doc_number, txn_date, total FROM told_invoice
 WHERE realm_id = %s AND tenant_id = %s AND doc_number = ANY(%s) ORDER BY qbo_id, txn_date, total
"""
_TOLD_PAID = """
SELECT paid_told FROM known_invoice WHERE realm_id = %s AND tenant_id = %s AND qbo_id = %s
"""
_NUMBER = """
SELECT coalesce(max(number), 0) AS number FROM intent
 WHERE realm_id = %s AND tenant_id = %s AND crm_kind = %s AND crm_id = %s AND currency = %s
"""
# What the user set outlives every preflight.
_COMPANY = """
UPDATE connection SET company = found.company
       || jsonb_build_object('settings', coalesce(connection.company -> 'settings', found.company -> 'settings'))
     , cause = NULL, message = NULL
  FROM (SELECT %s::jsonb AS company) AS found
 WHERE realm_id = %s AND tenant_id = %s
"""
# Of this tenant only: the company may have been another's before, under whose consent nothing is sent any more.
_OPEN = "SELECT * FROM intent WHERE realm_id = %s AND tenant_id = %s AND state IN ('open', 'attention') ORDER BY id"


#: Numbers kept for writes that may never come; asked for again where they were dropped.
_MOST_NUMBERS = 1000


class BookStore(CopyStore):
    def __init__(self, pool: Pool, *, realm_id: str, tenant_id: str) -> None:
        super().__init__(pool, realm_id)
        self._tenant_id = tenant_id
        self._numbers: dict[CrmRef, int] = {}

    async def link(self, ref: CrmRef) -> Link | None:
        rows = await self._rows(_LINK, self._realm_id, self._tenant_id, ref.kind, ref.id, ref.currency)
        if len(self._numbers) >= _MOST_NUMBERS:
            self._numbers.clear()
        self._numbers[ref] = int(rows[0]["last_number"])
        return _link(rows[0]) if rows[0]["crm_id"] is not None else None

    async def links_to(self, qbo_kind: str, qbo_id: str) -> list[Link]:
        return [_link(row) for row in await self._rows(_LINKS_TO, self._realm_id, self._tenant_id, qbo_kind, qbo_id)]

    async def links_of(self, kinds: Sequence[str], belongs_to: Sequence[str]) -> list[Link]:
        values = (self._realm_id, self._tenant_id, list(belongs_to), list(kinds))
        return [_link(row) for row in await self._rows(_LINKS_OF, *values)]

    async def documents_of(self, contact_id: str, qbo_kinds: Sequence[str]) -> list[Link]:
        values = (self._realm_id, self._tenant_id, list(qbo_kinds), contact_id)
        return [_link(row) for row in await self._rows(_DOCUMENTS_OF, *values)]

    async def newest_event(self, entity_kind: str, entity_id: str) -> tuple[str, bytes] | None:
        rows = await self._rows(_NEWEST, self._tenant_id, entity_kind, entity_id)
        return (rows[0]["topic"], rows[0]["payload"]) if rows else None

    async def told_customer(self, qbo_id: str) -> ToldCustomer | None:
        rows = await self._rows(_TOLD_CUSTOMER, self._realm_id, self._tenant_id, qbo_id)
        return ToldCustomer(**rows[0]) if rows else None

    async def told_invoices(self, doc_numbers: Sequence[str]) -> list[ToldInvoice]:
        values = (self._realm_id, self._tenant_id, list(doc_numbers))
        return [ToldInvoice(**row) for row in await self._rows(_TOLD_INVOICES, *values)]

    async def told_paid(self, qbo_id: str) -> bool:
        rows = await self._rows(_TOLD_PAID, self._realm_id, self._tenant_id, qbo_id)
        return bool(rows) and bool(rows[0]["paid_told"])

    async def last_number(self, ref: CrmRef) -> int:
        if (known := self._numbers.pop(ref, None)) is not None:
            return known  # Once only: the write that it is for raises it.
        rows = await self._rows(_NUMBER, self._realm_id, self._tenant_id, ref.kind, ref.id, ref.currency)
        return int(rows[0]["number"])

    async def open_intents(self) -> list[Intent]:
        """Return every intent without a definite answer, oldest first; those in attention hold their keys too."""
        return [_intent(row) for row in await self._rows(_OPEN, self._realm_id, self._tenant_id)]

    async def save_company(self, company: Company) -> None:
        async with session(self._pool) as connection:
            await connection.execute(_COMPANY, [Jsonb(to_json(company)), self._realm_id, self._tenant_id])

    async def _rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with session(self._pool) as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()


def _ref(row: Mapping[str, Any]) -> CrmRef:
    return CrmRef(kind=row["crm_kind"], id=row["crm_id"], currency=row["currency"])


def _link(row: Mapping[str, Any]) -> Link:
    same = ("qbo_kind", "qbo_id", "sync_token", "doc_number", "last_sent", "source_hash", "occurred_at", "origin",
            "discrepancy", "belongs_to")  # fmt: skip
    return Link(ref=_ref(row), version=row["entity_version"], **{name: row[name] for name in same})


def _intent(row: Mapping[str, Any]) -> Intent:
    write = Write(
        entity=row["entity"],
        operation=Operation(row["operation"]),
        body=row["body"],
        request_id=row["request_id"],
    )
    same = (
        "id",
        "realm_id",
        "tenant_id",
        "inbox_id",
        "number",
        "remember",
        "attempts",
        "created_at",
        "due_at",
    )
    return Intent(
        ref=_ref(row),
        write=write,
        keys=tuple(row["keys"]),
        in_attention=row["state"] == "attention",
        **{name: row[name] for name in same},
    )
