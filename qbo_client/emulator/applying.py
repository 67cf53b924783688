"""Payments applied to invoices, and credit memos used up by them.

A payment's `Line` is the one record of what it is applied to. The documents it names carry the reverse of it:
the payment in `LinkedTxn`, and a `Balance` that is their total less what is applied. What a change of either side
means for the other is settled here, so that nothing has to be searched for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from qbo_client.emulator import balances, errors, records
from qbo_client.emulator.amounts import ZERO, cents
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.currency import set_home_amounts
from qbo_client.emulator.entities.kind import Draft
from qbo_client.emulator.table import Row

Lines = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An invoice, or a credit memo."""

    kind: str
    identifier: str

    @property
    def is_credit(self) -> bool:
        return self.kind == "CreditMemo"

    def row(self, company: Company) -> Row | None:
        return company.table(self.kind).get(self.identifier)


def document_of(line: Mapping[str, Any]) -> Document:
    (link,) = line["LinkedTxn"]
    return Document(kind=link["TxnType"], identifier=link["TxnId"])


def line_for(document: Document, amount: Decimal) -> dict[str, Any]:
    return {
        "Amount": cents(amount),
        "LinkedTxn": [{"TxnId": document.identifier, "TxnType": document.kind}],
    }


def applied(lines: Lines) -> dict[Document, Decimal]:
    amounts: dict[Document, Decimal] = {}
    for line in lines:
        document = document_of(line)
        amounts[document] = amounts.get(document, ZERO) + line["Amount"]
    return amounts


def paid(lines: Lines) -> Decimal:
    """What the lines pay of invoices, credits included."""
    return sum((line["Amount"] for line in lines if not document_of(line).is_credit), ZERO)


def credited(lines: Lines) -> Decimal:
    """What they take from credit memos."""
    return sum((line["Amount"] for line in lines if document_of(line).is_credit), ZERO)


def unapplied(total: Decimal, lines: Lines) -> Decimal:
    return cents(total + credited(lines) - paid(lines))


def cut(lines: Lines, documents: Iterable[Document], excess: Decimal) -> list[Mapping[str, Any]]:
    """The lines with so much less applied to these documents, taken from the last lines first."""
    wanted = set(documents)
    kept: list[Mapping[str, Any]] = []
    for line in reversed(lines):
        less = min(excess, line["Amount"]) if document_of(line) in wanted else ZERO
        excess -= less
        if line["Amount"] > less:
            kept.append({**line, "Amount": cents(line["Amount"] - less)})
    return kept[::-1]


def fitted(lines: Lines, total: Decimal) -> list[Mapping[str, Any]]:
    """Never more paid than there is money and credit, never more credit used than is paid."""
    documents = applied(lines)
    short = paid(lines) - credited(lines) - total
    if short > 0:
        return cut(lines, (one for one in documents if not one.is_credit), short)
    idle = credited(lines) - paid(lines)
    if idle > 0:
        return cut(lines, (one for one in documents if one.is_credit), idle)
    return list(lines)


def payable(body: Mapping[str, Any]) -> Decimal:
    """What can be applied to a document in all."""
    return Decimal(body["TotalAmt"] - body.get("Deposit", ZERO))


def used(body: Mapping[str, Any] | None) -> Decimal:
    """What is applied to it already."""
    return ZERO if body is None else payable(body) - body["Balance"]


def check_customer_kept(draft: Draft) -> None:
    """A document that payments are linked to stays with its customer, whatever that one is called by now."""
    old = draft.old or {}
    if old.get("LinkedTxn") and old["CustomerRef"]["value"] != draft.body["CustomerRef"]["value"]:
        raise errors.business("The customer cannot be changed while payments are linked.")


def set_balance(draft: Draft) -> None:
    """Completes the draft of a document: Balance and LinkedTxn.

    Where less is left to pay than payments have paid, the last of them give back the excess.
    """
    body, old = draft.body, draft.old
    links = list((old or {}).get("LinkedTxn", ()))
    excess = used(old) - payable(body)
    if excess > 0:
        assert old is not None
        document = Document(kind=draft.kind.name, identifier=old["Id"])
        changed = _given_back(draft.company, document, links, excess)
        gone = {row.identifier for row, lines in changed if document not in applied(lines)}
        links = [link for link in links if link["TxnId"] not in gone]
    body["LinkedTxn"] = links
    _set_open(draft.company, body, max(-excess, ZERO))


def _set_open(company: Company, body: dict[str, Any], balance: Decimal) -> None:
    body["Balance"] = cents(balance)
    if "RemainingCredit" in body:
        body["RemainingCredit"] = body["Balance"]
    set_home_amounts(company, body)


def settle_document(
    company: Company, kind_name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> None:
    excess = used(old) - (payable(new) if new else ZERO)
    if old is not None and excess > 0:
        document = Document(kind=kind_name, identifier=old["Id"])
        for row, lines in _given_back(company, document, old["LinkedTxn"], excess):
            _put_lines(company, row, lines, spared=document)
    balances.settle(company, kind_name, old, new)


def _given_back(
    company: Company, document: Document, links: Iterable[Mapping[str, Any]], excess: Decimal
) -> list[tuple[Row, Lines]]:
    """The payments that give back, the last linked first, each with the lines that it keeps."""
    changed: list[tuple[Row, Lines]] = []
    for link in reversed(list(links)):
        row = company.table("Payment").get(link["TxnId"])
        if row is None or excess <= 0:
            continue
        lines = cut(row.body["Line"], [document], excess)
        excess -= applied(row.body["Line"])[document] - applied(lines).get(document, ZERO)
        changed.append((row, fitted(lines, row.body["TotalAmt"])))
    return changed


def _put_lines(company: Company, row: Row, lines: Lines, *, spared: Document) -> None:
    """The document that asked for it has its new balance already."""
    content = records.without_envelope(row.body)
    content |= {"Line": list(lines), "UnappliedAmt": unapplied(row.body["TotalAmt"], lines)}
    new = records.replaced(company, company.kinds["payment"], row, content)
    settle_payment(company, row.body, new.body, spared=spared)


def settle_payment(
    company: Company,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    *,
    spared: Document | None = None,
) -> None:
    before, after = applied((old or {}).get("Line", ())), applied((new or {}).get("Line", ()))
    payment = str((new or old or {})["Id"])
    for document in dict.fromkeys((*before, *after)):
        if document != spared and before.get(document) != after.get(document):
            change = after.get(document, ZERO) - before.get(document, ZERO)
            _link(company, document, payment, change, linked=document in after)
    balances.settle(company, "Payment", old, new)


def _link(company: Company, document: Document, payment: str, change: Decimal, *, linked: bool) -> None:
    row = document.row(company)
    if row is None:
        # Deleted in this very moment.
        return
    content = records.without_envelope(row.body)
    links = [link for link in content["LinkedTxn"] if linked or link["TxnId"] != payment]
    if linked and all(link["TxnId"] != payment for link in links):
        links.append({"TxnId": payment, "TxnType": "Payment"})
    content["LinkedTxn"] = links
    _set_open(company, content, content["Balance"] - change)
    kind = company.kinds[document.kind.lower()]
    raises = company.switches.links_raise_sync_token
    new = records.replaced(company, kind, row, content, raises_sync_token=raises)
    balances.settle(company, document.kind, row.body, new.body)
