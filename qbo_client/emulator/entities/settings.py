"""The two objects that a company has one of: what it is, and what it prefers."""

from collections.abc import Mapping
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.entities.kind import Draft, Kind

# These change on QuickBooks' own pages only.
_READ_ONLY_GROUPS = ("AccountingInfoPrefs", "TaxPrefs", "CurrencyPrefs")


def shape_company_info(draft: Draft) -> dict[str, Any]:
    _check_single(draft)
    if draft.old is not None:
        draft.body["Country"] = draft.old["Country"]
    return draft.body


def shape_preferences(draft: Draft) -> dict[str, Any]:
    """What a request names is changed, preference by preference; nothing is ever left out."""
    _check_single(draft)
    body = {name: value for name, value in (draft.old or {}).items() if name in _groups(draft)}
    for name in _groups(draft) & set(draft.body):
        group = draft.body[name]
        if not isinstance(group, Mapping):
            raise errors.invalid_property(f"Can not deserialize {name} out of the value given;")
        if name not in _READ_ONLY_GROUPS:
            body[name] = {**body.get(name, {}), **group}
    return body


def _groups(draft: Draft) -> set[str]:
    known = draft.company.schema.types["Preferences"]
    return {name for name, kind in known.items() if kind.endswith("Prefs")}


def _check_single(draft: Draft) -> None:
    if draft.old is None and len(draft.company.table(draft.kind.name)):
        raise errors.unsupported(f"create of {draft.kind.name}")


COMPANY_INFO = Kind(
    name="CompanyInfo",
    id_space="company",
    shape=shape_company_info,
    required=("CompanyName",),
    lengths={"CompanyName": 1024, "LegalName": 1024},
    kept=frozenset({"LegalName", "CompanyStartDate", "FiscalYearStartMonth", "NameValue", "SupportedLanguages"}),
    sparse=True,
)
PREFERENCES = Kind(name="Preferences", id_space="company", shape=shape_preferences)
