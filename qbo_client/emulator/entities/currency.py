from decimal import Decimal
from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.amounts import cents
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft
from qbo_client.emulator.entities.references import find


def set_currency(draft: Draft) -> None:
    """CurrencyRef must be given once multi-currency is on, and is the customer's own at any time."""
    body, company = draft.body, draft.company
    sent = body.get("CurrencyRef", {}).get("value")
    multiple = has_many(company)
    if multiple and sent is None:
        raise errors.business("CurrencyRef is required when multi-currency is on.")
    if not multiple and sent not in {None, company.currency}:
        raise errors.business("Multi Currency should be enabled to perform this operation.")
    body["CurrencyRef"] = company.currency_ref(sent)
    if multiple:
        _set_rate(body, is_home=sent == company.currency)
    if "CustomerRef" in body:
        customer = find(company, "Customer", "Names", body["CustomerRef"])
        if customer["CurrencyRef"]["value"] != body["CurrencyRef"]["value"]:
            raise errors.business("The currency of the transaction is not the customer's.")


def _set_rate(body: dict[str, Any], *, is_home: bool) -> None:
    if is_home:
        body["ExchangeRate"] = 1
    elif body.setdefault("ExchangeRate", 1) <= 0:
        raise errors.business("The exchange rate must be above zero.")


def set_home_amounts(company: Company, body: dict[str, Any]) -> None:
    """HomeTotalAmt and, where there is a balance, HomeBalance: shown by companies of several currencies only."""
    if not has_many(company):
        body.pop("HomeTotalAmt", None)
        body.pop("HomeBalance", None)
        return
    rate = Decimal(body.get("ExchangeRate", 1))
    body["HomeTotalAmt"] = cents(body["TotalAmt"] * rate)
    if "Balance" in body:
        body["HomeBalance"] = cents(body["Balance"] * rate)


def has_many(company: Company) -> bool:
    return bool(company.preference("CurrencyPrefs", "MultiCurrencyEnabled"))
