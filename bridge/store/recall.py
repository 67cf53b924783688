"""What is recalled before news is judged, in the order that keeps our own writes from being taken for others'.

Intents are read first: whatever is answered afterwards shows in what the CRM knows, and in copies, which are read
later and under the lock of the former.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import simplejson

from bridge.store.database import Connection
from bridge.store.lanes import Lease
from mapping.from_qbo.customer import fields_of
from mapping.to_qbo.customer import emails_of
from producers.memory import Ask, KnownCustomer, KnownInvoice, Memory, Payer, Row, Writing

_INTENTS = """
SELECT operation, entity, body FROM intent
 WHERE realm_id = %s AND state = 'open' AND entity IN ('Customer', 'Invoice')
"""
# Of a customer that is not known yet there is no row to be locked: whoever commits what the bridge wrote to one in
# this company waits (see `bridge.store.outcomes`), or was before us and its copy shows it.
_KNOWN = "SELECT count(*) AS n FROM known_customer WHERE realm_id = %s AND tenant_id = %s AND qbo_id = ANY(%s)"
_HOLD = "SELECT FROM watch WHERE realm_id = %s AND tenant_id = %s FOR UPDATE"
# Locked in one order, as whoever commits the answer to a write locks them.
_CUSTOMERS = """
SELECT qbo_id, fields, gone FROM known_customer
 WHERE realm_id = %s AND tenant_id = %s AND qbo_id = ANY(%s) ORDER BY qbo_id FOR UPDATE
"""
_INVOICES = """
SELECT qbo_id, customer_id, total, payments, changed_at, open, paid, paid_told, imported FROM known_invoice
 WHERE realm_id = %s AND tenant_id = %s AND qbo_id = ANY(%s)
"""
_COPIES = """
SELECT qbo_kind, qbo_id, body FROM local_copy
 WHERE realm_id = %(realm)s AND (qbo_kind = 'Customer' AND qbo_id = ANY(%(customers)s)
    OR qbo_kind = 'Invoice' AND qbo_id = ANY(%(invoices)s) OR qbo_kind = 'Payment' AND qbo_id = ANY(%(payments)s))
"""
# QuickBooks lets five levels lie under one another.
_PARENTS = """
WITH RECURSIVE above AS (
    SELECT qbo_id, body, 1 AS level FROM local_copy
     WHERE realm_id = %(realm)s AND qbo_kind = 'Customer' AND qbo_id = ANY(%(payers)s)
    UNION ALL
    SELECT c.qbo_id, c.body, a.level + 1 FROM above a
      JOIN local_copy c ON c.realm_id = %(realm)s AND c.qbo_kind = 'Customer'
                       AND c.qbo_id = a.body -> 'ParentRef' ->> 'value'
     WHERE a.level < 6)
SELECT DISTINCT ON (qbo_id) 'Customer' AS qbo_kind, qbo_id, body FROM above
"""
_CONTACTS = """
SELECT qbo_id, crm_id, belongs_to, origin FROM link
 WHERE realm_id = %s AND tenant_id = %s AND qbo_kind = 'Customer' AND crm_kind = 'contact' AND qbo_id = ANY(%s)
 ORDER BY linked_at, crm_id
"""
_MERGED_CONTACTS = """
SELECT DISTINCT crm_id, belongs_to FROM link
 WHERE realm_id = %s AND tenant_id = %s AND crm_kind = 'contact' AND belongs_to = ANY(%s) AND belongs_to <> ''
"""
_CRM_INVOICES = """
SELECT qbo_id, crm_id FROM link
 WHERE realm_id = %s AND tenant_id = %s AND qbo_kind = 'Invoice' AND crm_kind = 'invoice' AND qbo_id = ANY(%s)
"""
_HAS_PAID = """
SELECT kind, who FROM has_paid
 WHERE realm_id = %s AND tenant_id = %s AND (kind = 'customer' AND who = ANY(%s)
    OR kind = 'contact' AND who = ANY(%s) OR kind = 'email' AND who = ANY(%s))
"""


async def recall(connection: Connection, lease: Lease, ask: Ask) -> Memory:
    """Return what is known of what is asked about, in the caller's transaction."""
    if not (ask.customers or ask.invoices or ask.payments):
        return Memory()
    return await _Recall(connection, lease).everything(ask)


