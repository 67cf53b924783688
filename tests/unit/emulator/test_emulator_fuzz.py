"""Whatever is sent, the emulator answers with success or a fault of its own, and totals add up."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import simplejson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qbo_client.emulator import seed
from qbo_client.emulator.company import Company
from qbo_client.emulator.rest import Answer, Call, Memory, respond
from qbo_client.emulator.schema import load
from qbo_client.emulator.world import World

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
# Mostly what a field wants, so that the rules behind the types are reached too.
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=8),
    "id": st.sampled_from(["0", "1", "2", "-1"]),
    "boolean": st.booleans(),
    "decimal": st.decimals(min_value=-1000, max_value=1000, places=2),
    "date": st.dates().map(str),
    "ReferenceType": st.sampled_from(["1", "2", "6", "99", "TAX", ""]).map(lambda value: {"value": value}),
}
PREFERRED = (
    *("Id", "SyncToken", "sparse", "DisplayName", "GivenName", "PrimaryEmailAddr", "ParentRef", "CurrencyRef"),
    *("Active", "Name", "Type", "IncomeAccountRef", "CustomerRef", "Line", "DocNumber", "TxnTaxDetail"),
    *("GlobalTaxCalculation", "DetailType", "Amount", "SalesItemLineDetail", "DiscountLineDetail", "ItemRef"),
    *("Qty", "UnitPrice", "TaxCodeRef", "TaxInclusiveAmt", "PercentBased", "DiscountPercent", "TotalTax"),
    *("TotalAmt", "LinkedTxn", "TxnId", "TxnType", "SalesTermRef", "DueDate", "Deposit", "DepositToAccountRef"),
    *("DueDays", "DayOfMonthDue", "DueNextMonthDays", "EmailStatus", "BillEmail", "SalesFormsPrefs", "ExchangeRate"),
    *("TaxLine", "TaxLineDetail", "TaxRateRef", "value", "Address", "ApplyTaxAfterDiscount", "BillAddr"),
)
COMMON = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def posted(company: Company, entity: str, body: object, **params: str) -> Answer:
    text = simplejson.dumps(body, use_decimal=True).encode()
    return respond(company, Call(method="POST", segments=(entity,), params=params, body=text), Memory())


def values(kind: str, depth: int) -> st.SearchStrategy[Any]:
    if kind.endswith("[]"):
        return st.lists(values(kind[:-2], depth), max_size=3)
    known = load()
    if kind in FITTING:
        return FITTING[kind]
    if kind in known.enums:
        return st.sampled_from(sorted(known.enums[kind]))
    if kind in known.types and depth:
        return bodies(kind, depth - 1)
    return SCALARS


def lazily(kind: str, depth: int) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: values(kind, depth))


def now_and_then_odd(kind: str, depth: int) -> st.SearchStrategy[Any]:
    return st.integers(0, 19).flatmap(lambda drawn: SCALARS if drawn == 0 else lazily(kind, depth))


def bodies(type_name: str, depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """A few of the type's properties, chosen at random, one in twenty with a value of any kind."""
    known = load().types[type_name]

    def build(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({name: now_and_then_odd(known[name], depth) for name in names})

    preferred = [name for name in PREFERRED if name in known]
    some = st.lists(st.sampled_from(preferred or sorted(known)), max_size=8, unique=True)
    any_at_all = st.lists(st.sampled_from(sorted(known)), max_size=2)
    return st.tuples(some, any_at_all).map(lambda both: sorted({*both[0], *both[1]})).flatmap(build)


def answered(company: Company, entity: str, body: dict[str, Any], operation: str) -> None:
    answer = posted(company, entity.lower(), body, operation=operation)
    told = simplejson.loads(answer.text)
    assert (answer.status == 200) == (entity in told)
    assert (answer.status == 400) == ("Fault" in told)


OPERATIONS = st.sampled_from(["", "update", "void", "delete"])


@pytest.mark.parametrize("country", ["us", "gb"])
@pytest.mark.parametrize("entity", ["Customer", "SalesReceipt", "Item"])
def test_any_body_is_answered_by_success_or_a_fault(world: World, country: str, entity: str) -> None:
    company = world.add_company(country)
    company.table("Preferences").put(
        {**company.preferences, "SalesFormsPrefs": {"AllowDiscount": True, "CustomTxnNumbers": False}}
    )

    @COMMON
    @given(bodies(entity), OPERATIONS)
    def check(body: dict[str, Any], operation: str) -> None:
        answered(company, entity, body, operation)

    check()


@pytest.mark.parametrize(
    "entity", ["Invoice", "Payment", "CreditMemo", "RefundReceipt", "Term", "Department", "Preferences"]
)
def test_any_body_in_books_of_some_history_is_answered(world: World, entity: str) -> None:
    company = world.add_company("us")
    seed.add(
        company,
        {
            "Customer": [{"DisplayName": "Amy"}, {"DisplayName": "Bill"}],
            "Invoice": [{"CustomerRef": {"name": "Amy"}, "Line": [{"DetailType": "SalesItemLineDetail", "Amount": 9}]}],
        },
    )

    @settings(COMMON, max_examples=40)
    @given(bodies(entity), OPERATIONS)
    def check(body: dict[str, Any], operation: str) -> None:
        answered(company, entity, body, operation)

    check()


@COMMON
@given(text=st.text(max_size=60) | st.from_regex(r"select \* from (customer|item) where [A-Za-z]+ (=|in|like) .{0,12}"))
def test_any_query_is_answered_by_rows_or_a_fault(world: World, text: str) -> None:
    company = world.add_company("us")
    answer = respond(company, Call(method="GET", segments=("query",), params={"query": text}, body=b""), Memory())
    assert answer.status in {200, 400}
    simplejson.loads(answer.text)


AMOUNTS = st.decimals(min_value="0.01", max_value="99999.99", places=2)


@pytest.mark.parametrize("mode", ["TaxExcluded", "TaxInclusive", "NotApplicable"])
def test_gb_totals_are_lines_plus_tax_by_independent_arithmetic(world: World, mode: str) -> None:
    company = world.add_company("gb")
    percents = {"1": 20, "2": 5, "3": 0}

    @COMMON
    @given(st.lists(st.tuples(AMOUNTS, st.sampled_from(sorted(percents))), min_size=1, max_size=6))
    def check(sold: list[tuple[Decimal, str]]) -> None:
        lines = [
            {
                "Amount": amount,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"TaxCodeRef": {"value": code}},
            }
            for amount, code in sold
        ]
        answer = posted(company, "salesreceipt", {"Line": lines, "GlobalTaxCalculation": mode})
        made = simplejson.loads(answer.text, use_decimal=True)["SalesReceipt"]
        tax = sum(
            (
                expected_tax(sum((a for a, c in sold if c == code), Decimal(0)), percent, mode)
                for code, percent in percents.items()
            ),
            Decimal(0),
        )
        whole = sum((amount for amount, _ in sold), Decimal(0))
        assert made["TxnTaxDetail"]["TotalTax"] == tax
        assert made["TotalAmt"] == (whole + tax if mode == "TaxExcluded" else whole)

    check()


def expected_tax(base: Decimal, percent: int, mode: str) -> Decimal:
    if mode == "NotApplicable":
        return Decimal(0)
    parts = 100 if mode == "TaxExcluded" else 100 + percent
    return (base * percent / parts).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
