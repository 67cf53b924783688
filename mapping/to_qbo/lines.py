"""Lines of a sales document as QuickBooks takes them: Amount = Qty x UnitPrice, or it refuses (6070)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mapping.money import unit_price
from mapping.to_qbo.text import clean_lines
from schemas.events.crm import Line

_DESCRIPTION = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """One line as it will stand in the books."""

    item_id: str | None
    description: str
    amount: Decimal
    quantity: Decimal = Decimal(1)
    tax_code: str | None = None
    #: With the tax it contains; only where the document's prices are inclusive.
    inclusive_amount: Decimal | None = None


def line_body(line: Booked) -> dict[str, Any]:
    """Return the line's body. A quantity no price fits is 1, and the real one stands in the description."""
    quantity, description = line.quantity, line.description
    price = unit_price(line.amount, quantity)
    if price is None:
        if quantity != 1:
            description = f"{description}\nQuantity: {plain(quantity)}"
        quantity, price = Decimal(1), line.amount
    detail: dict[str, Any] = {
        "Qty": trimmed(quantity),
        "UnitPrice": trimmed(price),
    }
    if line.tax_code is not None:
        detail["TaxCodeRef"] = {"value": line.tax_code}
    if line.item_id is not None:
        detail["ItemRef"] = {"value": line.item_id}
    if line.inclusive_amount is not None:
        detail["TaxInclusiveAmt"] = line.inclusive_amount
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": line.amount,
        "Description": clean_lines(description, _DESCRIPTION),
        "SalesItemLineDetail": detail,
    }


def discount_line(amount: Decimal, description: str) -> dict[str, Any]:
    """Return the body of a discount line; QuickBooks takes its positive amount off the document."""
    return {
        "DetailType": "DiscountLineDetail",
        "Amount": amount,
        "Description": clean_lines(description, _DESCRIPTION),
        "DiscountLineDetail": {"PercentBased": False},
    }


def described(line: Line, *notes: str) -> str:
    """Return what a line says: its name first, so that it is readable whatever item it takes."""
    return "\n".join(part for part in (line.name, line.description, *notes) if part)


def trimmed(number: Decimal) -> Decimal:
    """Return the number without trailing zeros and without exponent."""
    return Decimal(plain(number))


def plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
