"""What stands in each company's books against what was published: counts, and totals to the cent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.local.demo.crm import NOTHING, Published
from deploy.local.product import QuickBooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One figure of one company on both sides."""

    tenant_id: str
    what: str
    published: int | Decimal
    in_books: int | Decimal

    @property
    def equal(self) -> bool:
        return self.published == self.in_books


def compare(published: Published, quickbooks: QuickBooks, realm_id: str) -> list[Comparison]:
    """Read one company's books over the emulator and hold them against what was published."""
    customers = [c for c in quickbooks.objects(realm_id, "Customer") if c["Active"]]
    kinds = ("SalesReceipt", "Invoice", "Payment", "RefundReceipt")
    receipts, invoices, payments, refunds = (quickbooks.objects(realm_id, kind) for kind in kinds)
    documents = [*receipts, *invoices, *payments, *refunds]
    currency = published.shop.currency
    figures: list[tuple[str, int | Decimal, int | Decimal]] = [
        ("customers", len(published.contacts), len(customers)),
        ("sales receipts", published.sales, len(receipts)),
        (f"their total, {currency}", published.total, _sum(receipts, "TotalAmt")),
        (f"their tax, {currency}", _shown(published, published.tax), _tax(receipts)),
        ("invoices", published.invoices, len(invoices)),
        ("of them void", published.voided, sum(not one["TotalAmt"] for one in invoices)),
        (f"their total, {currency}", published.billed, _sum(invoices, "TotalAmt")),
        (f"their tax, {currency}", _shown(published, published.billed_tax), _tax(invoices)),
        (f"left to pay, {currency}", published.owed, _sum(invoices, "Balance")),
        ("payments on invoices", published.payments, len(payments)),
        (f"their total, {currency}", published.paid, _sum(payments, "TotalAmt")),
        ("refund receipts", published.refunds, len(refunds)),
        (f"their total, {currency}", published.refunded, _sum(refunds, "TotalAmt")),
        ("CRM ids, each once", len(documents), len({_crm_id(one) for one in documents})),
    ]
    return [
        Comparison(tenant_id=published.shop.tenant_id, what=what, published=ours, in_books=theirs)
        for what, ours, theirs in figures
        if ours or theirs
    ]


def _sum(documents: Sequence[Mapping[str, Any]], field: str) -> Decimal:
    return sum((Decimal(one[field]) for one in documents), NOTHING)


def _tax(documents: Sequence[Mapping[str, Any]]) -> Decimal:
    return sum((Decimal((one.get("TxnTaxDetail") or {}).get("TotalTax", "0")) for one in documents), NOTHING)


def _shown(published: Published, tax: Decimal) -> Decimal:
    # In a US company taxes are folded into the items' prices: the books show none of their own.
    return NOTHING if published.shop.country == "US" else tax


def _crm_id(document: Mapping[str, Any]) -> str:
    """The first line of the note leads back to the CRM; QuickBooks puts a void before it."""
    return str(document["PrivateNote"]).removeprefix("Voided - ").split("\n")[0]


def show(comparisons: list[Comparison], console: Console) -> bool:
    """Print the table; return whether everything is equal."""
    table = Table(title="The books against what was published", title_justify="left", title_style="bold")
    table.add_column("company of")
    table.add_column("figure")
    table.add_column("published", justify="right")
    table.add_column("in the books", justify="right")
    table.add_column("")
    for one in comparisons:
        verdict = "[green]equal[/]" if one.equal else "[bold red]DIFFERS[/]"
        table.add_row(one.tenant_id, one.what, f"{one.published:,}", f"{one.in_books:,}", verdict)
    console.print(table)
    return all(one.equal for one in comparisons)
