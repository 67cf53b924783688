"""Preferences and company info: one object each, and most of it not for the API to change."""

from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import errors, records
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.table import Row

NAMES = frozenset({"Preferences", "CompanyInfo"})
_ENVELOPE = frozenset({"Id", "SyncToken", "MetaData", "domain", "sparse", "status"})
# Tax, currency and accounting preferences are read-only through the API (facts, section 9).
_READ_ONLY = {
    "Preferences": frozenset({"TaxPrefs", "CurrencyPrefs", "AccountingInfoPrefs"}),
    "CompanyInfo": frozenset(
        {"Country", "CompanyStartDate", "FiscalYearStartMonth", "SupportedLanguages", "NameValue"}
    ),
}
_ADDRESSES = frozenset({"CompanyAddr", "CustomerCommunicationAddr", "LegalAddr"})
# A country reads back as three letters, however it was sent.
_ISO_3 = {
    **dict.fromkeys(("us", "united states", "united states of america"), "USA"),
    **dict.fromkeys(("gb", "uk", "united kingdom", "great britain"), "GBR"),
    **dict.fromkeys(("ca", "canada"), "CAN"),
    **dict.fromkeys(("au", "australia"), "AUS"),
}


def update(company: Company, kind: Kind, sent: Mapping[str, Any]) -> tuple[Row, bool]:
    """The row afterwards and whether it changed. What is read-only is ignored; what is left out stays.

    Raises ApiFault 2020, 610 or 5010.
    """
    row = company.table(kind.name).get(str(sent.get("Id") or "1"))
    if row is None:
        raise errors.not_found()
    if not sent.get("SyncToken"):
        raise errors.missing("SyncToken")
    if str(sent["SyncToken"]) != row.body["SyncToken"]:
        raise errors.stale()
    for name, value in sent.items():
        if name.endswith("Prefs") and value is not None and not isinstance(value, Mapping):
            raise errors.invalid_property(f"Can not deserialize {name} out of the value given;")
    read_only = _ENVELOPE | _READ_ONLY[kind.name]
    patch = {name: _readable(name, value) for name, value in sent.items() if name not in read_only}
    return _changed(company, kind, row, patch)


def _changed(company: Company, kind: Kind, row: Row, patch: Mapping[str, Any]) -> tuple[Row, bool]:
    before = records.without_envelope(row.body)
    both = {**before, **{name: _merged(before.get(name), value) for name, value in patch.items()}}
    after = {name: value for name, value in both.items() if value is not None}
    if after == before:
        return row, False
    return records.put_changed(company, kind, row, after), True


def _merged(before: Any, sent: Any) -> Any:
    if not isinstance(sent, Mapping):
        return sent
    both = {**before, **sent} if isinstance(before, Mapping) else sent
    return {name: value for name, value in both.items() if value is not None}


def _readable(name: str, value: Any) -> Any:
    if name not in _ADDRESSES or not isinstance(value, Mapping) or "Country" not in value:
        return value
    country = str(value["Country"])
    return {**value, "Country": _ISO_3.get(country.lower(), country)}
