"""Whatever customers people have entered: a CRM that echoes them in any manner and order causes no write."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapping.settings import FieldGroup, Settings, Winner
from schemas.events.quickbooks import Customer
from tests.unit.consumers.echoes import Manners, NaiveCrm, poll
from tests.unit.consumers.emulated import Emulated

_NAMES = [
    "Anna Berg", "anna berg & co", "Anna  Berg", "Berg GmbH", "O'Neil, Pat", "Zoë", "Shop \U0001f600", "\U0001f600",
    "Ann\u200ba", "x" * 150, "Kitchen", "Reed Dental", "11", "Müller (deleted) ?",
]  # fmt: skip
_PARTS = ["Anna", "ANNA ", "Berg", "A.", "von der  Berg", "\U0001f600 Anna", "Berg:Reed"]
_EMAILS = ["anna@example.com", "Anna@Example.com", "desk@x.com, anna@example.com"]
_PHONES = ["+12145596993", "(214) 559-6993", "214 559 6993 ext. 12", "020 7946 0958", "12345", "ask Anna", "0"]
_COUNTRIES = ["USA", "United States", "us", "Deutschland", "Germany", "Utopia", "U.K."]
_LINES = ["9931 Beechwood", "Suite 5", "c/o  Reed", "2nd floor\U0001f600", "x" * 400]


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def _addresses(draw: st.DrawFn) -> dict[str, str]:
    parts = {f"Line{n}": draw(_maybe(st.sampled_from(_LINES))) for n in range(1, 6)}
    parts |= {"City": draw(_maybe(st.just("Houston"))), "CountrySubDivisionCode": draw(_maybe(st.just("TX")))}
    parts |= {"PostalCode": draw(_maybe(st.just("77 002"))), "Country": draw(_maybe(st.sampled_from(_COUNTRIES)))}
    return {name: value for name, value in parts.items() if value}


def _held(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}


@st.composite
def _customers(draw: st.DrawFn) -> dict[str, Any]:
    phones = {one: draw(_maybe(st.sampled_from(_PHONES))) for one in ("PrimaryPhone", "Mobile", "AlternatePhone")}
    names = {one: draw(_maybe(st.sampled_from(_PARTS))) for one in ("GivenName", "FamilyName", "CompanyName")}
    return {
        **{name: value for name, value in names.items() if value},
        **{name: {"FreeFormNumber": value} for name, value in phones.items() if value},
        **_held("PrimaryEmailAddr", _held("Address", draw(st.sampled_from([None, *_EMAILS])))),
        **_held("BillAddr", draw(_addresses())),
        **_held("CurrencyRef", _held("value", draw(st.sampled_from([None, None, "EUR"])))),
        "Active": draw(st.sampled_from([True, True, False])),
        "below": draw(st.booleans()),
    }


@st.composite
def _books(draw: st.DrawFn) -> Emulated:
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=4, unique_by=str.casefold))
    winner = draw(st.sampled_from(Winner))
    books = Emulated(
        settings=Settings(winners={FieldGroup.CONTACTS: winner}),
        preferences={"CurrencyPrefs": {"MultiCurrencyEnabled": True}},
    )
    for name in names:
        _enter(books, name, draw(_customers()))
    return books


def _enter(books: Emulated, name: str, held: Mapping[str, Any]) -> None:
    """A person's customer; what only QuickBooks' screens take is put beside them."""
    emails, active, below = held.get("PrimaryEmailAddr"), held["Active"], held["below"]
    plain = {key: value for key, value in held.items() if key not in {"PrimaryEmailAddr", "Active", "below"}}
    currency = plain.get("CurrencyRef", {"value": "USD"})["value"]
    tops = [c for c in books.objects("Customer") if c["Active"] and c["CurrencyRef"]["value"] == currency]
    parent = {"Job": True, "ParentRef": {"value": tops[0]["Id"]}} if below and tops else {}
    made = books.person_enters("Customer", DisplayName=name, **plain, **parent)
    books.emulated.table("Customer").put({**made, **({"PrimaryEmailAddr": emails} if emails else {}), "Active": active})


def _manners() -> st.SearchStrategy[Manners]:
    return st.builds(Manners, says_origin=st.booleans(), says_ids=st.booleans(), splits_names=st.booleans())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(_books(), st.data())
def test_customers_that_are_echoed_in_any_manner_and_order_are_not_written(books: Emulated, data: Any) -> None:
    customers = list(poll(books).values())
    crm = NaiveCrm()
    before = books.objects("Customer")
    for customer in data.draw(st.permutations([*customers, *customers])):
        books.hear(crm.contact(customer, data.draw(_manners())))
        assert books.client.calls == []
    assert books.objects("Customer") == before


class Life:
    """People who go on working on their customers, and a CRM that echoes each change as soon as it is told of it."""

    def __init__(self, books: Emulated, data: Any) -> None:
        self.books, self.data = books, data
        self.crm, self.known = NaiveCrm(), dict[str, Customer]()

    def tell(self, merged: Mapping[str, str] | None = None) -> None:
        """Poll, and let the CRM echo what changed; it may keep what it knew where it is told of nothing."""
        shown = poll(self.books, merged)
        changed = {key: customer for key, customer in shown.items() if self.known.get(key) != customer}
        gone = {key: replace(customer, active=False) for key, customer in self.known.items() if key not in shown}
        for key, customer in self.data.draw(st.permutations([*changed.items(), *gone.items()])):
            keeps = self.data.draw(st.booleans()) and key in self.known
            heard = _kept(self.known[key], customer) if keeps else customer
            self.books.hear(self.crm.contact(heard, self.data.draw(_manners())))
        self.known = dict(shown)

    def step(self) -> None:
        rows = self.books.objects("Customer")
        free = [row for row in rows if row["Active"] and not row.get("ParentRef") and not self._has_jobs(row, rows)]
        pairs = [(a, b) for a in free for b in free if a is not b and a["CurrencyRef"] == b["CurrencyRef"]]
        if pairs and self.data.draw(st.booleans()):
            keep, lose = self.data.draw(st.sampled_from(pairs))
            self.books.person_merges(keep=keep["Id"], lose=lose["Id"])
            self.tell({lose["Id"]: keep["Id"]})
            return
        row, other = self.data.draw(st.sampled_from(rows)), self.data.draw(_customers())
        name = self.data.draw(st.sampled_from(_CHANGEABLE))
        changed = {key: value for key, value in row.items() if key != name} | _held(name, other.get(name))
        self.books.emulated.table("Customer").put({**changed, "SyncToken": str(int(row["SyncToken"]) + 1)})
        self.tell()

    @staticmethod
    def _has_jobs(row: Mapping[str, Any], rows: list[dict[str, Any]]) -> bool:
        return any((one.get("ParentRef") or {}).get("value") == row["Id"] for one in rows)


_CHANGEABLE = ("GivenName", "FamilyName", "CompanyName", "PrimaryEmailAddr", "PrimaryPhone", "Mobile", "BillAddr")


def _kept(before: Customer, now: Customer) -> Customer:
    empty = [one.name for one in fields(now) if getattr(now, one.name) is None]
    return replace(now, **{name: getattr(before, name) for name in empty})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(_books(), st.data())
def test_what_people_change_and_merge_comes_back_without_a_write(books: Emulated, data: Any) -> None:
    life = Life(books, data)
    life.tell()
    for _ in range(data.draw(st.integers(1, 5))):
        life.step()
        assert books.written() == []
