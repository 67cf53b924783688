from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft
from qbo_client.emulator.entities.references import find

# The recording of an invoice without terms is due a month later.
USUAL_DAYS = 30


def set_day(draft: Draft) -> None:
    """TxnDate, which is QuickBooks' today where none is given; neither into nor out of a closed period."""
    if not draft.body.get("TxnDate"):
        draft.body["TxnDate"] = draft.company.clock.today()
    check_books_open(draft.company, draft.body["TxnDate"], (draft.old or {}).get("TxnDate"))


def check_books_open(company: Company, *days: str | None) -> None:
    closed = company.closing_date
    if closed and any(day is not None and day <= closed for day in days):
        raise errors.books_closed(closed)


def set_due_day(draft: Draft) -> None:
    body = draft.body
    if body.get("DueDate"):
        return
    day = date.fromisoformat(body["TxnDate"])
    if "SalesTermRef" in body:
        due = due_day(find(draft.company, "Term", "Terms", body["SalesTermRef"]), day)
    else:
        due = day + timedelta(days=USUAL_DAYS)
    body["DueDate"] = due.isoformat()


def due_day(term: Mapping[str, Any], day: date) -> date:
    """So many days later, or on a day of the month: of the next one where it is past or too near."""
    if term.get("Type") != "DATE_DRIVEN":
        return day + timedelta(days=int(term.get("DueDays", USUAL_DAYS)))
    wanted, notice = int(term["DayOfMonthDue"]), timedelta(days=int(term.get("DueNextMonthDays", 0)))
    due = _day_in_month(day, wanted)
    if due < day + notice:
        due = _day_in_month(day.replace(day=1) + timedelta(days=31), wanted)
    return due


def _day_in_month(day: date, wanted: int) -> date:
    return day.replace(day=min(wanted, monthrange(day.year, day.month)[1]))
