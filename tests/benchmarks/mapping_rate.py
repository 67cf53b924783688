"""How many invoices a second become QuickBooks' bodies on one core: five lines each, with tax and a discount."""

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from mapping.company import Company
from mapping.settings import Settings, UsTax
from mapping.to_qbo.invoice import invoice_body, invoice_items_wanted
from schemas.events.crm import InvoiceState
from tests.benchmarks.bench import Bench, Figure
from tests.unit.mapping.build import GB, US, discount, invoice, line, tax, totals

INVOICES = 3_000
GOAL = 3_000
_LINES = (("1", "100.00"), ("2", "49.50"), ("1.5", "80.00"), ("3", "19.99"), ("1", "25.00"))
_CENT = Decimal("0.01")

Invoice = tuple[InvoiceState, Company]


def run(_bench: Bench) -> list[Figure]:
    billed = replace(US, settings=Settings(us_tax=UsTax.AS_BILLED), allow_discount=True)
    cases: dict[str, Invoice] = {
        "US folded": (_invoice("8.25", "USD"), US),
        "US as billed": (_invoice("8.25", "USD"), billed),
        "GB exclusive": (_invoice("20", "GBP"), GB),
        "GB inclusive": (_invoice("20", "GBP", inclusive=True), GB),
    }
    return [_figure(name, _rate(lambda one=one: _map(*one))) for name, one in cases.items()]  # type: ignore[misc]


def _figure(name: str, rate: float) -> Figure:
    return Figure(
        name=f"mapping, invoices/s, {name}", shown=f"{rate:,.0f}", goal=f"at least {GOAL:,}", reached=rate >= GOAL
    )


def _rate(once: Callable[[], None]) -> float:
    began = time.process_time()
    for _ in range(INVOICES):
        once()
    return INVOICES / (time.process_time() - began)


def _map(state: InvoiceState, company: Company) -> None:
    items = {item.key: "9" for item in invoice_items_wanted(state, company)}
    invoice_body(state, company=company, customer_id="58", items=items)


def _invoice(rate: str, currency: str, *, inclusive: bool = False) -> InvoiceState:
    amounts = [(Decimal(quantity) * Decimal(price)).quantize(_CENT) for quantity, price in _LINES]
    whole = Decimal(rate) + 100 if inclusive else Decimal(100)
    taxes = [(amount * Decimal("0.9") * Decimal(rate) / whole).quantize(_CENT) for amount in amounts]
    lines = [
        line(
            f"Service number {n}", quantity, price, str(amount), tax(rate, str(charged), inclusive=inclusive),
            product=f"pr_{n}", inclusive=inclusive,
        )
        for n, ((quantity, price), amount, charged) in enumerate(zip(_LINES, amounts, taxes, strict=True))
    ]  # fmt: skip
    gross, charged = sum(amounts, Decimal(0)), sum(taxes, Decimal(0))
    cut = (gross / 10).quantize(_CENT)
    net = gross - charged if inclusive else gross
    owed = totals(str(net - cut + charged), str(net), discount=str(cut), tax=str(charged), currency=currency)
    return invoice(lines, owed, discount(str(cut)))
