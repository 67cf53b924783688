"""Tax and discounts adjusted against the item prices: US companies as the user asked, and those without sales tax."""

from mapping.company import Company
from mapping.money import ZERO
from mapping.to_qbo.parts import Kind, Layout, extra_part, folded_discount, parts_of
from mapping.to_qbo.sale import Sale
from mapping.to_qbo.spread import known_discounts, known_taxes, rounded_lines, spread

#: What a US line carries so that QuickBooks adds no tax of its own (facts, section 10).
NON = "NON"


def folded(sale: Sale, *, company: Company, title: str) -> Layout:
    """Return the document whose lines hold everything: what is known for a line first, the rest pro rata."""
    target = sale.totals.total - sum((value for _, value in sale.extras), ZERO)
    amounts = rounded_lines(sale)
    known = [less + more for less, more in zip(known_discounts(sale), known_taxes(sale), strict=True)]
    moved = spread(amounts, target, known, sale.unit)
    parts = parts_of(sale, amounts, moved, company=company, target=target, title=title, notes=folded_discount(sale))
    parts += [extra_part(extra, value) for extra, value in sale.extras]
    code = NON if company.is_us else None
    return Layout(kind=Kind.FOLDED, parts=tuple(parts), code_refs=(code,) * len(parts))
