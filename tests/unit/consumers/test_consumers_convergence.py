"""Whatever order, duplicates and deaths: the books end as the CRM's last state says, and a second pass is silent."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from consumers.effects import Effects
from schemas.events.crm import InvoiceStatus, PaymentRecord
from tests.unit.consumers.emulated import Emulated, Killed
from tests.unit.consumers.histories import Crm, History, histories

_AT_ONCE = 3


@settings(
    max_examples=25,
    report_multiple_bugs=False,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(histories(), st.data())
def test_books_converge_for_any_history(history: History, data: Any) -> None:
    events = history.events
    books = Emulated()
    deaths = _Deaths(books, history.kills)
    seen: set[str] = set()
    while events:
        count = data.draw(st.integers(1, _AT_ONCE))
        batch, events = events[:count], events[count:]
        fresh = {event.envelope.event_id: event for event in batch if event.envelope.event_id not in seen}
        seen |= fresh.keys()
        books.lane.add(*(books.row(event) for event in fresh.values()))
        deaths.work()
    deaths.work()
    assert not books.lane.opened
    check(books, history.crm)
    deaths.kills.clear()
    books.written()
    books.lane.due = {row.id: row for row in books.lane.books.stored}
    books.lane.later.clear()
    deaths.work()
    assert books.written() == []


class _Deaths:
    """Kills the process at the given calls and commits; work goes on in the next one."""

    def __init__(self, books: Emulated, kills: list[tuple[int, str]]) -> None:
        self.books = books
        self.kills = list(kills)
        self.passed = 0
        client, lane = books.client, books.lane
        client.before = lambda _call: self.pass_by("before")
        client.after = lambda _call: self.pass_by("after")
        commit = lane.commit

        async def committed(effects: Effects) -> None:
            self.pass_by("commit")
            await commit(effects)

        lane.commit = committed  # type: ignore[method-assign]
        self.died = False

    def pass_by(self, where: str) -> None:
        self.passed += 1
        if (self.passed, where) in self.kills or self.died:
            self.died = True
            raise Killed

    def work(self) -> None:
        while True:
            self.died = False
            with capture_logs():  # Each death is logged with its trace.
                self.books.work()
            if not self.died:
                return


def check(books: Emulated, crm: Crm) -> None:
    """Hold the books against the CRM's last state."""
    invoices = books.objects("Invoice")
    sums = {kind: _sum(books, kind) for kind in ("Payment", "SalesReceipt", "RefundReceipt")}
    sales = sum((one.amount for one in crm.sales.values()), Decimal(0))
    assert sums["SalesReceipt"] == sales
    assert len(books.objects("Customer")) <= 2
    if crm.status is InvoiceStatus.VOID:
        check_end(books, crm)
        return
    assert sums["RefundReceipt"] == given_back(crm.sales) + given_back(crm.payments)
    (invoice,) = invoices
    assert (invoice["TotalAmt"], sums["Payment"]) == (crm.total, crm.gross)
    assert invoice["Balance"] == crm.total - crm.gross
    ids = [one["PrivateNote"].split("\n")[0] for one in books.objects("Payment")]
    assert len(set(ids)) == len(ids)
    assert all(one["UnappliedAmt"] == 0 for one in books.objects("Payment"))
    assert {one["CustomerRef"]["value"] for one in books.objects("Payment")} <= {invoice["CustomerRef"]["value"]}


def check_end(books: Emulated, crm: Crm) -> None:
    """A voided invoice is void or was never there; one that was paid and given back in full may stand as it was."""
    invoices, payments = books.objects("Invoice"), _sum(books, "Payment")
    refunds = _sum(books, "RefundReceipt") - given_back(crm.sales)
    assert (payments, refunds) in ((0, 0), (crm.gross, crm.gross))
    assert [one["TotalAmt"] for one in invoices] in ([], [0], [payments] if payments else [0])


def given_back(records: Mapping[str, PaymentRecord]) -> Decimal:
    return sum((one.amount_refunded for one in records.values()), Decimal(0))


def _sum(books: Emulated, entity: str) -> Decimal:
    return sum((one["TotalAmt"] for one in books.objects(entity)), Decimal(0))
