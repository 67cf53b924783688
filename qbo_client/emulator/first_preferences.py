from typing import Any

from qbo_client.emulator.countries import Country


def first_preferences(country: Country) -> dict[str, Any]:
    """What a company prefers before anybody has chosen anything."""
    return {
        "AccountingInfoPrefs": {
            "UseAccountNumbers": False,
            "TrackDepartments": False,
            "FirstMonthOfFiscalYear": "January",
            "TaxYearMonth": "January",
            "CustomerTerminology": "Customers",
        },
        "ProductAndServicesPrefs": {
            "ForSales": True,
            "ForPurchase": True,
            "QuantityWithPriceAndRate": True,
            "QuantityOnHand": True,
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
        "EmailMessagesPrefs": {
            f"{form}Message": {"Subject": f"{title} from us", "Message": f"Here is your {title.lower()}."}
            for form, title in (
                ("Invoice", "Invoice"),
                ("Estimate", "Estimate"),
                ("SalesReceipt", "Sales receipt"),
                ("Statement", "Statement"),
            )
        },
        "VendorAndPurchasesPrefs": {"TrackingByCustomer": True, "BillableExpenseTracking": True},
        "TimeTrackingPrefs": {
            "UseServices": True,
            "BillCustomers": True,
            "ShowBillRateToAll": False,
            "WorkWeekStartDate": "Monday",
            "MarkTimeEntriesBillable": True,
        },
        "TaxPrefs": {"UsingSalesTax": True} | ({"PartnerTaxEnabled": True} if country.code == "US" else {}),
        "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": country.currency}},
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
        "OtherPrefs": {
            "NameValue": [
                {"Name": "SalesFormsPrefs.DefaultCustomerMessage", "Value": "Thank you for your business."},
                {"Name": "SalesFormsPrefs.DefaultItem", "Value": "1"},
            ]
        },
    }
