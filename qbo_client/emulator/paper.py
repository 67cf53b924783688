"""A transaction as it is printed: whose it is, its number and day, its lines, what they come to."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from qbo_client.emulator.amounts import ZERO, cents
from qbo_client.emulator.pdf import HEIGHT, WIDTH, Page, document

LEFT, RIGHT = 54, WIDTH - 54
_QUANTITY, _RATE = RIGHT - 170, RIGHT - 90
_STEP, _BOTTOM = 16, HEIGHT - 72
_LONGEST = 62


def title_of(kind_name: str) -> str:
    """`SalesReceipt` is called Sales Receipt."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind_name)


def printed(kind_name: str, body: Mapping[str, Any], company: str) -> bytes:
    """The PDF of a transaction; as many pages as its lines need."""
    sheet = _Sheet()
    _head(sheet, kind_name, body, company)
    sheet.columns()
    for line in rows(body):
        sheet.line(*line)
    sheet.gap()
    for name, amount in totals(body):
        sheet.total(name, money(amount), bold=name in {"Total", "Balance due"})
    number = body.get("DocNumber") or body["Id"]
    return document(sheet.pages, f"{title_of(kind_name)} {number}")


def rows(body: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Description, quantity, rate and amount of each line that says anything."""
    for line in body.get("Line", ()):
        if line.get("DetailType") == "SubTotalLineDetail":
            continue
        detail = line.get("SalesItemLineDetail", {})
        yield (
            describe(line),
            plain(detail.get("Qty")),
            plain(detail.get("UnitPrice")),
            money(line["Amount"]) if line.get("Amount") is not None else "",
        )


def describe(line: Mapping[str, Any]) -> str:
    links = ", ".join(f"{title_of(one['TxnType'])} {one['TxnId']}" for one in line.get("LinkedTxn", ()))
    item = line.get("SalesItemLineDetail", {}).get("ItemRef", {}).get("name", "")
    if line.get("DetailType") == "DiscountLineDetail":
        item = "Discount"
    return " - ".join(part for part in (item, str(line.get("Description", "")), links) if part)


def totals(body: Mapping[str, Any]) -> Iterator[tuple[str, Decimal]]:
    """What stands below the lines, by its name."""
    for line in body.get("Line", ()):
        if line.get("DetailType") == "SubTotalLineDetail":
            yield "Subtotal", line["Amount"]
    tax = body.get("TxnTaxDetail", {}).get("TotalTax")
    if tax:
        yield "Tax", tax
    yield "Total", body["TotalAmt"]
    if body.get("UnappliedAmt"):
        yield "Unapplied", body["UnappliedAmt"]
    if "DueDate" in body or body.get("Balance"):
        yield "Balance due", body.get("Balance", ZERO)


def money(amount: Any) -> str:
    return f"{cents(Decimal(amount)):,.2f}"


def plain(number: Any) -> str:
    return "" if number is None else str(number)


def _head(sheet: "_Sheet", kind_name: str, body: Mapping[str, Any], company: str) -> None:
    page = sheet.page
    page.text(LEFT, 72, company, size=16, bold=True)
    page.text(LEFT, 100, title_of(kind_name).upper(), size=12, bold=True)
    told = {
        "Number": body.get("DocNumber", ""),
        "Date": body.get("TxnDate", ""),
        "Due": body.get("DueDate", ""),
        "Customer": body.get("CustomerRef", {}).get("name", ""),
        "E-mail": body.get("BillEmail", {}).get("Address", ""),
        "Currency": body.get("CurrencyRef", {}).get("value", ""),
    }
    for name, value in told.items():
        if value:
            sheet.fact(name, str(value))
    sheet.gap()


class _Sheet:
    """Pages that are filled from the top, one below the other."""

    def __init__(self) -> None:
        self.pages = [Page()]
        self._top = 122.0

    @property
    def page(self) -> Page:
        return self.pages[-1]

    def fact(self, name: str, value: str) -> None:
        self.page.text(LEFT, self._top, name, bold=True)
        self.page.text(LEFT + 70, self._top, _short(value))
        self._top += _STEP

    def columns(self) -> None:
        self.page.text(LEFT, self._top, "Description", bold=True)
        for right, name in ((_QUANTITY, "Qty"), (_RATE, "Rate"), (RIGHT, "Amount")):
            self.page.text_before(right, self._top, name, bold=True)
        self.page.rule(LEFT, RIGHT, self._top + 5)
        self._top += _STEP + 4

    def line(self, description: str, quantity: str, rate: str, amount: str) -> None:
        if self._top > _BOTTOM:
            self._turn()
            self.columns()
        self.page.text(LEFT, self._top, _short(description))
        for right, figure in ((_QUANTITY, quantity), (_RATE, rate), (RIGHT, amount)):
            self.page.text_before(right, self._top, figure)
        self._top += _STEP

    def total(self, name: str, amount: str, *, bold: bool) -> None:
        if self._top > _BOTTOM:
            self._turn()
        self.page.text(_QUANTITY, self._top, name, bold=bold)
        self.page.text_before(RIGHT, self._top, amount, bold=bold)
        self._top += _STEP

    def gap(self) -> None:
        self.page.rule(LEFT, RIGHT, self._top - 8)
        self._top += _STEP

    def _turn(self) -> None:
        self.pages.append(Page())
        self._top = 72.0


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
