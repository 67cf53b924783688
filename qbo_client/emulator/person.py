"""What a person does in QuickBooks' own screens, at the same books and under the same rules as the API's callers.

A person needs no SyncToken, has every void button, and can do what the API does not offer: merge, close and open
the books, take receipts to the bank. Each function raises ApiFault where QuickBooks would not let it happen.
"""

from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import errors, records
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.hierarchy import check_room, children, put_below
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.entities.references import find, named
from qbo_client.emulator.table import Row

_TAXING = frozenset({"Line", "GlobalTaxCalculation", "ApplyTaxAfterDiscount"})


def enter(company: Company, kind: Kind, sent: object) -> Row:
    return records.create(company, kind, company.schema.clean(kind.name, sent), frozenset())


def edit(company: Company, kind: Kind, identifier: str, changes: Mapping[str, Any]) -> Row:
    """All else stays as it is, whatever the API's updates would do; null clears a field.

    Where what is taxed changes, the tax is computed anew unless the change says what it is.
    """
    row = records.read(company, kind, identifier)
    cleaned = company.schema.clean(kind.name, changes)
    content = records.without_envelope(row.body)
    if not _TAXING.isdisjoint(cleaned):
        content.pop("TxnTaxDetail", None)
    envelope = {"Id": identifier, "SyncToken": row.body["SyncToken"]}
    return records.update(company, kind, {**content, **cleaned, **envelope}, frozenset())[0]


def void(company: Company, kind: Kind, identifier: str) -> Row:
    return records.void_row(company, kind, records.read(company, kind, identifier))[0]


def delete(company: Company, kind: Kind, identifier: str) -> Row:
    """The object as it last was."""
    row = records.read(company, kind, identifier)
    records.delete(company, kind, row.body)
    return row


def merge(company: Company, survivor: str, loser: str) -> Row:
    """Two customers become one: all that is the loser's goes to the survivor, and its Id is never seen again."""
    kind = company.kinds["customer"]
    kept, gone = (records.read(company, kind, identifier) for identifier in (survivor, loser))
    _check_mergeable(company, kept, gone)
    with company.changes.merging(kind.name, winner=survivor, loser=loser):
        _hand_over(company, kind, kept, loser)
        company.table(kind.name).remove(loser)
    return records.read(company, kind, survivor)


def _hand_over(company: Company, kind: Kind, kept: Row, loser: str) -> None:
    reference = named(kind.name, kept.body)
    for one in company.kinds.values():
        if one.transaction:
            for row in company.table(one.name).find("CustomerRef", [loser]):
                content = {**records.without_envelope(row.body), "CustomerRef": reference}
                records.put_changed(company, one, row, content)
    for row in children(company, kind.name, loser):
        put_below(company, kind.name, row, kept.body)


def _check_mergeable(company: Company, kept: Row, gone: Row) -> None:
    if kept.identifier == gone.identifier:
        raise errors.business("A name cannot be merged with itself.")
    if not kept.body["Active"]:
        raise errors.business("An inactive name takes in no other.")
    if kept.body["CurrencyRef"] != gone.body["CurrencyRef"]:
        raise errors.business("Names of different currencies cannot be merged.")
    above = kept.body
    while "ParentRef" in above:
        above = find(company, "Customer", "Names", above["ParentRef"])
        if above["Id"] == gone.identifier:
            raise errors.business("A name cannot be merged into one that lies under it.")
    check_room(company, "Customer", gone.identifier, above=kept.body["FullyQualifiedName"].count(":"))


def change_preferences(company: Company, patch: Mapping[str, Any]) -> Row:
    """Group by group; null takes a preference away. Raises ApiFault 2010 for a name nobody knows."""
    company.schema.clean("Preferences", patch)
    kind = company.kinds["preferences"]
    row = records.read(company, kind, "1")
    content = records.without_envelope(row.body)
    for group, values in patch.items():
        merged = {**content.get(group, {}), **values}
        content[group] = {name: value for name, value in merged.items() if value is not None}
    return records.put_changed(company, kind, row, content)


def close_books(company: Company, day: str | None) -> Row:
    """Up to and with that day; None opens them again."""
    return change_preferences(company, {"AccountingInfoPrefs": {"BookCloseDate": day}})


def deposit(company: Company, kind: Kind, identifier: str) -> Row:
    """Takes a receipt or payment to the bank, after which it cannot be changed (6540)."""
    row = records.read(company, kind, identifier)
    account = find(company, "Account", "Accounts", row.body.get("DepositToAccountRef", {}))
    if account.get("AccountSubType") != "UndepositedFunds":
        raise errors.business("Only what stands in Undeposited Funds can be deposited.")
    company.deposited.add(row.identifier)
    return row


def undo_deposit(company: Company, kind: Kind, identifier: str) -> Row:
    row = records.read(company, kind, identifier)
    company.deposited.discard(row.identifier)
    return row
