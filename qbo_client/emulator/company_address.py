"""A company's own addresses read back with their country in three letters, however it was sent."""

from collections.abc import Mapping
from typing import Any

_ADDRESSES = frozenset({"CompanyAddr", "CustomerCommunicationAddr", "LegalAddr"})
_LETTERS = {
    **dict.fromkeys(("us", "united states", "united states of america"), "USA"),
    **dict.fromkeys(("gb", "uk", "united kingdom", "great britain"), "GBR"),
    **dict.fromkeys(("ca", "canada"), "CAN"),
    **dict.fromkeys(("au", "australia"), "AUS"),
    **dict.fromkeys(("nz", "new zealand"), "NZL"),
}


def with_letters(company_info: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _address(value) if name in _ADDRESSES else value for name, value in company_info.items()}


def _address(value: Any) -> Any:
    if not isinstance(value, Mapping) or "Country" not in value:
        return value
    country = str(value["Country"])
    return {**value, "Country": _LETTERS.get(country.lower(), country)}
