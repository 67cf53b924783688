"""Documents at random against the emulator's own arithmetic: made, echoed, edited, paid, given back."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import simplejson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapping.company import Company
from mapping.from_qbo.company import company_from_quickbooks
from mapping.settings import Settings, UsTax
from mapping.to_qbo.invoice import invoice_body, invoice_items_wanted
from mapping.to_qbo.invoice_changes import invoice_changes
from mapping.to_qbo.items import new_item
from mapping.to_qbo.payment import payment_body
from mapping.to_qbo.refund import Refunded, refund_on_invoice
from qbo_client.emulator import person
from qbo_client.emulator.world import World as Emulator
from schemas.events.crm import InvoiceState
from tests.unit.mapping.build import record
from tests.unit.mapping.documents import World, invoices

US_RATES = ((), ("8.25",), ("6.5", "1.75"))
GB_RATES = ((), ("20",), ("5",), ("0",))
DISCOUNTS = {"SalesFormsPrefs": {"AllowDiscount": True}}
BILLED = Settings(us_tax=UsTax.AS_BILLED)
CASES: dict[str, tuple[str, World, Settings, dict[str, Any]]] = {
    "US folded": ("us", World("USD", US_RATES), Settings(), {}),
    "US as billed": ("us", World("USD", US_RATES, automatic=True), BILLED, {}),
    "US as billed, discount lines": ("us", World("USD", US_RATES), BILLED, DISCOUNTS),
    "GB exclusive": ("gb", World("GBP", GB_RATES), Settings(), {}),
    "GB inclusive": ("gb", World("GBP", GB_RATES, inclusive=(True,), taxed_shipping=False), Settings(), {}),
    "GB mixed": ("gb", World("GBP", GB_RATES, inclusive=(True, False)), Settings(), {}),
    "GB discount lines": ("gb", World("GBP", (("20",),)), Settings(), DISCOUNTS),
    "CA two taxes": ("ca", World("CAD", ((), ("5",), ("5", "9.975"))), Settings(), {}),
    "AU": ("au", World("AUD", ((), ("10",))), Settings(), {}),
}


class Books:
    """One emulated company and what the bridge knows of it."""

    def __init__(self, country: str, chosen: Settings, preferences: dict[str, Any]) -> None:
        self._emulated = Emulator(client_id="client", client_secret="secret").add_company(country)
        person.change_preferences(self._emulated, preferences)
        self.company: Company = replace(
            company_from_quickbooks(
                company_info=self._rows("CompanyInfo")[0],
                preferences=self._rows("Preferences")[0],
                tax_codes=self._rows("TaxCode"),
                tax_rates=self._rows("TaxRate"),
                accounts=self._rows("Account"),
                items=self._rows("Item"),
            ),
            settings=chosen,
        )
        self.customer_id = str(self.made("Customer", {"DisplayName": "Anna"})["Id"])
        self._items: dict[str, str] = {}

    def made(self, kind: str, body: Any) -> dict[str, Any]:
        return _as_read(person.enter(self._emulated, self._emulated.kinds[kind.lower()], _as_sent(body)).body)

    def updated(self, kind: str, body: Any) -> dict[str, Any]:
        changes = {name: value for name, value in _as_sent(body).items() if name not in {"SyncToken", "sparse"}}
        found = self._emulated.kinds[kind.lower()]
        return _as_read(person.edit(self._emulated, found, changes.pop("Id"), changes).body)

    def items(self, state: InvoiceState) -> dict[str, str]:
        for wanted in invoice_items_wanted(state, self.company, new=False):
            if wanted.key not in self._items:
                self._items[wanted.key] = str(self.made("Item", new_item(wanted, self.company))["Id"])
        return self._items

    def _rows(self, kind: str) -> list[Any]:
        return [row.body for row in self._emulated.table(kind)]


def totals(document: dict[str, Any]) -> tuple[Decimal, Decimal]:
    return document["TotalAmt"], document["TxnTaxDetail"]["TotalTax"]


@pytest.mark.parametrize(("country", "world", "chosen", "preferences"), CASES.values(), ids=CASES.keys())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_invoice_at_random_is_to_the_cent_what_quickbooks_makes_of_it(
    country: str, world: World, chosen: Settings, preferences: dict[str, Any], data: st.DataObject
) -> None:
    books = Books(country, chosen, preferences)
    company, customer_id = books.company, books.customer_id
    first, later = (replace(data.draw(invoices(world)), invoice_number="19") for _ in range(2))

    meant = invoice_body(first, company=company, customer_id=customer_id, items=books.items(first))
    there = books.made("Invoice", meant.body)
    assert totals(there) == (meant.total, meant.tax)

    def compared(state: InvoiceState, last_sent: Any) -> Any:
        return invoice_changes(
            state,
            company=company,
            customer_id=customer_id,
            items=books.items(state),
            current=there,
            last_sent=last_sent,
        )

    assert compared(first, meant.last_sent).body is None, "what QuickBooks echoes is no change"
    changes = compared(later, meant.last_sent)
    if changes.body:
        there = books.updated("Invoice", changes.body)
        assert totals(there) == (changes.total, changes.tax)
        assert compared(later, changes.last_sent).body is None
    if later.totals.total:
        _pay_and_give_back(books, later, there)


def _pay_and_give_back(books: Books, state: InvoiceState, invoice: dict[str, Any]) -> None:
    total, company, customer_id = state.totals.total, books.company, books.customer_id
    paid = payment_body(
        record(str(total)), company=company, currency=company.home_currency, customer_id=customer_id,
        invoice_id=str(invoice["Id"]), applied=total, payment_method_id=None,
    )  # fmt: skip
    assert books.made("Payment", paid.body)["UnappliedAmt"] == 0
    before = given_back = Decimal(0)
    for cumulative in ((total / 3).quantize(Decimal("0.01")), total):
        if cumulative > before:
            taken = record(str(total), amount_refunded=cumulative)
            refund = refund_on_invoice(
                taken, state, company=company, customer_id=customer_id, items=books.items(state),
                payment_method_id=None, booked=Refunded(transaction=before, document=before), occurred_at=taken.paid_at,
            )  # fmt: skip
            assert refund is not None
            made = books.made("RefundReceipt", refund.body)
            assert totals(made) == (refund.total, refund.tax)
            given_back += made["TotalAmt"]
            before = cumulative
    assert given_back == total


def _as_sent(body: Any) -> Any:
    return simplejson.loads(_text(body), use_decimal=True)


def _as_read(body: Any) -> dict[str, Any]:
    read: dict[str, Any] = simplejson.loads(_text(body), use_decimal=True, parse_int=Decimal)
    return read


def _text(body: Any) -> str:
    return str(simplejson.dumps(body, use_decimal=True))
