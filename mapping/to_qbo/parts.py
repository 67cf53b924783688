"""What a document consists of before it is scaled to an amount and written as lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from mapping.company import Company, TaxCode
from mapping.money import ZERO
from mapping.to_qbo.items import key_of
from mapping.to_qbo.lines import described, plain
from mapping.to_qbo.sale import Extra, Sale
from schemas.events.crm import Discount, DiscountKind, TaxComponent

_ADJUSTMENT = "Discount and tax"


class Kind(Enum):
    """How the books show tax and discounts."""

    FOLDED = "in the prices"
    TAXED = "as tax codes, outside the US"
    AS_BILLED = "as a total of tax, in the US"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One line to be: its amount for the whole document, its taxes, and where it came from."""

    line_id: str
    amount: Decimal
    item_key: str | None
    text: str
    quantity: Decimal = Decimal(1)
    taxes: tuple[TaxComponent, ...] = ()
    extra: Extra | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The whole document. Parts, less the discount, with the tax where it comes on top, are the total."""

    kind: Kind
    parts: tuple[Part, ...]
    #: What each part's TaxCodeRef says; None where it has none.
    code_refs: tuple[str | None, ...]
    #: Each part's code; only where `kind` is TAXED.
    codes: tuple[TaxCode, ...] = ()
    #: Of a discount line.
    discount: Decimal = ZERO
    discount_text: str = ""
    #: Tax that the books show as tax.
    tax: Decimal = ZERO
    #: Whether the parts contain it.
    inclusive: bool = False


def parts_of(
    sale: Sale,
    amounts: Sequence[Decimal],
    moved: Sequence[Decimal] | None,
    *,
    company: Company,
    target: Decimal,
    title: str,
    notes: Sequence[str],
) -> list[Part]:
    """Return a part for each line, with `notes` on those that were moved, and one for what no line could take."""
    values = amounts if moved is None else moved
    parts = [
        Part(
            line_id=line.line_id,
            amount=value,
            item_key=key_of(line, company),
            text=described(line, *(notes if value != before else ())),
            quantity=line.quantity,
            taxes=line.taxes,
        )
        for line, value, before in zip(sale.lines, values, amounts, strict=True)
    ]
    rest = target - sum(values, ZERO)
    if rest or not (parts or sale.extras):
        text = _ADJUSTMENT if sale.lines else title
        parts.append(Part(line_id="rest", amount=rest, item_key=None, text=text))
    return parts


def extra_part(extra: Extra, value: Decimal, taxes: tuple[TaxComponent, ...] = ()) -> Part:
    text = extra.value
    return Part(line_id=text.casefold(), amount=value, item_key=text, text=text, taxes=taxes, extra=extra)


def folded_discount(sale: Sale) -> tuple[str, ...]:
    """Return the note for lines whose price holds a coupon's share."""
    codes = [discount.code for discount in sale.discounts if discount.code]
    return (f"Discount {', '.join(codes)} included",) if codes and sale.discount > 0 else ()


def named_discount(sale: Sale) -> tuple[str, ...]:
    """Return the note for lines whose price holds a share of any discount, so that it stays readable."""
    if sale.discount <= 0 or not sale.totals.discount_total:
        return ()
    names = [_name(discount, sale) for discount in sale.discounts] or [plain(sale.totals.discount_total)]
    return (f"Discount {', '.join(names)} included",)


def discount_text(sale: Sale) -> str:
    """Return what a discount line says."""
    return " ".join(("Discount", ", ".join(_name(one, sale) for one in sale.document_discounts))).strip()


def _name(discount: Discount, sale: Sale) -> str:
    value = f"{plain(discount.value)} %" if discount.kind is DiscountKind.PERCENTAGE else _money(discount, sale)
    return f"{discount.code} ({value})" if discount.code else value


def _money(discount: Discount, sale: Sale) -> str:
    amount = discount.value if discount.amount is None else discount.amount
    return f"{amount.quantize(sale.unit)} {sale.totals.currency}"