class _Recall:
    def __init__(self, connection: Connection, lease: Lease) -> None:
        self._connection = connection
        self._key = (lease.realm_id, lease.tenant_id)

    async def everything(self, ask: Ask) -> Memory:
        writing = _writing(await self._rows(_INTENTS, self._key[0]))
        known = await self._customers(ask.customers)
        copies = await self._copies(ask)
        customers = [*ask.customers, *(qbo_id for kind, qbo_id in copies if kind == "Customer")]
        linked = await self._rows(_CONTACTS, *self._key, customers)
        contacts = _grouped(linked)
        aliases = await self._aliases(linked)
        return Memory(
            writing=writing,
            customers={row["qbo_id"]: KnownCustomer(fields=row["fields"], gone=row["gone"]) for row in known},
            invoices=await self._invoices(ask.invoices),
            contacts=contacts,
            made=frozenset(row["qbo_id"] for row in linked if row["origin"] == "made"),
            aliases=aliases,
            crm_invoices=await self._crm_invoices(ask.invoices),
            copies=copies,
            has_paid=await self._has_paid(ask, copies, contacts, aliases),
        )

    async def _customers(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        wanted = sorted(set(ids))
        (known,) = await self._rows(_KNOWN, *self._key, wanted)
        if known["n"] < len(wanted):
            await self._connection.execute(_HOLD, self._key)
        return await self._rows(_CUSTOMERS, *self._key, wanted)

    async def _copies(self, ask: Ask) -> dict[tuple[str, str], Row]:
        named = {"customers": list(ask.customers), "invoices": list(ask.invoices), "payments": list(ask.payments)}
        rows = await self._rows(_COPIES, realm=self._key[0], **named)
        if ask.payers:
            rows += await self._rows(_PARENTS, realm=self._key[0], payers=list(ask.payers))
        return {(row["qbo_kind"], row["qbo_id"]): row["body"] for row in rows}

    async def _invoices(self, ids: Sequence[str]) -> dict[str, KnownInvoice]:
        rows = await self._rows(_INVOICES, *self._key, list(ids)) if ids else []
        return {row["qbo_id"]: KnownInvoice(**row) for row in rows}

    async def _crm_invoices(self, ids: Sequence[str]) -> dict[str, str]:
        rows = await self._rows(_CRM_INVOICES, *self._key, list(ids)) if ids else []
        return {row["qbo_id"]: row["crm_id"] for row in rows}

    async def _aliases(self, linked: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
        """Return by customer the contacts that the CRM merged with those linked to it, either way."""
        survivors = {row["crm_id"]: row["belongs_to"] for row in linked if row["belongs_to"]}
        around = sorted({*survivors.values(), *(row["crm_id"] for row in linked)})
        merged = await self._rows(_MERGED_CONTACTS, *self._key, around) if around else []
        aliases: dict[str, list[str]] = {}
        for row in linked:
            stands_for = survivors.get(row["crm_id"], row["crm_id"])
            same = [one["crm_id"] for one in merged if one["belongs_to"] == stands_for]
            aliases.setdefault(row["qbo_id"], []).extend((stands_for, *same))
        return aliases

    async def _has_paid(
        self,
        ask: Ask,
        copies: Mapping[tuple[str, str], Row],
        contacts: Mapping[str, Sequence[str]],
        aliases: Mapping[str, Sequence[str]],
    ) -> frozenset[Payer]:
        if not ask.payers:
            return frozenset()
        customers = {*ask.payers, *(qbo_id for kind, qbo_id in copies if kind == "Customer")}
        people = {one for group in (*contacts.values(), *aliases.values()) for one in group}
        emails = {
            *ask.emails,
            *(key for (kind, _), row in copies.items() if kind == "Customer" for key in emails_of(row)),
        }
        rows = await self._rows(_HAS_PAID, *self._key, sorted(customers), sorted(people), sorted(emails))
        return frozenset((row["kind"], row["who"]) for row in rows)

    async def _rows(self, query: str, *values: Any, **named: Any) -> list[dict[str, Any]]:
        return await (await self._connection.execute(query.encode(), named or values)).fetchall()


def _grouped(linked: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    contacts: dict[str, list[str]] = {}
    for row in linked:
        if row["crm_id"] not in contacts.setdefault(row["qbo_id"], []):
            contacts[row["qbo_id"]].append(row["crm_id"])
    return contacts


def _writing(intents: Sequence[Mapping[str, Any]]) -> Writing:
    bodies = [(row["entity"], row["operation"], simplejson.loads(row["body"], use_decimal=True)) for row in intents]
    touched: dict[str, frozenset[str]] = {}
    for entity, _, body in bodies:
        if entity == "Customer" and "Id" in body:
            touched[str(body["Id"])] = touched.get(str(body["Id"]), frozenset()) | fields_of(body)
    made = [(entity, body) for entity, operation, body in bodies if operation == "create"]
    return Writing(
        touched=touched,
        names=frozenset(str(b["DisplayName"]).strip().casefold() for e, b in made if e == "Customer"),
        notes=frozenset(str(b.get("PrivateNote", "")).split("\n", 1)[0].strip() for e, b in made if e == "Invoice"),
    )
