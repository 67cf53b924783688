"""Which refunds are booked: each has a link of its own, named by its transaction and the sum it brought it to."""

from collections.abc import Sequence
from decimal import Decimal

from consumers.intents import CrmRef
from consumers.ports import Books

REFUND = "refund"


def refund_ref(transaction_id: str, cumulative: Decimal) -> CrmRef:
    return CrmRef(kind=REFUND, id=f"{transaction_id}/{cumulative.normalize():f}")


async def refunded(transaction_ids: Sequence[str], books: Books) -> dict[str, Decimal]:
    """Return what is booked as refunded of each transaction; nothing is said of those without refunds."""
    if not transaction_ids:
        return {}
    booked: dict[str, Decimal] = {}
    for link in await books.links_of((REFUND,), transaction_ids):
        cumulative = Decimal(link.ref.id.rpartition("/")[2])
        booked[link.belongs_to] = max(cumulative, booked.get(link.belongs_to, cumulative))
    return booked
