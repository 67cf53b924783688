"""What a payment is applied to: each line pays one invoice, or takes from one credit memo to pay another."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from qbo_client.emulator import applying, errors
from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.applying import Document, Lines
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft
from qbo_client.emulator.entities.sales_lines import MOST_LINES

_COVERED = frozenset({"Invoice", "CreditMemo"})


def shape_payment_lines(draft: Draft) -> list[Mapping[str, Any]]:
    """Raises ApiFault 610 or 620 for what cannot be linked, 6000 where more is applied than there is."""
    sent = draft.body.get("Line") or []
    if len(sent) > MOST_LINES:
        raise errors.business(f"A transaction may have {MOST_LINES} lines.")
    lines: Lines = [line for line in map(_shape, sent) if line["Amount"]]
    for document, amount in applying.applied(lines).items():
        room = _room(draft, document)
        if amount > room:
            lines = _without_excess(draft, lines, document, amount - room)
    _check_sums(draft.body["TotalAmt"], lines)
    return list(lines)


def _shape(line: Mapping[str, Any]) -> dict[str, Any]:
    if "Amount" not in line:
        raise errors.missing("Amount")
    if line["Amount"] < 0:
        raise errors.negative()
    links = line.get("LinkedTxn") or []
    if not links:
        raise errors.missing("LinkedTxn")
    if len(links) > 1:
        raise errors.unlinkable("a line links one transaction")
    for name in ("TxnId", "TxnType"):
        if not links[0].get(name):
            raise errors.missing(name)
    document = Document(kind=links[0]["TxnType"], identifier=links[0]["TxnId"])
    if document.kind not in _COVERED:
        raise errors.unlinkable(f"the emulator links no {document.kind}")
    return applying.line_for(document, line["Amount"])


def _room(draft: Draft, document: Document) -> Decimal:
    """What is open of a document that this payment may be applied to, its own earlier part included."""
    row = document.row(draft.company)
    if row is None:
        raise errors.not_found()
    if row.body["CurrencyRef"]["value"] != draft.body["CurrencyRef"]["value"]:
        raise errors.unlinkable("the currencies differ")
    if not _belongs(draft.company, row.body["CustomerRef"]["value"], draft.body["CustomerRef"]["value"]):
        raise errors.unlinkable("it belongs to another customer")
    own = applying.applied((draft.old or {}).get("Line", ())).get(document, ZERO)
    return Decimal(row.body["Balance"] + own)


def _belongs(company: Company, owner: str, payer: str) -> bool:
    if owner == payer:
        return True
    return company.switches.payment_reaches_family and _root(company, owner) == _root(company, payer)


def _root(company: Company, customer: str) -> str:
    row = company.table("Customer").get(customer)
    parent = row.body.get("ParentRef", {}).get("value") if row else None
    return customer if parent is None else _root(company, parent)


def _without_excess(draft: Draft, lines: Lines, document: Document, excess: Decimal) -> Lines:
    if document.is_credit or not draft.company.switches.excess_payment_becomes_unapplied:
        raise errors.business(f"The amount applied is more than {document.kind} {document.identifier} has open.")
    return applying.cut(lines, [document], excess)


def _check_sums(total: Decimal, lines: Lines) -> None:
    paid, credited = applying.paid(lines), applying.credited(lines)
    if paid > total + credited:
        raise errors.business("The amounts of the lines are more than the payment and its credits.")
    if credited > paid:
        raise errors.business("The credits are more than what they are applied to.")
