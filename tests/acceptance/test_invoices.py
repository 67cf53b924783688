"""Invoices through their life on the real stack: made, paid, edited, refunded, ended, with a person in the books."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import psycopg
import pytest

from schemas.events.crm import InvoiceSent, InvoiceStatus, InvoiceUpdated, PaymentMethod, PaymentStatus
from tests.acceptance.billing import Billing, renamed
from tests.acceptance.conftest import NewHouse
from tests.acceptance.house import House
from tests.unit.consumers.build import invoice_event, paid, paid_event

FIRST, REST = paid("tx_1", "40.00", 1), paid("tx_2", "60.00", 2)


def test_invoice_sent_edited_paid_in_parts_and_refunded(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    billing = Billing(house)
    billing.publish(invoice_event(updated=False))
    billing.publish(invoice_event(1, total="110.00"))
    billing.publish(invoice_event(2, paid="40.00", payments=(FIRST,)))
    billing.publish(paid_event(FIRST, 3), paid_event(REST, 3))
    assert billing.sums() == {"Invoice": ["100.00"], "Payment": ["40.00", "60.00"], "left": ["0.00"]}
    given_back = replace(REST, amount_refunded=Decimal("25.00"), status=PaymentStatus.PARTIALLY_REFUNDED)
    billing.publish(invoice_event(4, paid="75.00", payments=(FIRST, given_back)))
    assert billing.sums()["RefundReceipt"] == ["25.00"]
    assert set(billing.states()) <= {"created", "updated", "unchanged"}
    assert not house.rows("SELECT 1 FROM intent WHERE state <> 'done'")


def test_payment_before_its_invoice_is_booked_the_moment_that_lands(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    billing = Billing(house)
    billing.publish(paid_event(FIRST, 1))
    assert billing.states() == ["waits_for_invoice"]
    billing.publish(invoice_event(2))
    house.until(lambda: house.states() == {"done": 2}, "the payment follows at once", patience_seconds=10)
    assert billing.sums() == {"Invoice": ["100.00"], "Payment": ["40.00"], "left": ["60.00"]}


def test_only_the_sum_is_known_then_the_payments_themselves(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    billing = Billing(house)
    billing.publish(invoice_event(1, paid="70.00", payments_complete=False))
    billing.publish(paid_event(FIRST, 2))
    assert billing.sums() == {"Invoice": ["100.00"], "Payment": ["40.00", "30.00"], "left": ["30.00"]}
    billing.publish(invoice_event(3, paid="100.00", payments=(FIRST, REST)))
    assert billing.sums() == {"Invoice": ["100.00"], "Payment": ["40.00", "60.00"], "left": ["0.00"]}


def test_cheque_that_the_bookkeeper_recorded_is_not_booked_again(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    billing = Billing(house)
    billing.publish(invoice_event(1))
    (invoice,) = billing.objects("Invoice")
    line = {"Amount": 40, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    payment = {"TotalAmt": 40, "CustomerRef": {"value": invoice["CustomerRef"]["value"]}, "Line": [line]}
    realm = house.realms["loc_0"]
    house.quickbooks.control(f"/companies/{realm}/person/enter", {"entity": "Payment", "object": payment})
    cheque = replace(FIRST, provider="manual", method=PaymentMethod.CHECK)
    billing.publish(paid_event(cheque, 2), invoice_event(3, paid="40.00", payments=(cheque,)))
    assert billing.sums() == {"Invoice": ["100.00"], "Payment": ["40.00"], "left": ["60.00"]}


def test_void_of_an_unpaid_invoice_and_of_a_paid_one(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    billing = Billing(house)

    def other(minute: int, status: InvoiceStatus) -> InvoiceSent | InvoiceUpdated:
        paid_in_part = invoice_event(minute, paid="40.00", payments=(FIRST,), status=status)
        return renamed(paid_in_part, "in_20")

    billing.publish(invoice_event(1), other(1, InvoiceStatus.SENT))
    billing.publish(
        invoice_event(2, status=InvoiceStatus.VOID),
        other(2, InvoiceStatus.VOID),
    )
    assert sorted(billing.sums()["Invoice"]) == ["0.00", "100.00"]
    assert billing.states().count("void_with_payments") == 1


@pytest.mark.parametrize("written", ["Customer", "Invoice", "Payment"])
def test_killed_between_the_writes_of_one_event_there_is_one_of_each(new_house: NewHouse, written: str) -> None:
    house = new_house()
    bridge = house.start()
    billing = Billing(house)
    realm = house.realms["loc_0"]
    house.until(lambda: house.rows("SELECT 1 FROM connection WHERE company IS NOT NULL"), "preflight ran")
    house.quickbooks.control("/latency", {"seconds": 0.6})
    with psycopg.connect(house.environment["DATABASE_URL"]) as blocker:
        house.publish([billing.moved(invoice_event(1, paid="100.00", payments=(FIRST, REST)))])
        house.until(lambda: house.statistics(realm)["writes_applied"].get(written), "it is written")
        # Its answer is on its way and cannot be committed.
        blocker.execute("LOCK TABLE link IN EXCLUSIVE MODE")
        open_intent = "SELECT 1 FROM intent WHERE state = 'open' AND entity = %s"
        assert house.rows(open_intent, [written])
        bridge.kill()
    house.quickbooks.control("/latency", {"seconds": 0})
    house.start("again")
    house.until_settled(1)
    assert house.states() == {"done": 1}
    assert billing.sums() == {"Invoice": ["100.00"], "Payment": ["40.00", "60.00"], "left": ["0.00"]}
    assert (house.writes()["Payment"], house.writes()["Customer"], house.writes()["Invoice"]) == (2, 1, 1)


def test_steady_state_costs_its_writes_and_nothing_else(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    billing = Billing(house)
    billing.publish(invoice_event(1), paid_event(paid("sale_1", "20.00", 1), 1, invoice_id=None))
    before = _requests(house)
    billing.publish(paid_event(paid("sale_2", "20.00", 2), 2, invoice_id=None))
    billing.publish(paid_event(FIRST, 2))
    billing.publish(invoice_event(3, paid="40.00", payments=(FIRST,)))
    billing.publish(renamed(invoice_event(3), "in_20"))
    made = _requests(house) - before
    assert made == {("write", "SalesReceipt"): 1, ("write", "Payment"): 1, ("write", "Invoice"): 1}
    assert set(billing.states()) == {"created", "unchanged"}


def _requests(house: House) -> Counter[tuple[str, str]]:
    """Count all requests to the company, by what was done to what."""
    told = house.statistics(house.realms["loc_0"])["requests"]
    return Counter({(one["operation"], one["entity"]): int(one["count"]) for one in told})
