"""What of an invoice in the books has to change, and what a person's hand keeps (books, sections 5 and 8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.from_qbo.transactions import is_void
from mapping.settings import FieldGroup
from mapping.to_qbo.dates import Day, booking_day
from mapping.to_qbo.document import Document
from mapping.to_qbo.invoice import (
    full_number,
    invoice_document,
    invoice_fields,
    private_note,
    remembered,
    with_number,
)
from mapping.to_qbo.invoice_lines import changed_by_a_person, merged_lines, only_repeat
from mapping.to_qbo.methods import NUMBER
from mapping.to_qbo.numbers import next_number
from mapping.to_qbo.plain import plain_value
from mapping.to_qbo.text import short
from schemas.events.crm import InvoiceState

_GROUPS = {
    "CustomerRef": FieldGroup.CUSTOMER,
    "TxnDate": FieldGroup.DATES,
    "DueDate": FieldGroup.DATES,
    "DocNumber": FieldGroup.NUMBER,
    "BillEmail": FieldGroup.EMAILS,
    "BillEmailCc": FieldGroup.EMAILS,
    "CustomerMemo": FieldGroup.NOTES,
    "PrivateNote": FieldGroup.NOTES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceChanges:
    """The sparse update, None when there is nothing to write, and what to remember either way."""

    body: Mapping[str, Any] | None
    last_sent: Mapping[str, Any]
    #: What QuickBooks must answer with; None while lines that a person changed stand.
    total: Decimal | None
    tax: Decimal | None
    #: Fields that the CRM changed too, where the person's value stays.
    kept: tuple[str, ...] = ()
    #: Fields where the CRM's value replaces a person's.
    overruled: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Comparison:
    """Field by field: what is wanted, what was sent last, what stands in the books."""

    company: Company
    current: Mapping[str, Any]
    last_sent: Mapping[str, Any]
    body: dict[str, Any] = field(default_factory=dict)
    remember: dict[str, Any] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    overruled: list[str] = field(default_factory=list)

    def compare(self, name: str, wanted: Any) -> None:
        ours, there, before = plain_value(wanted), plain_value(self.current.get(name)), self.last_sent.get(name)
        if ours == there:
            self.remember[name] = ours
        elif not there or there == before:
            self._write(name, wanted, ours)
        elif ours != before:
            if self.company.settings.crm_wins(_GROUPS[name]):
                self.overruled.append(name)
                self._write(name, wanted, ours)
            else:
                self.kept.append(name)

    def compare_note(self, wanted: str) -> None:
        """Our part of the note is replaced; what a person wrote around it stays."""
        there, before = str(self.current.get("PrivateNote", "")), str(self.last_sent.get("PrivateNote", ""))
        if before and before in there:
            self.remember["PrivateNote"] = wanted
            if wanted != before:
                self.body["PrivateNote"] = there.replace(before, wanted, 1)
        else:
            self.compare("PrivateNote", wanted)

    def _write(self, name: str, wanted: Any, ours: Any) -> None:
        self.body[name] = wanted
        self.remember[name] = ours


def invoice_changes(
    state: InvoiceState,
    *,
    company: Company,
    customer_id: str,
    items: Mapping[str, str],
    current: Mapping[str, Any],
    last_sent: Mapping[str, Any],
) -> InvoiceChanges:
    """Return what brings the invoice from `current`, as QuickBooks has it, to the CRM's state. Raises CannotBook.

    `last_sent` is what the last `Invoice` or `InvoiceChanges` said to remember; {} for an invoice of ours that was
    found again. A field is written if it differs and is still as it was sent, or empty. What a person changed
    stays; if the CRM changed it too, the settings say who wins. What the CRM no longer knows is not blanked, and
    lines that it only has from QuickBooks are no change.
    """
    _check_it_stands(current)
    _check_currency_stays(state, current)
    booked = invoice_document(state, company=company, items=items)
    day = _day(state, company, current, last_sent)
    comparison = _Comparison(company=company, current=current, last_sent=last_sent)
    fields = {
        **invoice_fields(state, customer_id=customer_id),
        "TxnDate": day.text,
        "DocNumber": _number(state, last_sent),
    }
    ours = remembered(state, {}, booked)
    repeats = _came_from_there(state, booked, comparison, ours)
    if repeats:
        comparison.remember |= {"lines": ours["lines"], "tax": ours["tax"]}
    else:
        comparison.compare_note(_with_clash(private_note(state, booked, day), state, last_sent))
    for name, value in fields.items():
        comparison.compare(name, value)
    lines_are_ours = repeats or _compare_money(comparison, booked, ours)
    body = comparison.body
    _check_open(company, current, changes=bool(body))
    return InvoiceChanges(
        body={"Id": current["Id"], "SyncToken": current["SyncToken"], "sparse": True, **body} if body else None,
        last_sent={**last_sent, **comparison.remember, **_crm_values(state, comparison)},
        total=booked.total if lines_are_ours else None,
        tax=booked.tax if lines_are_ours else None,
        kept=tuple(comparison.kept),
        overruled=tuple(comparison.overruled),
    )


def renumbered(
    changes: InvoiceChanges, attempt: int, *, company: Company, current: Mapping[str, Any]
) -> InvoiceChanges:
    """Return the update under the invoice's next number: the first is another document's (6140).

    Raises CannotBook `number_taken` where the settings ask for it.
    """
    assert changes.body is not None
    number = next_number(str(changes.body["DocNumber"]), attempt, company)
    ours = str(changes.last_sent.get("PrivateNote", ""))
    said = with_number(ours, str(changes.last_sent["number"]))
    there = str(changes.body.get("PrivateNote", current.get("PrivateNote", "")))
    noted = {"PrivateNote": there.replace(ours, said, 1)} if ours and ours in there else {}
    remembered_note = {"PrivateNote": said} if noted else {}
    return replace(
        changes,
        body={**changes.body, "DocNumber": number, **noted},
        last_sent={**changes.last_sent, "DocNumber": number, **remembered_note},
    )


def _came_from_there(state: InvoiceState, booked: Document, comparison: _Comparison, ours: Mapping[str, Any]) -> bool:
    """Whether the CRM took its lines from QuickBooks instead of its own: they read the same, and know no products."""
    own = any(line.product_id or line.taxes or line.discounts for line in state.lines) or state.discounts
    changed = comparison.last_sent.get("lines", ours["lines"]) != ours["lines"]
    return changed and not own and only_repeat(booked.fields["Line"], comparison.current.get("Line", ()))


def _compare_money(comparison: _Comparison, booked: Document, ours: Mapping[str, Any]) -> bool:
    """Write lines and tax if the CRM changed them; return whether those that stand then are the CRM's."""
    current = comparison.current.get("Line", ())
    # Of an invoice that was found again nothing is remembered: what differs from the CRM is a person's.
    sent = comparison.last_sent.get("lines", ours["lines"])
    by_person = changed_by_a_person(current, sent)
    if (ours["lines"], ours["tax"]) == (sent, comparison.last_sent.get("tax", ours["tax"])):
        comparison.remember |= {"lines": ours["lines"], "tax": ours["tax"]}
        return not by_person
    if by_person and changed_by_a_person(current, ours["lines"]):
        if not comparison.company.settings.crm_wins(FieldGroup.MONEY):
            comparison.kept.append("Line")
            return False
        comparison.overruled.append("Line")
    lines = merged_lines(booked.fields["Line"], booked.line_ids, current=current, sent=sent)
    comparison.body |= {**booked.fields, "Line": lines}
    comparison.remember |= {"lines": ours["lines"], "tax": ours["tax"]}
    return True


