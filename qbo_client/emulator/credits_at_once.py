"""The preference AutoApplyCredit: the oldest credit goes to the oldest open invoice as soon as both are there."""

from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import applying, records
from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.applying import Document, line_for
from qbo_client.emulator.balances import OPEN
from qbo_client.emulator.company import Company
from qbo_client.emulator.table import Row


def apply(company: Company, document: Mapping[str, Any]) -> None:
    """For the customer of an invoice, a credit memo or a payment that has just been made."""
    if not company.preference("SalesFormsPrefs", "AutoApplyCredit"):
        return
    customer = document["CustomerRef"]["value"]
    # Each turn closes the invoice or uses up the credit.
    while (pair := _oldest(company, customer)) is not None:
        kind_name, credit, invoice = pair
        if kind_name == "Payment":
            _apply_payment(company, credit, invoice)
        else:
            _apply_credit_memo(company, credit, invoice)


def _oldest(company: Company, customer: str) -> tuple[str, Row, Row] | None:
    invoices = _open(company, "Invoice", customer)
    found = {kind: _open(company, kind, customer) for kind in ("CreditMemo", "Payment")} if invoices else {}
    kinds = [kind for kind, rows in found.items() if rows]
    if not kinds:
        return None
    kind = min(kinds, key=lambda one: _age(found[one][0]))
    return kind, found[kind][0], invoices[0]


def _open(company: Company, kind_name: str, customer: str) -> list[Row]:
    field = OPEN[kind_name][0]
    rows = company.table(kind_name).find("CustomerRef", [customer])
    return sorted((row for row in rows if row.body[field] > 0), key=_age)


def _age(row: Row) -> tuple[str, int]:
    return row.body["TxnDate"], int(row.identifier)


def _apply_payment(company: Company, payment: Row, invoice: Row) -> None:
    amount = min(payment.body["UnappliedAmt"], invoice.body["Balance"])
    document = Document(kind="Invoice", identifier=invoice.identifier)
    lines = [*payment.body["Line"], line_for(document, amount)]
    content = records.without_envelope(payment.body)
    content |= {"Line": lines, "UnappliedAmt": applying.unapplied(content["TotalAmt"], lines)}
    records.put_changed(company, company.kinds["payment"], payment, content)


def _apply_credit_memo(company: Company, memo: Row, invoice: Row) -> None:
    """As a person does it: with a payment of nothing that links both."""
    amount = min(memo.body["Balance"], invoice.body["Balance"])
    day = max(company.clock.today(), memo.body["TxnDate"], invoice.body["TxnDate"])
    rows = {"Invoice": invoice, "CreditMemo": memo}
    documents = [Document(kind=kind, identifier=row.identifier) for kind, row in rows.items()]
    sent = {
        "TotalAmt": ZERO,
        # The later one was just made, so that its day at least is open.
        "TxnDate": day,
        "CustomerRef": invoice.body["CustomerRef"],
        "CurrencyRef": invoice.body["CurrencyRef"],
        "Line": [line_for(document, amount) for document in documents],
    }
    records.create(company, company.kinds["payment"], sent, frozenset())
