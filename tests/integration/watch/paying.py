"""What people do about invoices in a watched company, and what it told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.store.watch import CompanyWatchStore
from qbo_client.emulator import person, records
from schemas.events.quickbooks import ConnectionChanged
from tests.integration.store.books import TENANT
from tests.integration.watch.company import CODEC, WatchedCompany, applied

Object = Mapping[str, Any]


@dataclass(slots=True)
class Time:
    """QuickBooks' clock, which stands still until it is put forward."""

    moment: datetime

    def forward(self, **much: float) -> None:
        self.moment += timedelta(**much)


def hold(company: WatchedCompany) -> Time:
    """Take QuickBooks' clock in hand at the full second."""
    clock = company.world.clock
    time = Time(clock.now().replace(microsecond=0))
    vars(clock)["now"] = lambda: time.moment
    vars(clock)["advance"] = lambda seconds: time.forward(seconds=seconds)
    return time


def pays_all(company: WatchedCompany, *invoices: Object, unapplied: str = "0") -> dict[str, Any]:
    """Enter one Payment over all of several invoices, and some more that is applied to nothing."""
    lines = [applied(str(one["TotalAmt"]), one, "Invoice") for one in invoices]
    total = sum((one["TotalAmt"] for one in invoices), Decimal(unapplied))
    return company.enters("Payment", CustomerRef=invoices[0]["CustomerRef"], TotalAmt=str(total), Line=lines)


def money(company: WatchedCompany, customer_id: str, amount: str) -> dict[str, Any]:
    """Enter a Payment that is applied to nothing yet."""
    return company.enters("Payment", CustomerRef={"value": customer_id}, TotalAmt=amount)


def applies(company: WatchedCompany, payment: Object, *lines: Mapping[str, Any], **changes: Any) -> None:
    """Have a Payment applied to exactly this from now on."""
    company.edits("Payment", payment["Id"], Line=list(lines), **changes)


def over(invoice: Object, amount: str | None = None) -> dict[str, Any]:
    return applied(amount or str(invoice["TotalAmt"]), invoice, "Invoice")


def credit(company: WatchedCompany, invoice: Object, amount: str | None = None) -> dict[str, Any]:
    """Enter a credit memo, apply it to an invoice, and return the Payment over nothing that does so."""
    company.credits(invoice, amount)
    rows = company.emulated.table("Payment")
    return dict(max(rows, key=lambda row: int(row.body["Id"])).body)


def allow(company: WatchedCompany, **sales: Any) -> None:
    """Set preferences of the company's sales forms."""
    person.change_preferences(company.emulated, {"SalesFormsPrefs": sales})


def priced(amount: str) -> list[dict[str, Any]]:
    return [{"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": {}}]


def shows(company: WatchedCompany, entity: str, identifier: str, **fields: Any) -> dict[str, Any]:
    """Have QuickBooks show of an object what its own rules would not let anybody enter."""
    kind = company.emulated.kinds[entity.lower()]
    row = records.read(company.emulated, kind, identifier)
    content = {**records.without_envelope(row.body), **fields}
    return dict(records.put_changed(company.emulated, kind, row, content).body)


async def link_contact(
    company: WatchedCompany, contact: str, customer_id: str, *, belongs_to: str = "", currency: str = ""
) -> None:
    """Link a contact of the CRM to a customer; `belongs_to` is the contact that it was merged into."""
    await company.books.do(
        "INSERT INTO link (realm_id, tenant_id, crm_kind, crm_id, currency, qbo_kind, qbo_id, origin, belongs_to)"
        " VALUES (%s, %s, 'contact', %s, %s, 'Customer', %s, %s, %s)",
        company.lease.realm_id, TENANT, contact, currency, customer_id, "found" if customer_id else "skipped",
        belongs_to,
    )  # fmt: skip


async def link_invoice(company: WatchedCompany, crm_id: str, invoice_id: str) -> None:
    """Have an invoice of the books stand for one of the CRM, as if the bridge had made it."""
    await company.books.do(
        "INSERT INTO link (realm_id, tenant_id, crm_kind, crm_id, qbo_kind, qbo_id, origin)"
        " VALUES (%s, %s, 'invoice', %s, 'Invoice', %s, 'made')",
        company.lease.realm_id, TENANT, crm_id, invoice_id,
    )  # fmt: skip


async def toggle(company: WatchedCompany, **toggles: bool) -> None:
    """Set a connection's toggles, as a reconnection does."""
    for name, on in toggles.items():
        await company.books.do(f"UPDATE connection SET {name} = %s WHERE realm_id = %s", on, company.lease.realm_id)


async def paid(company: WatchedCompany) -> list[tuple[str, bool, str]]:
    """Return of each invoice told as paid its id, whether it was its payer's first, and what reviews are to do."""
    told = await company.paid_told()
    return [(one.invoice.invoice_id, one.first_paid_invoice, one.review_request.value) for one in told]


async def paid_ids(company: WatchedCompany) -> list[str]:
    return [invoice_id for invoice_id, _, _ in await paid(company)]


async def imported_ids(company: WatchedCompany) -> list[str]:
    return [one.invoice.invoice_id for one in await company.imported_told()]


async def standings(company: WatchedCompany) -> list[tuple[str, int | None, int | None]]:
    """Return what was told of the import: state, done and total, the oldest first."""
    rows = await company.books.rows("SELECT payload FROM outbox WHERE topic = 'qb.connection.changed' ORDER BY id")
    told = [CODEC.decode("qb.connection.changed", bytes(row["payload"])) for row in rows]
    news = [one for one in told if isinstance(one, ConnectionChanged)]
    return [(one.import_state.value, one.import_done, one.import_total) for one in news]


async def another_owner(company: WatchedCompany, name: str = "another") -> WatchedCompany:
    """Return the company as the next owner of its lane has it: the lease of the one before has lapsed."""
    await company.books.lapse([company.lease.realm_id])
    lease = await company.books.lease(company.lease.realm_id, name)
    return replace(company, lease=lease, store=CompanyWatchStore(company.pool, CODEC, lease))


async def begun(company: WatchedCompany) -> None:
    """Watch a company from its beginning until nothing is due."""
    await company.begin()
    await company.settle()
    await company.forget_told()


def ids(objects: Sequence[Object]) -> list[str]:
    return [str(one["Id"]) for one in objects]
