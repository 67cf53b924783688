"""A CRM that sells: seeded events as its services would publish them, and what they add up to."""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from schemas.events.common import Address
from schemas.events.crm import (
    ActivityReason,
    ContactActive,
    Discount,
    DiscountKind,
    DiscountScope,
    Envelope,
    InvoiceSent,
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

CENT = Decimal("0.01")
NOTHING = Decimal(0)

_FIRST = ("Anna", "Priya", "Luc", "Maya", "Omar", "Grace", "Tom", "Ines", "Wei", "Zoë", "Sean", "Amara")
_LAST = (
    "Berg",
    "Shah",
    "O'Neill",
    "Roy",
    "Haddad",
    "Müller",
    "Jones",
    "Silva",
    "Chen",
    "Dupont",
    "Byrne",
    "Okafor",
)
_PRODUCTS = (
    ("Whitening kit", "WK-1", "19.99"),
    ("Consultation", None, "49.00"),
    ("Membership, monthly", "MEM-M", "29.00"),
    ("Course: first aid", None, "120.00"),
    ("Calendar booking, 45 min", None, "65.50"),
)
_SOURCES = (SourceType.ORDER_FORM, SourceType.SUBSCRIPTION, SourceType.MEMBERSHIP, SourceType.CALENDAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One location of the CRM: whose prices, currency and taxes."""

    tenant_id: str
    country: str
    currency: str
    tax_name: str
    tax_percent: Decimal
    tax_inclusive: bool
    #: A rate that no tax code of the company has: a sale with it must come before a person.
    unknown_percent: Decimal | None = None


US = Shop(
    tenant_id="loc_houston", country="US", currency="USD", tax_name="TX", tax_percent=Decimal("8.25"),
    tax_inclusive=False,
)  # fmt: skip
GB = Shop(
    tenant_id="loc_leeds", country="GB", currency="GBP", tax_name="VAT", tax_percent=Decimal(20),
    tax_inclusive=True, unknown_percent=Decimal("17.5"),
)  # fmt: skip


Event = ContactActive | PaymentCompleted | InvoiceSent | InvoiceUpdated


@dataclass(slots=True)
class Published:
    """What was published for one tenant, and what the books must therefore show."""

    shop: Shop
    events: list[Event] = field(default_factory=list)
    #: What happens afterwards; published at once with the rest, only the last state of each record would be booked.
    later: list[Event] = field(default_factory=list)
    contacts: set[str] = field(default_factory=set)
    sales: int = 0
    total: Decimal = NOTHING
    tax: Decimal = NOTHING
    invoices: int = 0
    voided: int = 0
    billed: Decimal = NOTHING
    billed_tax: Decimal = NOTHING
    #: Left to pay on all invoices.
    owed: Decimal = NOTHING
    payments: int = 0
    paid: Decimal = NOTHING
    refunds: int = 0
    refunded: Decimal = NOTHING
    refused: int = 0
    skipped: int = 0

    @property
    def records(self) -> int:
        """How many CRM records the events are about, at the least."""
        return len(self.contacts) + self.sales + self.invoices + self.refused + self.skipped


def trade(shop: Shop, *, contacts: int, sales: int, seed: int, now: datetime) -> Published:
    """Make the events of one location, `now` and a little later; the same seed makes the same events."""
    clerk = Clerk(shop, random.Random(f"{seed}/{shop.tenant_id}"), now)  # noqa: S311 - seeded on purpose
    published = Published(shop)
    parties = [clerk.contact(number) for number in range(contacts)]
    for party in parties:
        published.events.append(clerk.activity(party))
        published.contacts.add(party.contact_id)
    for number in range(sales):
        sale = clerk.sale(number, clerk.rng.choice(parties))
        published.events.append(sale)
        published.sales += 1
        published.total += sale.payment.amount
        published.tax += sale.totals.tax_total
    for party in parties[: contacts // 5]:
        published.events.append(clerk.moved_house(party))
    failed = clerk.sale(sales, parties[0], status=PaymentStatus.FAILED)
    published.events.append(failed)
    published.skipped += 1
    if shop.unknown_percent is not None:
        strange = replace(shop, tax_percent=shop.unknown_percent)
        published.events.append(Clerk(strange, clerk.rng, now).sale(sales + 1, parties[1]))
        published.refused += 1
    return published


@dataclass(slots=True)
class Clerk:
    shop: Shop
    rng: random.Random
    now: datetime

    def contact(self, number: int) -> Party:
        first, last = self.rng.choice(_FIRST), self.rng.choice(_LAST)
        return Party(
            contact_id=f"ct_{self.shop.country.lower()}_{number}",
            email=f"{first}.{last}.{number}@example.com".replace("'", "").lower(),
            phone=f"+1214555{number:04d}" if self.shop.country == "US" else f"+44113496{number:04d}",
            display_name=f"{first} {last} {number}",
            first_name=first,
            last_name=last,
            address=Address(
                line1=f"{number + 1} High Street",
                city="Houston" if self.shop.country == "US" else "Leeds",
                country_code=self.shop.country,
            ),
        )

    def activity(self, party: Party) -> ContactActive:
        envelope = self.envelope("contact.active", party.contact_id, "created", timedelta())
        return ContactActive(envelope=envelope, contact=party, reason=ActivityReason.CREATED)

    def moved_house(self, party: Party) -> ContactActive:
        envelope = self.envelope("contact.active", party.contact_id, "moved", timedelta(seconds=2))
        address = party.address or Address()
        moved = replace(party, address=replace(address, line1=f"{address.line1}, flat 2"))
        return ContactActive(envelope=envelope, contact=moved, reason=ActivityReason.UPDATED)

    def sale(self, number: int, party: Party, *, status: PaymentStatus = PaymentStatus.SUCCEEDED) -> PaymentCompleted:
        lines = tuple(self.line(n) for n in range(self.rng.randint(1, 3)))
        discount = self.coupon(lines)
        lines = tuple(self.taxed(line, discount, lines) for line in lines)
        tip = Decimal("3.00") if self.rng.random() < 0.2 else NOTHING  # noqa: PLR2004 - one sale in five
        totals = totals_of(self.shop, lines, discount, tip)
        transaction = f"tx_{self.shop.country.lower()}_{number}"
        paid_at = self.now + timedelta(seconds=1)
        return PaymentCompleted(
            envelope=self.envelope("payment.completed", transaction, status.value, timedelta(seconds=1)),
            contact=party,
            source=PaymentSource(type=_SOURCES[number % len(_SOURCES)], id=f"src_{number}", name="Spring offer"),
            order_id=f"or_{number}",
            payment=PaymentRecord(
                transaction_id=transaction,
                amount=totals.total,
                status=status,
                paid_at=paid_at,
                txn_date=paid_at.date(),
                method=self.rng.choice((PaymentMethod.CARD, PaymentMethod.CASH, PaymentMethod.BANK_TRANSFER)),
                provider="stripe",
                amount_refunded=NOTHING,
            ),
            lines=lines,
            discounts=(discount,) if discount else (),
            totals=totals,
        )

    def line(self, number: int) -> Line:
        name, sku, price = self.rng.choice(_PRODUCTS)
        quantity = Decimal(self.rng.choice((1, 1, 2, 3)))
        return Line(
            line_id=f"l{number}",
            kind=LineKind.ITEM,
            product_id=f"pr_{_PRODUCTS.index((name, sku, price))}",
            sku=sku,
            name=name,
            quantity=quantity,
            unit_amount=Decimal(price),
            line_amount=quantity * Decimal(price),
            tax_inclusive=self.shop.tax_inclusive,
        )

    def coupon(self, lines: tuple[Line, ...]) -> Discount | None:
        if self.rng.random() >= 0.3:  # noqa: PLR2004 - three sales in ten
            return None
        gross = sum((line.line_amount for line in lines), NOTHING)
        amount = cents(gross / 10)
        return Discount(
            scope=DiscountScope.COUPON,
            kind=DiscountKind.PERCENTAGE,
            value=Decimal(10),
            amount=amount,
            code="SPRING10",
        )

    def taxed(self, line: Line, discount: Discount | None, lines: tuple[Line, ...]) -> Line:
        gross = sum((one.line_amount for one in lines), NOTHING)
        off = discount.amount if discount and discount.amount else NOTHING
        base = line.line_amount - off * line.line_amount / gross
        rate = self.shop.tax_percent / 100
        inclusive = self.shop.tax_inclusive
        tax = TaxComponent(
            tax_id=f"{self.shop.tax_name}_{self.shop.tax_percent}",
            name=f"{self.shop.tax_name} {self.shop.tax_percent} %",
            rate_percent=self.shop.tax_percent,
            calculation=TaxCalculation.INCLUSIVE if inclusive else TaxCalculation.EXCLUSIVE,
            amount=cents(base - base / (1 + rate) if inclusive else base * rate),
        )
        return replace(line, taxes=(tax,))

    def envelope(self, topic: str, entity: str, what: str, later: timedelta) -> Envelope:
        at = (self.now + later).replace(microsecond=0)
        return Envelope(
            event_id=f"ev_{entity}_{what.lower()}",
            event_type=topic,
            tenant_id=self.shop.tenant_id,
            entity_id=entity,
            entity_version=at,
            occurred_at=at,
            live_mode=True,
            origin=Origin.CRM_AUTOMATION,
        )


def totals_of(shop: Shop, lines: tuple[Line, ...], discount: Discount | None, tip: Decimal) -> Totals:
    gross = sum((line.line_amount for line in lines), NOTHING)
    off = discount.amount if discount and discount.amount else NOTHING
    base = gross - off
    rate = shop.tax_percent / 100
    if shop.tax_inclusive:
        tax = cents(base - base / (1 + rate))
        sub_total, total = gross - tax, base + tip
    else:
        tax = cents(base * rate)
        sub_total, total = gross, base + tax + tip
    return Totals(
        currency=shop.currency,
        sub_total=sub_total,
        discount_total=off,
        tax_total=tax,
        shipping_total=NOTHING,
        surcharge_total=NOTHING,
        tip_total=tip,
        total=total,
        amount_paid=total,
        amount_due=NOTHING,
        tax_mode=TaxMode.INCLUSIVE if shop.tax_inclusive else TaxMode.EXCLUSIVE,
    )


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def clock_now() -> datetime:
    """Return this moment, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
