"""What a new company of each country holds on its first day."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from qbo_client.emulator import records
from qbo_client.emulator.amounts import trimmed
from qbo_client.emulator.company import Company


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    code: str
    currency: str
    time_zone: str
    bank: str
    cheque: str
    tax_account: str
    agency: str | None
    # Tax code -> its rates, each by name and percent.
    tax_codes: Mapping[str, Mapping[str, str]]
    address_country: str


def countries() -> Mapping[str, Country]:
    known = (
        Country(
            code="US",
            currency="USD",
            time_zone="America/New_York",
            bank="Checking",
            cheque="Check",
            tax_account="Sales Tax Payable",
            agency=None,
            # A query of a US company lists its own codes only, and a new one has none.
            tax_codes={},
            address_country="USA",
        ),
        Country(
            code="GB",
            currency="GBP",
            time_zone="Europe/London",
            bank="Current",
            cheque="Cheque",
            tax_account="VAT Control",
            agency="HM Revenue & Customs (VAT)",
            tax_codes={
                "20.0% S": {"20.0% S": "20"},
                "5.0% R": {"5.0% R": "5"},
                "0.0% Z": {"0.0% Z": "0"},
                "Exempt": {"Exempt": "0"},
                "No VAT": {"No VAT": "0"},
            },
            address_country="GBR",
        ),
        Country(
            code="CA",
            currency="CAD",
            time_zone="America/Toronto",
            bank="Chequing",
            cheque="Cheque",
            tax_account="GST/HST Payable",
            agency="Canada Revenue Agency",
            tax_codes={
                "GST": {"GST": "5"},
                "HST ON": {"HST (ON)": "13"},
                "GST/PST BC": {"GST": "5", "PST (BC)": "7"},
                "GST/QST QC - 9.975": {"GST": "5", "QST": "9.975"},
                "Zero-rated": {"GST/HST (ZR)": "0"},
                "Exempt": {"GST/HST exempt": "0"},
                "Out of Scope": {"Out of scope": "0"},
            },
            address_country="CAN",
        ),
        Country(
            code="AU",
            currency="AUD",
            time_zone="Australia/Sydney",
            bank="Cheque account",
            cheque="Cheque",
            tax_account="GST Liabilities Payable",
            agency="Australian Taxation Office",
            tax_codes={
                "GST": {"GST (sales)": "10"},
                "GST free": {"GST-free (sales)": "0"},
                "Out of Scope": {"Out of scope": "0"},
            },
            address_country="AUS",
        ),
    )
    return {country.code: country for country in known}


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
    details = [
        {
            "TaxRateRef": {"value": _rate(company, rate, percent), "name": rate},
            "TaxTypeApplicable": "TaxOnAmount",
            "TaxOrder": 0,
        }
        for rate, percent in rates.items()
    ]
    return _make(
        company,
        "TaxCode",
        {
            "Name": name,
            "Description": name,
            "Active": True,
            "Taxable": True,
            "TaxGroup": True,
            "Hidden": False,
            "SalesTaxRateList": {"TaxRateDetail": details},
            "PurchaseTaxRateList": {"TaxRateDetail": []},
        },
    )


def _rate(company: Company, name: str, percent: str) -> str:
    known = company.table("TaxRate").find("Name", [name.casefold()])
    if known:
        return known[0].identifier
    return _make(
        company,
        "TaxRate",
        {
            "Name": name,
            "Description": name,
            "Active": True,
            "RateValue": trimmed(Decimal(percent)),
            "AgencyRef": {"value": "1"},
            "SpecialTaxType": "NONE",
            "DisplayType": "ReadOnly",
        },
    )


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
    tax: dict[str, Any] = {"UsingSalesTax": True}
    if country.code == "US":
        tax["PartnerTaxEnabled"] = True
    company.table("Preferences").put(
        {
            "domain": "QBO",
            "sparse": False,
            "Id": "1",
            "SyncToken": "0",
            "MetaData": {"CreateTime": company.clock.stamp(), "LastUpdatedTime": company.clock.stamp()},
            "AccountingInfoPrefs": {
                "UseAccountNumbers": False,
                "TrackDepartments": False,
                "FirstMonthOfFiscalYear": "January",
                "TaxYearMonth": "January",
                "CustomerTerminology": "Customers",
            },
            "SalesFormsPrefs": {
                "CustomTxnNumbers": False,
                "AllowDiscount": False,
                "AllowDeposit": False,
                "AllowShipping": False,
                "AllowServiceDate": False,
                "ETransactionPaymentEnabled": False,
                "AutoApplyCredit": False,
            },
            "TaxPrefs": tax,
            "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": country.currency}},
            "OtherPrefs": {"NameValue": []},
        }
    )
