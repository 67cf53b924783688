"""Payments on invoices as they are sent, taken over and applied anew."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.settings import ClosedBooks, Settings
from mapping.to_qbo.methods import payment_method_name
from mapping.to_qbo.payment import (
    Payment,
    applied_amount,
    payment_body,
    provisional_payment,
    reapplied,
    taken_over,
)
from schemas.events.crm import PaymentMethod, PaymentRecord
from tests.unit.mapping.build import US, record
from tests.unit.mapping.ledger import misused

CHEQUE = record("400.00", transaction_id="tx_90", method=PaymentMethod.CHECK, check_number="1012", provider="manual")
CLOSED = replace(US, books_closed_until=date(2025, 3, 31))


def made(known: PaymentRecord = CHEQUE, company: Company = US, applied: str = "400.00", **changes: str) -> Payment:
    return payment_body(
        known,
        company=company,
        currency=changes.get("currency", "USD"),
        customer_id="58",
        invoice_id="130",
        applied=Decimal(applied),
        payment_method_id="3",
    )


def provisional(amount: str = "100.00", sequence: int = 1, company: Company = US) -> Payment:
    return provisional_payment(
        Decimal(amount),
        company=company,
        currency="USD",
        customer_id="58",
        invoice_id="130",
        crm_invoice_id="in_19",
        day=date(2025, 3, 20),
        applied=Decimal(amount),
        sequence=sequence,
    )


def stored(payment: Payment, *others: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The Payment as QuickBooks would answer it, with what it also pays."""
    read_only = {"Id": "150", "SyncToken": "0", "MetaData": {}, "domain": "QBO", "UnappliedAmt": payment.unapplied}
    lines = [{**line, "LineEx": {"any": []}} for line in (*payment.body["Line"], *others)]
    return {**payment.body, **read_only, "Line": lines, **changes}


def pays(amount: str, identifier: str, kind: str = "Invoice") -> dict[str, Any]:
    return {"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": identifier, "TxnType": kind}]}


def test_payment_is_linked_to_its_invoice_and_leads_back_to_the_crm() -> None:
    payment = made()
    assert payment.body == {
        "CustomerRef": {"value": "58"},
        "TotalAmt": Decimal("400.00"),
        "TxnDate": "2025-03-19",
        "PrivateNote": "crm:payment/tx_90",
        "Line": [{"Amount": Decimal("400.00"), "LinkedTxn": [{"TxnId": "130", "TxnType": "Invoice"}]}],
        "PaymentRefNum": "1012",
        "PaymentMethodRef": {"value": "3"},
    }
    assert (payment.total, payment.unapplied) == (Decimal(400), Decimal(0))
    assert misused("Payment", payment.body) == []
    assert json.loads(json.dumps(payment.last_sent)) == payment.last_sent


@pytest.mark.parametrize(("applied", "lines", "unapplied"), [("150", 1, "250"), ("0", 0, "400")])
def test_what_is_over_stays_unapplied(applied: str, lines: int, unapplied: str) -> None:
    payment = made(applied=applied)
    assert len(payment.body["Line"]) == lines
    assert (payment.total, payment.unapplied) == (Decimal(400), Decimal(unapplied))


@pytest.mark.parametrize(
    ("settings", "provider", "account", "method"),
    [
        (Settings(), "stripe", None, "3"),
        (Settings(deposit_account_id="35"), "stripe", "35", "3"),
        (Settings(deposit_accounts={"stripe": "36"}, deposit_account_id="35"), "Stripe", "36", "3"),
        (Settings(deposit_accounts={"check": "37"}, payment_methods={"check": "8"}), "manual", "37", "8"),
    ],
)
def test_account_and_method_are_the_settings_for_provider_or_method(
    settings: Settings, provider: str, account: str | None, method: str
) -> None:
    body = made(replace(CHEQUE, provider=provider), replace(US, settings=settings)).body
    assert body.get("DepositToAccountRef", {}).get("value") == account
    assert body["PaymentMethodRef"] == {"value": method}


def test_method_of_the_settings_is_not_looked_for() -> None:
    company = replace(US, settings=Settings(payment_methods={"check": "8"}))
    assert payment_method_name(CHEQUE, company) is None
    assert payment_method_name(replace(CHEQUE, method=PaymentMethod.CASH), company) == "Cash"


