"""What customers owe.

`Customer.Balance` is the open balances of its invoices, less what is left of its credit memos and payments; it
may be negative. `BalanceWithJobs` adds the same of all sub-customers.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from qbo_client.emulator.amounts import ZERO, cents
from qbo_client.emulator.company import Company

# Kind -> the field in which it is open, and whether it makes the customer owe more or less.
OPEN: Mapping[str, tuple[str, int]] = {"Invoice": ("Balance", 1), "CreditMemo": ("Balance", -1)} | {
    "Payment": ("UnappliedAmt", -1)
}


def settle(company: Company, kind_name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> None:
    """Carries a document's change over to its customer, or from one customer to another."""
    name, sign = OPEN[kind_name]
    changes: dict[str, Decimal] = {}
    for body, direction in ((old, -sign), (new, sign)):
        if body is not None:
            customer = body["CustomerRef"]["value"]
            changes[customer] = changes.get(customer, ZERO) + direction * body[name]
    for customer, change in changes.items():
        move(company, customer, change)


def move(company: Company, customer: str, change: Decimal) -> None:
    _add(company, customer, change, own=True)


def move_with_jobs(company: Company, parent: str | None, change: Decimal) -> None:
    """A sub-customer comes to this parent or leaves it."""
    if parent is not None:
        _add(company, parent, change, own=False)


def _add(company: Company, customer: str, change: Decimal, *, own: bool) -> None:
    row = company.table("Customer").get(customer)
    if row is None or not change:
        return
    body = {**row.body, "BalanceWithJobs": cents(row.body["BalanceWithJobs"] + change)}
    if own:
        body["Balance"] = cents(body["Balance"] + change)
    if company.switches.balance_updates_customer:
        body["MetaData"] = {**body["MetaData"], "LastUpdatedTime": company.clock.stamp()}
    company.table("Customer").put(body)
    parent = body.get("ParentRef", {}).get("value")
    if parent is not None:
        _add(company, parent, change, own=False)
