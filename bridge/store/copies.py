"""Local copies of QuickBooks' own objects, so that a steady state needs no metered read."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from bridge.store.database import Pool, session
from mapping.from_qbo.customer import last_updated
from mapping.to_qbo.customer import emails_of
from mapping.to_qbo.text import DELETED

#: The name by which each copied kind is found.
_NAMES = {
    "Customer": "DisplayName",
    "Item": "Name",
    "PaymentMethod": "Name",
    "Invoice": "DocNumber",
    "Payment": "PaymentRefNum",
}

# An answer may arrive after a newer one: the higher SyncToken stays.
UPSERT_COPY = """
INSERT INTO local_copy (realm_id, qbo_kind, qbo_id, name_key, email_keys, active, sync_token, body, written_until)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (realm_id, qbo_kind, qbo_id) DO UPDATE SET
    name_key = excluded.name_key, email_keys = excluded.email_keys, active = excluded.active,
    sync_token = excluded.sync_token, body = excluded.body, seen_at = now(),
    written_until = coalesce(excluded.written_until, local_copy.written_until)
WHERE local_copy.sync_token <= excluded.sync_token
"""

DELETE_COPY = "DELETE FROM local_copy WHERE realm_id = %s AND qbo_kind = %s AND qbo_id = %s"


def is_copied(qbo_kind: str) -> bool:
    return qbo_kind in _NAMES


def name_key(name: str) -> str:
    """Return a name as QuickBooks compares it: case-insensitive, without the suffix of inactive ones."""
    return name.removesuffix(DELETED).strip().casefold()


def copy_values(realm_id: str, qbo_kind: str, body: Mapping[str, Any], *, written: bool = False) -> tuple[Any, ...]:
    """Return the values of UPSERT_COPY. `written`: the body is the answer to a write of the bridge."""
    body = storable(body)
    emails = emails_of(body) if qbo_kind == "Customer" else ()
    name = name_key(str(body.get(_NAMES[qbo_kind], "")))
    token = int(body.get("SyncToken") or 0)
    active = bool(body.get("Active", True))
    until = last_updated(body) if written else None
    return (realm_id, qbo_kind, str(body["Id"]), name, list(emails), active, token, Jsonb(dict(body)), until)


def storable(value: Any) -> Any:
    """Return a value of JSON as jsonb can hold it: no NULs and no halves of surrogate pairs.

    One such character in a memo would keep all news of its company from being stored.
    """
    match value:
        case str():
            return value if _plain(value) else value.encode("utf-8", "replace").decode().replace("\x00", "")
        case Mapping():
            return {name: storable(one) for name, one in value.items()}
        case list():
            return [storable(one) for one in value]
    return value


def _plain(text: str) -> bool:
    return text.isascii() and "\x00" not in text


class CopyStore:
    def __init__(self, pool: Pool, realm_id: str) -> None:
        self._pool = pool
        self._realm_id = realm_id
        # Names that were found. Whoever holds the lane is the only one to change its copies, so that a find
        # stays true until it changes them; a miss is never remembered.
        self._found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}

    async def copy(self, qbo_kind: str, qbo_id: str) -> Mapping[str, Any] | None:
        found = await self._bodies("qbo_kind = %s AND qbo_id = %s", qbo_kind, qbo_id)
        return found[0] if found else None

    async def copies(self, qbo_kind: str, qbo_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found = await self._bodies("qbo_kind = %s AND qbo_id = ANY(%s)", qbo_kind, list(qbo_ids))
        return {str(body["Id"]): body for body in found}

    async def copies_named(self, qbo_kind: str, name: str) -> list[Mapping[str, Any]]:
        key = (qbo_kind, name_key(name))
        if key not in self._found:
            found = await self._bodies("qbo_kind = %s AND name_key = %s", *key)
            if not found or qbo_kind == "Customer":
                return found
            self._found[key] = found
        return self._found[key]

    async def items_with_sku(self, sku: str) -> list[Mapping[str, Any]]:
        key = ("Item by SKU", sku.strip().casefold())
        if key not in self._found:
            found = await self._bodies("qbo_kind = 'Item' AND lower(body ->> 'Sku') = %s", key[1])
            if not found:
                return found
            self._found[key] = found
        return self._found[key]

    async def customers_with_email(self, email_key: str) -> list[Mapping[str, Any]]:
        return await self._bodies("qbo_kind = 'Customer' AND email_keys @> %s::text[]", [email_key])

    async def save_copies(self, qbo_kind: str, objects: Sequence[Mapping[str, Any]]) -> None:
        if not objects:
            return
        self._found.clear()
        async with session(self._pool) as connection, connection.cursor() as cursor:
            await cursor.executemany(UPSERT_COPY, [copy_values(self._realm_id, qbo_kind, o) for o in objects])

    async def _bodies(self, condition: str, *values: Any) -> list[Mapping[str, Any]]:
        query = f"SELECT body FROM local_copy WHERE realm_id = %s AND {condition} ORDER BY qbo_id"  # noqa: S608
        async with session(self._pool) as connection:
            rows = await (await connection.execute(query.encode(), [self._realm_id, *values])).fetchall()
        return [row["body"] for row in rows]
