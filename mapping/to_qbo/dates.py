"""On which day a document is booked: its own, unless the books are closed (books, section 8)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.settings import ClosedBooks


@dataclass(frozen=True, slots=True)
class Day:
    """The TxnDate, and what the note must say where it is not the real one."""

    date: date
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.date.isoformat()


def booking_day(day: date, company: Company, *, what: str) -> Day:
    """Return the day on which `what` is booked. Raises CannotBook `books_closed`, unless the settings move it."""
    closed = company.books_closed_until
    if closed is None or day > closed:
        return Day(day)
    if company.settings.closed_books is ClosedBooks.FIRST_OPEN_DAY:
        return Day(closed + timedelta(days=1), (f"dated {day} in the CRM, books closed until {closed}",))
    raise CannotBook(
        "books_closed",
        f"The books are closed until {closed} and the {what} is of {day}. "
        "Reopen them in QuickBooks, run preflight, retry.",
    )


def local_day(moment: datetime, company: Company) -> date:
    """Return the day of a moment in the connection's time zone; UTC where none is known."""
    try:
        zone = ZoneInfo(company.zone) if company.zone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    return moment.astimezone(zone).date()
