"""Looking for what an unanswered write may have made, by what can be filtered for in QuickBooks."""

from collections.abc import Mapping
from typing import Any

import simplejson

from consumers.intents import Intent
from mapping.from_qbo.transactions import is_void
from qbo_client.client import QBOClient
from qbo_client.query import literal, where
from qbo_client.writes import Operation

_NAMED = {"Customer": "DisplayName", "Item": "Name", "PaymentMethod": "Name"}
#: What is unique enough to be looked for by itself; PrivateNote and a receipt's PaymentRefNum are not filterable.
_NUMBERED = {"Invoice": "DocNumber", "Payment": "PaymentRefNum"}
_ABOUT_THE_WRITE = frozenset({"SyncToken", "sparse", "MetaData"})
_WHETHER_ACTIVE = where("Active", "IN", [True, False])


async def find_written(client: QBOClient, intent: Intent) -> Mapping[str, Any] | None:
    """Return the object as this intent left it if it was written; None when it was not, or nothing can tell.

    An update that is sent again carries its SyncToken, so QuickBooks itself refuses it as stale (5010) if it was
    applied, and whoever decides anew reads the object. Only a customer is looked at: what the bridge wrote to it
    would else come back as another hand's change.
    """
    body = simplejson.loads(intent.write.body, use_decimal=True)
    entity = intent.write.entity
    match intent.write.operation:
        case Operation.DELETE:
            return await _deleted(client, entity, body)
        case Operation.VOID:
            return await _voided(client, entity, body)
        case Operation.UPDATE:
            return await _updated(client, body) if entity == "Customer" else None
    if entity in _NAMED:
        return await _by_name(client, entity, _NAMED[entity], body)
    if entity in _NUMBERED and body.get(_NUMBERED[entity]):
        return await _by_note(client, entity, where(_NUMBERED[entity], "=", str(body[_NUMBERED[entity]])), body)
    return await _by_note(client, entity, _by_customer_and_day(body), body)


async def _deleted(client: QBOClient, entity: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a deletion answers with if the object is gone, whoever deleted it."""
    found = await client.query_all(entity, where("Id", "=", str(body["Id"])))
    return None if found else {"Id": body["Id"], "status": "Deleted"}


async def _voided(client: QBOClient, entity: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the transaction if it is void, whoever voided it."""
    found = await client.query_all(entity, where("Id", "=", str(body["Id"])))
    return next((row for row in found if is_void(row)), None)


async def _updated(client: QBOClient, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the customer if it shows everything that was sent."""
    found = await client.query_all("Customer", f"{where('Id', '=', str(body['Id']))} AND {_WHETHER_ACTIVE}")
    sent = {name: value for name, value in body.items() if name not in _ABOUT_THE_WRITE}
    return next((row for row in found if _shows(row, sent)), None)


def _shows(shown: Any, sent: Any) -> bool:
    """Whether QuickBooks shows what was sent, perhaps among more."""
    if isinstance(sent, Mapping):
        return isinstance(shown or {}, Mapping) and all(_shows((shown or {}).get(key), sent[key]) for key in sent)
    return (shown or None) == (sent or None)


async def _by_name(client: QBOClient, entity: str, field: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    rows = await client.query(f"SELECT * FROM {entity} WHERE {field} = {literal(body[field])}")  # noqa: S608
    return next((row for row in rows if _email(row) == _email(body)), None)


def _email(customer: Mapping[str, Any]) -> str | None:
    # Another person of the same name is not what this write made.
    return (customer.get("PrimaryEmailAddr") or {}).get("Address")


def _by_customer_and_day(body: Mapping[str, Any]) -> str:
    condition = where("TxnDate", "=", str(body["TxnDate"]))
    if customer := body.get("CustomerRef"):
        condition += f" AND {where('CustomerRef', '=', str(customer['value']))}"
    return condition


async def _by_note(client: QBOClient, entity: str, condition: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    rows = await client.query_all(entity, condition)
    return next((row for row in rows if first_line(row) == first_line(body)), None)


def first_line(transaction: Mapping[str, Any]) -> str:
    """Return the line of the note that leads back to the CRM; a bookkeeper may have added to the rest."""
    return str(transaction.get("PrivateNote", "")).split("\n", 1)[0].strip()
