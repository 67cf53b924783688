"""What a connection may choose about its books (docs/books.md, settings); every default needs no choice."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any


class UsTax(StrEnum):
    """How a US company's books show tax and discounts."""

    #: Both adjust the item prices.
    FOLD = "fold"
    #: As a discount line and as tax, which the answer must confirm.
    AS_BILLED = "as_billed"


class CreateCustomers(StrEnum):
    """What makes a customer."""

    #: Any contact.active.
    ACTIVITY = "activity"
    #: Only money or an invoice.
    TRANSACTIONS = "transactions"


class ItemMatching(StrEnum):
    """How the item of a line with a product is found; where it is not, it is made."""

    #: By SKU, else by name.
    SKU = "sku"
    NAME = "name"
    #: Never: every line takes the default item.
    DEFAULT_ITEM = "default_item"


class NumberClash(StrEnum):
    """What happens to an invoice whose number another document in the books has."""

    #: It becomes INV-1019-2, and its note says so.
    SUFFIX = "suffix"
    ATTENTION = "attention"


class DeletedInvoices(StrEnum):
    """What an invoice that was deleted in the CRM becomes in the books."""

    VOID = "void"
    DELETE = "delete"
    LEAVE = "leave"


class ClosedBooks(StrEnum):
    """What happens to a document that is dated in a closed period."""

    ATTENTION = "attention"
    #: It is dated on the first open day, and its note names the real one.
    FIRST_OPEN_DAY = "first_open_day"


class Withdrawn(StrEnum):
    """What happens to booked money that the CRM takes back."""

    ATTENTION = "attention"
    #: What the bridge made for it is voided.
    VOID = "void"


class FieldGroup(StrEnum):
    """Fields for which one side wins when a person and the CRM both changed them."""

    MONEY = "money"
    CUSTOMER = "customer"
    DATES = "dates"
    NUMBER = "number"
    EMAILS = "emails"
    NOTES = "notes"
    #: The fields of customers themselves: names, addresses, phones.
    CONTACTS = "contacts"


class Winner(StrEnum):
    CRM = "crm"
    BOOKKEEPER = "bookkeeper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    us_tax: UsTax = UsTax.FOLD
    #: Tax code by set of percentages, ascending ("5+9.975"), where the proposed one is not wanted.
    tax_codes: Mapping[str, str] = field(default_factory=dict)
    item_matching: ItemMatching = ItemMatching.SKU
    #: Item by the CRM's product id, where neither SKU nor name leads to it.
    items: Mapping[str, str] = field(default_factory=dict)
    default_item_id: str | None = None
    tip_item_id: str | None = None
    surcharge_item_id: str | None = None
    shipping_item_id: str | None = None
    #: Where the income of items that are made goes.
    income_account_id: str | None = None
    #: Payment method and deposit account by provider ("stripe") or method ("check"); the provider comes first.
    payment_methods: Mapping[str, str] = field(default_factory=dict)
    deposit_accounts: Mapping[str, str] = field(default_factory=dict)
    #: None leaves Undeposited Funds to QuickBooks.
    deposit_account_id: str | None = None
    number_clash: NumberClash = NumberClash.SUFFIX
    deleted_invoices: DeletedInvoices = DeletedInvoices.VOID
    closed_books: ClosedBooks = ClosedBooks.ATTENTION
    withdrawn: Withdrawn = Withdrawn.ATTENTION
    #: Only what differs from the default: the CRM for money, the bookkeeper for all else.
    winners: Mapping[FieldGroup, Winner] = field(default_factory=dict)
    create_customers: CreateCustomers = CreateCustomers.ACTIVITY
    #: None: the first consent.
    sync_from: datetime | None = None
    #: IANA name; None: the company's own.
    time_zone: str | None = None

    def crm_wins(self, group: FieldGroup) -> bool:
        usual = Winner.CRM if group is FieldGroup.MONEY else Winner.BOOKKEEPER
        return self.winners.get(group, usual) is Winner.CRM


CHOICES: Mapping[str, type[StrEnum]] = {
    "us_tax": UsTax,
    "item_matching": ItemMatching,
    "number_clash": NumberClash,
    "deleted_invoices": DeletedInvoices,
    "closed_books": ClosedBooks,
    "withdrawn": Withdrawn,
    "create_customers": CreateCustomers,
}


def settings_to_json(settings: Settings) -> dict[str, Any]:
    """Return JSON that `settings_from_json` turns back into equal settings."""
    plain = {one.name: getattr(settings, one.name) for one in fields(settings)}
    plain |= {name: str(plain[name]) for name in CHOICES}
    for name in ("tax_codes", "items", "payment_methods", "deposit_accounts", "winners"):
        plain[name] = {str(key): str(value) for key, value in plain[name].items()}
    plain["sync_from"] = settings.sync_from.isoformat() if settings.sync_from else None
    return plain


def settings_from_json(stored: Mapping[str, Any]) -> Settings:
    """Read what was stored, by this version or an earlier one: what is missing takes its default."""
    known = {one.name for one in fields(Settings)}
    parsed = {name: value for name, value in stored.items() if name in known}
    parsed |= {name: choice(parsed[name]) for name, choice in CHOICES.items() if name in parsed}
    if parsed.get("sync_from"):
        parsed["sync_from"] = datetime.fromisoformat(parsed["sync_from"])
    winners = parsed.get("winners") or {}
    parsed["winners"] = {FieldGroup(group): Winner(winner) for group, winner in winners.items()}
    return Settings(**parsed)
