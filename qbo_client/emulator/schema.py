"""Property names and types QuickBooks knows; whatever a request carries beyond them is refused (2010)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Any

import simplejson

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import canonical

# Types that the published list names without spelling out.
_SMALL_TYPES = {
    "ReferenceType": {"value": "string", "name": "string", "type": "string"},
    "MemoRef": {"value": "string", "id": "string"},
    "WebSiteAddress": {
        "Id": "id",
        "URI": "string",
        "Default": "boolean",
        "Tag": "string",
    },
    "TaxRateList": {"TaxRateDetail": "TaxRateDetail[]"},
    "TaxRateDetail": {"TaxRateRef": "ReferenceType", "TaxTypeApplicable": "string", "TaxOrder": "int"},
}
_EMPLOYEE_ONLY = {
    "SSN": "string",
    "BillableTime": "boolean",
    "BirthDate": "date",
    "Gender": "string",
    "HiredDate": "date",
    "ReleasedDate": "date",
    "EmployeeNumber": "string",
    "PrimaryAddr": "PhysicalAddress",
    "CostRate": "decimal",
    "BillRate": "decimal",
}
_DAY_OR_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?\Z", re.ASCII)
# Up to 15 digits before the point (facts, section 9).
_LARGEST = Decimal(10) ** 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    types: Mapping[str, Mapping[str, str]]
    enums: Mapping[str, frozenset[str]]

    def knows(self, type_name: str, dotted: str) -> bool:
        """Whether a query may name this property of an entity; only the first step is looked at."""
        return dotted.partition(".")[0] in self.types[type_name]

    def clean(self, type_name: str, sent: object) -> dict[str, Any]:
        """The request's object with values of the right types: Decimals canonical, unset values as None.

        Raises ApiFault 2010 for an unknown property or a wrong shape, 2060, 2090, 2170 for a bad value.
        """
        if not isinstance(sent, dict):
            raise errors.invalid_property(f"Can not deserialize instance of {type_name} out of the value given")
        known = self.types[type_name]
        cleaned = {}
        for name, value in sent.items():
            if name not in known:
                raise errors.invalid_property(_unrecognized(type_name, name, known))
            cleaned[name] = None if value is None else self._value(name, known[name], value)
        return cleaned

    def _value(self, name: str, kind: str, value: object) -> Any:
        if kind.endswith("[]"):
            if not isinstance(value, list):
                raise errors.invalid_property(f"Can not deserialize {name}: a list is expected;")
            return [self._single(name, kind[:-2], one) for one in value if one is not None]
        if isinstance(value, list):
            raise errors.invalid_property(f"Can not deserialize {name} out of a list;")
        return self._single(name, kind, value)

    def _single(self, name: str, kind: str, value: object) -> Any:
        if kind in self.types:
            return _without_blanks(self.clean(kind, value))
        if kind in self.enums:
            return _enumerated(name, self.enums[kind], value)
        convert = _SCALARS.get(kind)
        return convert(name, value) if convert else value


def load() -> Schema:
    known = simplejson.loads(files("qbo_client.emulator").joinpath("properties.json").read_text("utf-8"))
    types = {**known["types"], **_SMALL_TYPES}
    types["Vendor"] = types["TaxAgency"]  # In the vendor's schema a tax agency is a vendor with more fields.
    types["Employee"] = {**_common_names(types), **_EMPLOYEE_ONLY}
    return Schema(types=types, enums={name: frozenset(values) for name, values in known["enums"].items()})


def _common_names(types: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {name: kind for name, kind in types["Customer"].items() if name in types["Vendor"]}


def _unrecognized(type_name: str, name: str, known: Mapping[str, str]) -> str:
    listed = ", ".join(f'"{one}"' for one in list(known)[:20])
    return (
        f'Unrecognized field "{name}" (class {type_name}), not marked as ignorable '
        f"({len(known)} known properties: {listed} [truncated])"
    )


def _without_blanks(value: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in value.items() if one is not None and one != ""}


def _text(name: str, value: object) -> str:
    if isinstance(value, dict):
        raise errors.invalid_property(f"Can not deserialize {name} out of an object;")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _boolean(name: str, value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false", ""}:
        return value.lower() == "true" if value else None
    raise errors.invalid_property(f"Can not deserialize {name} as a boolean;")


def _decimal(name: str, value: object) -> Decimal | None:
    if value == "":
        return None
    try:
        number = Decimal(value) if isinstance(value, (int, str, Decimal)) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= _LARGEST or isinstance(value, bool):
        raise errors.ApiFault(code="2090", message="Invalid Number", detail=f"Invalid Number : {value}", element=name)
    return canonical(name, number)


def _date(name: str, value: object) -> str | None:
    if value == "":
        return None
    refused = errors.ApiFault(code="2060", message="Invalid Date", detail=f"Invalid Date : {value}", element=name)
    text = str(value)
    if not _DAY_OR_MOMENT.match(text):
        raise refused
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise refused from None


def _enumerated(name: str, allowed: frozenset[str], value: object) -> str | None:
    if value == "":
        return None
    if value not in allowed:
        raise errors.ApiFault(
            code="2170", message="Invalid Enumeration", detail=f"Invalid Enumeration : {value}", element=name
        )
    return str(value)


_SCALARS = {
    "string": _text,
    "id": _text,
    "boolean": _boolean,
    "decimal": _decimal,
    "int": _decimal,
    "positiveInteger": _decimal,
    "date": _date,
}
