"""Sales that were given back, in part and in whole, on the real stack."""

from dataclasses import replace
from decimal import Decimal

from schemas.events.crm import PaymentStatus
from schemas.events.quickbooks import SyncState
from tests.acceptance.billing import Billing
from tests.acceptance.conftest import NewHouse
from tests.unit.consumers.build import paid, paid_event

SOLD = paid("tx_1", "100.00", 1)
PARTLY = replace(SOLD, amount_refunded=Decimal("30.00"), status=PaymentStatus.PARTIALLY_REFUNDED)
FULLY = replace(SOLD, amount_refunded=Decimal("100.00"), status=PaymentStatus.REFUNDED)


def test_refunds_are_booked_for_the_difference_and_told(new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    billing = Billing(house)
    for minute, record in enumerate((SOLD, PARTLY, FULLY), 1):
        billing.publish(paid_event(record, minute, invoice_id=None))
    other = replace(FULLY, transaction_id="tx_2")
    billing.publish(paid_event(other, 4, invoice_id=None))

    sums = billing.sums()
    assert (sums["SalesReceipt"], sums["RefundReceipt"]) == (["100.00"] * 2, ["30.00", "70.00", "100.00"])
    assert billing.states() == ["created", "updated", "updated", "created"]
    house.until(lambda: not house.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL"), "all is told")
    told = [one for one in house.told("qb.sync.status") if one.record_id == "tx_1"]
    assert [one.state for one in told] == [SyncState.SYNCED] * 3
    assert [reference.type for reference in told[-1].quickbooks] == ["SalesReceipt", "RefundReceipt", "RefundReceipt"]
