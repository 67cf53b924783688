"""What sets a company of one country apart from those of others on its first day."""

from collections.abc import Mapping
from dataclasses import dataclass


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


_KNOWN = (
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
    Country(
        code="IE",
        currency="EUR",
        time_zone="Europe/Dublin",
        bank="Current",
        cheque="Cheque",
        tax_account="VAT Control",
        agency="Revenue Commissioners (VAT)",
        tax_codes={
            "23.0% S": {"23.0% S": "23"},
            "13.5% R": {"13.5% R": "13.5"},
            "9.0% R": {"9.0% R": "9"},
            "0.0% Z": {"0.0% Z": "0"},
            "Exempt": {"Exempt": "0"},
            "No VAT": {"No VAT": "0"},
        },
        address_country="IRL",
    ),
    Country(
        code="NZ",
        currency="NZD",
        time_zone="Pacific/Auckland",
        bank="Cheque account",
        cheque="Cheque",
        tax_account="GST Liabilities Payable",
        agency="Inland Revenue",
        tax_codes={
            "GST": {"GST (sales)": "15"},
            "Zero-rated": {"Zero-rated (sales)": "0"},
            "Exempt": {"Exempt (sales)": "0"},
            "Out of Scope": {"Out of scope": "0"},
        },
        address_country="NZL",
    ),
)
COUNTRIES: Mapping[str, Country] = {country.code: country for country in _KNOWN}
