"""A payment without invoice as a sales receipt (books, section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mapping.company import Company
from mapping.errors import CannotBook
from mapping.money import round_half_up
from mapping.to_qbo.document import DEFAULT_ITEM, document
from mapping.to_qbo.sale import Sale, sale_of
from mapping.to_qbo.text import clean, clean_lines, clean_name, short
from schemas.events.crm import Line, PaymentCompleted, PaymentMethod, PaymentRecord

_NUMBER, _NOTE, _ITEM_NAME, _METHOD_NAME = 21, 4000, 100, 31
_DEFAULT_ITEM_NAME = "Services"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemWanted:
    """An item that the receipt's lines refer to, by the key under which its id is handed in."""

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The body to send, and the totals that QuickBooks must answer with."""

    body: Mapping[str, Any]
    total: Decimal
    tax: Decimal


def items_wanted(event: PaymentCompleted, company: Company) -> tuple[ItemWanted, ...]:
    """Return the items to be found or made: for lines with a product, and for tip, surcharge and shipping.

    Raises CannotBook, so that nothing is made for a sale that will be refused.
    """
    _check(event, company)
    sale = _sale(event)
    names = dict.fromkeys(name for line in sale.lines if (name := _product_name(line)))
    wanted = [ItemWanted(key=_key(name), name=name) for name in names]
    wanted += [ItemWanted(key=extra.value, name=extra.value) for extra, _ in sale.extras]
    if _default_item(company) is None:
        wanted.append(ItemWanted(key=DEFAULT_ITEM, name=_DEFAULT_ITEM_NAME))
    return tuple(wanted)


def new_item(wanted: ItemWanted, company: Company) -> dict[str, Any]:
    """Return the body that creates the item, as a service. Raises CannotBook without an income account."""
    if company.income_account_id is None:
        raise CannotBook(
            "income_account_missing",
            f"{company.name} has no income account for the item {wanted.name}. Add one, run preflight, retry.",
        )
    return {"Name": wanted.name, "Type": "Service", "IncomeAccountRef": {"value": company.income_account_id}}


def payment_method_name(payment: PaymentRecord, company: Company) -> str | None:
    """Return the name of the payment method in the company's books; None when the CRM does not know it."""
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


def sales_receipt(
    event: PaymentCompleted,
    *,
    company: Company,
    customer_id: str,
    items: Mapping[str, str],
    payment_method_id: str | None,
) -> Receipt:
    """Return the receipt for the money that was taken. Raises CannotBook."""
    payment = event.payment
    _check(event, company)
    sale = _sale(event)
    keys = [_key(name) if (name := _product_name(line)) else None for line in sale.lines]
    default = _default_item(company)
    known = {**items, **({DEFAULT_ITEM: default} if default else {})}
    title = clean(event.source.name, _ITEM_NAME) or event.source.type.replace("_", " ").capitalize()
    booked = document(
        sale,
        company=company,
        amount=round_half_up(payment.amount, sale.unit),
        items=known,
        item_keys=keys,
        title=title,
    )
    body: dict[str, Any] = {
        "CustomerRef": {"value": customer_id},
        "TxnDate": payment.txn_date.isoformat(),
        "PaymentRefNum": short(clean(payment.check_number, _NOTE) or payment.transaction_id, _NUMBER),
        "PrivateNote": clean_lines(
            "\n".join((f"crm:payment/{payment.transaction_id}", *_origin(event), *booked.notes)), _NOTE
        ),
        **booked.fields,
        **_references(event, company, payment_method_id),
    }
    return Receipt(body=body, total=booked.total, tax=booked.tax)


def _check(event: PaymentCompleted, company: Company) -> None:
    currency, payment = event.totals.currency, event.payment
    if currency != company.home_currency:
        raise CannotBook(
            "foreign_currency",
            f"The sale is in {currency} and the books of {company.name} are in {company.home_currency}. "
            "Book it by hand.",
        )
    if company.books_closed_until and payment.txn_date <= company.books_closed_until:
        raise CannotBook(
            "books_closed",
            f"The books are closed until {company.books_closed_until} and the sale is of {payment.txn_date}. "
            "Reopen them in QuickBooks, run preflight, retry.",
        )
    unit = _sale(event).unit
    if payment.amount != round_half_up(payment.amount, unit) or payment.amount < 0:
        raise CannotBook("document_does_not_add_up", f"{payment.amount} is no amount of {currency}.")


def _references(event: PaymentCompleted, company: Company, payment_method_id: str | None) -> dict[str, Any]:
    references: dict[str, Any] = {}
    if payment_method_id is not None:
        references["PaymentMethodRef"] = {"value": payment_method_id}
    if company.settings.deposit_account_id:
        references["DepositToAccountRef"] = {"value": company.settings.deposit_account_id}
    if company.custom_txn_numbers and event.receipt_number:
        references["DocNumber"] = short(event.receipt_number, _NUMBER)
    if company.multi_currency:
        references["CurrencyRef"] = {"value": company.home_currency}
    return references


def _origin(event: PaymentCompleted) -> tuple[str, ...]:
    """What leads back to the CRM besides the payment's own id."""
    ids = (("order", event.order_id), ("subscription", event.subscription_id), ("source", event.source.id))
    return tuple(f"crm:{kind}/{value}" for kind, value in ids if value)


def _sale(event: PaymentCompleted) -> Sale:
    return sale_of(event.lines, event.discounts, event.totals)


def _default_item(company: Company) -> str | None:
    return company.settings.default_item_id or company.default_item_id


def _product_name(line: Line) -> str | None:
    return clean_name(line.name, _ITEM_NAME) if line.product_id else None


def _key(name: str) -> str:
    return f"product:{name.casefold()}"
