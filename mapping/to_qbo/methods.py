"""How money came in and where it lies: payment methods and deposit accounts (books, sections 3 and 10)."""

from collections.abc import Mapping
from typing import Any

from mapping.company import Company
from mapping.to_qbo.text import clean_name, short
from schemas.events.crm import PaymentMethod, PaymentRecord

#: Longest PaymentRefNum and DocNumber.
NUMBER = 21

_METHOD_NAME = 31
_CARDS = frozenset(
    {
        "credit card",
        "visa",
        "mastercard",
        "american express",
        "amex",
        "discover",
        "diners",
        "diners club",
        "jcb",
        "unionpay",
        "maestro",
    }
)
_CHEQUE_COUNTRIES = frozenset({"GB", "CA", "AU", "NZ", "IE", "IN", "ZA", "SG"})


def payment_method_name(payment: PaymentRecord, company: Company) -> str | None:
    """Return the name to find or make in the company's books; None when none is needed or known."""
    if _chosen(company.settings.payment_methods, payment) is not None:
        return None
    match payment.method:
        case PaymentMethod.CARD:
            return clean_name(payment.card_brand.title() if payment.card_brand else "Credit Card", _METHOD_NAME)
        case PaymentMethod.CASH:
            return "Cash"
        case PaymentMethod.CHECK:
            return "Cheque" if company.country in _CHEQUE_COUNTRIES else "Check"
        case PaymentMethod.BANK_TRANSFER:
            return "Bank Transfer"
        case PaymentMethod.OTHER:
            return clean_name(payment.provider.title() if payment.provider else "Other", _METHOD_NAME)
    return None


def new_payment_method(name: str) -> dict[str, Any]:
    """Return the body that creates a payment method of this name."""
    return {"Name": name, "Type": "CREDIT_CARD" if name.casefold() in _CARDS else "NON_CREDIT_CARD"}


def payment_references(payment: PaymentRecord, company: Company, payment_method_id: str | None) -> dict[str, Any]:
    """Return number, method and account of a payment; the settings' method outranks the one that was found."""
    references: dict[str, Any] = {"PaymentRefNum": reference(payment)}
    if method := _chosen(company.settings.payment_methods, payment) or payment_method_id:
        references["PaymentMethodRef"] = {"value": method}
    if account := deposit_account(payment, company):
        references["DepositToAccountRef"] = {"value": account}
    return references


def reference(payment: PaymentRecord) -> str:
    """Return what finds the payment in QuickBooks again: the check's number, else the transaction."""
    return short(clean_name(payment.check_number, len(payment.check_number or "")) or payment.transaction_id, NUMBER)


def deposit_account(payment: PaymentRecord, company: Company) -> str | None:
    """Return the account the settings name for this payment; None leaves it to QuickBooks."""
    return _chosen(company.settings.deposit_accounts, payment) or company.settings.deposit_account_id


def _chosen(by_source: Mapping[str, str], payment: PaymentRecord) -> str | None:
    if not by_source:
        return None
    sources = ((payment.provider or "").casefold(), payment.method.casefold())
    return next((by_source[source] for source in sources if source in by_source), None)
