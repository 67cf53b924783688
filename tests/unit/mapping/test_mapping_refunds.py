"""Refund receipts: each for the difference, all together the document to the cent."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.settings import Settings, UsTax
from mapping.to_qbo.refund import Refund, Refunded, refund_of_sale, refund_on_invoice
from schemas.events.crm import InvoiceState, PaymentCompleted, PaymentRecord
from tests.unit.mapping.build import CA, GB, US, discount, envelope, invoice, line, record, sale, tax, totals
from tests.unit.mapping.documents import World, invoices
from tests.unit.mapping.ledger import answered, booked, code_of, item_ids, misused

FUNDED = {name: replace(one, undeposited_funds_id="4") for name, one in {"US": US, "GB": GB, "CA": CA}.items()}
BILLED = replace(FUNDED["US"], settings=Settings(us_tax=UsTax.AS_BILLED), allow_discount=True)
KIT = line("Kit", "3", "19.99", "59.97", tax("8.25", "4.45"), product="pr_1")
TALK = line("Talk", "1", "49", "49", product="pr_2")
SALE = sale([KIT, TALK], totals("113.42", "108.97", tax="4.45"))
VAT = sale(
    [line("Crown", "1", "100", "100", tax("20", "20")), line("Book", "2", "15", "30", tax("0", "0"))],
    totals("150.00", "130.00", tax="20", currency="GBP"),
)


def given_back(event: PaymentCompleted, amount: str) -> PaymentCompleted:
    return replace(event, payment=replace(event.payment, amount_refunded=Decimal(amount)))


def refund(event: PaymentCompleted, company: Company = FUNDED["US"], before: str = "0") -> Refund | None:
    found = refund_of_sale(
        event,
        company=company,
        customer_id="58",
        items={"product:kit": "9", "product:talk": "8"},
        payment_method_id="3",
        booked=Decimal(before),
    )
    assert found is None or misused("RefundReceipt", found.body) == []
    return found


def test_refund_in_full_is_the_receipt_again() -> None:
    found = refund(given_back(SALE, "113.42"))
    assert found is not None
    assert [one["Amount"] for one in found.body["Line"]] == [Decimal("64.42"), Decimal("49.00")]
    assert [one["SalesItemLineDetail"]["Qty"] for one in found.body["Line"]] == [3, 1]
    assert answered(found.body, US) == (found.total, found.tax) == (Decimal("113.42"), Decimal(0))
    assert {name: value for name, value in found.body.items() if name != "Line"} == {
        "CustomerRef": {"value": "58"},
        "TxnDate": "2025-03-19",
        "PrivateNote": "crm:refund/tx_77/113.42",
        "PaymentRefNum": "tx_77",
        "PaymentMethodRef": {"value": "3"},
        "DepositToAccountRef": {"value": "4"},
    }


def test_refund_in_part_is_spread_and_is_no_quantity() -> None:
    found = refund(given_back(SALE, "10"))
    assert found is not None
    assert [(one["Amount"], one["SalesItemLineDetail"]["Qty"]) for one in found.body["Line"]] == [
        (Decimal("5.68"), 1),
        (Decimal("4.32"), 1),
    ]


def test_second_refund_is_for_the_difference_and_ends_at_the_receipt() -> None:
    first, second = refund(given_back(SALE, "10")), refund(given_back(SALE, "113.42"), before="10")
    assert first is not None
    assert second is not None
    assert (second.total, second.cumulative) == (Decimal("103.42"), Decimal("113.42"))
    assert [one["Amount"] for one in second.body["Line"]] == [Decimal("58.74"), Decimal("44.68")]
    assert second.body["PrivateNote"] == "crm:refund/tx_77/113.42"


def test_cent_that_a_larger_refund_would_take_back_from_a_line_is_taken_elsewhere() -> None:
    # Of 0.10 the third line's share is 0.02, of 0.11 it is 0.01: largest remainders do that.
    three = sale(
        [line(name, "1", price, price) for name, price in (("A", "6"), ("B", "6"), ("C", "2"))], totals("14", "14")
    )
    first, second = refund(given_back(three, "0.10")), refund(given_back(three, "0.11"), before="0.10")
    assert first is not None
    assert second is not None
    assert [one["Amount"] for one in first.body["Line"]] == [Decimal("0.04"), Decimal("0.04"), Decimal("0.02")]
    assert [(one["Amount"], one["Description"]) for one in second.body["Line"]] == [(Decimal("0.01"), "B")]
    assert answered(second.body, US) == (Decimal("0.01"), Decimal(0))


def test_refund_keeps_the_discount_line_and_the_tax_total_of_a_us_company_as_billed() -> None:
    cut = sale([KIT], totals("59.42", "59.97", discount="5", tax="4.45"), discount("5"))
    found = refund(given_back(cut, "29.71"), BILLED)
    assert found is not None
    assert [one["Amount"] for one in found.body["Line"]] == [Decimal("29.98"), Decimal("2.50")]
    assert answered(found.body, BILLED) == (Decimal("29.71"), Decimal("2.23"))


@pytest.mark.parametrize(("refunded", "before"), [("0", "0"), ("10", "10"), ("10", "20")])
def test_refund_told_twice_or_fallen_is_nothing_to_book(refunded: str, before: str) -> None:
    assert refund(given_back(SALE, refunded), before=before) is None


def test_refund_takes_its_share_of_each_tax_code() -> None:
    found = refund(given_back(VAT, "75"), FUNDED["GB"])
    assert found is not None
    assert [(one["Amount"], code_of(one)) for one in found.body["Line"]] == [
        (Decimal("50.00"), "1"),
        (Decimal(15), "3"),
    ]
    assert answered(found.body, GB) == (Decimal(75), Decimal(10))


def test_refund_of_a_deposit_is_the_deposit() -> None:
    deposit = replace(VAT, payment=record("37.50"))
    found = refund(given_back(deposit, "37.50"), FUNDED["GB"])
    assert found is not None
    assert [one["Amount"] for one in found.body["Line"]] == [one["Amount"] for one in booked(deposit, GB).body["Line"]]


def test_day_of_a_refund_is_the_crms_else_the_events_in_the_connections_zone() -> None:
    late = replace(
        given_back(SALE, "10"), envelope=replace(envelope(), occurred_at=datetime(2025, 4, 1, 3, 30, tzinfo=UTC))
    )
    houston = replace(FUNDED["US"], time_zone="America/Chicago")
    days = [
        found.body["TxnDate"]
        for company, event in (
            (houston, late),
            (replace(houston, settings=Settings(time_zone="Europe/London")), late),
            (replace(houston, time_zone="Nowhere/Land"), late),
            (houston, replace(late, payment=replace(late.payment, refund_date=date(2025, 4, 2)))),
        )
        if (found := refund(event, company))
    ]
    assert days == ["2025-03-31", "2025-04-01", "2025-04-01", "2025-04-02"]


@pytest.mark.parametrize(
    ("event", "company", "cause"),
    [
        (given_back(SALE, "10"), US, "deposit_account_missing"),
        (given_back(SALE, "113.43"), FUNDED["US"], "refund_exceeds_payment"),
        (given_back(SALE, "1.005"), FUNDED["US"], "document_does_not_add_up"),
        (given_back(SALE, "10"), replace(FUNDED["US"], books_closed_until=date(2025, 3, 31)), "books_closed"),
        (given_back(VAT, "10"), FUNDED["US"], "foreign_currency"),
    ],
)
def test_refund_that_cannot_be_booked_says_why(event: PaymentCompleted, company: Company, cause: str) -> None:
    with pytest.raises(CannotBook) as refused:
        refund(event, company)
    assert refused.value.cause == cause


QUEBEC = invoice(
    [line("Retainer", "4", "250", "1000", tax("5", "45.00"), tax("9.975", "89.78"))],
    totals("1034.78", "1000.00", discount="100", tax="134.78", currency="CAD"),
    discount("100"),
)


def on_invoice(
    state: InvoiceState, known: PaymentRecord, company: Company, before: str = "0", document: str = "0"
) -> Refund:
    found = refund_on_invoice(
        known,
        state,
        company=company,
        customer_id="58",
        items=item_ids(state, company),
        payment_method_id=None,
        booked=Refunded(transaction=Decimal(before), document=Decimal(document)),
        occurred_at=datetime(2025, 4, 1, tzinfo=UTC),
    )
    assert found is not None
    assert misused("RefundReceipt", found.body) == []
    return found


def test_refunds_of_two_payments_on_an_invoice_are_its_tax_to_the_cent() -> None:
    one = record("400.00", transaction_id="tx_90", amount_refunded=Decimal("400.00"))
    two = record("634.78", transaction_id="tx_91", amount_refunded=Decimal("634.78"))
    first = on_invoice(QUEBEC, one, FUNDED["CA"])
    second = on_invoice(QUEBEC, two, FUNDED["CA"], document="400.00")
    assert (first.total + second.total, first.tax + second.tax) == (Decimal("1034.78"), Decimal("134.78"))
    assert first.body["PrivateNote"] == "crm:refund/tx_90/400.00\ncrm:invoice/in_19"
    for each in (first, second):
        assert answered(each.body, CA) == (each.total, each.tax)


def test_refund_of_an_overpayment_beyond_the_invoice_needs_a_person() -> None:
    known = record("2000.00", amount_refunded=Decimal("2000.00"))
    with pytest.raises(CannotBook) as refused:
        on_invoice(QUEBEC, known, FUNDED["CA"])
    assert refused.value.cause == "refund_exceeds_document"


WORLDS = {
    "US folded": (FUNDED["US"], World("USD", ((), ("8.25",)))),
    "US as billed": (BILLED, World("USD", ((), ("8.25",)))),
    "GB exclusive": (FUNDED["GB"], World("GBP", ((), ("20",), ("5",), ("0",)))),
    "GB discount lines": (replace(FUNDED["GB"], allow_discount=True), World("GBP", (("20",),))),
    "GB inclusive": (FUNDED["GB"], World("GBP", (("20",), ("5",)), inclusive=(True,), taxed_shipping=False)),
    "CA two taxes": (FUNDED["CA"], World("CAD", ((), ("5",), ("5", "9.975")))),
}


@pytest.mark.parametrize(("company", "world"), WORLDS.values(), ids=WORLDS.keys())
@settings(max_examples=40)
@given(data=st.data())
def test_refunds_at_random_make_the_document_again(company: Company, world: World, data: st.DataObject) -> None:
    state = data.draw(invoices(world).filter(lambda one: one.totals.total > 0))
    total = state.totals.total
    cents = st.integers(1, int(total * 100)).map(lambda n: Decimal(n) / 100)
    steps = sorted({*data.draw(st.lists(cents, max_size=4)), total})
    before, tax_in_all, by_code = Decimal(0), Decimal(0), Counter[str]()
    for step in steps:
        known = record(str(total), amount_refunded=step)
        made = on_invoice(state, known, company, before=str(before), document=str(before))
        assert answered(made.body, company) == (made.total, made.tax)
        assert made.total == step - before
        for one in made.body["Line"]:
            if "SalesItemLineDetail" in one and "TaxInclusiveAmt" not in one["SalesItemLineDetail"]:
                by_code[code_of(one)] += int(one["Amount"] * 100)
        tax_in_all += made.tax
        before = step
    shows_tax = company.shows_tax or company.bills_us_tax
    assert tax_in_all == (state.totals.tax_total if shows_tax else 0)
    whole = on_invoice(state, record(str(total), amount_refunded=total), company)
    if not any(one.tax_inclusive for one in state.lines):
        once = Counter[str]()
        for one in whole.body["Line"]:
            if "SalesItemLineDetail" in one:
                once[code_of(one)] += int(one["Amount"] * 100)
        assert +by_code == +once
