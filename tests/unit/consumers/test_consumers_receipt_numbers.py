"""Receipts whose number in the CRM another receipt has: instalments of one order share it."""

from dataclasses import replace
from decimal import Decimal

from consumers.outcomes import Attention, Done, Result
from mapping.settings import NumberClash, Settings
from schemas.events.crm import PaymentStatus
from tests.unit.consumers.build import paid, paid_event
from tests.unit.consumers.emulated import Emulated

CREATED, UNCHANGED = Done(Result.CREATED), Done(Result.UNCHANGED)
CUSTOM_NUMBERS = {"SalesFormsPrefs": {"CustomTxnNumbers": True}}


def instalment(number: int, **changes: object) -> object:
    record = replace(paid(f"tx_{number}", "40.00", number), **changes)  # type: ignore[arg-type]
    return replace(paid_event(record, number, invoice_id=None), receipt_number="R-7")


def test_second_receipt_of_a_number_gets_a_suffix_and_says_the_crms() -> None:
    books = Emulated(preferences=CUSTOM_NUMBERS)
    assert books.hear(instalment(1), instalment(2), instalment(3)) == [CREATED] * 3
    assert [one["DocNumber"] for one in books.objects("SalesReceipt")] == ["R-7", "R-7-2", "R-7-3"]
    notes = [one["PrivateNote"].split("\n")[-1] for one in books.objects("SalesReceipt")]
    assert notes[1:] == ["number in the CRM: R-7"] * 2
    books.written()
    assert books.hear(instalment(2)) == [UNCHANGED]
    assert books.written() == []


def test_refunded_instalment_gets_a_suffix_too() -> None:
    books = Emulated(preferences=CUSTOM_NUMBERS)
    refunded = {"status": PaymentStatus.PARTIALLY_REFUNDED, "amount_refunded": Decimal(10)}
    assert books.hear(instalment(1), instalment(2, **refunded)) == [CREATED] * 2
    assert [one["DocNumber"] for one in books.objects("SalesReceipt")] == ["R-7", "R-7-2"]
    assert [one["TotalAmt"] for one in books.objects("RefundReceipt")] == [10]


def test_receipt_number_that_is_taken_is_asked_about_where_the_settings_say_so() -> None:
    books = Emulated(preferences=CUSTOM_NUMBERS, settings=Settings(number_clash=NumberClash.ATTENTION))
    _, asked = books.hear(instalment(1), instalment(2))
    assert isinstance(asked, Attention)
    assert (asked.cause, len(books.objects("SalesReceipt"))) == ("number_taken", 1)
