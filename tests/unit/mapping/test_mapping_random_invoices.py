"""Documents at random, for every kind of company, against QuickBooks' own arithmetic."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.company import Company
from mapping.settings import Settings, UsTax
from schemas.events.crm import InvoiceState
from tests.unit.mapping.build import AU, CA, GB, US
from tests.unit.mapping.documents import World, invoices
from tests.unit.mapping.ledger import answered, invoiced, leaves, misused

BILLED = replace(US, settings=Settings(us_tax=UsTax.AS_BILLED))
US_RATES = ((), ("8.25",), ("6.5", "1.75"))
GB_RATES = ((), ("20",), ("5",), ("0",))
WORLDS = {
    "US folded": (US, World("USD", US_RATES)),
    "US folded, automatic": (US, World("USD", US_RATES, automatic=True)),
    "US folded, inclusive": (US, World("USD", US_RATES, inclusive=(True,))),
    "US as billed": (BILLED, World("USD", US_RATES)),
    "US as billed, automatic": (BILLED, World("USD", US_RATES, automatic=True)),
    "US as billed, discount lines": (replace(BILLED, allow_discount=True), World("USD", US_RATES)),
    "US as billed, mixed": (replace(BILLED, allow_discount=True), World("USD", US_RATES, inclusive=(True, False))),
    "GB exclusive": (GB, World("GBP", GB_RATES)),
    "GB inclusive": (GB, World("GBP", GB_RATES, inclusive=(True,), taxed_shipping=False)),
    "GB mixed": (GB, World("GBP", GB_RATES, inclusive=(True, False))),
    "GB discount lines": (replace(GB, allow_discount=True), World("GBP", (("20",),))),
    "CA two taxes": (CA, World("CAD", ((), ("5",), ("5", "9.975")))),
    "CA discount lines": (replace(CA, allow_discount=True), World("CAD", (("5", "9.975"),))),
    "AU": (AU, World("AUD", ((), ("10",)), inclusive=(True,), taxed_shipping=False)),
    "AU exclusive": (AU, World("AUD", ((), ("10",)))),
    "yen in a US company": (replace(US, multi_currency=True), World("JPY", (("10",), ("8",)))),
    "yen in a GB company": (replace(GB, multi_currency=True), World("JPY", GB_RATES)),
    "euros in a GB company": (replace(GB, multi_currency=True), World("EUR", GB_RATES, inclusive=(True, False))),
}


@pytest.mark.parametrize(("company", "world"), WORLDS.values(), ids=WORLDS.keys())
@settings(max_examples=50)
@given(data=st.data())
def test_invoice_at_random_comes_back_to_the_cent(company: Company, world: World, data: st.DataObject) -> None:
    state = data.draw(invoices(world))
    made = invoiced(state, company)
    tax = state.totals.tax_total if company.shows_tax or company.bills_us_tax else Decimal(0)
    assert (made.total, made.tax) == (state.totals.total, tax)
    assert answered(made.body, company) == (made.total, made.tax)
    assert misused("Invoice", made.body) == []
    assert all(isinstance(value, str | bool | Decimal) for value in leaves(made.body))
    assert names_of(state) <= {str(one["Description"]).split("\n")[0] for one in made.body["Line"]}


def names_of(state: InvoiceState) -> set[str]:
    return {one.name for one in state.lines}
