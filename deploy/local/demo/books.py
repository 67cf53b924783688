"""What stands in each company's books against what was published: counts, and totals to the cent."""

from dataclasses import dataclass
from decimal import Decimal

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
    receipts = quickbooks.objects(realm_id, "SalesReceipt")
    total = sum((Decimal(r["TotalAmt"]) for r in receipts), NOTHING)
    tax = sum((Decimal((r.get("TxnTaxDetail") or {}).get("TotalTax", "0")) for r in receipts), NOTHING)
    # In a US company taxes are folded into the items' prices: the books show none of their own.
    booked_tax = NOTHING if published.shop.country == "US" else published.tax
    currency = published.shop.currency
    figures = (
        ("customers", len(published.contacts), len(customers)),
        ("sales receipts", published.sales, len(receipts)),
        ("CRM ids, each once", published.sales, len({r["PrivateNote"].split("\n")[0] for r in receipts})),
        (f"total, {currency}", published.total, total),
        (f"tax shown, {currency}", booked_tax, tax),
    )
    return [
        Comparison(tenant_id=published.shop.tenant_id, what=what, published=ours, in_books=theirs)
        for what, ours, theirs in figures
    ]


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
