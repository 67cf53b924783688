"""Customers that a person merged in QuickBooks: the id that was linked is no more, and its documents moved along."""

from collections.abc import Mapping
from typing import Any

from consumers.work import Work
from qbo_client.errors import ReferenceInvalid

_DOCUMENTS = ("SalesReceipt", "Invoice", "Payment", "RefundReceipt")


async def survivor_of(customer_id: str, contact_id: str, currency: str, work: Work) -> str | None:
    """Return the customer that took in the one that is no more; None where no document of the contact tells.

    QuickBooks deletes no customer: one that cannot be read was merged, and its documents name the survivor.
    """
    for link in await work.books.documents_of(contact_id, _DOCUMENTS):
        try:
            document = (await work.client.read(link.qbo_kind, link.qbo_id)).entity
        except ReferenceInvalid:
            continue  # A person deleted it.
        now = _value(document, "CustomerRef")
        if now and now != customer_id and _value(document, "CurrencyRef") in ("", currency):
            return now
    return None


def _value(document: Mapping[str, Any], reference: str) -> str:
    return str((document.get(reference) or {}).get("value", ""))
