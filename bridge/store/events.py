"""Events that the store itself adds to the outbox, because they are true the moment a row changes."""

from datetime import datetime
from uuid import UUID, uuid5

from schemas.events.quickbooks import ConnectionChanged, ConnectionState, ImportState

_NAMESPACE = UUID("0b1f0f0e-3f5c-5c2e-8a53-3f4a0a7f9d10")


def connection_changed(
    *,
    tenant_id: str,
    realm_id: str,
    company_name: str | None,
    state: ConnectionState,
    at: datetime,
    import_invoices: bool,
    review_requests: bool,
    cause: str | None = None,
    message: str | None = None,
) -> ConnectionChanged:
    """Describe where a company's connection stands from now on."""
    return ConnectionChanged(
        event_id=str(uuid5(_NAMESPACE, "\x1f".join((tenant_id, realm_id, state.value, cause or "", at.isoformat())))),
        tenant_id=tenant_id,
        realm_id=realm_id,
        company_name=company_name,
        occurred_at=at,
        state=state,
        cause=cause,
        message=message,
        import_state=ImportState.UNKNOWN if import_invoices else ImportState.NOT_REQUESTED,
        review_requests=review_requests,
    )
