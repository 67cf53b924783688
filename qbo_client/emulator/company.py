from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from qbo_client.emulator.changes import Changes
from qbo_client.emulator.clock import Clock
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.schema import Schema
from qbo_client.emulator.table import Table

REMEMBERED_ANSWERS = 100_000
_CURRENCY_NAMES = {
    "USD": "United States Dollar",
    "GBP": "British Pound Sterling",
    "CAD": "Canadian Dollar",
    "AUD": "Australian Dollar",
    "NZD": "New Zealand Dollar",
    "EUR": "Euro",
}


@dataclass(slots=True, kw_only=True)
class Switches:
    """What the facts leave open, or what a company sets where the API shows no field for it."""

    # Inactive names stay taken unless this is set: reports differ.
    inactive_names_are_free: bool = False
    # The company's "warn if a document number is used twice".
    duplicate_number_warning: bool = True
    # Percent that automated sales tax charges on TAX lines of a US company.
    automatic_tax_percent: Decimal = Decimal(0)
    # Whether a TotalTax that is sent replaces the computed one (US): field reports conflict.
    tax_override_honoured: bool = True
    suspended: bool = False
    # Mails that a sandbox company may send in a day.
    sends_per_day: int = 40
    # A payment that pays an invoice more than it owes is refused unless this is set.
    excess_payment_becomes_unapplied: bool = False
    # Whether a payment may pay the invoices of its customer's parents and sub-customers.
    payment_reaches_family: bool = False
    # Whether credit memos and refund receipts can be voided; the reference lists delete alone.
    credits_can_be_voided: bool = False
    # Whether a payment raises the SyncToken of the invoices and credit memos that it is applied to.
    links_raise_sync_token: bool = True
    # Whether a new balance counts as an update of the customer (LastUpdatedTime, never the SyncToken).
    balance_updates_customer: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The first answer to a request id: `fragment` is the JSON body without its braces and its time."""

    sent: bytes
    status: int
    fragment: str
    time: str


@dataclass(slots=True, kw_only=True)
class Company:
    """One QuickBooks Online company and all that stands in its books."""

    realm_id: str
    name: str
    country: str
    currency: str
    clock: Clock
    schema: Schema
    # By lower-case name, as paths and queries spell them.
    kinds: Mapping[str, Kind]
    switches: Switches = field(default_factory=Switches)
    answers: OrderedDict[str, Remembered] = field(default_factory=OrderedDict)
    changes: Changes = field(init=False)
    # The last number given out in each space.
    counters: dict[str, int] = field(default_factory=dict)
    # Told of each answer to be remembered, and of each setting that may have been changed.
    on_remembered: Callable[[str, Remembered], None] = lambda _request_id, _answer: None
    on_set: Callable[[], None] = lambda: None
    # Ids of transactions that stand in a bank deposit and cannot be changed (6540) until it is undone.
    deposited: set[str] = field(default_factory=set)
    _tables: dict[str, Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.changes = Changes(self.clock)

    def table(self, kind_name: str) -> Table:
        table = self._tables.get(kind_name)
        if table is None:
            kind = self.kinds[kind_name.lower()]
            table = self._tables[kind_name] = Table(kind_name, {**kind.filterable, **kind.indexed}, self.changes)
        return table

    def next_id(self, space: str) -> str:
        """Names, transactions, addresses and document numbers are counted apart."""
        number = self.counters.get(space, 0) + 1
        self.counters[space] = number
        return str(number)

    @property
    def preferences(self) -> Mapping[str, Any]:
        row = self.table("Preferences").get("1")
        return row.body if row else {}

    def preference(self, group: str, name: str) -> Any:
        return self.preferences.get(group, {}).get(name)

    def currency_ref(self, code: str | None = None) -> dict[str, str]:
        wanted = code or self.currency
        return {"value": wanted, "name": _CURRENCY_NAMES.get(wanted, wanted)}

    @property
    def closing_date(self) -> str | None:
        closed: str | None = self.preference("AccountingInfoPrefs", "BookCloseDate")
        return closed

    def remember(self, request_id: str, answer: Remembered) -> None:
        self.answers[request_id] = answer
        if len(self.answers) > REMEMBERED_ANSWERS:
            self.answers.popitem(last=False)
        self.on_remembered(request_id, answer)
