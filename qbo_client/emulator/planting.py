"""Puts companies in place before anybody calls, with all that is told of them: by the control API and by --seed."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from qbo_client.emulator import person, seed, wire
from qbo_client.emulator.company import Company, Switches
from qbo_client.emulator.world import World

_KEYS = frozenset({"country", "name", "preferences", "switches", "tax_codes", "objects"})


class PlantingError(ValueError):
    """What is to be put in place makes no sense; the sentence says what."""


def read(path: Path) -> list[Mapping[str, Any]]:
    """The companies a file tells of; raises PlantingError for what cannot be read."""
    try:
        told = wire.restored(path.read_text("utf-8"))
        companies: list[Mapping[str, Any]] = told["companies"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlantingError(f"{path} does not hold a JSON object with companies: {error}") from error
    return companies


def company_from(world: World, told: Mapping[str, Any]) -> Company:
    """Raises PlantingError, SeedError, UnknownCountryError, or ApiFault for what QuickBooks would refuse."""
    unknown = set(told) - _KEYS
    if unknown:
        raise PlantingError(f"{sorted(unknown)} are none of {', '.join(sorted(_KEYS))}")
    if "country" not in told:
        raise PlantingError("country is missing")
    company = world.add_company(str(told["country"]), told.get("name"))
    set_switches(company.switches, told.get("switches", {}))
    person.change_preferences(company, told.get("preferences", {}))
    for code in told.get("tax_codes", []):
        add_tax_code(company, code)
    seed.add(company, told.get("objects", {}))
    return company


def set_switches(switches: Switches, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if name not in Switches.__slots__:
            raise PlantingError(f"{name!r} is none of the switches {', '.join(sorted(Switches.__slots__))}")
        kind = type(getattr(switches, name))
        setattr(switches, name, Decimal(str(value)) if kind is Decimal else kind(value))


def add_tax_code(company: Company, told: Mapping[str, Any]) -> str:
    """`{"name": "5 + 9.975", "rates": {"GST": "5", "QST": "9.975"}}`; returns its Id."""
    if not {"name", "rates"} <= set(told) or not isinstance(told["rates"], Mapping):
        raise PlantingError(
            'a tax code has a name, and rates by name and percent: {"name": "x", "rates": {"GST": "5"}}'
        )
    rates = {str(name): str(percent) for name, percent in told["rates"].items()}
    return seed.add_tax_code(company, str(told["name"]), rates)
