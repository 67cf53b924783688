"""Invoices that the CRM was told of and sends back as its own: nothing is written, whatever it says of where from."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from consumers.outcomes import Attention, Done, Outcome, Result, Waiting
from schemas.events.crm import InvoiceStatus
from schemas.events.quickbooks import Customer, Invoice
from tests.unit.consumers.build import invoice_event, paid, paid_event
from tests.unit.consumers.echoes import Manners, NaiveCrm, by_hand, poll, tell
from tests.unit.consumers.emulated import Emulated

CREATED, UPDATED, UNCHANGED, SUPERSEDED = (Done(result) for result in Result)
SILENT, SAYS_ID, SAYS_ORIGIN = Manners(), Manners(says_ids=True), Manners(says_origin=True)
EVERY = [SILENT, SAYS_ID, SAYS_ORIGIN, Manners(says_ids=True, says_origin=True)]
every_manner = pytest.mark.parametrize("manners", EVERY, ids=str)


def of_a_person(number: str | None = "INV-7", *, is_paid: bool = True) -> tuple[Emulated, Invoice, Customer]:
    """An invoice that a person entered, told as paid, or as there before."""
    books = Emulated()
    customer = books.person_enters(
        "Customer", DisplayName="Anna Berg", PrimaryEmailAddr={"Address": "anna@example.com"}
    )
    line = {"Amount": Decimal("100.00"), "DetailType": "SalesItemLineDetail", "Description": "Crown"}
    item = {"ItemRef": {"value": books.objects("Item")[0]["Id"]}, "Qty": Decimal(1), "UnitPrice": Decimal("100.00")}
    owner, numbered = {"value": customer["Id"]}, {"DocNumber": number} if number else {}
    invoice = books.person_enters(
        "Invoice", CustomerRef=owner, Line=[{**line, "SalesItemLineDetail": item}], TxnDate="2026-11-20", **numbered
    )
    if number is None:
        books.emulated.table("Invoice").put({name: value for name, value in invoice.items() if name != "DocNumber"})
    if is_paid:
        pay(books, invoice, "100.00")
    told, payer = tell(books, invoice["Id"], imported=not is_paid)
    return books, told, payer


def pay(books: Emulated, invoice: Any, *amounts: str) -> None:
    """A person records Payments on an invoice."""
    for amount in amounts:
        line = {"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
        books.person_enters("Payment", TotalAmt=Decimal(amount), CustomerRef=invoice["CustomerRef"], Line=[line])


def of_the_crm(*amounts: str) -> tuple[Emulated, Invoice, Customer]:
    """An invoice that the CRM made and a person was paid for, which the CRM is told."""
    books = Emulated()
    books.hear(invoice_event())
    pay(books, books.one("Invoice"), *amounts)
    return (books, *tell(books, books.one("Invoice")["Id"]))


def causes(*outcomes: Outcome) -> list[str]:
    return [one.result.value if isinstance(one, Done) else one.cause for one in outcomes]


def calm(books: Emulated, *events: Any) -> list[str]:
    """Hear events that cause no call to QuickBooks, not even a read."""
    outcomes = [outcome for event in events for outcome in books.hear(event)]
    assert books.client.calls == []
    return causes(*outcomes)


@every_manner
@pytest.mark.parametrize("is_paid", [True, False], ids=["paid", "imported"])
def test_invoice_of_quickbooks_that_comes_back_is_skipped_with_all_that_follows(
    is_paid: bool, manners: Manners
) -> None:
    books, invoice, customer = of_a_person(is_paid=is_paid)
    crm = NaiveCrm()
    echo = crm.invoice(invoice, customer, manners)
    edited = crm.invoice(invoice, customer, SILENT, totals=invoice_event(total="120.00").invoice.totals)
    answers = [crm.payment(invoice, customer, SILENT), crm.payment(invoice, customer, manners)]
    assert calm(books, echo, edited, *answers) == ["imported_from_quickbooks"] * 4
    (link,) = [link for ref, link in books.lane.books.links.items() if ref.kind == "invoice"]
    assert (link.is_skipped, (link.last_sent or {})["lasting"]) == (True, True)


@pytest.mark.parametrize("is_paid", [True, False], ids=["paid", "imported"])
def test_echo_of_an_invoice_that_a_person_changed_since_it_was_told_is_skipped(is_paid: bool) -> None:
    books, invoice, customer = of_a_person(is_paid=is_paid)
    books.person_edits("Invoice", invoice.invoice_id, DocNumber="INV-7a", TxnDate="2026-11-21")
    poll(books)
    assert calm(books, NaiveCrm().invoice(invoice, customer, SILENT)) == ["imported_from_quickbooks"]


@every_manner
def test_payment_that_comes_before_the_echo_of_its_invoice_waits_and_is_skipped_with_it(manners: Manners) -> None:
    books, invoice, customer = of_a_person()
    crm = NaiveCrm()
    early = books.row(crm.payment(invoice, customer, SILENT))
    books.lane.add(early)
    books.work()
    assert isinstance(books.lane.outcomes[early.id][-1], Waiting)
    calm(books, crm.invoice(invoice, customer, manners))
    assert causes(books.lane.outcomes[early.id][-1]) == ["imported_from_quickbooks"]


@pytest.mark.parametrize(
    ("number", "told_back"),
    [
        ("INV-1019", {"invoice_number_prefix": "INV-", "invoice_number": "1019"}),
        ("A  1", {}),
        ("A 1", {"invoice_number": "A  1"}),
        (None, {"invoice_number": ""}),
        ("123456789012345678901", {}),
    ],
    ids=["prefix", "spaces", "other spaces", "none", "long"],
)
def test_number_is_compared_as_it_would_be_booked_and_as_it_was_told(
    number: str | None, told_back: dict[str, str]
) -> None:
    books, invoice, customer = of_a_person(number)
    assert calm(books, NaiveCrm().invoice(invoice, customer, SILENT, **told_back)) == ["imported_from_quickbooks"]


@pytest.mark.parametrize("status", [InvoiceStatus.DRAFT, InvoiceStatus.VOID, InvoiceStatus.DELETED])
def test_echo_of_an_invoice_that_the_crm_has_not_sent_or_ended_is_not_written(status: InvoiceStatus) -> None:
    books, invoice, customer = of_a_person()
    crm = NaiveCrm()
    calm(books, crm.invoice(invoice, customer, SILENT, status=status), crm.payment(invoice, customer, SILENT))
    calm(books, crm.invoice(invoice, customer, SILENT))


@pytest.mark.parametrize("other", ["total", "day", "untold"])
def test_invoice_that_shares_only_a_number_with_one_of_quickbooks_is_booked(other: str) -> None:
    books, invoice, customer = of_a_person()
    changes: dict[str, Any] = {"status": InvoiceStatus.SENT}
    if other == "day":
        changes["issue_date"] = invoice.txn_date + timedelta(days=1)
    if other == "total":
        totals = invoice_event(total="120.00").invoice
        changes |= {"totals": totals.totals, "lines": totals.lines}
    if other == "untold":
        books.lane.books.told.clear()
    assert books.hear(NaiveCrm().invoice(invoice, customer, SILENT, **changes)) == [CREATED]
    assert [one["DocNumber"] for one in books.objects("Invoice")] == ["INV-7", "INV-7-2"]


@every_manner
def test_invoice_of_the_crm_that_comes_back_as_a_second_one_is_not_booked_again(manners: Manners) -> None:
    books, invoice, customer = of_the_crm("100.00")
    crm = NaiveCrm()
    seconds = calm(books, crm.invoice(invoice, customer, manners), crm.payment(invoice, customer, manners))
    assert seconds == (["number_taken", "waits_for_invoice"] if manners == SILENT else ["imported_from_quickbooks"] * 2)
    books.hear(crm.contact(customer, manners))
    assert (books.written(), len(books.objects("Invoice"))) == ([], 1)


@every_manner
def test_invoice_of_the_crm_that_it_overwrites_with_what_quickbooks_shows_keeps_its_items(manners: Manners) -> None:
    books, invoice, customer = of_the_crm()
    item = books.one("Invoice")["Line"][0]["SalesItemLineDetail"]["ItemRef"]
    crm = NaiveCrm()
    calm(books, *(crm.invoice(invoice, customer, one, invoice_id="in_19") for one in (manners, SILENT, manners)))
    edited = crm.invoice(invoice, customer, SILENT, invoice_id="in_19")
    lines = (replace(edited.invoice.lines[0], unit_amount=Decimal(120), line_amount=Decimal(120)),)
    totals = invoice_event(total="120.00", paid="0").invoice.totals
    books.hear(replace(edited, invoice=replace(edited.invoice, lines=lines, totals=totals)))
    assert (books.one("Invoice")["TotalAmt"], books.written()) == (120, [("update", "Invoice")])
    assert books.one("Invoice")["Line"][0]["SalesItemLineDetail"]["ItemRef"] == item


@pytest.mark.parametrize("amounts", [("100.00",), ("60.00", "40.00"), ("50.00", "25.00", "25.00")], ids=str)
@pytest.mark.parametrize("manners", [SILENT, SAYS_ORIGIN, SAYS_ID], ids=str)
def test_payment_of_a_person_that_the_crm_records_again_is_taken_for_it(
    amounts: tuple[str, ...], manners: Manners
) -> None:
    books, invoice, customer = of_the_crm(*amounts)
    crm = NaiveCrm()
    answer = crm.payment(invoice, customer, manners, invoice_id="in_19")
    listed = answered(answer.payment, minute=5)
    summed = invoice_event(6, paid="100.00", status=InvoiceStatus.PAID, payments_complete=False)
    assert calm(books, answer, listed, summed)[1:] == ["unchanged", "unchanged"]
    assert calm(books, crm.payment(invoice, customer, manners, invoice_id="in_19"))
    assert len(books.objects("Payment")) == len(amounts)


def answered(*payments: Any, minute: int, total: str = "100.00", **changes: Any) -> Any:
    return invoice_event(minute, paid=total, status=InvoiceStatus.PAID, payments=payments, **changes)


def test_several_payments_that_stand_for_one_of_the_crms_are_refunded_like_one() -> None:
    books, invoice, customer = of_the_crm("60.00", "40.00")
    answer = NaiveCrm().payment(invoice, customer, SILENT, invoice_id="in_19")
    calm(books, answer)
    back = replace(answer.payment, amount_refunded=Decimal(30))
    books.hear(answered(back, minute=5))
    assert [one["TotalAmt"] for one in books.objects("RefundReceipt")] == [30]
    books.person_deletes("Payment", books.objects("Payment")[1]["Id"])
    for payment in [key for key in books.lane.books.objects if key[0] == "Payment"]:
        del books.lane.books.objects[payment]
    assert causes(*books.hear(answered(back, minute=6, terms_notes="again"))) == ["removed_in_quickbooks"]


def paid_by_us() -> tuple[Emulated, Invoice, Customer]:
    """The CRM took a card payment, which the bridge booked; QuickBooks then says that the invoice is paid."""
    books = Emulated()
    books.hear(invoice_event(), paid_event(CARD, 1))
    return (books, *tell(books, books.one("Invoice")["Id"]))


CARD = paid("tx_1", "100.00", 1)


@every_manner
def test_card_payment_that_the_crm_records_again_by_hand_needs_a_person(manners: Manners) -> None:
    books, invoice, customer = paid_by_us()
    crm = NaiveCrm()
    answer = crm.payment(invoice, customer, manners, invoice_id="in_19")
    outcome = calm(books, answer)
    assert outcome == ["imported_from_quickbooks" if manners.says_origin else "paid_in_quickbooks"]
    both = answered(CARD, answer.payment, minute=5)
    alone = answered(answer.payment, minute=6)
    in_sum = answered(answer.payment, minute=7, total="200.00", payments_complete=False)
    only_sum = answered(minute=8, total="200.00", payments_complete=False)
    as_told = answered(minute=9, payments_complete=False)
    told = calm(books, both, alone, in_sum, only_sum, as_told)
    assert told == ["paid_in_quickbooks", "payment_withdrawn", "paid_in_quickbooks", "paid_in_quickbooks", "unchanged"]
    assert [one["TotalAmt"] for one in books.objects("Payment")] == [100]


def test_what_a_person_is_told_of_a_payment_that_is_recorded_again() -> None:
    books, invoice, customer = paid_by_us()
    (asked,) = books.hear(NaiveCrm().payment(invoice, customer, SILENT, invoice_id="in_19"))
    assert isinstance(asked, Attention)
    assert "100.00 was paid" in asked.message
    assert "paid in full before" in asked.message


def test_card_that_is_charged_again_after_an_invoice_was_told_to_be_paid_is_the_customers_credit() -> None:
    books, _, _ = paid_by_us()
    assert isinstance(books.hear(paid_event(paid("tx_2", "100.00", 5), 5))[0], Done)
    assert [one["UnappliedAmt"] for one in books.objects("Payment")] == [0, 100]


def test_payment_by_hand_beyond_what_is_owed_is_credit_while_the_crm_was_told_nothing() -> None:
    books, _, _ = paid_by_us()
    books.lane.books.paid.clear()
    books.hear(paid_event(by_hand("tx_2", Decimal(100)), 5))
    assert [one["UnappliedAmt"] for one in books.objects("Payment")] == [0, 100]


def test_payment_by_hand_of_what_an_invoice_rose_by_is_booked() -> None:
    books, _, _ = paid_by_us()
    books.hear(invoice_event(4, total="120.00", paid="100.00", payments=(CARD,)))
    poll(books)
    assert books.hear(paid_event(by_hand("tx_2", Decimal(20)), 5)) == [CREATED]
    assert books.one("Invoice")["Balance"] == 0


def test_sales_and_first_payments_ask_nothing_of_what_was_told() -> None:
    """What is told of QuickBooks costs a steady state no query."""
    books = Emulated()
    asked: list[str] = []
    for name in ("told_customer", "told_invoices", "told_paid"):
        setattr(books.lane.books, name, lambda *_args, name=name: asked.append(name))
    sale = paid_event(paid("tx_9", "10.00", 1), 1, invoice_id=None)
    books.hear(sale, replace(sale, contact=replace(sale.contact, quickbooks_customer_id="1")))
    assert asked == []
