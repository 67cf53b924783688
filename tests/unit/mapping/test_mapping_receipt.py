"""What stands on a receipt besides its money."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.to_qbo.customer import new_customer
from mapping.to_qbo.items import new_item
from mapping.to_qbo.methods import new_payment_method, payment_method_name
from mapping.to_qbo.sales_receipt import items_wanted, sales_receipt
from schemas.events.crm import PaymentMethod
from tests.unit.mapping.build import GB, US, line, party, record, sale, tax, totals
from tests.unit.mapping.ledger import booked, misused

TALK = line("Consultation", "1", "49.00", "49.00", product="pr_2")
PLAIN = sale([TALK], totals("49.00", "49.00"), receipt_number="R-1041")
# Five beads taxed one by one: QuickBooks' sum differs, so that the receipt carries an override.
BEADS = sale(
    [line(f"Bead {n}", "1", "0.12", "0.12", tax("20", "0.02")) for n in range(5)],
    totals("5.70", "0.60", tax="0.10", tip="5", currency="GBP"),
)


def body_of(company: Company = US, **changes: Any) -> Mapping[str, Any]:
    return booked(replace(PLAIN, **changes), company).body


def test_receipt_leads_back_to_the_crm() -> None:
    body = body_of()
    assert body["PrivateNote"].startswith("crm:payment/tx_77")
    assert (body["TxnDate"], body["CustomerRef"]) == ("2025-03-19", {"value": "58"})
    assert (body["PaymentRefNum"], body["PaymentMethodRef"]) == ("tx_77", {"value": "3"})


def test_check_number_outranks_the_transaction_id() -> None:
    assert body_of(payment=record("49.00", check_number="1012"))["PaymentRefNum"] == "1012"


def test_long_transaction_id_is_cut_the_same_way_and_stays_its_own() -> None:
    one, other = (body_of(payment=record("49.00", transaction_id=f"{'t' * 40}{end}"))["PaymentRefNum"] for end in "ab")
    again = body_of(payment=record("49.00", transaction_id=f"{'t' * 40}a"))["PaymentRefNum"]
    assert (len(one) <= 21, one == again, one != other) == (True, True, True)


@pytest.mark.parametrize(("custom", "number"), [(True, "R-1041"), (False, None)])
def test_receipt_number_is_sent_only_where_numbers_are_custom(custom: bool, number: str | None) -> None:
    assert body_of(replace(US, custom_txn_numbers=custom)).get("DocNumber") == number


def test_deposit_account_is_left_to_quickbooks_unless_set() -> None:
    chosen = replace(US, settings=replace(US.settings, deposit_account_id="35"))
    assert body_of(chosen)["DepositToAccountRef"] == {"value": "35"}
    assert "DepositToAccountRef" not in body_of()


def test_currency_is_named_only_where_there_are_several() -> None:
    assert body_of(replace(US, multi_currency=True))["CurrencyRef"] == {"value": "USD"}
    assert "CurrencyRef" not in body_of()


@pytest.mark.parametrize(
    ("company", "changes", "cause"),
    [
        (GB, {}, "foreign_currency"),
        (replace(US, books_closed_until=date(2025, 3, 19)), {}, "books_closed"),
        (US, {"payment": record("-1.00")}, "document_does_not_add_up"),
        (US, {"payment": record("48.995")}, "document_does_not_add_up"),
    ],
    ids=["currency", "closed", "negative", "half a cent"],
)
def test_sale_that_cannot_be_booked_is_refused_before_anything_is_made(
    company: Company, changes: dict[str, Any], cause: str
) -> None:
    with pytest.raises(CannotBook) as refused:
        items_wanted(replace(PLAIN, **changes), company)
    assert refused.value.cause == cause


def test_books_closed_the_day_before_take_the_sale() -> None:
    assert body_of(replace(US, books_closed_until=date(2025, 3, 18)))["TxnDate"] == "2025-03-19"


def test_quantity_that_no_price_fits_stands_in_the_description() -> None:
    event = sale([line("Grains", "300000", "0.0333", "9990.00")], totals("9990.01", "9990.01"))
    (grains,) = booked(event, US).body["Line"]
    detail = grains["SalesItemLineDetail"]
    assert (detail["Qty"], detail["UnitPrice"], grains["Amount"]) == (1, Decimal("9990.01"), Decimal("9990.01"))
    assert grains["Description"].startswith("Grains")
    assert "300000" in grains["Description"]


def test_quantity_and_price_are_kept_where_they_fit() -> None:
    (kit,) = booked(sale([line("Kit", "3", "19.99", "59.97")], totals("59.97", "59.97")), US).body["Line"]
    assert (kit["SalesItemLineDetail"]["Qty"], kit["SalesItemLineDetail"]["UnitPrice"]) == (3, Decimal("19.99"))


def test_items_are_wanted_for_products_and_extras_alone() -> None:
    event = sale(
        [TALK, line("consultation", "1", "1", "1", product="pr_9"), line("Loose", "1", "1", "1")],
        totals("57.00", "51.00", tip="1", surcharge="2", shipping="3"),
    )
    wanted = items_wanted(event, US)
    assert sorted(item.name.casefold() for item in {one.key: one for one in wanted}.values()) == [
        "consultation",
        "shipping",
        "surcharge",
        "tip",
    ]
    used = {one["SalesItemLineDetail"]["ItemRef"]["value"] for one in booked(event, US).body["Line"]}
    assert US.default_item_id in used


def test_default_item_is_wanted_where_the_company_has_none() -> None:
    loose = sale([line("Loose", "1", "1", "1")], totals("1.00", "1.00"))
    (wanted,) = items_wanted(loose, replace(US, default_item_id=None))
    assert new_item(wanted, US) == {"Name": wanted.name, "Type": "Service", "IncomeAccountRef": {"value": "7"}}


def test_item_without_an_income_account_is_refused() -> None:
    (wanted,) = items_wanted(PLAIN, US)
    with pytest.raises(CannotBook) as refused:
        new_item(wanted, replace(US, income_account_id=None))
    assert refused.value.cause == "income_account_missing"


def test_hostile_line_names_are_made_harmless() -> None:
    event = sale([line("A:B\t\u0000C\u2028😀" + "x" * 5000, "1", "1", "1", product="p")], totals("1.00", "1.00"))
    (wanted,) = items_wanted(event, US)
    (sold,) = booked(event, US).body["Line"]
    assert (len(wanted.name) <= 100, ":" in wanted.name, "\t" in wanted.name) == (True, False, False)
    assert len(sold["Description"]) <= 4000
    assert not {"\u0000", "\t"} & set(sold["Description"] + wanted.name)


@pytest.mark.parametrize(
    ("payment", "company", "name", "kind"),
    [
        (record("1", card_brand="visa"), US, "Visa", "CREDIT_CARD"),
        (record("1", card_brand="american express"), US, "American Express", "CREDIT_CARD"),
        (record("1"), US, "Credit Card", "CREDIT_CARD"),
        (record("1", method=PaymentMethod.CASH), US, "Cash", "NON_CREDIT_CARD"),
        (record("1", method=PaymentMethod.CHECK), US, "Check", "NON_CREDIT_CARD"),
        (record("1", method=PaymentMethod.CHECK), GB, "Cheque", "NON_CREDIT_CARD"),
        (record("1", method=PaymentMethod.BANK_TRANSFER), US, "Bank Transfer", "NON_CREDIT_CARD"),
        (record("1", method=PaymentMethod.OTHER, provider="paypal"), US, "Paypal", "NON_CREDIT_CARD"),
    ],
)
def test_payment_method_by_name_and_kind(payment: Any, company: Company, name: str, kind: str) -> None:
    assert payment_method_name(payment, company) == name
    assert new_payment_method(name) == {"Name": name, "Type": kind}


def test_unknown_payment_method_is_left_out() -> None:
    assert payment_method_name(record("1", method=PaymentMethod.UNKNOWN), US) is None
    body = sales_receipt(PLAIN, company=US, customer_id="58", items=_items(), payment_method_id=None).body
    assert "PaymentMethodRef" not in body


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("SalesReceipt", body_of(replace(US, custom_txn_numbers=True, multi_currency=True))),
        ("SalesReceipt", booked(BEADS, GB).body),
        ("Customer", new_customer(party(display_name="A: B"), company=replace(US, multi_currency=True))),
        ("Item", new_item(items_wanted(PLAIN, US)[0], US)),
        ("PaymentMethod", new_payment_method("Visa")),
    ],
    ids=["us", "gb with override", "customer", "item", "method"],
)
def test_body_holds_only_what_quickbooks_knows_and_lets_write(kind: str, body: Mapping[str, Any]) -> None:
    assert misused(kind, body) == []


def test_override_is_part_of_the_body_that_was_checked() -> None:
    assert booked(BEADS, GB).body["TxnTaxDetail"]["TotalTax"] == Decimal("0.10")


def _items() -> dict[str, str]:
    return {item.key: "9" for item in items_wanted(PLAIN, US)}
