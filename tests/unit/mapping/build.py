"""Events and companies for the tests of mapping; every default is a plain sale in dollars."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from mapping.company import Company, TaxCode
from schemas.events.common import Address
from schemas.events.crm import (
    ContactActive,
    Discount,
    DiscountKind,
    DiscountScope,
    Envelope,
    InvoiceSent,
    InvoiceState,
    InvoiceStatus,
    InvoiceUpdated,
    Line,
    LineKind,
    Origin,
    Party,
    PaymentCompleted,
    PaymentMethod,
    PaymentRecord,
    PaymentSource,
    PaymentStatus,
    SourceType,
    TaxCalculation,
    TaxComponent,
    TaxMode,
    Totals,
)

PAID_AT = datetime(2025, 3, 19, 5, 3, tzinfo=UTC)

US = Company(
    country="US",
    name="Plain Inc",
    home_currency="USD",
    using_sales_tax=True,
    default_item_id="1",
    income_account_id="7",
)
GB = Company(
    country="GB",
    name="Plain Ltd",
    home_currency="GBP",
    using_sales_tax=True,
    default_item_id="1",
    income_account_id="7",
    no_tax_code_id="5",
    tax_codes=(
        TaxCode(id="1", name="20.0% S", rates=(Decimal(20),), rate_ids=("1",)),
        TaxCode(id="2", name="5.0% R", rates=(Decimal(5),), rate_ids=("2",)),
        TaxCode(id="3", name="0.0% Z", rates=(Decimal(0),), rate_ids=("3",)),
        TaxCode(id="4", name="Exempt", rates=(Decimal(0),), rate_ids=("4",)),
        TaxCode(id="5", name="No VAT", rates=(Decimal(0),), rate_ids=("5",)),
    ),
)
CA = Company(
    country="CA",
    name="Plain Ltée",
    home_currency="CAD",
    using_sales_tax=True,
    default_item_id="1",
    income_account_id="7",
    no_tax_code_id="4",
    tax_codes=(
        TaxCode(id="1", name="GST", rates=(Decimal(5),), rate_ids=("1",)),
        TaxCode(id="2", name="GST/QST QC - 9.975", rates=(Decimal(5), Decimal("9.975")), rate_ids=("1", "2")),
        TaxCode(id="3", name="Zero-rated", rates=(Decimal(0),), rate_ids=("3",)),
        TaxCode(id="4", name="Out of Scope", rates=(Decimal(0),), rate_ids=("4",)),
    ),
)

AU = Company(
    country="AU",
    name="Plain Pty Ltd",
    home_currency="AUD",
    using_sales_tax=True,
    default_item_id="1",
    income_account_id="7",
    no_tax_code_id="3",
    tax_codes=(
        TaxCode(id="1", name="GST", rates=(Decimal(10),), rate_ids=("1",)),
        TaxCode(id="2", name="GST free", rates=(Decimal(0),), rate_ids=("2",)),
        TaxCode(id="3", name="BAS Excluded", rates=(Decimal(0),), rate_ids=("3",)),
    ),
)


def envelope(entity_id: str = "tx_77", *, live_mode: bool = True, origin: Origin = Origin.CRM_USER) -> Envelope:
    return Envelope(
        event_id="wh_2",
        event_type="payment.completed",
        tenant_id="loc_9Qz",
        entity_id=entity_id,
        entity_version=PAID_AT,
        occurred_at=PAID_AT,
        live_mode=live_mode,
        origin=origin,
    )


def party(**changes: Any) -> Party:
    known: dict[str, Any] = {
        "contact_id": "ct_alex",
        "email": "Alex@Example.com",
        "phone": "+12145596993",
        "display_name": "Alex Reed",
        "first_name": "Alex",
        "last_name": "Reed",
        "company_name": "Reed Dental",
        "address": Address(line1="9931 Beechwood", city="Houston", region="TX", postal_code="77002", country_code="US"),
    }
    return Party(**{**known, **changes})


def contact_active(**changes: Any) -> ContactActive:
    return ContactActive(envelope=changes.pop("envelope", envelope("ct_alex")), contact=party(**changes))


def tax(rate: str, amount: str | None, *, inclusive: bool = False, name: str | None = None) -> TaxComponent:
    return TaxComponent(
        name=name or f"Tax {rate}%",
        rate_percent=Decimal(rate),
        calculation=TaxCalculation.INCLUSIVE if inclusive else TaxCalculation.EXCLUSIVE,
        amount=None if amount is None else Decimal(amount),
    )


def discount(
    amount: str, *, scope: DiscountScope = DiscountScope.DOCUMENT, code: str | None = None, products: Sequence[str] = ()
) -> Discount:
    return Discount(
        scope=scope,
        kind=DiscountKind.FIXED,
        value=Decimal(amount),
        amount=Decimal(amount),
        code=code,
        valid_on_product_ids=tuple(products),
    )


def line(
    name: str,
    quantity: str,
    price: str,
    amount: str,
    *taxes: TaxComponent,
    product: str | None = None,
    inclusive: bool = False,
    discounts: Sequence[Discount] = (),
) -> Line:
    return Line(
        line_id=f"l-{name}",
        kind=LineKind.ITEM,
        product_id=product,
        name=name,
        quantity=Decimal(quantity),
        unit_amount=Decimal(price),
        line_amount=Decimal(amount),
        tax_inclusive=inclusive,
        taxes=taxes,
        discounts=tuple(discounts),
    )


def totals(total: str, sub: str, *, currency: str = "USD", **parts: Any) -> Totals:
    """Totals; parts are discount, tax, shipping, surcharge and tip as strings, and shipping_taxes."""
    money = {
        f"{name}_total": Decimal(parts.get(name, "0")) for name in ("discount", "tax", "shipping", "surcharge", "tip")
    }
    return Totals(
        currency=currency,
        sub_total=Decimal(sub),
        total=Decimal(total),
        amount_paid=Decimal(total),
        amount_due=Decimal(0),
        tax_mode=TaxMode.EXCLUSIVE,
        shipping_taxes=tuple(parts.get("shipping_taxes", ())),
        **money,
    )


def record(amount: str, **changes: Any) -> PaymentRecord:
    known: dict[str, Any] = {
        "transaction_id": "tx_77",
        "amount": Decimal(amount),
        "status": PaymentStatus.SUCCEEDED,
        "paid_at": PAID_AT,
        "txn_date": date(2025, 3, 19),
        "method": PaymentMethod.CARD,
        "amount_refunded": Decimal(0),
    }
    return PaymentRecord(**{**known, **changes})


def sale(lines: Sequence[Line], document: Totals, *discounts: Discount, **changes: Any) -> PaymentCompleted:
    known: dict[str, Any] = {
        "envelope": envelope(),
        "contact": party(),
        "source": PaymentSource(type=SourceType.ORDER_FORM, id="fn_9", name="Spring offer"),
        "payment": record(str(document.total)),
        "lines": tuple(lines),
        "discounts": discounts,
        "totals": document,
    }
    return PaymentCompleted(**{**known, **changes})


def invoice(lines: Sequence[Line], document: Totals, *discounts: Discount, **changes: Any) -> InvoiceState:
    known: dict[str, Any] = {
        "invoice_id": "in_19",
        "invoice_number": "1019",
        "invoice_number_prefix": "INV-",
        "title": "INVOICE",
        "status": InvoiceStatus.SENT,
        "created_at": PAID_AT,
        "issue_date": date(2025, 3, 19),
        "due_date": date(2025, 4, 18),
        "bill_to": party(),
        "billing_email": "Alex@Example.com",
        "lines": tuple(lines),
        "discounts": discounts,
        "totals": document,
        "payments_complete": True,
    }
    return InvoiceState(**{**known, **changes})


def invoice_sent(state: InvoiceState, **changes: Any) -> InvoiceSent:
    return InvoiceSent(envelope=envelope(state.invoice_id, **changes), invoice=state)


def invoice_updated(state: InvoiceState, **changes: Any) -> InvoiceUpdated:
    return InvoiceUpdated(envelope=envelope(state.invoice_id, **changes), invoice=state)
