"""Puts companies and objects in place before anybody calls: by the control API and by --seed.

Objects are made as the API would make them, by entity in the order given. `"as": "amy"` gives one a name
for the references behind it: `{"value": "@amy"}`. `{"value": "@Item:Services"}` finds one by its name.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from qbo_client.emulator import person, records, seed, wire
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
    """Raises PlantingError, UnknownCountryError, or ApiFault for an object that QuickBooks would refuse."""
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
    plant(company, told.get("objects", {}))
    return company


def set_switches(switches: Switches, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if name not in Switches.__slots__:
            raise PlantingError(f"{name!r} is none of the switches {', '.join(sorted(Switches.__slots__))}")
        setattr(switches, name, Decimal(str(value)) if name == "automatic_tax_percent" else bool(value))


def add_tax_code(company: Company, told: Mapping[str, Any]) -> str:
    """`{"name": "5 + 9.975", "rates": {"GST": "5", "QST": "9.975"}}`; returns its Id."""
    if not {"name", "rates"} <= set(told):
        raise PlantingError("a tax code has a name, and rates by name and percent")
    rates = {str(name): str(percent) for name, percent in told["rates"].items()}
    return seed.add_tax_code(company, str(told["name"]), rates)


def plant(company: Company, objects: Mapping[str, Any]) -> dict[str, list[str]]:
    """The Ids of what was made, by entity; what comes before a refused object stays made."""
    labels: dict[str, str] = {}
    made: dict[str, list[str]] = {}
    for entity, bodies in objects.items():
        kind = company.kinds.get(entity.lower())
        if kind is None or not kind.writable:
            raise PlantingError(f"{entity} is no entity that can be made")
        for body in bodies:
            sent = dict(body)
            label = sent.pop("as", None)
            row = records.create(
                company, kind, company.schema.clean(kind.name, _resolved(company, labels, sent)), frozenset()
            )
            if label is not None:
                labels[str(label)] = row.identifier
            made.setdefault(kind.name, []).append(row.identifier)
    return made


def _resolved(company: Company, labels: Mapping[str, str], value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _found(company, labels, one[1:])
            if name in {"value", "TxnId"} and isinstance(one, str) and one.startswith("@")
            else _resolved(company, labels, one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_resolved(company, labels, one) for one in value]
    return value


def _found(company: Company, labels: Mapping[str, str], label: str) -> str:
    if label in labels:
        return labels[label]
    entity, _, name = label.partition(":")
    kind = company.kinds.get(entity.lower())
    field = next((one for one in ("Name", "DisplayName") if kind and one in kind.filterable), None)
    rows = company.table(kind.name).find(field, [name.casefold()]) if kind and field and name else []
    if not rows:
        raise PlantingError(f"@{label} is no object named before, nor an entity and a name in its books")
    return rows[0].identifier