def _crm_values(state: InvoiceState, comparison: _Comparison) -> dict[str, Any]:
    """What the CRM said where it is remembered apart; not while a person's value stands against it."""
    values = {"TxnDate": ("issue_date", state.issue_date.isoformat()), "DocNumber": ("number", full_number(state))}
    return dict(pair for name, pair in values.items() if name not in comparison.kept)


def _day(state: InvoiceState, company: Company, current: Mapping[str, Any], last_sent: Mapping[str, Any]) -> Day:
    """The day it was booked on stays while the CRM's day does, also where books were closed since."""
    closed = company.books_closed_until
    if not last_sent and closed is not None and state.issue_date <= closed:
        return Day(date.fromisoformat(current["TxnDate"]))
    if last_sent.get("issue_date") != state.issue_date.isoformat() or "TxnDate" not in last_sent:
        return booking_day(state.issue_date, company, what="invoice")
    booked = date.fromisoformat(last_sent["TxnDate"])
    return Day(booked, tuple(n for n in str(last_sent.get("PrivateNote", "")).split("\n") if n.startswith("dated ")))


def _number(state: InvoiceState, last_sent: Mapping[str, Any]) -> str:
    """The number it was booked under stays while the CRM's does: a clash may have given it a suffix."""
    number = full_number(state)
    if last_sent.get("number") == number and "DocNumber" in last_sent:
        return str(last_sent["DocNumber"])
    return short(number, NUMBER)


def _with_clash(note: str, state: InvoiceState, last_sent: Mapping[str, Any]) -> str:
    """What a clash added to the note stays while the number does."""
    said = f"number in the CRM: {full_number(state)}"
    stays = said in str(last_sent.get("PrivateNote", "")).split("\n") and said not in note.split("\n")
    return f"{note}\n{said}" if stays else note


def _check_it_stands(current: Mapping[str, Any]) -> None:
    """What a person voided is never silently made again."""
    if is_void(current):
        raise CannotBook(
            "removed_in_quickbooks",
            "The invoice was voided in QuickBooks and changed in the CRM. Make it again, or leave it.",
        )


def _check_currency_stays(state: InvoiceState, current: Mapping[str, Any]) -> None:
    there = (current.get("CurrencyRef") or {}).get("value", state.totals.currency)
    if there != state.totals.currency:
        raise CannotBook(
            "currency_changed",
            f"The invoice is in {there} in QuickBooks and now in {state.totals.currency} in the CRM. "
            "Void it and send it anew in the CRM.",
        )


def _check_open(company: Company, current: Mapping[str, Any], *, changes: bool) -> None:
    """An invoice in a closed period cannot be changed, wherever its new date would be."""
    closed, day = company.books_closed_until, current.get("TxnDate")
    if changes and closed is not None and day is not None and date.fromisoformat(day) <= closed:
        raise CannotBook(
            "books_closed",
            f"The books are closed until {closed} and the invoice stands on {day}. "
            "Reopen them in QuickBooks, run preflight, retry.",
        )
