"""Invoices and payments as a CRM publishes them today: the plain ones of the unit tier, moved in time and place."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from schemas.events.crm import InvoiceSent, InvoiceUpdated, PaymentCompleted, PaymentRecord
from tests.acceptance.house import House, soon
from tests.unit.consumers.build import T0

Invoice = InvoiceSent | InvoiceUpdated


class Billing:
    """What one location bills; every moment is counted in minutes from the start of the test."""

    def __init__(self, house: House, tenant_id: str = "loc_0") -> None:
        self.house = house
        self.tenant_id = tenant_id
        self._later = soon() - T0
        self.count = 0

    def publish(self, *events: Invoice | PaymentCompleted) -> None:
        """Publish events in this order and wait until each of them is settled or waits for another."""
        self.house.publish([self.moved(event) for event in events])
        self.count += len(events)
        self.house.until(self._decided, f"{self.count} events are decided")

    def moved(self, event: Any) -> Any:
        about = event.envelope
        about = replace(
            about,
            tenant_id=self.tenant_id,
            entity_version=about.entity_version + self._later,
            occurred_at=about.occurred_at + self._later,
        )
        if isinstance(event, PaymentCompleted):
            return replace(event, envelope=about, payment=self.record(event.payment))
        state = event.invoice
        days = timedelta(days=self._later.days)
        state = replace(
            state,
            created_at=state.created_at + self._later,
            issue_date=state.issue_date + days,
            due_date=state.due_date + days if state.due_date else None,
            payments=tuple(map(self.record, state.payments)),
        )
        return replace(event, envelope=about, invoice=state)

    def record(self, payment: PaymentRecord) -> PaymentRecord:
        paid_at = payment.paid_at + self._later
        return replace(payment, paid_at=paid_at, txn_date=paid_at.date())

    def objects(self, entity: str) -> list[dict[str, Any]]:
        return self.house.quickbooks.objects(self.house.realms[self.tenant_id], entity)

    def sums(self) -> dict[str, Any]:
        """Return what stands in the books: totals of each kind, and what is left to pay."""
        kinds = ("Invoice", "Payment", "SalesReceipt", "RefundReceipt")
        totals = {kind: [f"{float(one['TotalAmt']):.2f}" for one in self.objects(kind)] for kind in kinds}
        left = [f"{float(one['Balance']):.2f}" for one in self.objects("Invoice")]
        return {kind: found for kind, found in totals.items() if found} | {"left": left}

    def states(self) -> list[str]:
        """Return result or cause of each event, in the order they were read."""
        rows = self.house.rows("SELECT coalesce(result, cause) AS how FROM inbox ORDER BY entity_version, id")
        return [row["how"] for row in rows]

    def _decided(self) -> bool:
        states = self.house.states()
        waiting = self.house.rows("SELECT count(*) AS n FROM inbox WHERE cause = 'waits_for_invoice'")[0]["n"]
        return sum(states.get(one, 0) for one in ("done", "skipped", "attention")) + int(waiting) >= self.count


def renamed(event: Invoice, invoice_id: str) -> Invoice:
    """Return the same state as another invoice's."""
    about = event.envelope
    about = replace(about, entity_id=invoice_id, event_id=about.event_id.replace(event.invoice.invoice_id, invoice_id))
    state = replace(event.invoice, invoice_id=invoice_id, invoice_number=invoice_id)
    return replace(event, envelope=about, invoice=state)
