"""Looking for what an unanswered write may have made, by what can be filtered for in QuickBooks."""

from collections.abc import Mapping
from typing import Any

import simplejson

from consumers.intents import Intent
from qbo_client.client import QBOClient
from qbo_client.query import literal
from qbo_client.writes import Operation

_NAMED = {"Customer": "DisplayName", "Item": "Name", "PaymentMethod": "Name"}


async def find_written(client: QBOClient, intent: Intent) -> Mapping[str, Any] | None:
    """Return the object this intent made if it is there; None when it is not, or was no creation.

    An update that is sent again carries its SyncToken, so QuickBooks itself refuses it as stale (5010) if
    it was applied: nothing needs to be looked for.
    """
    if intent.write.operation is not Operation.CREATE:
        return None
    body = simplejson.loads(intent.write.body, use_decimal=True)
    entity = intent.write.entity
    if entity in _NAMED:
        return await _by_name(client, entity, _NAMED[entity], body)
    return await _by_private_note(client, entity, body)


async def _by_name(client: QBOClient, entity: str, field: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    rows = await client.query(f"SELECT * FROM {entity} WHERE {field} = {literal(body[field])}")  # noqa: S608
    return next((row for row in rows if _email(row) == _email(body)), None)


def _email(customer: Mapping[str, Any]) -> str | None:
    # Another person of the same name is not what this write made.
    return (customer.get("PrimaryEmailAddr") or {}).get("Address")


async def _by_private_note(client: QBOClient, entity: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    # PaymentRefNum and PrivateNote of a receipt are not filterable: customer and day narrow, the note decides.
    where = f"TxnDate = {literal(body['TxnDate'])}"
    if customer := body.get("CustomerRef"):
        where += f" AND CustomerRef = {literal(customer['value'])}"
    rows = await client.query_all(entity, where)
    # The first line is the CRM's id; a bookkeeper may have added to the rest.
    return next((row for row in rows if _first_line(row) == _first_line(body)), None)


def _first_line(transaction: Mapping[str, Any]) -> str:
    return str(transaction.get("PrivateNote", "")).split("\n", 1)[0].strip()