def test_payment_names_its_currency_where_there_are_several() -> None:
    assert made(company=replace(US, multi_currency=True), currency="EUR").body["CurrencyRef"] == {"value": "EUR"}
    with pytest.raises(CannotBook, match="multi-currency"):
        made(currency="EUR")


def test_payment_in_closed_books_waits_for_a_person_or_the_first_open_day() -> None:
    with pytest.raises(CannotBook, match="closed"):
        made(company=CLOSED)
    moved = made(company=replace(CLOSED, settings=Settings(closed_books=ClosedBooks.FIRST_OPEN_DAY))).body
    assert moved["TxnDate"] == "2025-04-01"
    assert "2025-03-19" in moved["PrivateNote"]


def test_half_a_cent_is_no_payment() -> None:
    with pytest.raises(CannotBook):
        made(replace(CHEQUE, amount=Decimal("1.005")))


def test_provisional_payments_of_an_invoice_are_told_apart() -> None:
    one, two = provisional(), provisional(sequence=2)
    assert one.body["PrivateNote"].startswith("crm:provisional/in_19/1\n")
    assert one.body["PaymentRefNum"] != two.body["PaymentRefNum"]
    chosen = provisional(company=replace(US, settings=Settings(deposit_account_id="35"))).body
    assert chosen["DepositToAccountRef"] == {"value": "35"}
    assert misused("Payment", one.body) == []


def test_transaction_takes_the_provisional_payment_over_whole() -> None:
    current = stored(provisional(), DepositToAccountRef={"value": "4", "name": "Undeposited Funds"}, SyncToken="3")
    taken = taken_over(made(applied="150"), current, invoice_id="130")
    assert misused("Payment", taken.body, new=False) == []
    assert (taken.body["Id"], taken.body["SyncToken"], taken.body["sparse"]) == ("150", "3", False)
    assert (taken.body["TotalAmt"], taken.body["PrivateNote"]) == (Decimal("400.00"), "crm:payment/tx_90")
    assert taken.body["Line"] == [pays("150", "130")]
    assert taken.body["DepositToAccountRef"]["value"] == "4"
    assert (taken.unapplied, taken.last_sent["PaymentRefNum"]) == (Decimal(250), "1012")


def test_payment_applied_anew_keeps_what_else_it_pays() -> None:
    current = stored(made(applied="100"), pays("50", "131"), pays("20", "77", "CreditMemo"), TotalAmt=Decimal(400))
    again = reapplied(current, invoice_id="130", applied=Decimal(200), last_sent=made().last_sent)
    assert again.body["Line"] == [pays("50", "131"), pays("20", "77", "CreditMemo"), pays("200", "130")]
    assert again.unapplied == 170
    assert again.body["TxnDate"] == "2025-03-19"
    assert misused("Payment", again.body, new=False) == []


def test_payment_moves_with_its_invoice_by_unlinking_first() -> None:
    current = stored(made())
    free = reapplied(current, invoice_id="130", applied=Decimal(0), last_sent=made().last_sent)
    assert (free.body["Line"], free.unapplied) == ([], Decimal(400))
    there = {**current, **free.body, "SyncToken": "1"}
    moved = reapplied(there, invoice_id="130", applied=Decimal(400), customer_id="61", last_sent=free.last_sent)
    assert (moved.body["CustomerRef"], moved.body["Line"]) == ({"value": "61"}, [pays("400", "130")])
    assert moved.last_sent["CustomerRef"] == "61"


def test_provisional_payment_gets_another_amount() -> None:
    current = stored(provisional())
    less = reapplied(
        current, invoice_id="130", applied=Decimal(60), amount=Decimal(60), last_sent=provisional().last_sent
    )
    assert (less.total, less.unapplied, less.last_sent["TotalAmt"]) == (Decimal(60), Decimal(0), "60")


def test_what_is_applied_is_read_from_a_payment() -> None:
    current = stored(made(applied="100"), pays("50", "131"))
    assert [applied_amount(current, one) for one in ("130", "131", "132")] == [100, 50, 0]
