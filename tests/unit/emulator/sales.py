"""Short ways to put sales into a company's books, and to look at them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.unit.emulator.driver import Books, Reply, line


async def customer(books: Books, name: str, **more: Any) -> str:
    return str((await books.made("Customer", {"DisplayName": name, **more}))["Id"])


async def invoice(books: Books, owner: str, amount: str, **more: Any) -> dict[str, Any]:
    return await books.made("Invoice", {"CustomerRef": {"value": owner}, "Line": [line(amount)], **more})


async def credit_memo(books: Books, owner: str, amount: str, **more: Any) -> dict[str, Any]:
    return await books.made("CreditMemo", {"CustomerRef": {"value": owner}, "Line": [line(amount)], **more})


def payment_body(
    owner: str, total: str, invoices: Mapping[str, str] | None = None, memos: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Amounts by the Id of what they are applied to."""
    given = [("Invoice", invoices or {}), ("CreditMemo", memos or {})]
    lines = [
        {"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": identifier, "TxnType": kind}]}
        for kind, amounts in given
        for identifier, amount in amounts.items()
    ]
    return {"CustomerRef": {"value": owner}, "TotalAmt": Decimal(total), "Line": lines}


async def payment(
    books: Books,
    owner: str,
    total: str,
    invoices: Mapping[str, str] | None = None,
    memos: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return await books.made("Payment", payment_body(owner, total, invoices, memos))


def key(made: Mapping[str, Any]) -> dict[str, str]:
    return {"Id": made["Id"], "SyncToken": made["SyncToken"]}


async def seen(books: Books, entity: str, identifier: str) -> dict[str, Any]:
    reply: Reply = await books.call("GET", f"{entity.lower()}/{identifier}")
    assert reply.status == 200, reply.text
    found: dict[str, Any] = reply.body[entity]
    return found


async def balance(books: Books, entity: str, identifier: str) -> Decimal:
    return Decimal((await seen(books, entity, identifier))["Balance"])
