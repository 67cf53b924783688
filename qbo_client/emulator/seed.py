"""What a new company of each country holds on its first day."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from qbo_client.emulator import records, taxservice
from qbo_client.emulator.company import Company
from qbo_client.emulator.countries import Country
from qbo_client.emulator.entities.numbers import ALLOW_DUPLICATE_NUMBER
from qbo_client.emulator.first_preferences import first_preferences

# What a reference names, where it is not an entry of its own list (ParentRef).
_REFERENCED = {
    "CustomerRef": "Customer",
    "ItemRef": "Item",
    "ClassRef": "Class",
    "DepartmentRef": "Department",
    "SalesTermRef": "Term",
    "PaymentMethodRef": "PaymentMethod",
    "TaxCodeRef": "TaxCode",
    "DefaultTaxCodeRef": "TaxCode",
    "TxnTaxCodeRef": "TaxCode",
    "TaxRateRef": "TaxRate",
    "DepositToAccountRef": "Account",
    "ARAccountRef": "Account",
    "IncomeAccountRef": "Account",
    "ExpenseAccountRef": "Account",
    "AssetAccountRef": "Account",
    "DiscountAccountRef": "Account",
    "ItemAccountRef": "Account",
}


def seed(company: Company, country: Country) -> None:
    _company_info(company, country)
    _preferences(company, country)
    _accounts(company, country)
    for name in ("Cash", country.cheque):
        _make(company, "PaymentMethod", {"Name": name})
    for name in ("Credit Card", "Visa", "MasterCard", "American Express"):
        _make(company, "PaymentMethod", {"Name": name, "Type": "CREDIT_CARD"})
    for name, days in (("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30)):
        _make(company, "Term", {"Name": name, "Type": "STANDARD", "DueDays": days})
    income = _account_ref(company, "Services")
    for name in ("Services", "Hours"):
        _make(company, "Item", {"Name": name, "Type": "Service", "IncomeAccountRef": income})
    if country.agency:
        _make(company, "TaxAgency", {"DisplayName": country.agency, "TaxTrackedOnSales": True})
    for name, rates in country.tax_codes.items():
        add_tax_code(company, name, rates)


def add_tax_code(company: Company, name: str, rates: Mapping[str, str]) -> str:
    """A code made of rates by name and percent; a rate of that name is used again. Returns its Id."""
    parts = [_part(company, rate, percent) for rate, percent in rates.items()]
    return taxservice.add_code(company, name, parts)[0]


def _part(company: Company, name: str, percent: str) -> taxservice.Part:
    known = company.table("TaxRate").find("Name", [name.casefold()])
    identifier = known[0].identifier if known else None
    return taxservice.Part(name=name, percent=Decimal(percent), agency="1", identifier=identifier)


class SeedError(ValueError):
    """What was to be put into a company's books cannot be put there."""


def add(company: Company, history: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    """Makes objects entity by entity in the order given; returns their Ids.

    They are written as requests write them, but references may give a name alone (`{"name": "Amy"}`) and linked
    transactions a number (`{"TxnType": "Invoice", "DocNumber": "1001"}`). Raises SeedError for what cannot be
    found, ApiFault for what QuickBooks would refuse; what was made before it stays.
    """
    return {name: [_add(company, name, one) for one in bodies] for name, bodies in history.items()}


def _add(company: Company, entity: str, body: Mapping[str, Any]) -> str:
    if entity == "TaxService":
        return str(taxservice.create(company, body)["TaxCodeId"])
    kind = company.kinds.get(entity.lower())
    if kind is None or not kind.writable:
        raise SeedError(f"{entity!r} is not something that can be put into the books")
    cleaned = company.schema.clean(kind.name, _resolved(company, kind.name, body))
    return records.create(company, kind, cleaned, frozenset({ALLOW_DUPLICATE_NUMBER})).identifier


def _resolved(company: Company, entity: str, value: Any, key: str = "") -> Any:
    """The same with Ids in place of names and numbers."""
    if isinstance(value, list):
        return [_resolved(company, entity, one, key) for one in value]
    if not isinstance(value, Mapping):
        return value
    if key.endswith("Ref") and "value" not in value and "name" in value:
        return {"value": _by_name(company, _REFERENCED.get(key, entity), value["name"])}
    if key == "LinkedTxn" and "DocNumber" in value:
        return {"TxnType": value["TxnType"], "TxnId": _by_number(company, value["TxnType"], value["DocNumber"])}
    return {name: _resolved(company, entity, one, name) for name, one in value.items()}


def _by_name(company: Company, kind_name: str, name: str) -> str:
    label = "DisplayName" if "DisplayName" in company.kinds[kind_name.lower()].filterable else "Name"
    rows = company.table(kind_name).find(label, [name.casefold()])
    if not rows:
        raise SeedError(f"there is no {kind_name} called {name!r}")
    return rows[0].identifier


def _by_number(company: Company, kind_name: str, number: str) -> str:
    kind = company.kinds.get(kind_name.lower())
    rows = company.table(kind.name).find("DocNumber", [number.casefold()]) if kind and kind.transaction else []
    if not rows:
        raise SeedError(f"there is no {kind_name} with the number {number!r}")
    return rows[0].identifier


def _make(company: Company, kind_name: str, body: dict[str, Any]) -> str:
    return records.create(company, company.kinds[kind_name.lower()], body, frozenset()).identifier


def _account_ref(company: Company, name: str) -> dict[str, str]:
    return {"value": company.table("Account").find("Name", [name.casefold()])[0].identifier}


def _accounts(company: Company, country: Country) -> None:
    for name, account_type, subtype in (
        ("Services", "Income", "ServiceFeeIncome"),
        ("Sales of Product Income", "Income", "SalesOfProductIncome"),
        ("Discounts given", "Income", "DiscountsRefundsGiven"),
        ("Uncategorized Income", "Income", "ServiceFeeIncome"),
        ("Undeposited Funds", "Other Current Asset", "UndepositedFunds"),
        (country.bank, "Bank", "Checking"),
        ("Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
        (country.tax_account, "Other Current Liability", "GlobalTaxPayable"),
        ("Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
        ("Office expenses", "Expense", "OfficeGeneralAdministrativeExpenses"),
        ("Retained Earnings", "Equity", "RetainedEarnings"),
        ("Inventory Asset", "Other Current Asset", "Inventory"),
    ):
        _make(company, "Account", {"Name": name, "AccountType": account_type, "AccountSubType": subtype})


def _company_info(company: Company, country: Country) -> None:
    address = {"Id": "1", "Line1": "1 Emulated Street", "Country": country.address_country}
    _make(
        company,
        "CompanyInfo",
        {
            "CompanyName": company.name,
            "LegalName": company.name,
            "CompanyAddr": address,
            "CustomerCommunicationAddr": address,
            "LegalAddr": address,
            "PrimaryPhone": {},
            "CompanyStartDate": company.clock.today(),
            "FiscalYearStartMonth": "January",
            "Country": country.code,
            "Email": {"Address": "emulator@example.com"},
            "SupportedLanguages": "en",
            "DefaultTimeZone": country.time_zone,
            "NameValue": [
                {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
                {"Name": "CompanyType", "Value": "Emulated"},
            ],
        },
    )


def _preferences(company: Company, country: Country) -> None:
    stamp = company.clock.stamp()
    company.table("Preferences").put(
        {
            **first_preferences(country),
            "domain": "QBO",
            "sparse": False,
            "Id": "1",
            "SyncToken": "0",
            "MetaData": {"CreateTime": stamp, "LastUpdatedTime": stamp},
        }
    )
