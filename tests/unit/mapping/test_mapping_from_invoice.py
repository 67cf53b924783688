"""Whatever an invoice of QuickBooks looks like, it becomes an event that can be sent and says the same."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.from_qbo.invoice import amount, invoice_of, txn_date
from qbo_client.answers import parse
from qbo_client.emulator import person
from qbo_client.emulator.world import World
from schemas.codec import Codec
from schemas.events.quickbooks import Cause, Customer, Invoice, InvoiceImported, QbEnvelope

CODEC = Codec()
KAFKA_TAKES = 1_000_000


def told(row: dict[str, Any], crm_id: str | None = None, currency: str = "USD") -> Invoice:
    """Return an invoice as whoever reads the event gets it."""
    said = invoice_of(row, crm_id, home_currency=currency)
    envelope = QbEnvelope(
        event_id="e", event_type="t", tenant_id="t", realm_id="r", entity_id="1",
        entity_version=datetime(2026, 11, 20, tzinfo=UTC), occurred_at=datetime(2026, 11, 20, tzinfo=UTC),
        cause=Cause.INITIAL_IMPORT,
    )  # fmt: skip
    event = InvoiceImported(envelope=envelope, invoice=said, customer=Customer(customer_id="1", display_name="Amy"))
    encoded = CODEC.encode(event)
    assert len(encoded) < KAFKA_TAKES
    decoded = CODEC.decode("qb.invoice.imported", encoded)
    assert decoded == event
    assert isinstance(decoded, InvoiceImported)
    return decoded.invoice


def row(**fields: Any) -> dict[str, Any]:
    times = {"CreateTime": "2026-11-19T22:00:00-08:00", "LastUpdatedTime": "2026-11-20T09:00:00-08:00"}
    return {"Id": "7", "TxnDate": "2026-11-20", "TotalAmt": Decimal(10), "MetaData": times, **fields}


def sold(**fields: Any) -> dict[str, Any]:
    detail = {name: fields.pop(name) for name in ("Qty", "UnitPrice", "ItemRef") if name in fields}
    return {"DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail, **fields}


def test_bare_invoice_takes_the_currency_of_the_company() -> None:
    found = told({"Id": "7", "MetaData": {"CreateTime": "2026-11-19T22:00:00-08:00"}}, "inv_1")
    assert found == Invoice(
        invoice_id="7", crm_invoice_id="inv_1", txn_date=date(2026, 11, 19), currency="USD", total=Decimal(0),
        tax_total=Decimal(0), balance=Decimal(0),
    )  # fmt: skip


def test_what_is_null_is_left_out() -> None:
    nulls = ("DocNumber", "DueDate", "CurrencyRef", "TxnTaxDetail", "Balance", "BillEmail", "Line", "PrivateNote")
    assert told(row(**dict.fromkeys(nulls))) == told(row())


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-11-20", date(2026, 11, 20)), ("2026-11-20-08:00", date(2026, 11, 20)), ("", None), (None, None),
     ("soon", None), ("2026-13-01", None)],
)  # fmt: skip
def test_days(text: str | None, day: date | None) -> None:
    assert told(row(DueDate=text)).due_date == day
    # Every invoice has a day, at the latest that of its creation.
    assert txn_date(row(TxnDate=text)) == day or date(2026, 11, 19)


@pytest.mark.parametrize(
    ("number", "quantity", "price"),
    [
        ("2.5", "2.5", "2.5"),
        ("12.3456789", "12.345679", "12.3457"),
        ("0.00005", "0.00005", "0.0001"),
        ("-3", "-3", "-3"),
        ("1E+3", "1000", "1000"),
        ("999999999999", "999999999999", "999999999999"),
        ("1000000000000", None, "1000000000000"),
        ("999999999999999.99995", None, None),
        ("1000000000000000", None, None),
        ("12345678901234567890123456789.1234567", None, None),
        (None, None, None),
    ],
)
def test_numbers_are_taken_to_the_decimals_of_the_contract(
    number: str | None, quantity: str | None, price: str | None
) -> None:
    exact = None if number is None else Decimal(number)
    (line,) = told(row(Line=[sold(Qty=exact, UnitPrice=exact, Amount=Decimal(10))])).lines
    wanted = [None if one is None else Decimal(one) for one in (quantity, price)]
    assert [line.quantity, line.unit_amount] == wanted


def test_amounts_are_exact_and_finer_ones_rounded() -> None:
    assert amount({"TotalAmt": Decimal("1861.075")}, "TotalAmt") == Decimal("1861.075")
    assert amount({"TotalAmt": Decimal("0.00005")}, "TotalAmt") == Decimal("0.0001")
    shown = [amount({"TotalAmt": value}, "TotalAmt") for value in (None, 0, "", 5, "5.10")]
    assert shown == [0, 0, 0, 5, Decimal("5.1")]


def test_discounts_are_negative_and_totals_no_lines() -> None:
    lines = [
        sold(Amount=Decimal("50.00"), Description=" Cut ", ItemRef={"value": "1", "name": "Hair"}),
        {"DetailType": "DiscountLineDetail", "Amount": Decimal("5.00"), "DiscountLineDetail": {"PercentBased": True}},
        {"DetailType": "SubTotalLineDetail", "Amount": Decimal("45.00"), "SubTotalLineDetail": {}},
        {"DetailType": "DescriptionOnly", "Description": "Thanks"},
        {"DetailType": "DescriptionOnly", "Description": "Thanks", "DescriptionLineDetail": None, "Amount": None},
        {"Description": "of no type"},
    ]
    said = [(one.description, one.item_name, int(one.amount)) for one in told(row(Line=lines)).lines]
    assert said == [
        ("Cut", "Hair", 50), (None, None, -5), ("Thanks", None, 0), ("Thanks", None, 0), ("of no type", None, 0),
    ]  # fmt: skip


def test_groups_are_their_lines_however_deep() -> None:
    inner = {"DetailType": "GroupLineDetail", "GroupLineDetail": {"Line": [sold(Amount=Decimal(1))]}}
    outer = {"DetailType": "GroupLineDetail", "Amount": Decimal(3),
             "GroupLineDetail": {"Line": [inner, sold(Amount=Decimal(2))]}}  # fmt: skip
    empty = {"DetailType": "GroupLineDetail", "Amount": Decimal(0), "GroupLineDetail": None}
    assert [line.amount for line in told(row(Line=[outer, empty])).lines] == [1, 2]


def test_void_shows_in_the_note_alone() -> None:
    void = row(TotalAmt=Decimal(0), PrivateNote="Voided - crm:invoice/7", Line=[sold(Amount=Decimal(0))])
    assert told(void).voided
    assert told({**void, "Line": None}).voided
    assert told({**void, "Line": [{"Amount": None}]}).voided
    assert not told(row(PrivateNote="Voided")).voided


def test_text_that_utf8_cannot_carry_is_cleaned() -> None:
    odd = row(DocNumber="\x00", BillEmail={"Address": "a\ud800b"}, CurrencyRef={"value": "EUR\x00"},
              Line=[sold(Amount=Decimal(1), Description="\udfff\x00")])  # fmt: skip
    found = told(odd)
    assert (found.doc_number, found.billing_email, found.currency) == (None, "a?b", "EUR")
    assert found.lines[0].description == "?"


@pytest.mark.parametrize("text", ["x", "é", "\U0001f600"])
@pytest.mark.parametrize("lines", [1, 200, 10_000])
def test_more_text_than_kafka_takes_is_cut_and_no_line_is_lost(text: str, lines: int) -> None:
    """QuickBooks lets an invoice have 10,000 lines with 4,000 letters each."""
    line = sold(Amount=Decimal("12345678901.25"), Qty=Decimal("123456.123456"), UnitPrice=Decimal("99999.1234"),
                Description=text * 4000, ItemRef={"value": "1", "name": text * 100})  # fmt: skip
    found = told(row(Line=[line] * lines)).lines
    assert len(found) == lines
    assert {one.amount for one in found} == {Decimal("12345678901.25")}
    whole = len(text.encode()) * 4100 * lines <= 500_000
    assert (found[0].description == text * 4000) is whole


def test_lines_without_text_are_as_many_as_quickbooks_allows() -> None:
    assert len(told(row(Line=[sold(Amount=Decimal("12345678901.25"))] * 10_000)).lines) == 10_000


_texts = st.none() | st.text(st.characters(codec=None), max_size=40)
_numbers = st.none() | st.decimals(-(10**14), 10**14, places=7) | st.integers(-(10**12), 10**12)
_money = st.none() | st.decimals(-(10**11), 10**11, places=2).map(lambda one: +one) | st.just(0)
_days = st.none() | st.just("") | st.dates().map(str)
_refs: st.SearchStrategy[Any] = st.none() | st.just({}) | st.fixed_dictionaries({"value": _texts, "name": _texts})
_details = st.none() | st.fixed_dictionaries({}, optional={"Qty": _numbers, "UnitPrice": _numbers, "ItemRef": _refs})
_kinds = ["SalesItemLineDetail", "DescriptionOnly", "DiscountLineDetail", "SubTotalLineDetail", "TaxLineDetail", None]
_lines = st.recursive(
    st.fixed_dictionaries(
        {"DetailType": st.sampled_from(_kinds)},
        optional={"Amount": _money, "Description": _texts, "SalesItemLineDetail": _details,
                  "DiscountLineDetail": _details},
    ),
    lambda inner: st.fixed_dictionaries(
        {"DetailType": st.just("GroupLineDetail")},
        optional={"GroupLineDetail": st.none() | st.fixed_dictionaries({}, optional={"Line": st.lists(inner)})},
    ),
    max_leaves=5,
)  # fmt: skip
_rows = st.fixed_dictionaries(
    {"Id": st.integers(1, 10**16).map(str), "MetaData": st.just({"CreateTime": "2026-11-19T22:00:00-08:00"})},
    optional={
        "DocNumber": _texts, "TxnDate": _days, "DueDate": _days, "CurrencyRef": _refs, "TotalAmt": _money,
        "Balance": _money, "TxnTaxDetail": st.none() | st.fixed_dictionaries({}, optional={"TotalTax": _money}),
        "BillEmail": st.none() | st.fixed_dictionaries({}, optional={"Address": _texts}), "PrivateNote": _texts,
        "Line": st.lists(_lines, max_size=4),
    },
)  # fmt: skip


@given(found=_rows)
def test_every_row_becomes_an_event_that_says_the_same_when_it_is_read(found: dict[str, Any]) -> None:
    said = told(found)
    assert (said.invoice_id, said.total) == (found["Id"], found.get("TotalAmt") or 0)
    assert said.balance == (found.get("Balance") or 0)


_sold = st.tuples(st.decimals("0.01", "99", places=4), st.decimals("0.01", "9999", places=5), st.text(max_size=30))


@given(
    country=st.sampled_from(["us", "ca"]),
    lines=st.lists(_sold, min_size=1, max_size=5),
    tax=st.decimals(0, 99, places=2),
)
def test_invoices_of_the_emulator_add_up_in_their_events(
    country: str, lines: list[tuple[Decimal, Decimal, str]], tax: Decimal
) -> None:
    company = World(client_id="c", client_secret="s").add_company(country)
    amy = person.enter(company, company.kinds["customer"], {"DisplayName": "Amy"}).body
    sent = [
        sold(Qty=quantity, UnitPrice=price, Amount=_cents(quantity * price), Description=text.replace("\x00", ""))
        for quantity, price, text in lines
    ]
    fields = {"CustomerRef": {"value": amy["Id"]}, "Line": sent, "GlobalTaxCalculation": "NotApplicable"}
    taxed = {"TxnTaxDetail": {"TotalTax": tax}} if country == "us" else {}
    made = person.enter(company, company.kinds["invoice"], {**fields, **taxed})
    found = told(parse(made.json.encode()))
    assert sum(line.amount for line in found.lines) + found.tax_total == found.total == found.balance
    assert [(line.quantity, line.unit_amount) for line in found.lines] == [
        (quantity, price.quantize(Decimal("0.0001"), "ROUND_HALF_UP")) for quantity, price, _ in lines
    ]


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), "ROUND_HALF_UP")


def test_yen_have_no_decimals() -> None:
    found = told(row(TotalAmt=Decimal(5000), CurrencyRef={"value": "JPY"}, Line=[sold(Amount=Decimal(5000))]))
    assert (found.currency, str(found.total), str(found.lines[0].amount)) == ("JPY", "5000.00", "5000.00")
