"""Tax codes and their rates: made here only, by the tax service's resource and by seeding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from qbo_client.emulator import errors, records
from qbo_client.emulator.amounts import trimmed
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.references import find

_SIDES = {"Sales": "SalesTaxRateList", "Purchase": "PurchaseTaxRateList"}
_HIGHEST_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One rate of a code: a rate that is there already, or one to be made."""

    name: str
    percent: Decimal
    agency: str
    side: str = "Sales"
    identifier: str | None = None


def create(company: Company, sent: object) -> dict[str, Any]:
    """The answer to POST /taxservice/taxcode; raises ApiFault, and then has made nothing."""
    cleaned = company.schema.clean("TaxService", sent)
    name = cleaned.get("TaxCode")
    if not name:
        raise errors.missing("TaxCode")
    _check_free(company, "TaxCode", name, "tax code")
    parts = [_part(company, detail) for detail in cleaned.get("TaxRateDetails") or ()]
    if not parts:
        raise errors.missing("TaxRateDetails")
    made = [part.name.casefold() for part in parts if part.identifier is None]
    if len(set(made)) < len(made):
        raise errors.duplicate_name("Another tax rate is already using this name. Please use a different name.")
    code, rates = add_code(company, name, parts)
    return {"TaxCode": name, "TaxCodeId": code, "TaxRateDetails": list(map(_told, parts, rates))}


def add_code(company: Company, name: str, parts: Sequence[Part]) -> tuple[str, list[str]]:
    """The Id of the new code and those of its rates."""
    rates = [part.identifier or _add_rate(company, part) for part in parts]
    lists: dict[str, Any] = {side: {"TaxRateDetail": []} for side in _SIDES.values()}
    for part, rate in zip(parts, rates, strict=True):
        lists[_SIDES[part.side]]["TaxRateDetail"].append(
            {
                "TaxRateRef": {"value": rate, "name": part.name},
                "TaxTypeApplicable": "TaxOnAmount",
                "TaxOrder": 0,
            }
        )
    flags = {"Active": True, "Taxable": True, "TaxGroup": True, "Hidden": False}
    body = {"Name": name, "Description": name, **flags, **lists}
    return records.create(company, company.kinds["taxcode"], body, frozenset()).identifier, rates


def _add_rate(company: Company, part: Part) -> str:
    body = {
        "Name": part.name,
        "Description": part.name,
        "Active": True,
        "RateValue": trimmed(part.percent),
        "AgencyRef": {"value": part.agency},
        "SpecialTaxType": "NONE",
        "DisplayType": "ReadOnly",
    }
    return records.create(company, company.kinds["taxrate"], body, frozenset()).identifier


def _part(company: Company, detail: Mapping[str, Any]) -> Part:
    side = detail.get("TaxApplicableOn", "Sales")
    if side not in _SIDES:
        raise errors.unsupported(f"of tax rates that apply on {side} (the emulator does not cover them)")
    if "TaxRateId" in detail:
        rate = find(company, "TaxRate", "TaxRates", {"value": detail["TaxRateId"]})
        return Part(
            name=rate["Name"],
            percent=rate["RateValue"],
            agency=rate["AgencyRef"]["value"],
            side=side,
            identifier=rate["Id"],
        )
    for name in ("TaxRateName", "RateValue", "TaxAgencyId"):
        if name not in detail:
            raise errors.missing(name)
    if not 0 <= detail["RateValue"] <= _HIGHEST_PERCENT:
        raise errors.business("A tax rate is between 0 and 100 percent.")
    _check_free(company, "TaxRate", detail["TaxRateName"], "tax rate")
    agency = find(company, "TaxAgency", "TaxAgencies", {"value": detail["TaxAgencyId"]})
    return Part(name=detail["TaxRateName"], percent=detail["RateValue"], agency=agency["Id"], side=side)


def _check_free(company: Company, kind_name: str, name: str, called: str) -> None:
    if company.table(kind_name).find("Name", [name.casefold()]):
        raise errors.duplicate_name(f"Another {called} is already using this name. Please use a different name.")


def _told(part: Part, rate: str) -> dict[str, Any]:
    return {
        "TaxRateName": part.name,
        "TaxRateId": rate,
        "RateValue": part.percent,
        "TaxAgencyId": part.agency,
        "TaxApplicableOn": part.side,
    }
