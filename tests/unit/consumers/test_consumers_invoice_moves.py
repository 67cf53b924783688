"""An invoice that the CRM moves to another contact takes its Payments along, also those that found no room."""

import pytest

from consumers.outcomes import Done, Result
from tests.unit.consumers.build import bill_to, invoice_event, paid
from tests.unit.consumers.emulated import Emulated

FIRST, SECOND = paid("tx_1", "100.00", 1), paid("tx_2", "60.00", 2)


def payments(books: Emulated) -> list[tuple[str, int]]:
    return [(one["CustomerRef"]["name"], int(one["UnappliedAmt"])) for one in books.objects("Payment")]


@pytest.mark.parametrize(("total", "over"), [("160.00", 0), ("130.00", 30), ("100.00", 60)])
def test_payment_without_room_moves_with_its_invoice_and_is_applied_there(total: str, over: int) -> None:
    books = Emulated()
    books.hear(invoice_event(), invoice_event(3, paid="160.00", payments=(FIRST, SECOND)))
    assert payments(books) == [("ct_1", 0), ("ct_1", 60)]
    moved = invoice_event(4, paid="160.00", payments=(FIRST, SECOND), total=total, bill_to=bill_to("ct_2"))
    (outcome,) = books.hear(moved)
    assert isinstance(outcome, Done)
    assert outcome.result is Result.UPDATED
    assert payments(books) == [("ct_2", 0), ("ct_2", over)]
    invoice = books.one("Invoice")
    assert (invoice["CustomerRef"]["name"], invoice["Balance"]) == ("ct_2", 0)
