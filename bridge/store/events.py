"""Events that the store itself adds to the outbox, because they are true the moment a row changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from bridge.store.database import Connection
from schemas.events.quickbooks import ConnectionChanged, ConnectionState, ImportState

_NAMESPACE = UUID("0b1f0f0e-3f5c-5c2e-8a53-3f4a0a7f9d10")

_IMPORT = """
SELECT c.import_invoices, w.import_state, w.import_done, w.import_total
  FROM connection c LEFT JOIN watch w ON (w.realm_id, w.tenant_id) = (c.realm_id, c.tenant_id)
 WHERE c.tenant_id = %s AND c.realm_id = %s
"""


async def connection_changed(
    connection: Connection,
    *,
    tenant_id: str,
    realm_id: str,
    company_name: str | None = None,
    state: ConnectionState,
    at: datetime,
    review_requests: bool = False,
    cause: str | None = None,
    message: str | None = None,
) -> ConnectionChanged:
    """Describe where a company's connection and its import stand from now on, as the transaction sees them."""
    row = await (await connection.execute(_IMPORT, [tenant_id, realm_id])).fetchone() or {}
    return ConnectionChanged(
        event_id=str(uuid5(_NAMESPACE, "\x1f".join((tenant_id, realm_id, state.value, cause or "", at.isoformat())))),
        tenant_id=tenant_id,
        realm_id=realm_id,
        company_name=company_name,
        occurred_at=at,
        state=state,
        cause=cause,
        message=message,
        **_import_standing(row),
        review_requests=review_requests,
    )


def _import_standing(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the import's part of the event. One that was chosen counts as running from the first moment."""
    stored = row.get("import_state") or "not_requested"
    if stored == "not_requested":
        chosen = bool(row.get("import_invoices"))
        return {"import_state": ImportState.RUNNING if chosen else ImportState.NOT_REQUESTED}
    return {
        "import_state": ImportState(stored.upper()),
        "import_done": row["import_done"],
        "import_total": row["import_total"],
    }
